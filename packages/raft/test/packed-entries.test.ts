/** What log.test.ts, which holds the log with its packed entries against a model, does not reach. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PackedEntries } from '../src/packed-entries.js';

const DATA = new Uint8Array(8);

function packed(from: number, to: number): PackedEntries {
  const entries = new PackedEntries(from - 1);
  for (let index = from; index <= to; index++) entries.push({ index, term: 1, type: 'normal', data: DATA });
  return entries;
}

test('entries are consecutive', () => {
  const entries = packed(11, 12);
  assert.throws(() => entries.push({ index: 12, term: 1, type: 'normal', data: DATA }), /entry 12 is packed after 12/);
  assert.throws(() => entries.push({ index: 14, term: 1, type: 'normal', data: DATA }), /entry 14 is packed after 12/);
});

test('what is not there is not read', () => {
  const entries = packed(11, 14);
  entries.dropTo(12);
  for (const index of [10, 12, 15]) {
    assert.throws(() => entries.term(index), /is outside of \(12, 14\]/);
    assert.throws(() => entries.entries(index, index), /is outside of \(12, 14\]/);
  }
  assert.throws(() => entries.dropTo(11), /dropping up to 11 from \(12, 14\]/);
  assert.throws(() => entries.dropTo(15), /dropping up to 15 from \(12, 14\]/);
});

test('terms and data are kept as they are, whatever their size', () => {
  const entries = new PackedEntries(Number.MAX_SAFE_INTEGER - 3);
  const large = new Uint8Array(100_000).fill(7);
  const index = Number.MAX_SAFE_INTEGER - 2;
  const first = { index, term: Number.MAX_SAFE_INTEGER, type: 'config', data: large } as const;
  entries.push(first);
  entries.push({ ...first, index: index + 1, data: Uint8Array.of(1, 2, 3) });
  assert.deepEqual(entries.entries(index, index + 1), [
    first,
    { ...first, index: index + 1, data: Uint8Array.of(1, 2, 3) },
  ]);
  entries.dropTo(index + 1);
  entries.push({ ...first, index: index + 2, data: DATA });
  assert.deepEqual(entries.entries(index + 2, index + 2), [{ ...first, index: index + 2, data: DATA }]);
});

test('bytes that were read stay when their slab is used again', () => {
  const entries = new PackedEntries(0);
  const data = new Uint8Array(4_000);
  let read: Uint8Array | undefined;
  for (let index = 1; index <= 200; index++) {
    entries.push({ index, term: 1, type: 'normal', data: data.fill(index) });
    read ??= entries.entries(1, 1)[0]?.data;
    if (index > 20) entries.dropTo(index - 20);
    assert.deepEqual(entries.entries(index, index)[0]?.data, data);
  }
  assert.deepEqual(read, data.fill(1));
});
