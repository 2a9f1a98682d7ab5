/** The tree under many keys: splits, merges, counts, frozen roots. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Store } from '../../src/store/index.js';
import { CHANGE_BYTES } from '../../src/store/revision-index.js';
import { apply, del, hashOf, load, platform, put, range, serialise, sweepAll } from './support.js';

const key = (index: number): string => `k${String(index).padStart(5, '0')}`;

function filled(order: readonly number[]): Store {
  const store = new Store(platform, { slabBytes: 4096, collectEvents: false });
  order.forEach((index) => apply(store, put(key(index), `v${index}`)));
  return store;
}

function mixed(count: number): number[] {
  return Array.from({ length: count }, (_, index) => (index * 7919) % count);
}

for (const [name, order] of [
  ['ascending', Array.from({ length: 5000 }, (_, index) => index)],
  ['descending', Array.from({ length: 5000 }, (_, index) => 4999 - index)],
  ['mixed', mixed(5000)],
] as const) {
  test(`5000 keys in ${name} order: every one is found, counted and in order`, () => {
    const store = filled(order);
    store.checkInvariants();
    assert.equal(store.keyCount, 5000);
    for (const index of [0, 1, 63, 64, 65, 2500, 4999]) {
      assert.equal(store.get(key(index))?.key, key(index));
      const counted = store.range(range(key(index), '\0', { countOnly: true }));
      assert.equal(counted.kind === 'range' && counted.count, 5000 - index);
    }
    assert.equal(store.get(`${key(7)}x`), undefined);
    const loaded = load(serialise(store.freeze()), 4096);
    loaded.checkInvariants();
    assert.equal(hashOf(loaded), hashOf(store));
  });
}

test('deleting in any order, compacting and sweeping empties the tree down to its root', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2999 }), fc.integer({ min: 1, max: 900 }), (stride, sweepKeys) => {
      const store = filled(mixed(1500));
      const frozen = store.freeze();
      const hash = frozen.hash();
      for (let step = 0; step < 1500; step++) {
        apply(store, del(key((step * stride) % 1500)));
        if (step % 500 === 499) {
          apply(store, { kind: 'compact', revision: store.revision });
          store.sweep(sweepKeys);
          store.checkInvariants();
        }
      }
      assert.equal(frozen.hash(), hash);
      frozen.release();
      apply(store, del('a', '\0'));
      apply(store, put('last', ''));
      apply(store, { kind: 'compact', revision: store.revision });
      sweepAll(store, sweepKeys);
      store.checkInvariants();
      assert.equal(store.keyCount, 1);
      assert.equal(store.historyBytes, CHANGE_BYTES, 'the one change at the compacted revision');
    }),
    { numRuns: 8 },
  );
});

test('a delete of a range touches only that range, and many frozen views each keep their own state', () => {
  const store = filled(mixed(1000));
  const views = [store.freeze()];
  for (let start = 0; start < 1000; start += 100) {
    apply(store, del(key(start), key(start + 50)));
    views.push(store.freeze());
  }
  views.forEach((view, index) => {
    assert.equal(view.keyCount, 1000 - index * 50);
    const counted = view.range(range('k', '\0'));
    assert.equal(counted.kind === 'range' && counted.keyValues.length, 1000 - index * 50);
    view.release();
    assert.throws(() => view.chunks(), /released/);
  });
});
