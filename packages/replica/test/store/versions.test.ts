/** The table of versions: rows that are used again, pages that are given back, and who must still find his own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Store } from '../../src/store/index.js';
import { NO_SLAB, Slabs } from '../../src/store/slabs.js';
import { isTombstone, NO_VERSION, ROW_BYTES, type Version, Versions } from '../../src/store/versions.js';
import { ALL, apply, del, hashOf, load, platform, put, range, serialise, sweepAll } from './support.js';

const compact = (revision: number) => ({ kind: 'compact', revision }) as const;

function table(): Versions {
  return new Versions(new Slabs(platform, 4096));
}

test('a version is what was written, also after others have come and gone, with revisions around and beyond 32 bits', () => {
  const anyStep = fc.tuple(fc.constantFrom('add', 'add', 'free'), fc.integer({ min: 1, max: 3000 }), fc.nat());
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2 ** 31 - 500, 2 ** 32 - 500, 2 ** 40),
      fc.array(anyStep, { maxLength: 30 }),
      (first, steps) => {
        const versions = table();
        const model: { readonly version: Version; readonly revision: number; readonly previous: Version }[] = [];
        let revision: number = first;
        for (const [kind, count, pick] of steps) {
          for (let each = 0; each < count; each++) {
            if (kind === 'add') {
              revision++;
              const previous = model.at(-1)?.version ?? NO_VERSION;
              const version =
                revision % 3 === 0
                  ? versions.addTombstone(revision, revision % 1000, previous)
                  : versions.add(revision, NO_SLAB, revision % 1000, previous);
              model.push({ version, revision, previous });
            } else if (model.length > 0) {
              const at = (pick + each * 7919) % model.length;
              versions.free((model[at] as { version: Version }).version);
              model[at] = model.at(-1) as (typeof model)[0];
              model.pop();
            }
          }
          versions.check(model.map(({ version }) => version));
        }
        for (const each of model) {
          assert.equal(versions.modRevision(each.version), each.revision);
          assert.equal(versions.offset(each.version), each.revision % 1000);
          assert.equal(versions.previous(each.version), each.previous);
          assert.equal(isTombstone(each.version), each.revision % 3 === 0);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('pages of which nothing is left are given back, and nothing is freed twice', () => {
  const versions = table();
  const all = Array.from({ length: 50_000 }, (_, index) => versions.add(index + 2, NO_SLAB, 0, NO_VERSION));
  const { allocatedBytes } = versions;
  assert.ok(allocatedBytes >= ROW_BYTES * 50_000);
  all.forEach((version, index) => {
    if (index % 2 === 0) versions.free(version);
  });
  assert.equal(versions.allocatedBytes, allocatedBytes, 'half of each page is used');
  const again = Array.from({ length: 20_000 }, (_, index) => versions.add(index + 2, NO_SLAB, 0, NO_VERSION));
  assert.equal(versions.allocatedBytes, allocatedBytes, 'there is room in the pages');
  const odd = all.filter((_, index) => index % 2 === 1);
  versions.check([...odd, ...again]);
  for (const version of [...odd, ...again]) versions.free(version);
  versions.check([]);
  assert.ok(versions.allocatedBytes <= 100_000, `${versions.allocatedBytes} bytes for nothing`);
  assert.throws(() => versions.free(odd[0] as Version), /freed that is not there/);
  assert.throws(() => versions.free(NO_VERSION), /freed that is not there/);
});

test('deleting and compacting many keys gives the memory of their versions back', () => {
  const store = new Store(platform, { collectEvents: false });
  for (let index = 0; index < 50_000; index++) apply(store, put(`key ${index}`, ''));
  const { allocatedBytes } = store.versions;
  apply(store, del('k', 'l'));
  apply(store, put('last', ''));
  apply(store, compact(store.revision));
  sweepAll(store, 1000);
  store.checkInvariants();
  assert.ok(store.versions.allocatedBytes < allocatedBytes / 5, `${store.versions.allocatedBytes}`);
});

test('a frozen view, and a stream of it that stands still, do not see what is written into the place of a dropped tombstone', () => {
  const store = new Store(platform, { slabBytes: 4096 });
  for (const key of ['a', 'b', 'c', 'd']) apply(store, put(key, key));
  apply(store, del('b', 'd'));
  apply(store, put('c', 'again'));
  apply(store, compact(store.revision));
  const view = store.freeze();
  const [hash, stream] = [view.stateHash(), serialise(store.freeze())];
  const chunks = view.chunks();
  const parts = [chunks.next(12)];
  for (let round = 0; round < 50; round++) {
    while (store.sweep(1));
    apply(store, put('a', `${round}`));
    store.checkInvariants();
    assert.equal(view.stateHash(), hash);
    parts.push(chunks.next(12));
  }
  for (let part = chunks.next(12); part !== undefined; part = chunks.next(12)) parts.push(part);
  assert.deepEqual(Uint8Array.from(Buffer.concat(parts.filter((part) => part !== undefined))), stream);
  assert.equal(view.range(range('b', 'd')).kind, 'range');
  assert.equal(view.keyCount, 3);
});

test('a tombstone waits for the views that may look at it, and for no others', () => {
  const store = new Store(platform);
  apply(store, put('a', ''));
  apply(store, put('b', ''));
  apply(store, del('a'));
  apply(store, put('b', ''));
  apply(store, compact(store.revision));
  const before = store.freeze();
  sweepAll(store, 10);
  const whileHeld = store.bytes;
  const after = store.freeze();
  before.release();
  sweepAll(store, 10);
  assert.ok(store.bytes < whileHeld, 'it is gone although a later view is held');
  store.checkInvariants();
  assert.equal(hashOf(load(serialise(after))), hashOf(store));
  after.release();
});

test('a stream of a view that was released is refused', () => {
  const store = new Store(platform);
  for (let index = 0; index < 100; index++) apply(store, put(`${index}`, ''));
  const view = store.freeze();
  const chunks = view.chunks();
  const hasher = view.hasher(store.revision);
  chunks.next(100);
  chunks.next(100);
  view.release();
  assert.throws(() => chunks.next(100), /released view/);
  assert.throws(() => hasher.step(), /released view/);
  assert.throws(() => view.range(ALL), /released view/);
});
