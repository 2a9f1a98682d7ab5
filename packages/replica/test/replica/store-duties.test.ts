/** What the leader does for the store by itself: alarms at the quota, compactions; and watchers that are in its way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alarm, Response } from '../../src/store/index.js';
import { putOf } from '../../src/store/index.js';
import type { WatchEvent, Watcher } from '../../src/watch/index.js';
import { ELECTION_MS, VirtualCluster, type VirtualMember } from './virtual-cluster.js';

const QUOTA_BYTES = 200_000;
const VALUE = Buffer.alloc(5_000, 1);
const NO_SPACE = { kind: 'error', code: 'no-space' };

function fill(member: VirtualMember): void {
  for (let n = 0; n < 1_000; n++) {
    const response = member.ask(putOf(`key${n}`, VALUE));
    if (response.kind === 'error') {
      assert.deepEqual(response, NO_SPACE);
      return;
    }
  }
  assert.fail('the quota was never reached');
}

function alarms(member: VirtualMember): readonly Alarm[] {
  return member.store.alarms();
}

function remove(member: VirtualMember, key: string, rangeEnd?: string): Response {
  return member.ask({ kind: 'delete', key, rangeEnd, returnPrevious: false });
}

function disarm(member: VirtualMember): void {
  for (const { alarm, member: about } of alarms(member)) {
    member.ask({ kind: 'alarm', action: 'deactivate', alarm, member: about });
  }
}

describe('the quota', () => {
  it('refuses puts, raises the alarm everywhere, and clears it when there is space again', () => {
    const cluster = new VirtualCluster(3, { quotaBytes: QUOTA_BYTES });
    const leader = cluster.theLeader;
    const [follower] = cluster.followers as [VirtualMember];
    assert.equal(follower.grant(5n, 100).kind, 'lease');
    fill(follower);
    assert.ok(leader.store.bytes > QUOTA_BYTES - 10_000 && leader.store.bytes <= QUOTA_BYTES);
    cluster.until(() => cluster.members.every((member) => alarms(member).length === 1));
    assert.deepEqual(alarms(follower), [{ member: leader.id, alarm: 'no-space' }]);
    const put = putOf('a', Buffer.alloc(1));
    const compares = [{ key: 'key0', rangeEnd: undefined, target: 'version', result: 'equal', operand: 77 }] as const;
    assert.deepEqual(follower.ask(put), NO_SPACE);
    assert.deepEqual(leader.ask({ kind: 'txn', compares, success: [put], failure: [] }), NO_SPACE);
    assert.deepEqual(follower.grant(6n, 100), NO_SPACE);
    // What frees space, or keeps what is there, passes.
    assert.equal(follower.ask({ kind: 'lease-renew', lease: 5n, timeMs: 0 }).kind, 'lease');
    assert.equal(remove(follower, 'key', 'key2').kind, 'delete');
    assert.equal(alarms(leader).length, 1, 'what was deleted is history yet');
    assert.equal(leader.ask({ kind: 'compact', revision: leader.store.revision }).kind, 'compact');
    cluster.until(() => alarms(leader).length === 0);
    cluster.settle();
    assert.ok(leader.store.bytes < 0.9 * QUOTA_BYTES);
    assert.equal(follower.put('a', 'b').kind, 'put');
  });

  it('is disarmed on request, and raised again by the next put that has no room', () => {
    const cluster = new VirtualCluster(1, { quotaBytes: QUOTA_BYTES });
    const { theLeader: member } = cluster;
    fill(member);
    cluster.until(() => alarms(member).length === 1);
    disarm(member);
    cluster.run(1_000);
    assert.equal(alarms(member).length, 0);
    assert.deepEqual(member.ask(putOf('a', VALUE)), NO_SPACE);
    cluster.until(() => alarms(member).length === 1);
  });

  it('lets small writes through again as soon as the alarm is gone, and the next leader clears it too', () => {
    const cluster = new VirtualCluster(3, { quotaBytes: QUOTA_BYTES });
    const leader = cluster.theLeader;
    fill(leader);
    cluster.until(() => alarms(leader).length === 1);
    cluster.settle();
    leader.kill();
    const next = cluster.theLeader;
    assert.equal(alarms(next).length, 1);
    remove(next, 'key', 'kez');
    next.ask({ kind: 'compact', revision: next.store.revision });
    cluster.until(() => alarms(next).length === 0);
    assert.equal(next.put('a', 'b').kind, 'put');
  });

  it('leaves an alarm alone that somebody raised while there was space', () => {
    const cluster = new VirtualCluster(1, { quotaBytes: QUOTA_BYTES });
    const { theLeader: member } = cluster;
    cluster.run(100);
    member.ask({ kind: 'alarm', action: 'activate', alarm: 'no-space', member: member.id });
    cluster.run(5_000);
    assert.equal(alarms(member).length, 1);
    assert.deepEqual(member.ask(putOf('a', VALUE)), NO_SPACE);
    disarm(member);
    assert.equal(member.put('a', 'b').kind, 'put');
  });
});

/** `transactions` of 100 keys each: as many revisions. */
function history(member: VirtualMember, transactions: number): void {
  for (let n = 0; n < transactions; n++) {
    const success = Array.from({ length: 100 }, (_, key) => putOf(`k${key}`, Buffer.from(String(n))));
    member.ask({ kind: 'txn', compares: [], success, failure: [] });
  }
}

class Collector {
  readonly revisions: number[] = [];
  wantsMore = true;
  compactedAt: number | undefined;
  watcher: Watcher | undefined;
  events(events: readonly WatchEvent[]): boolean {
    for (const { keyValue } of events) this.revisions.push(keyValue.modRevision);
    return this.wantsMore;
  }
  compacted(revision: number): void {
    this.compactedAt = revision;
  }
}

function watchAll(member: VirtualMember, startRevision: number): Collector {
  const sink = new Collector();
  const range = { key: '\0', rangeEnd: '\0', startRevision, previous: false, noPut: false, noDelete: false };
  sink.watcher = member.replica?.watches.watch(range, sink);
  return sink;
}

describe('automatic compaction', () => {
  it('goes by time, on all members', () => {
    const cluster = new VirtualCluster(3, { historyMode: 'periodic', historyRetentionMs: 3_000 });
    const leader = cluster.theLeader;
    for (let n = 0; n < 50; n++) {
      leader.put('key', String(n));
      cluster.run(100);
    }
    const { revision, compactRevision } = leader.store;
    // A put each 100 ms: three seconds are nearly 30 revisions.
    assert.ok(compactRevision > revision - 40 && compactRevision <= revision - 27, `${compactRevision} of ${revision}`);
    cluster.run(10_000);
    for (const { store } of cluster.members) assert.equal(store.compactRevision, revision);
  });

  it('goes on where it was after a change of leaders', () => {
    const cluster = new VirtualCluster(3, { historyMode: 'periodic', historyRetentionMs: 3_000 });
    cluster.theLeader.put('a', '1');
    const revision = cluster.theLeader.put('a', '2').kind === 'put' ? cluster.theLeader.store.revision : 0;
    cluster.run(2_500);
    cluster.theLeader.kill();
    const tookMs = cluster.until(() => cluster.leader?.store.compactRevision === revision);
    assert.ok(tookMs < 4_000, `took ${tookMs} ms`);
  });

  it('waits for a watcher of another member that is catching up', () => {
    const cluster = new VirtualCluster(3, { historyMode: 'periodic', historyRetentionMs: 10_000 });
    const leader = cluster.theLeader;
    history(leader, 200);
    cluster.settle();
    const { revision } = leader.store;
    cluster.run(9_500);
    assert.ok(leader.store.compactRevision < revision);
    const [follower] = cluster.followers as [VirtualMember];
    follower.turnDelayMs = 600;
    const sink = watchAll(follower, leader.store.compactRevision + 1);
    const startRevision = leader.store.compactRevision + 1;
    let heldMs = 0;
    while (sink.revisions.length < (revision - startRevision + 1) * 100) {
      const needed = follower.replica?.watches.lowestRevisionNeeded ?? 0;
      assert.ok(
        leader.store.compactRevision <= needed,
        `${leader.store.compactRevision} is compacted, ${needed} needed`,
      );
      assert.equal(sink.compactedAt, undefined);
      cluster.run(100);
      heldMs += 100;
    }
    assert.ok(heldMs > 3_000, `it took ${heldMs} ms`);
    follower.turnDelayMs = 0;
    assert.ok(leader.store.compactRevision < revision, 'it would have been time');
    cluster.until(() => leader.store.compactRevision === revision, 4_000);
  });
});

describe('a watch', () => {
  it('[W1] goes on across a snapshot that its member installs, and repeats and misses nothing', () => {
    const cluster = new VirtualCluster(3, { limits: { logMemoryStepBytes: 512 } });
    const [follower] = cluster.followers as [VirtualMember];
    cluster.theLeader.put('before', 'x');
    cluster.settle();
    const sink = watchAll(follower, 0);
    const from = follower.store.revision + 1;
    for (let n = 0; n < 20; n++) cluster.theLeader.put(`a${n}`, 'x');
    cluster.settle();
    assert.equal(sink.revisions.length, 20);
    const others = cluster.members.filter((member) => member !== follower).map(({ id }) => id);
    cluster.network.partition([others]);
    cluster.until(() => cluster.leader !== undefined && cluster.leader !== follower);
    for (let n = 0; n < 300; n++) cluster.theLeader.put(`b${n % 7}`, 'x'.repeat(100));
    assert.equal(sink.revisions.length, 20);
    const before = follower.replica?.state;
    cluster.network.heal();
    cluster.until(() => sink.revisions.length === 320);
    assert.notEqual(follower.replica?.state, before, 'a snapshot was installed');
    cluster.theLeader.put('after', 'x');
    cluster.until(() => sink.revisions.length === 321);
    cluster.run(1_000);
    assert.deepEqual(
      sink.revisions,
      Array.from({ length: 321 }, (_, n) => from + n),
    );
  });

  it('spares for a while, beyond the budget, what a watcher needs whose client does not read', () => {
    const cluster = new VirtualCluster(3, { historyMode: 'off', historyBytesMax: 200_000 });
    for (const member of [cluster.theLeader, cluster.followers[0] as VirtualMember]) {
      const sink = watchAll(member, 0);
      sink.wantsMore = false;
      history(member, 1);
      cluster.run(2 * ELECTION_MS);
      const { historyBytes, revision } = member.store;
      while (member.store.historyBytes < historyBytes + 500_000) history(cluster.theLeader, 1);
      cluster.run(5_000);
      sink.wantsMore = true;
      sink.watcher?.resume();
      cluster.until(() => sink.revisions.at(-1) === member.store.revision);
      const revisions = [...new Set(sink.revisions)];
      assert.deepEqual(
        [sink.compactedAt, revisions[0], revisions.length],
        [undefined, revision, member.store.revision - revision + 1],
      );
      sink.watcher?.close();
      cluster.until(() => member.store.historyBytes < 200_000);
    }
  });
});
