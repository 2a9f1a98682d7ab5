/** The hash of a large state, made a slice at a time while the store goes on to change. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type HashInSlices, Store } from '../../src/store/index.js';
import { apply, del, hashOf, platform, put, sweepAll } from './support.js';

const KEYS = 400;
const VALUE = 'v'.repeat(2_000);

function filled(): Store {
  const store = new Store(platform, { slabBytes: 64 * 1024 });
  for (let i = 0; i < KEYS; i++) apply(store, put(`key-${i}`, `${VALUE}${i}`));
  return store;
}

function begun(store: Store, revision?: number): HashInSlices {
  const hashing = store.hashInSlices(revision);
  assert.ok(!('kind' in hashing));
  return hashing;
}

describe('a hash in slices', () => {
  test('is the hash of the moment at which it began', () => {
    const store = filled();
    const expected = store.hash();
    const hashing = begun(store);
    let slices = 1;
    for (let i = 0; hashing.step(); i++, slices++) {
      apply(store, put(`key-${i}`, 'changed'));
      apply(store, del(`key-${KEYS - 1 - i}`));
      apply(store, { kind: 'compact', revision: store.revision });
      sweepAll(store);
    }
    assert.ok(slices > 2, `${slices} slices`);
    assert.deepEqual(hashing.finish(), expected);
    assert.notDeepEqual(store.hash(), expected);
    store.checkInvariants();
  });

  test('may be of an earlier revision', () => {
    const store = filled();
    const hashing = begun(store, KEYS / 2);
    while (hashing.step());
    const result = hashing.finish();
    assert.equal(result.hash, hashOf(store, KEYS / 2));
    assert.equal(result.revision, KEYS / 2);
  });

  test('goes past keys that nobody can see any more in slices as well, and so does a snapshot', () => {
    const store = new Store(platform);
    for (let i = 0; i < 30_000; i++) apply(store, put(`key-${i}`, 'v'));
    apply(store, del('key-', 'key.'));
    apply(store, put('last', 'one'));
    apply(store, { kind: 'compact', revision: store.revision });
    const hashing = begun(store);
    let slices = 1;
    while (hashing.step()) slices++;
    assert.ok(slices > 3, `${slices} slices`);
    const frozen = store.freeze();
    const chunks = frozen.chunks();
    const lengths: number[] = [];
    for (let chunk = chunks.next(65_536); chunk !== undefined; chunk = chunks.next(65_536)) lengths.push(chunk.length);
    assert.ok(lengths.filter((length) => length === 0).length > 2, `pieces of ${lengths.join(', ')} bytes`);
    frozen.release();
    sweepAll(store);
    assert.deepEqual(store.hash(), hashing.finish());
  });

  test('holds memory until it is finished or given up', () => {
    for (const end of ['finish', 'giveUp'] as const) {
      const store = filled();
      const hashing = begun(store);
      while (hashing.step());
      apply(store, del('key-', 'key.'));
      apply(store, { kind: 'compact', revision: store.revision });
      apply(store, put('last', 'one'));
      apply(store, { kind: 'compact', revision: store.revision });
      sweepAll(store);
      const held = store.bytes;
      hashing[end]();
      sweepAll(store);
      assert.ok(store.bytes < held / 10, `${store.bytes} after ${held}`);
      store.checkInvariants();
    }
  });

  test('is refused where the revision cannot be read, and begins nothing', () => {
    const store = filled();
    apply(store, { kind: 'compact', revision: 100 });
    assert.deepEqual(store.hashInSlices(99), { kind: 'error', code: 'compacted' });
    assert.deepEqual(store.hashInSlices(store.revision + 1), { kind: 'error', code: 'future-revision' });
  });
});
