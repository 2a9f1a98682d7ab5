/** Fixed seeds: those that found a defect once, by its name, and some that never did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../src/index.js';

const FRESH_SEEDS = 30;

test(`${FRESH_SEEDS} seeds run without a violation`, () => {
  for (let seed = 1; seed <= FRESH_SEEDS; seed += 1) {
    const { failure } = run({ seed });
    assert.equal(failure, undefined, `seed ${seed}: ${failure?.message}`);
  }
});
