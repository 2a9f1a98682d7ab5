/** Three members, and what happens to processes: each is killed, paused, or ends with all the others, while clients write. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ProcessCluster } from '@quorate/replica/testing';
import { bringAllBack, expectStatus, forSeconds, startCluster, statusOf, underLoad, writesGoOn } from './support.js';

describe('three members', () => {
  let cluster: ProcessCluster;
  before(async () => {
    cluster = await startCluster({ size: 3 });
  });
  after(() => cluster?.stop());
  beforeEach(() => bringAllBack(cluster));

  it('take writes while a follower is killed and comes back', async () => {
    await underLoad(cluster, async (workload) => {
      const follower = await cluster.follower();
      await follower.kill('SIGKILL');
      await writesGoOn(cluster, workload);
      follower.start();
      await cluster.waitReady();
    });
  });

  it('take writes again soon after the leader is killed; it comes back as a follower', async (t) => {
    await underLoad(cluster, async (workload) => {
      const leader = await cluster.leader();
      const killedAtMs = performance.now();
      await leader.kill('SIGKILL');
      const firstWriteMs = await cluster.waitFor(
        () => workload.firstWriteAfter(killedAtMs),
        'a write is acknowledged after the leader was killed',
      );
      const tookMs = firstWriteMs - killedAtMs;
      t.diagnostic(`first write ${tookMs.toFixed(0)} ms after the kill`);
      assert.ok(tookMs < 10_000);
      await cluster.leader();
      leader.start();
      await cluster.waitReady();
      assert.equal((await statusOf(leader)).role, 'follower');
    });
  });

  it('answer nothing stale when a leader that was stopped for five seconds goes on', async () => {
    await underLoad(cluster, async (workload) => {
      const paused = await cluster.leader();
      const put = { method: 'PUT', path: '/key/paused' } as const;
      expectStatus(await paused.call({ ...put, body: { value: 'before' } }), 201);
      const { term } = await statusOf(paused);
      paused.pause();
      const next = await cluster.leader();
      expectStatus(await next.call({ ...put, body: { value: 'after' } }), 200);
      await writesGoOn(cluster, workload);
      // Waiting at the old leader's door when it wakes up: it must find out that it leads no more before it answers.
      const reads = Array.from({ length: 5 }, () =>
        paused.call({ method: 'GET', path: '/key/paused', timeoutMs: 30_000 }),
      );
      await forSeconds(5);
      paused.resume();
      for (const read of await Promise.all(reads)) {
        assert.equal(read.kind, 'answer');
        if (read.kind === 'answer' && read.status === 200) assert.equal(read.body, '{ "paused" : "after" }');
      }
      const status = await cluster.waitFor(async () => {
        const now = await paused.status();
        return now?.role === 'follower' && now;
      }, `${paused.name} follows`);
      assert.ok(status.term > term);
      const read = await paused.call({ method: 'GET', path: '/key/paused' });
      assert.equal(read.kind === 'answer' && read.body, '{ "paused" : "after" }');
    });
  });

  it('have everything that was acknowledged when all were killed at once', async () => {
    await underLoad(cluster, async () => {
      await Promise.all(cluster.members.map((member) => member.kill('SIGKILL')));
      for (const member of cluster.members) member.start();
      await cluster.waitReady();
    });
  });

  it('start again from their folders with no join address up, the founder too', async () => {
    const [founder, ...others] = cluster.members;
    assert.ok(founder !== undefined);
    const before = await statusOf(founder);
    expectStatus(await founder.call({ method: 'PUT', path: '/key/restart', body: { value: 'kept' } }), 201);
    await cluster.waitConverged();
    await Promise.all(cluster.members.map((member) => member.kill('SIGKILL')));
    for (const alone of cluster.members) {
      alone.start();
      const status = await cluster.waitFor(() => alone.status(), `${alone.name} answers alone`);
      assert.equal(status.clusterId, before.clusterId);
      assert.equal(status.members.length, 3);
      const read = await alone.call({ method: 'GET', path: '/key/restart?consistency=serializable' });
      // What was acknowledged is in its log; it may not know yet that it is committed.
      assert.ok(read.kind === 'answer' && (read.status === 200 || read.status === 404), JSON.stringify(read));
      await alone.kill('SIGKILL');
    }
    await bringAllBack(cluster);
    for (const member of [founder, ...others]) {
      const read = await member.call({ method: 'GET', path: '/key/restart' });
      assert.equal(read.kind === 'answer' && read.body, '{ "restart" : "kept" }');
    }
  });
});
