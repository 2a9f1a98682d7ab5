/** Five members: a minority is killed at once; then the cluster shrinks to three by removals, while clients write. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ProcessCluster } from '@quorate/replica/testing';
import { expectStatus, membersOf, removeMember, startCluster, statusOf, underLoad, writesGoOn } from './support.js';

describe('five members', () => {
  let cluster: ProcessCluster;
  before(async () => {
    cluster = await startCluster({ size: 5 });
  });
  after(() => cluster?.stop());

  it('take writes while two are killed at once, the leader among them', async (t) => {
    await underLoad(cluster, async (workload) => {
      const leader = await cluster.leader();
      const follower = await cluster.follower();
      const killedAtMs = performance.now();
      await Promise.all([leader.kill('SIGKILL'), follower.kill('SIGKILL')]);
      const firstWriteMs = await cluster.waitFor(
        () => workload.firstWriteAfter(killedAtMs),
        'a write is acknowledged after two members were killed',
      );
      t.diagnostic(`first write ${(firstWriteMs - killedAtMs).toFixed(0)} ms after the kill`);
      await writesGoOn(cluster, workload);
      leader.start();
      follower.start();
      await cluster.waitReady();
    });
  });

  it('go on without a leader that was removed, which learns of it and ends', async () => {
    await underLoad(cluster, async (workload) => {
      const removed = await cluster.leader();
      const via = await cluster.follower();
      const since = removed.logPosition;
      expectStatus(await removeMember(via, removed.name), 200);
      await removed.waitExit();
      assert.match(removed.logLines(since).join('\n'), /removed from the cluster/i);
      await writesGoOn(cluster, workload);
      const next = await cluster.leader();
      assert.equal((await membersOf(next)).has(removed.name), false);
      assert.equal((await statusOf(next)).members.length, 4);
    });
  });

  it('go on without a dead member that was removed, which learns of it when it comes back', async () => {
    await underLoad(cluster, async (workload) => {
      const dead = await cluster.follower();
      await dead.kill('SIGKILL');
      const leader = await cluster.leader();
      expectStatus(await removeMember(leader, dead.name), 200);
      await writesGoOn(cluster, workload);
      assert.equal((await statusOf(leader)).members.length, 3);
      const since = dead.logPosition;
      dead.start();
      await dead.waitExit();
      assert.match(dead.logLines(since).join('\n'), /removed from the cluster/i);
      assert.equal((await statusOf(await cluster.leader())).members.length, 3);
    });
  });
});
