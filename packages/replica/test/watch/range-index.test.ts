/** Finding the ranges that contain a key: against looking at all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { KeyRange } from '../../src/store/index.js';
import { IntervalTree } from '../../src/watch/interval-tree.js';
import { RangeIndex } from '../../src/watch/range-index.js';
import { anyKey, anyRange } from '../store/arbitraries.js';

function name(index: number): string {
  return String(index).padStart(6, '0');
}

function contains({ key, rangeEnd }: KeyRange, at: string): boolean {
  return rangeEnd === undefined ? at === key : at >= key && (rangeEnd === '\0' || at < rangeEnd);
}

test('the index finds exactly the ranges that contain a key, whatever was added and removed', () => {
  fc.assert(
    fc.property(fc.array(anyRange, { maxLength: 80, size: 'max' }), fc.array(anyKey), (ranges, keys) => {
      const index = new RangeIndex<KeyRange>();
      for (const range of ranges) {
        // What is there already goes out again.
        const present = index.get(range);
        if (present === undefined) index.add(range);
        else index.remove(present);
      }
      const all = [...index.all()];
      assert.equal(all.length, index.size);
      for (const key of keys) {
        const found = new Set<KeyRange>();
        index.find(key, (item) => found.add(item));
        assert.deepEqual(found, new Set(all.filter((range) => contains(range, key))));
      }
    }),
    { numRuns: 300 },
  );
});

test('the tree stays flat when intervals come in order and go in order', () => {
  const tree = new IntervalTree<number>();
  for (let index = 0; index < 4096; index++) tree.insert(name(index), name(index + 3), index);
  assert.ok(tree.height <= 18, `height ${tree.height}`);
  const found: number[] = [];
  tree.find(name(1000), (item) => found.push(item));
  assert.deepEqual(found, [998, 999, 1000]);
  for (let index = 0; index < 4000; index++) tree.remove(name(index), name(index + 3));
  assert.ok(tree.height <= 9, `height ${tree.height}`);
  assert.throws(() => tree.remove('x', undefined), /not there/);
});
