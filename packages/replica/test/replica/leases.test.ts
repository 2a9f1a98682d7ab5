/** Leases in a cluster: they end when their time is over, never before it, whoever leads meanwhile. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TIME_MARK_MS } from '../../src/replica/limits.js';
import type { LeaseId } from '../../src/store/index.js';
import { ELECTION_MS, VirtualCluster, type VirtualMember } from './virtual-cluster.js';

const LEASE: LeaseId = 77n;
/** Between the end of a lease's time and its being ended: the next tick, a round trip, the grace of a leader that is new. */
const PROMPT_MS = 100;
const LATE_MS = 2 * ELECTION_MS + PROMPT_MS;

function isThere(member: VirtualMember): boolean {
  return member.store.lease(LEASE) !== undefined;
}

/** Renews until the answer is there, whoever leads. */
function renew(cluster: VirtualCluster): void {
  assert.equal(cluster.theLeader.ask({ kind: 'lease-renew', lease: LEASE, timeMs: 0 }).kind, 'lease');
}

function expiredTotal(cluster: VirtualCluster): number {
  return Math.max(...cluster.members.map(({ replica }) => replica?.counters.leasesExpired ?? 0));
}

describe('a lease', () => {
  it('ends on time, and takes its keys with it in one revision on all members', () => {
    const cluster = new VirtualCluster(3);
    const [follower] = cluster.followers as [VirtualMember];
    const grantedMs = cluster.nowMs;
    follower.grant(LEASE, 5);
    for (const key of ['c', 'a', 'b']) follower.put(key, 'x', LEASE);
    follower.put('d', 'stays');
    cluster.until(() => !isThere(follower));
    const lastedMs = cluster.nowMs - grantedMs;
    assert.ok(lastedMs >= 5_000 && lastedMs <= 5_000 + PROMPT_MS, `lasted ${lastedMs} ms`);
    cluster.settle();
    for (const { store } of cluster.members) {
      assert.deepEqual([store.revision, store.keyCount, store.leaseCount], [6, 1, 0]);
      assert.deepEqual(store.hash(), follower.store.hash());
    }
  });

  it('lasts when it is renewed, through any member', () => {
    const cluster = new VirtualCluster(3);
    cluster.theLeader.grant(LEASE, 2);
    for (let n = 0; n < 10; n++) {
      cluster.run(1_500);
      const member = cluster.members[n % 3] as VirtualMember;
      assert.equal(member.ask({ kind: 'lease-renew', lease: LEASE, timeMs: 0 }).kind, 'lease');
    }
    const renewedMs = cluster.nowMs;
    cluster.until(() => !isThere(cluster.theLeader));
    assert.ok(cluster.nowMs - renewedMs >= 2_000 - PROMPT_MS);
    const refusal = cluster.theLeader.ask({ kind: 'lease-renew', lease: LEASE, timeMs: 0 });
    assert.deepEqual(refusal, { kind: 'error', code: 'lease-not-found' });
  });

  it('survives changes of leaders without gaining its whole time again', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = new VirtualCluster(5, {}, seed);
      const grantedMs = cluster.nowMs;
      cluster.theLeader.grant(LEASE, 12);
      for (const change of ['kill', 'transfer', 'kill', 'transfer']) {
        cluster.run(2_000);
        const leader = cluster.theLeader;
        if (change === 'kill') leader.kill();
        else leader.replica?.administer({ kind: 'transfer', target: 0 }, () => {});
        cluster.until(() => cluster.leader !== undefined && cluster.leader !== leader);
      }
      cluster.until(() => !isThere(cluster.theLeader));
      const lastedMs = cluster.nowMs - grantedMs;
      assert.ok(lastedMs >= 12_000 && lastedMs <= 12_000 + LATE_MS, `lasted ${lastedMs} ms with seed ${seed}`);
    }
  });

  it('gains no more than what passed since the last mark when a member leads that has just started', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = new VirtualCluster(3, {}, seed);
      const grantedMs = cluster.nowMs;
      cluster.theLeader.grant(LEASE, 20);
      cluster.run(12_000);
      for (const member of cluster.followers) {
        member.kill();
        member.start();
      }
      cluster.run(200);
      cluster.theLeader.kill();
      cluster.until(() => cluster.leader !== undefined);
      cluster.until(() => !isThere(cluster.theLeader));
      const lastedMs = cluster.nowMs - grantedMs;
      assert.ok(
        lastedMs >= 20_000 && lastedMs <= 20_000 + TIME_MARK_MS + LATE_MS,
        `lasted ${lastedMs} ms, seed ${seed}`,
      );
    }
  });

  it('has its full time left when it is renewed at the moment of a leader change', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = new VirtualCluster(3, {}, seed);
      cluster.theLeader.grant(LEASE, 3);
      cluster.run(1_000);
      const leader = cluster.theLeader;
      const [follower] = cluster.followers as [VirtualMember];
      const renewedMs = cluster.nowMs;
      const answer = follower.execute({ kind: 'lease-renew', lease: LEASE, timeMs: 0 });
      cluster.run(seed);
      leader.kill();
      cluster.until(() => cluster.leader !== undefined && !isThere(cluster.leader));
      const isRenewed = answer.result?.ok === true && answer.result.value.kind === 'lease';
      if (isRenewed)
        assert.ok(cluster.nowMs - renewedMs >= 3_000, `lasted ${cluster.nowMs - renewedMs} ms, seed ${seed}`);
    }
  });

  it('is not ended by a leader that stood still and was deposed meanwhile', () => {
    const cluster = new VirtualCluster(3);
    const former = cluster.theLeader;
    former.grant(LEASE, 5);
    former.put('key', 'x', LEASE);
    former.hold();
    cluster.until(() => cluster.leader !== undefined && cluster.leader !== former);
    const successor = cluster.members.find((member) => member !== former && member.replica?.raft.role === 'leader');
    for (let n = 0; n < 10; n++) {
      assert.equal(successor?.ask({ kind: 'lease-renew', lease: LEASE, timeMs: 0 }).kind, 'lease');
      cluster.run(2_000);
    }
    former.release();
    cluster.run(1_000);
    renew(cluster);
    cluster.run(3_000);
    assert.ok(cluster.members.every(isThere));
    assert.equal(expiredTotal(cluster), 0);
  });

  it('[L2] is kept by a renewal that waits behind a standstill of the leader, however long it was', () => {
    for (const stillMs of [4_000, 60_000]) {
      const cluster = new VirtualCluster(1);
      const [member] = cluster.members as [VirtualMember];
      member.grant(LEASE, 3);
      cluster.run(2_000);
      member.hold();
      cluster.run(stillMs / 2);
      const answer = member.execute({ kind: 'lease-renew', lease: LEASE, timeMs: 0 });
      cluster.run(stillMs / 2);
      member.release();
      cluster.run(ELECTION_MS);
      assert.equal(answer.result?.ok === true && answer.result.value.kind, 'lease');
      cluster.run(2_000);
      assert.ok(isThere(member));
      const endedMs = cluster.until(() => !isThere(member));
      assert.ok(endedMs <= 1_000 + LATE_MS);
    }
  });

  it('has about what it had left when all members start again, and loses nothing while they are down', () => {
    const cluster = new VirtualCluster(3);
    cluster.theLeader.grant(LEASE, 60);
    cluster.run(40_000);
    for (const member of cluster.members) member.kill();
    cluster.run(100_000);
    for (const member of cluster.members) member.start();
    cluster.until(() => cluster.leader !== undefined);
    const leftMs = cluster.until(() => !isThere(cluster.theLeader));
    assert.ok(leftMs >= 19_000 && leftMs <= 20_000 + TIME_MARK_MS + LATE_MS, `had ${leftMs} ms left`);
  });

  it('ends with a thousand others in about a second, and not all at once', () => {
    const cluster = new VirtualCluster(3);
    const leader = cluster.theLeader;
    for (let lease = 1n; lease <= 2_000n; lease++) {
      leader.execute({ kind: 'lease-grant', lease, ttlSeconds: 2, timeMs: 0 });
    }
    cluster.until(() => leader.store.leaseCount === 2_000);
    cluster.until(() => leader.store.leaseCount < 2_000);
    const tookMs = cluster.until(() => leader.store.leaseCount === 0);
    assert.ok(tookMs > 1_500 && tookMs < 2_500, `took ${tookMs} ms`);
  });

  it('leaves marks of the time only while there is one', () => {
    const cluster = new VirtualCluster(1);
    const [member] = cluster.members as [VirtualMember];
    const before = member.replica?.state.appliedIndex ?? 0;
    cluster.run(60_000);
    assert.equal(member.replica?.state.appliedIndex, before);
    member.grant(LEASE, 60);
    cluster.run(30_000);
    const marks = (member.replica?.state.appliedIndex ?? 0) - before - 1;
    assert.ok(marks >= 5 && marks <= 6, `${marks} marks`);
  });
});
