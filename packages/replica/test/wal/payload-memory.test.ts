/** The memory that a start reads the log into: used again once nobody needs what is in it, and never before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '@quorate/raft';
import { nodePlatform } from '../../src/adapters/platform.js';
import { PayloadMemory } from '../../src/wal/payload-memory.js';
import { recoverWal } from '../../src/wal/wal.js';
import { entries, hardState, OPTIONS, ORIGIN, show, World } from './support.js';

const MiB = 1024 * 1024;

describe('memory for what is read from the log', () => {
  test('is used again from where nobody needs it any more, in order', () => {
    const memory = new PayloadMemory(nodePlatform);
    const taken: Uint8Array[] = [];
    for (let index = 1; index <= 8; index += 1) {
      taken.push(memory.take(MiB));
      memory.holds(index);
    }
    const buffers = new Set(taken.map(({ buffer }) => buffer));
    assert.equal(buffers.size, 8, 'nothing was released');
    memory.release(3);
    const again = [memory.take(MiB), memory.take(MiB), memory.take(MiB), memory.take(MiB)];
    const used = again.map(({ buffer }) => taken.findIndex((former) => former.buffer === buffer));
    assert.deepEqual(new Set(used), new Set([0, 1, 2, -1]));
  });

  test('a block that also has later entries is kept', () => {
    const memory = new PayloadMemory(nodePlatform);
    const before = memory.take(MiB);
    memory.holds(1);
    const mixed = memory.take(1_000);
    memory.holds(5);
    const sibling = memory.take(1_000);
    memory.holds(9);
    assert.equal(sibling.buffer, mixed.buffer);
    const last = memory.take(MiB);
    memory.holds(12);
    memory.release(8);
    assert.equal(memory.take(MiB).buffer, before.buffer);
    assert.notEqual(memory.take(MiB).buffer, mixed.buffer);
    assert.notEqual(memory.take(MiB).buffer, last.buffer);
  });

  test('has room for what is longer than its blocks', () => {
    const memory = new PayloadMemory(nodePlatform);
    assert.equal(memory.take(3 * MiB).length, 3 * MiB);
    assert.equal(memory.take(10).length, 10);
    assert.equal(memory.take(0).length, 0);
  });
});

test('a start that gives back what it has applied still finds the rest as it was written', () => {
  const world = new World();
  const { wal } = world.open();
  const list = entries(1, 400, 1, 40_000);
  for (let from = 0; from < list.length; from += 20) {
    world.append(wal, { hardState: hardState(1, 1, from), entries: list.slice(from, from + 20) });
  }
  const KEPT = 60;
  const recovery = recoverWal(world.disk, nodePlatform, OPTIONS, ORIGIN);
  const kept: Entry[] = [];
  const buffers = new Set<ArrayBufferLike>();
  let step = recovery.next();
  while (step.done !== true) {
    for (const entry of step.value) {
      buffers.add(entry.data.buffer);
      kept.push(entry);
    }
    kept.splice(0, kept.length - KEPT);
    step = recovery.next((kept[0]?.index ?? 1) - 1);
  }
  assert.deepEqual(show([...kept, ...step.value.entries]), show(list.slice(380 - KEPT)));
  // 16 MB of log went through less than half of that.
  assert.ok(buffers.size < 10, `${buffers.size} blocks`);
});
