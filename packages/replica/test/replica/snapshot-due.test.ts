/** When a member takes a snapshot of its own: so that a start has little log to replay, and the disk little to write. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { putOf } from '../../src/store/index.js';
import { VirtualCluster } from './virtual-cluster.js';

const VALUE = new Uint8Array(1_000).fill(7);
const SNAPSHOT_LOG_BYTES_MIN = 50_000;

describe('a snapshot is due', () => {
  it('also at a member to which another one was on its way, from a leader that is gone', () => {
    const settings = { snapshotLogBytesMin: SNAPSHOT_LOG_BYTES_MIN, snapshotBytesPerSecondMax: 10_000 };
    const cluster = new VirtualCluster(3, { ...settings, limits: { snapshotChunkBytes: 1_000 } });
    cluster.settle();
    const sender = cluster.theLeader;
    const [laggard, other] = cluster.followers;
    assert.ok(laggard && other);
    cluster.network.partition([[laggard.id], [sender.id, other.id]]);
    for (let i = 0; i < 200; i += 1) sender.ask(putOf(`key${i}`, VALUE));
    // After a restart it has in memory only what is behind its snapshot, which is not enough for the one that lags.
    sender.kill();
    sender.start();
    cluster.until(() => sender.replica !== undefined && cluster.leader !== undefined);
    cluster.theLeader.replica?.administer({ kind: 'transfer', target: sender.id }, () => {});
    cluster.until(() => cluster.leader === sender);
    cluster.network.heal();
    cluster.until(() => (sender.replica?.snapshots.floorIndex ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY);
    cluster.run(100);
    sender.kill();
    cluster.until(() => cluster.leader === other);
    const { replica } = laggard;
    assert.ok(replica);
    assert.equal(replica.snapshots.takenTotal, 0);
    for (let i = 0; i < 200; i += 1) other.ask(putOf(`key${i}`, VALUE));
    cluster.settle();
    cluster.until(() => replica.snapshots.takenTotal > 0);
  });

  it('when the log since the last one outweighs that one, also where nothing is ever overwritten', () => {
    const cluster = new VirtualCluster(3, { snapshotLogBytesMin: SNAPSHOT_LOG_BYTES_MIN });
    const leader = cluster.theLeader;
    const found = new Map(cluster.members.map((member) => [member, new Set<number>()]));
    // Many at once, so that the log has little but the values.
    for (let i = 0; i < 1_000; i += 25) {
      const puts = Array.from({ length: 25 }, (_, n) => leader.execute(putOf(`key${i + n}`, VALUE)));
      cluster.until(() => puts.every(({ result }) => result !== undefined));
      for (const member of cluster.members) found.get(member)?.add(member.replica?.snapshots.index ?? 0);
    }
    for (const [{ id }, indexes] of found) {
      const last = Math.max(...indexes);
      assert.ok(last >= 400, `member ${id} would replay everything after ${last}`);
      // The one it began with, and then each has about twice what the former had.
      assert.ok(indexes.size <= 7, `member ${id} took ${indexes.size - 1} snapshots`);
    }
  });

  it('when the log outweighs what would be written, where that is less than it was', () => {
    const cluster = new VirtualCluster(1, { snapshotLogBytesMin: SNAPSHOT_LOG_BYTES_MIN, historyBytesMax: 1_000 });
    const member = cluster.theLeader;
    for (let i = 0; i < 500; i += 1) member.ask(putOf(`key${i}`, VALUE));
    for (let i = 0; i < 500; i += 1) {
      member.ask({ kind: 'delete', key: `key${i}`, rangeEnd: undefined, returnPrevious: false });
    }
    cluster.run(2_000);
    const { snapshots, state } = member.replica ?? {};
    const before = snapshots?.index ?? 0;
    for (let i = 0; i < 60; i += 1) member.ask(putOf('key', VALUE));
    cluster.run(1_000);
    assert.ok((snapshots?.index ?? 0) > before, `${state?.store.streamBytes} bytes would be written`);
  });
});
