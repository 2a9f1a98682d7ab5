/** What watchers that are behind catch up from: order, slices, compaction. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type HistoryScan, historyScan, Store } from '../../src/store/index.js';
import { CHANGE_BYTES, RevisionIndex } from '../../src/store/revision-index.js';
import { NO_VERSION, type Version } from '../../src/store/versions.js';
import { showEvent } from '../../src/testing/store-model.js';
import { ALL, apply, del, load, platform, put, serialise, sweepAll, txn } from './support.js';

const compact = (revision: number) => ({ kind: 'compact', revision }) as const;

/** Puts k0, k1, ... to k9 and round again; the first makes revision 2. */
function filled(puts: number): Store {
  const store = new Store(platform);
  for (let index = 0; index < puts; index++) {
    apply(store, put(`k${index % 10}`, `v${index}`));
  }
  return store;
}

function all(scan: HistoryScan, versionsMax = 1000): string[] {
  const events: string[] = [];
  for (let slice = scan.next(versionsMax); slice !== undefined; slice = scan.next(versionsMax)) {
    events.push(...slice.map(showEvent));
  }
  return events;
}

test('[§5.19] [§5.21] events come in order with what was before; creations have none, nor does the compacted revision show it', () => {
  const store = new Store(platform);
  apply(store, put('a', '1'));
  apply(store, put('a', '2'));
  apply(store, del('a'));
  apply(store, put('a', '3'));
  const whole = [
    'put a=1 2/2/1',
    'put a=2 2/3/2 before a=1 2/2/1',
    'delete a= 0/4/0 before a=2 2/3/2',
    'put a=3 5/5/1',
  ];
  assert.deepEqual(all(historyScan(store, ALL, 1, 5)), whole);
  assert.deepEqual(all(historyScan(store, ALL, 3, 4)), whole.slice(1, 3));
  assert.deepEqual(all(historyScan(store, ALL, 3, 3, { previous: false })), ['put a=2 2/3/2']);
  apply(store, compact(3));
  assert.deepEqual(all(historyScan(store, ALL, 3, 4)), ['put a=2 2/3/2', 'delete a= 0/4/0 before a=2 2/3/2']);
});

test('bug 76 (etcd#18089, #19179): a watcher from the compacted revision sees the delete that it is, swept, reloaded or not', () => {
  const store = new Store(platform);
  apply(store, put('a', '1'));
  apply(store, put('b', '1'));
  apply(store, del('a'));
  apply(store, put('b', '2'));
  apply(store, compact(4));
  const expected = ['delete a= 0/4/0', 'put b=2 3/5/2 before b=1 3/3/1'];
  assert.deepEqual(all(historyScan(store, ALL, 4, 5)), expected);
  assert.deepEqual(all(historyScan(load(serialise(store.freeze())), ALL, 4, 5)), expected);
  sweepAll(store);
  assert.deepEqual(all(historyScan(store, ALL, 4, 5)), expected);
});

test('a slice looks at a bounded number of changes, in the range or not, and holds whole revisions', () => {
  const store = filled(5000);
  apply(store, txn([], [put('a', ''), put('b', ''), put('c', '')]));
  const scan = historyScan(store, { key: 'k3', rangeEnd: undefined }, 2, store.revision);
  assert.equal(scan.next(25)?.length, 3);
  assert.equal(scan.revision, 26);
  const last = historyScan(store, { key: 'b', rangeEnd: 'd' }, store.revision, store.revision);
  assert.deepEqual(last.next(1)?.map(showEvent), ['put b= 5002/5002/1', 'put c= 5002/5002/1']);
  assert.equal(last.next(1), undefined);
});

test('a scan goes on over changes, compaction behind it, and a sweep in between; it ends where it was to end', () => {
  const store = filled(3000);
  const scan = historyScan(store, ALL, 2, 2500);
  assert.equal(scan.next(1000)?.length, 1000);
  apply(store, put('later', ''));
  apply(store, compact(1002));
  sweepAll(store);
  const rest = all(scan, 700);
  assert.equal(rest.length, 1499);
  assert.equal(rest[0], 'put k0=v1000 2/1002/101');
  assert.equal(scan.revision, 2500);
  assert.equal(scan.isCompacted, false);
});

test('a scan that compaction has overtaken says so and gives nothing', () => {
  const store = filled(50);
  const scan = historyScan(store, ALL, 2, store.revision);
  assert.equal(scan.next(10)?.length, 10);
  apply(store, compact(13));
  assert.equal(scan.isCompacted, true);
  assert.equal(scan.next(10), undefined);
  const exact = historyScan(store, ALL, 13, store.revision);
  assert.equal(exact.isCompacted, false);
  assert.equal(exact.next(1)?.length, 1);
});

test('beyond the present there is nothing yet, and later there is', () => {
  const store = filled(3);
  const scan = historyScan(store, ALL, 4, 6);
  assert.equal(scan.next(10)?.length, 1);
  assert.equal(scan.next(10), undefined);
  apply(store, put('x', ''));
  assert.equal(scan.next(10)?.length, 1);
  assert.equal(scan.revision, 5);
});

test('a snapshot gives the same history, also of one revision that changed many keys and after a gap in the revisions', () => {
  const store = filled(100);
  apply(store, txn([], [put('z', '1'), put('k1', 'x'), del('k2', 'k5'), txn([], [put('a', '1')])]));
  apply(store, compact(60));
  const copy = load(serialise(store.freeze()));
  copy.checkInvariants();
  const expected = all(historyScan(store, ALL, 60, store.revision));
  assert.deepEqual(all(historyScan(copy, ALL, 60, copy.revision), 7), expected);
  assert.equal(expected.length, 42 + 6);
});

test('the index finds every revision whatever was pushed, taken back and trimmed', () => {
  const anyStep = fc.tuple(fc.constantFrom('push', 'push', 'push', 'pop', 'trim'), fc.nat(900), fc.nat(3));
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const index = new RevisionIndex();
      let model: { readonly version: Version; readonly modRevision: number }[] = [];
      let pushed = 0;
      let revision = 1;
      for (const [kind, count, gap] of steps) {
        if (kind === 'push') {
          for (let each = 0; each < count; each++) {
            revision += each % 3 === 0 ? gap : 0;
            pushed++;
            const version = pushed as Version;
            index.push('k', version, revision);
            model.push({ version, modRevision: revision });
          }
        } else if (kind === 'pop') {
          for (let each = 0; each < count && model.length > 0; each++) {
            index.pop();
            model.pop();
          }
        } else {
          const from = model[count % Math.max(1, model.length)]?.modRevision ?? 1;
          index.trim(from);
          model = model.filter(({ modRevision }) => modRevision >= from);
        }
        const from = model[count % Math.max(1, model.length)]?.modRevision ?? 1;
        const cursor = index.cursor(from);
        for (const { version, modRevision } of model.filter((change) => change.modRevision >= from)) {
          assert.equal(cursor.version, version);
          assert.equal(cursor.revision, modRevision);
          cursor.next();
        }
        assert.equal(cursor.version, NO_VERSION);
        assert.equal(index.bytes, CHANGE_BYTES * model.length);
      }
    }),
  );
});
