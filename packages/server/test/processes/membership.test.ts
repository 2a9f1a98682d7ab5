/** Members that come: with a folder that was wiped, registered by hand, through a follower. Clients write meanwhile. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ProcessCluster, ProcessMember } from '@quorate/replica/testing';
import {
  bringAllBack,
  expectStatus,
  membersOf,
  removeMember,
  startCluster,
  statusOf,
  underLoad,
  writesGoOn,
} from './support.js';

describe('a cluster of three', () => {
  let cluster: ProcessCluster;
  before(async () => {
    cluster = await startCluster({ size: 3 });
  });
  after(() => cluster?.stop());
  beforeEach(() => bringAllBack(cluster));

  it('replaces a follower whose folder was wiped', async () => {
    await underLoad(cluster, async (workload) => {
      await wipeAndReturn(cluster, await cluster.follower(), () => writesGoOn(cluster, workload));
    });
  });

  it('replaces a follower that was wiped and is back before anybody has missed it', async () => {
    await underLoad(cluster, async () => {
      await wipeAndReturn(cluster, await cluster.follower(), () => Promise.resolve());
    });
  });

  it('takes its founder back as another member after its folder was wiped: no second cluster', async () => {
    await underLoad(cluster, async (workload) => {
      await wipeAndReturn(cluster, cluster.member('node1'), () => writesGoOn(cluster, workload));
    });
  });

  it('registers a learner by the seed’s call alone, at a follower, which costs no quorum until it lives', async () => {
    await underLoad(cluster, async (workload) => {
      const follower = await cluster.follower();
      const fourth = await cluster.addMember();
      const registration = {
        method: 'POST',
        path: '/register-follower',
        body: { follower_id: fourth.name, follower_addr: fourth.peerAddress },
      } as const;
      for (const attempt of ['first', 'again']) {
        const answer = await follower.call(registration);
        assert.deepEqual(answer, { kind: 'answer', status: 200, body: 'registered' }, attempt);
      }
      const registered = (await membersOf(await cluster.leader())).get(fourth.name);
      assert.equal(registered?.voter, false);
      // Three voters and somebody who is not there: one of the three may die.
      await follower.kill('SIGKILL');
      await writesGoOn(cluster, workload);
      follower.start();
      fourth.start();
      await cluster.waitReady();
      const voter = (await membersOf(await cluster.leader())).get(fourth.name);
      assert.equal(voter?.voter, true);
      assert.equal((await statusOf(await cluster.leader())).members.length, 4);
    });
    const fourth = cluster.member('node4');
    const via = await cluster.leader();
    expectStatus(await removeMember(via === fourth ? cluster.member('node1') : via, fourth.name), 200);
    await fourth.waitExit();
    cluster.members.pop();
  });

  it('takes in a member that knows only a follower', async () => {
    await underLoad(cluster, async () => {
      const follower = await cluster.follower();
      const fourth = await cluster.addMember({ name: 'node5', env: { SERVICE_RAFT_JOIN_ADDR: follower.address } });
      fourth.start();
      await cluster.waitReady();
      assert.equal((await membersOf(await cluster.leader())).get(fourth.name)?.voter, true);
    });
  });

  it('answers at its leader the request to remove that leader', async () => {
    const leader = await cluster.leader();
    expectStatus(await removeMember(leader, leader.name), 200);
    await leader.waitExit();
    cluster.members.splice(cluster.members.indexOf(leader), 1);
    assert.equal((await membersOf(await cluster.leader())).has(leader.name), false);
  });
});

async function wipeAndReturn(
  cluster: ProcessCluster,
  wiped: ProcessMember,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const before = await statusOf(wiped);
  await wiped.kill('SIGKILL');
  wiped.wipe();
  const leader = await cluster.leader();
  await meanwhile();
  const since = leader.logPosition;
  wiped.start();
  await cluster.waitReady();
  const now = await statusOf(wiped);
  assert.equal(now.clusterId, before.clusterId);
  assert.notEqual(now.id, before.id);
  assert.deepEqual(
    now.members.map((member) => member.name).toSorted(),
    before.members.map((member) => member.name).toSorted(),
  );
  assert.equal(
    now.members.some((member) => member.id === before.id),
    false,
  );
  const line = await leader.waitLog(/member-replaced/, since);
  assert.match(line, new RegExp(`${before.id}.*${now.id}|${now.id}.*${before.id}`));
}
