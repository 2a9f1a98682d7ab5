/** How a snapshot of a member's own is written: its share of the time and of the disk. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_CONFIG } from '@quorate/raft';
import { nodePlatform } from '../../src/adapters/platform.js';
import { SNAPSHOT_BYTES_PER_TICK_MAX } from '../../src/replica/limits.js';
import { SnapshotTaker } from '../../src/replica/snapshot-taker.js';
import type { FrozenState } from '../../src/replica/state-machine.js';
import { noTrace } from '../../src/seams/index.js';
import { listSnapshots, type SnapshotFile } from '../../src/wal/wal.js';
import { World } from '../wal/support.js';

const SLICE_BYTES = SNAPSHOT_BYTES_PER_TICK_MAX / 4;

/** A state whose stream is so many slices of zeros. */
function stateOf(slices: number): FrozenState {
  let left = slices;
  const next = (): Uint8Array | undefined => (left-- > 0 ? new Uint8Array(SLICE_BYTES) : undefined);
  const metadata = { index: 24, term: 4, config: EMPTY_CONFIG };
  return { metadata, bytesEstimate: slices * SLICE_BYTES, chunks: () => ({ next }), release: () => {} } as never;
}

function takerOn(world: World): { readonly taker: SnapshotTaker; readonly taken: SnapshotFile[] } {
  const taken: SnapshotFile[] = [];
  const taker = new SnapshotTaker({
    disk: world.disk,
    platform: nodePlatform,
    ids: { clusterId: 7, memberId: 9 },
    trace: noTrace,
    sliceBytes: SLICE_BYTES,
    taken: (file) => void taken.push(file),
    failed: (error) => assert.fail(error.message),
    requestTurn: () => {},
  });
  return { taker, taken };
}

describe('a snapshot that is being taken', () => {
  it('gets no more than its share of a tick, however fast the disk and however many turns', () => {
    const world = new World();
    const { taker, taken } = takerOn(world);
    const serialised: number[] = [];
    taker.start(stateOf(10));
    for (let tick = 0; taken.length === 0; tick += 1) {
      assert.ok(tick < 100, 'it comes to an end');
      taker.tick();
      let bytes = 0;
      for (let turn = 0; turn < 20; turn += 1) {
        bytes += taker.step(24);
        world.scheduler.drain();
      }
      serialised.push(bytes);
    }
    assert.deepEqual(
      serialised.filter((bytes) => bytes > 0),
      [SNAPSHOT_BYTES_PER_TICK_MAX, SNAPSHOT_BYTES_PER_TICK_MAX, SNAPSHOT_BYTES_PER_TICK_MAX / 2],
    );
    assert.equal(listSnapshots(world.disk)[0]?.index, 24);
  });

  it('is synced on the way, so that its end does not hold up the log', () => {
    const world = new World();
    const { taker, taken } = takerOn(world);
    taker.start(stateOf(200));
    while (taken.length === 0) {
      taker.tick();
      taker.step(24);
      world.scheduler.drain();
    }
    const sizes: number[] = [];
    let unsynced = 0;
    for (const { operation, path, bytes } of world.operations) {
      if (!path.endsWith('.tmp')) continue;
      if (operation === 'write') unsynced += bytes;
      if (operation !== 'sync') continue;
      sizes.push(unsynced);
      unsynced = 0;
    }
    assert.ok(sizes.length > 2, `${sizes.length} syncs`);
    assert.ok(Math.max(...sizes) < 5 * 1024 * 1024, `${Math.max(...sizes)} bytes for one sync`);
  });
});
