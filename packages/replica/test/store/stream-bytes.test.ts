/** What a snapshot is expected to weigh, against what it weighs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Store } from '../../src/store/index.js';
import { apply, platform, put } from './support.js';

const KEYS = 2_000;

function weightOf(store: Store): number {
  const frozen = store.freeze();
  const chunks = frozen.chunks();
  let bytes = 0;
  for (let chunk = chunks.next(100_000); chunk !== undefined; chunk = chunks.next(100_000)) bytes += chunk.length;
  frozen.release();
  return bytes;
}

describe('the expected weight of a snapshot', () => {
  for (const valueBytes of [0, 10, 256, 5_000]) {
    test(`is right to a tenth for values of ${valueBytes} bytes, and not too small by more with history`, () => {
      const store = new Store(platform, { collectEvents: false });
      for (let i = 0; i < KEYS; i++) apply(store, put(`key-${i}`.padEnd(32, 'k'), 'v'.repeat(valueBytes)));
      const weight = weightOf(store);
      assert.ok(Math.abs(store.streamBytes - weight) < weight / 10, `${store.streamBytes} for ${weight}`);
      for (let i = 0; i < KEYS; i += 2) apply(store, put(`key-${i}`.padEnd(32, 'k'), 'w'.repeat(valueBytes)));
      assert.ok(store.streamBytes > 0.9 * weightOf(store));
      assert.ok(store.streamBytes < store.bytes);
    });
  }
});
