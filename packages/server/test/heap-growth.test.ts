import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthPercent } from '../src/heap-growth.js';

const MB = 1_000_000;

test('a small heap is left to the engine', () => {
  for (const used of [0, 20 * MB, 95 * MB]) assert.equal(growthPercent(used), 0);
});

test('in a large heap about as much garbage may pile up whatever its size', () => {
  for (const used of [96 * MB, 150 * MB, 300 * MB, 450 * MB]) {
    const garbage = (used * growthPercent(used)) / 100;
    assert.ok(garbage > 40 * MB && garbage < 56 * MB, `${garbage} of ${used}`);
  }
});

test('a collection of a very large heap still gives something back', () => {
  assert.equal(growthPercent(10_000 * MB), 10);
});
