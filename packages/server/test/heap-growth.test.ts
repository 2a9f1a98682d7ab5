/** What V8 is told about the growth of the heap. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROWTH_BYTES, HeapGrowth } from '../src/heap-growth.js';

function looks(flags: readonly string[], ...usedBytes: readonly number[]): readonly string[] {
  const set: string[] = [];
  let used = 0;
  const growth = new HeapGrowth({ flags, usedBytes: () => used, setFlag: (flag) => set.push(flag) });
  for (used of usedBytes) growth.look();
  return set;
}

test('a small heap may grow by as much whatever its size, a large one as V8 thinks fit', () => {
  assert.deepEqual(looks([], GROWTH_BYTES / 5, GROWTH_BYTES / 2 - 1, GROWTH_BYTES, GROWTH_BYTES + 1, GROWTH_BYTES), [
    '--heap-growing-percent=500',
    '--heap-growing-percent=200',
    '--heap-growing-percent=100',
    '--heap-growing-percent=0',
    '--heap-growing-percent=100',
  ]);
});

test('V8 is told only what is new to it', () => {
  assert.deepEqual(looks([], GROWTH_BYTES / 2, GROWTH_BYTES / 2.5), ['--heap-growing-percent=200']);
  assert.deepEqual(looks([], 2 * GROWTH_BYTES, 3 * GROWTH_BYTES), []);
});

test('what the process was started with stands', () => {
  assert.deepEqual(looks(['--heap-growing-percent=50'], 1, GROWTH_BYTES), []);
});
