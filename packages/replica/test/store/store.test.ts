/** The store's behaviour, rule by rule; [§3.5] is section 3, rule 5 of the etcd v3 contract. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyScan, type RangeResponse, Store, type TxnResponse } from '../../src/store/index.js';
import { CHANGE_BYTES } from '../../src/store/revision-index.js';
import {
  ALL,
  apply,
  bytes,
  del,
  hashOf,
  load,
  platform,
  put,
  range,
  serialise,
  show,
  sweepAll,
  txn,
} from './support.js';

function open(...puts: string[]): Store {
  const store = new Store(platform);
  puts.forEach((key) => apply(store, put(key, `value of ${key}`)));
  return store;
}

function read(store: Store, ...operation: Parameters<typeof range>): RangeResponse {
  const response = store.range(range(...operation));
  if (response.kind === 'error') {
    throw new Error(response.code);
  }
  return response;
}

function refusedWith(response: { kind: string }, code: string): void {
  assert.deepEqual(response, { kind: 'error', code });
}

const compact = (revision: number) => ({ kind: 'compact', revision }) as const;

const reading = (revision: number) => txn([], [put('x', '1'), range('a', undefined, { revision })]);

/** What a watcher from `revision` would see of everything. */
function history(store: Store, revision: number): string[] {
  const events = historyScan(store, ALL, revision, store.revision).next(1000) ?? [];
  return events.map(({ type, keyValue }) => `${type} ${keyValue.key}`);
}

test('[§3.1] a range end of one zero byte means every key from the key on; a range the wrong way round is empty', () => {
  const store = open('a', 'b', 'c', '\0');
  assert.deepEqual(
    read(store, 'b', '\0').keyValues.map(({ key }) => key),
    ['b', 'c'],
  );
  assert.equal(read(store, '\0', '\0').count, 4);
  assert.equal(read(store, 'c', 'a').count, 0);
  assert.equal(read(store, 'c', 'a', { countOnly: true }).count, 0);
  refusedWith(store.range(range('', '\0')), 'key-empty');
});

test('[§3.2] the first write makes revision 2, a transaction one revision, and what changes nothing makes none', () => {
  const store = new Store(platform);
  assert.equal(store.revision, 1);
  assert.deepEqual(apply(store, put('a', '1')), { kind: 'put', revision: 2, previous: undefined });
  apply(store, txn([], [put('b', '1'), put('c', '1'), del('a')]));
  assert.equal(store.revision, 3);
  assert.deepEqual(apply(store, del('nothing')), { kind: 'delete', revision: 3, deleted: 0, previous: [] });
  apply(store, txn([], [range('b')]));
  assert.equal(store.revision, 3);
});

test('[§3.2] after a delete the next put has version 1 and a new create revision', () => {
  const store = open('a', 'a');
  assert.deepEqual(show(read(store, 'a').keyValues), ['a=value of a 2/3/2']);
  apply(store, del('a'));
  apply(store, put('a', 'again'));
  assert.deepEqual(show(read(store, 'a').keyValues), ['a=again 5/5/1']);
});

test('[§3.3] old revisions can be read down to the compacted one, that one included; the future cannot', () => {
  const store = open('a', 'a', 'a');
  assert.deepEqual(show(read(store, 'a', undefined, { revision: 3 }).keyValues), ['a=value of a 2/3/2']);
  refusedWith(store.range(range('a', undefined, { revision: 5 })), 'future-revision');
  apply(store, compact(3));
  assert.equal(read(store, 'a', undefined, { revision: 3 }).count, 1);
  refusedWith(store.range(range('a', undefined, { revision: 2 })), 'compacted');
});

test('[§3.4] a reply names the current revision, not the one read at', () => {
  assert.equal(read(open('a', 'b'), 'a', undefined, { revision: 2 }).revision, 3);
});

test('[§3.5] count ignores the limit and the filters; more says that there was another', () => {
  const store = open('a', 'b', 'c', 'd');
  const limited = read(store, 'a', '\0', { limit: 2 });
  assert.deepEqual([limited.keyValues.length, limited.more, limited.count], [2, true, 4]);
  const exact = read(store, 'a', '\0', { limit: 4 });
  assert.deepEqual([exact.keyValues.length, exact.more, exact.count], [4, false, 4]);
  const filtered = read(store, 'a', '\0', { limit: 1, minModRevision: 4 });
  assert.deepEqual([filtered.keyValues.length, filtered.more, filtered.count], [1, true, 4]);
  const old = read(store, 'a', '\0', { limit: 1, revision: 4 });
  assert.deepEqual([old.keyValues.length, old.more, old.count], [1, true, 3]);
  assert.deepEqual(read(store, 'a', '\0', { countOnly: true, limit: 1 }).keyValues, []);
  assert.deepEqual(show(read(store, 'a', undefined, { keysOnly: true }).keyValues), ['a= 2/2/1']);
});

test('[§3.6] a sort target other than the key ascends when no order is given, and the limit cuts after the sort', () => {
  const store = new Store(platform);
  for (const [key, value] of [
    ['a', '3'],
    ['b', '1'],
    ['c', '2'],
  ] as const) {
    apply(store, put(key, value));
  }
  const keys = (options: Parameters<typeof range>[2]): string[] =>
    read(store, 'a', '\0', options).keyValues.map(({ key }) => key);
  assert.deepEqual(keys({ sortTarget: 'value' }), ['b', 'c', 'a']);
  assert.deepEqual(keys({ sortTarget: 'value', sortOrder: 'ascending', limit: 2 }), ['b', 'c']);
  // Without an order etcd sorts no more than the limit and one.
  assert.deepEqual(keys({ sortTarget: 'value', limit: 1 }), ['b']);
  assert.deepEqual(keys({ sortTarget: 'mod', limit: 1 }), ['a']);
  assert.deepEqual(keys({ sortTarget: 'version', limit: 1 }), ['a']);
  assert.deepEqual(keys({ sortTarget: 'mod', limit: 1, minModRevision: 4 }), ['c']);
  assert.deepEqual(keys({ sortTarget: 'mod', sortOrder: 'descending', limit: 1 }), ['c']);
  assert.deepEqual(keys({ sortOrder: 'descending' }), ['c', 'b', 'a']);
});

test('[§4.9] a put that keeps value or lease needs the key; a value or lease beside it is refused; so is an unknown lease', () => {
  const store = open('a');
  refusedWith(apply(store, put('b', '', { ignoreValue: true })), 'key-not-found');
  refusedWith(apply(store, put('b', 'x', { ignoreLease: true })), 'key-not-found');
  refusedWith(apply(store, put('a', 'x', { ignoreValue: true })), 'value-provided');
  refusedWith(apply(store, put('a', 'x', { ignoreLease: true, lease: 1n })), 'lease-provided');
  refusedWith(apply(store, put('a', 'x', { lease: 1n })), 'lease-not-found');
  refusedWith(apply(store, put('', 'x')), 'key-empty');
  apply(store, put('a', '', { ignoreValue: true }));
  assert.deepEqual(show(read(store, 'a').keyValues), ['a=value of a 2/3/2']);
});

test('[§4.10] the largest list counts against the budget, and nested transactions take from what is left', () => {
  const store = new Store(platform, { txnOperationsMax: 3 });
  const three = [range('a'), range('b'), range('c')];
  assert.equal(apply(store, txn([], three)).kind, 'txn');
  refusedWith(apply(store, txn([], [...three, range('d')])), 'too-many-operations');
  assert.equal(apply(store, txn([], [txn([], [range('a'), range('b')])])).kind, 'txn');
  refusedWith(apply(store, txn([], [txn([], three)])), 'too-many-operations');
});

test('[§4.11] a key is put once in a branch and not where the branch deletes; the two branches may overlap', () => {
  const store = new Store(platform);
  const refused = (...operations: Parameters<typeof txn>[1]): void =>
    refusedWith(apply(store, txn([], operations)), 'duplicate-key');
  refused(put('a', '1'), put('a', '2'));
  refused(put('a', '1'), del('a'));
  refused(put('a', '1'), txn([], [], [put('a', '2')]));
  refused(del('a', 'b'), txn([], [put('aa', '2')]));
  assert.equal(apply(store, txn([], [del('a', 'c'), del('b', 'd')])).kind, 'txn');
  assert.equal(apply(store, txn([], [put('a', '1')], [put('a', '2')])).kind, 'txn');
  assert.equal(apply(store, txn([], [txn([], [put('b', '1')], [put('b', '2')])])).kind, 'txn');
});

test('[§4.11] put and delete of one key in one revision, as etcd lets through: the delete is what stays', () => {
  const store = open('a');
  const operation = txn([], [txn([], [put('a', 'new')]), txn([], [del('a')])]);
  const { response, events } = store.apply({ operation, limits: undefined });
  assert.equal(response.kind, 'txn');
  assert.deepEqual(
    events.map(({ type, previous }) => [type, previous?.modRevision]),
    [
      ['put', 2],
      ['delete', 2],
    ],
  );
  assert.equal(store.get('a'), undefined);
  assert.equal(read(store, 'a', undefined, { revision: 3 }).count, 0);
  assert.equal(read(store, 'a', undefined, { revision: 2 }).count, 1);
  const frozen = store.freeze();
  assert.equal(hashOf(load(serialise(frozen))), hashOf(store));
});

test('[§4.11] a delete without an end does not count, as in etcd: what it deletes may be put in the same revision, before or after', () => {
  const store = open('a', 'b');
  const { events } = store.apply({
    operation: txn([], [put('c', '1'), del('b', '\0'), put('b', 'new'), txn([], [del('c', '\0')])]),
    limits: undefined,
  });
  const seen = ['put c', 'delete b', 'delete c', 'put b'];
  assert.deepEqual(
    events.map(({ type, keyValue }) => `${type} ${keyValue.key}`),
    seen,
  );
  assert.deepEqual(show(read(store, 'a', '\0').keyValues), ['a=value of a 2/2/1', 'b=new 4/4/1']);
  const copy = load(serialise(store.freeze()));
  copy.checkInvariants();
  for (const each of [store, copy]) {
    assert.deepEqual(history(each, 4), seen);
  }
  apply(store, compact(4));
  // Compaction at a revision leaves the last that it did to each key.
  const compacted = load(serialise(store.freeze()));
  for (const each of [store, compacted]) {
    assert.deepEqual(history(each, 4), ['delete c', 'put b']);
    sweepAll(each);
    each.checkInvariants();
    assert.deepEqual(history(each, 4), ['delete c', 'put b']);
  }
});

test('a put that keeps what the same transaction has deleted is refused, and everything is taken back (etcd panics)', () => {
  const store = open('a', 'b');
  const before = [store.stateHash(), store.bytes];
  refusedWith(apply(store, txn([], [del('a', '\0'), put('b', '', { ignoreValue: true })])), 'key-not-found');
  store.checkInvariants();
  assert.deepEqual([store.stateHash(), store.bytes], before);
  assert.equal(apply(store, txn([], [put('b', '', { ignoreValue: true }), del('b', '\0')])).kind, 'txn');
});

test('[§4.12] in a transaction puts are checked before ranges, and a put misses its key before its lease; alone, its lease first', () => {
  const store = open('a');
  const keeping = put('none', '', { ignoreValue: true, lease: 7n });
  refusedWith(apply(store, keeping), 'lease-not-found');
  refusedWith(apply(store, txn([], [range('a', undefined, { revision: 99 }), keeping])), 'key-not-found');
  refusedWith(
    apply(store, txn([], [range('a', undefined, { revision: 99 }), put('a', '', { lease: 7n })])),
    'lease-not-found',
  );
});

test('a negative revision is the latest outside a transaction, and compacted inside one, as in etcd', () => {
  const store = open('a');
  assert.equal(read(store, 'a', undefined, { revision: -7 }).count, 1);
  assert.equal(apply(store, txn([], [reading(-1)])).kind, 'txn');
  refusedWith(apply(store, txn([], [reading(-2)])), 'compacted');
  apply(store, compact(2));
  refusedWith(apply(store, txn([], [reading(-1)])), 'compacted');
});

test('[§4.12] compares see the state before; ranges see the writes before them; what is missing compares as zero', () => {
  const store = open('a');
  const inner = txn(
    [{ key: 'b', rangeEnd: undefined, result: 'greater', target: 'version', operand: 0 }],
    [put('x', '')],
  );
  const response = apply(store, txn([], [put('b', '1'), range('b'), inner])) as TxnResponse;
  assert.deepEqual(show((response.responses[1] as RangeResponse).keyValues), ['b=1 3/3/1']);
  assert.equal((response.responses[2] as TxnResponse).succeeded, false);
  const succeeds = (compare: Parameters<typeof txn>[0][number]): boolean =>
    (apply(store, txn([compare], [])) as TxnResponse).succeeded;
  const missing = { key: 'none', rangeEnd: undefined } as const;
  assert.equal(succeeds({ ...missing, result: 'equal', target: 'create', operand: 0 }), true);
  assert.equal(succeeds({ ...missing, result: 'not-equal', target: 'value', operand: bytes('x') }), false);
  assert.equal(succeeds({ ...missing, result: 'equal', target: 'lease', operand: 0n }), true);
  assert.equal(succeeds({ key: 'a', rangeEnd: '\0', result: 'less', target: 'mod', operand: 4 }), true);
  assert.equal(succeeds({ key: 'a', rangeEnd: '\0', result: 'less', target: 'mod', operand: 3 }), false);
  assert.equal(succeeds({ key: 'z', rangeEnd: '\0', result: 'equal', target: 'version', operand: 0 }), true);
});

test('bugs 77, 81 (etcd#18667): a read of a compacted or future revision refuses the whole transaction before it writes', () => {
  const store = open('a', 'b', 'c');
  apply(store, compact(3));
  const before = hashOf(store);
  refusedWith(apply(store, reading(2)), 'compacted');
  refusedWith(apply(store, reading(5)), 'future-revision');
  refusedWith(apply(store, txn([], [txn([], [reading(2)])])), 'compacted');
  assert.deepEqual([store.revision, hashOf(store)], [4, before]);
  assert.equal(apply(store, txn([], [range('a')], [range('a', undefined, { revision: 2 })])).kind, 'txn');
});

test('[§4.13] nested replies carry the revision reached by then, but those of nested transactions none', () => {
  const operations = [range('a'), put('b', ''), range('a'), del('c'), txn([], [])];
  const response = apply(open('a'), txn([], operations)) as TxnResponse;
  assert.deepEqual(
    response.responses.map((nested) => (nested.kind === 'error' ? 0 : nested.revision)),
    [2, 3, 3, 3, 0],
  );
  assert.equal(response.revision, 3);
});

test('[§4.16] compaction goes up only and not into the future', () => {
  const store = open('a', 'b');
  assert.deepEqual(apply(store, compact(2)), { kind: 'compact', revision: 3 });
  refusedWith(apply(store, compact(2)), 'compacted');
  refusedWith(apply(store, compact(4)), 'future-revision');
  assert.equal(store.compactRevision, 2);
});

test('bug 76 (etcd#18089, #19179): compaction at a delete keeps its tombstone until the next compaction', () => {
  const store = open('a');
  apply(store, del('a'));
  const stored = (): string => Buffer.from(serialise(store.freeze())).toString('latin1');
  apply(store, compact(3));
  sweepAll(store);
  store.checkInvariants();
  assert.ok(store.historyBytes > 0, 'the tombstone is there');
  assert.equal(hashOf(load(serialise(store.freeze()))), hashOf(store));
  assert.ok(stored().includes('a'));
});

test('a tombstone below the compacted revision goes, with its key, before and after the sweep alike', () => {
  const store = open('a', 'b');
  apply(store, del('a'));
  apply(store, put('b', 'x'));
  apply(store, compact(5));
  const before = hashOf(store);
  sweepAll(store);
  store.checkInvariants();
  assert.equal(hashOf(store), before);
  assert.equal(store.historyBytes, CHANGE_BYTES, 'the one change at the compacted revision');
});

test('[§5.21] the event of a delete has only key and revision; its previous is what stood before', () => {
  const store = open('a');
  const { events } = store.apply({ operation: del('a'), limits: undefined });
  assert.deepEqual(events[0]?.keyValue, {
    key: 'a',
    value: new Uint8Array(),
    createRevision: 0,
    modRevision: 3,
    version: 0,
    lease: 0n,
  });
  assert.deepEqual(show([events[0]?.previous].filter((previous) => previous !== undefined)), ['a=value of a 2/2/1']);
  store.collectEvents = false;
  assert.deepEqual(store.apply({ operation: put('a', ''), limits: undefined }).events, []);
});

test('limits bind in the order key bytes, value bytes, keys; and only puts that are run', () => {
  const store = open('a', 'b');
  const limits = { keyBytesMax: 2, valueBytesMax: 3, keysMax: 2 };
  refusedWith(apply(store, put('long', 'long'), limits), 'key-too-long');
  refusedWith(apply(store, put('new', 'long'), { ...limits, keyBytesMax: 3 }), 'value-too-long');
  refusedWith(apply(store, put('c', 'ok'), limits), 'too-many-keys');
  assert.equal(apply(store, put('a', 'ok'), limits).kind, 'put');
  const absent = { key: 'a', rangeEnd: undefined, result: 'equal', target: 'create', operand: 0 } as const;
  const response = apply(store, txn([absent], [put('a', 'v')]), { ...limits, keysMax: 0 }) as TxnResponse;
  assert.equal(response.succeeded, false);
});

test('the limit of keys is counted inside the transaction, and a refusal takes everything back', () => {
  const store = open('a', 'b');
  const limits = { keyBytesMax: 9, valueBytesMax: 9, keysMax: 2 };
  assert.equal(apply(store, txn([], [del('a'), put('c', '')]), limits).kind, 'txn');
  const before = [hashOf(store), store.revision, store.bytes, store.historyBytes, store.keyCount];
  const failing = txn([], [put('b', 'x'), del('c'), put('d', ''), put('e', '')]);
  const { response, events } = store.apply({ operation: failing, limits });
  refusedWith(response, 'too-many-keys');
  assert.deepEqual(events, []);
  store.checkInvariants();
  assert.deepEqual([hashOf(store), store.revision, store.bytes, store.historyBytes, store.keyCount], before);
});

test('revisions beyond 32 bits survive commands, snapshots and reads', () => {
  const far = 2 ** 45;
  const source = serialise(open('a').freeze());
  // The same stream with another revision in its header, and the checksum to match.
  const head = Uint8Array.from([...source.subarray(0, 5), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08, 0x00]);
  const body = source.subarray(7, source.length - 4);
  const sum = platform.crc32(body, platform.crc32(head, 0));
  const tail = Uint8Array.from([sum & 255, (sum >>> 8) & 255, (sum >>> 16) & 255, sum >>> 24]);
  const store = load(Uint8Array.from([...head, ...body, ...tail]));
  assert.equal(store.revision, far);
  apply(store, put('a', 'late'));
  assert.deepEqual(show(store.get('a') === undefined ? [] : read(store, 'a').keyValues), [`a=late 2/${far + 1}/2`]);
  apply(store, put('b', 'late'));
  store.checkInvariants();
  assert.equal(hashOf(load(serialise(store.freeze()))), hashOf(store));
  assert.equal(read(store, 'a', undefined, { revision: far }).count, 1);
});

test('a small store has small slabs, a large one has them of full size', () => {
  const store = new Store(platform, { collectEvents: false });
  const value = 'x'.repeat(1024);
  apply(store, put('first', value));
  assert.equal(store.slabBytes, 64 * 1024);
  for (let i = 0; i < 4_000; i += 1) apply(store, put(`key-${i}`, value));
  assert.ok(store.slabBytes < 2 * 4_000 * 1024, `${store.slabBytes} bytes of slabs for 4,000 values of 1 KiB`);
  store.checkInvariants();
});

test('memory comes back: overwriting everything again and again keeps the slabs bounded', () => {
  const store = new Store(platform, { slabBytes: 4096, collectEvents: false });
  const held = store.freeze();
  for (let round = 0; round < 40; round++) {
    for (let key = 0; key < 200; key++) {
      apply(store, put(`key ${key}`, `${round}`.padEnd(100, '.')));
    }
    apply(store, compact(store.revision));
    store.sweep(50);
  }
  const whileHeld = store.slabBytes;
  held.release();
  const frozen = store.freeze();
  const hash = frozen.hash();
  const kept = store.get('key 7')?.value;
  sweepAll(store, 10);
  store.checkInvariants();
  assert.ok(whileHeld > 800_000, `history waits for the frozen view: ${whileHeld}`);
  assert.ok(store.slabBytes < 80_000, `${store.slabBytes} bytes of slabs for 200 values of 100 bytes`);
  assert.equal(frozen.hash(), hash);
  assert.equal(Buffer.from(kept ?? []).toString(), '39'.padEnd(100, '.'));
  assert.equal(ALL.key, '\0');
});
