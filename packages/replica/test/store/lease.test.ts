/** Leases, cluster time and alarms, rule by rule; [§6.28] is section 6, rule 28 of the etcd v3 contract. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type LeaseId, type LeaseInfo, type Response, Store } from '../../src/store/index.js';
import { Leases } from '../../src/store/leases.js';
import { apply, del, load, platform, put, range, serialise, txn } from './support.js';

const grant = (lease: LeaseId, ttlSeconds: number, timeMs: number) =>
  ({ kind: 'lease-grant', lease, ttlSeconds, timeMs }) as const;
const renew = (lease: LeaseId, timeMs: number) => ({ kind: 'lease-renew', lease, timeMs }) as const;
const revoke = (lease: LeaseId) => ({ kind: 'lease-revoke', lease }) as const;
const expire = (timeMs: number, ...leases: LeaseId[]) => ({ kind: 'lease-expire', leases, timeMs }) as const;
const alarm = (action: 'activate' | 'deactivate', kind: 'no-space' | 'corrupt', member = 1) =>
  ({ kind: 'alarm', action, alarm: kind, member }) as const;

function refusedWith(response: Response, code: string): void {
  assert.deepEqual(response, { kind: 'error', code });
}

function open(...leases: LeaseId[]): Store {
  const store = new Store(platform);
  leases.forEach((lease) => apply(store, grant(lease, 10, 0)));
  return store;
}

test('[§6.27] a grant answers with the TTL; an id that is there, no id and a TTL too large are refused', () => {
  const store = open();
  assert.deepEqual(apply(store, grant(5n, 10, 1000)), { kind: 'lease', revision: 1, lease: 5n, ttlSeconds: 10 });
  refusedWith(apply(store, grant(5n, 10, 2000)), 'lease-exists');
  refusedWith(apply(store, grant(0n, 10, 0)), 'lease-not-found');
  refusedWith(apply(store, grant(6n, 9_000_000_001, 0)), 'lease-ttl-too-large');
  assert.equal(apply(store, grant(6n, 9_000_000_000, 0)).kind, 'lease');
  assert.deepEqual(store.lease(5n), { lease: 5n, ttlSeconds: 10, deadlineMs: 11_000 });
});

test('cluster time never goes back, and moves with the stamps of refused commands too', () => {
  const store = open();
  refusedWith(apply(store, renew(1n, 5000)), 'lease-not-found');
  assert.equal(store.timeMs, 5000);
  apply(store, grant(1n, 10, 3000));
  assert.equal(store.timeMs, 5000);
  assert.equal(store.lease(1n)?.deadlineMs, 15_000);
  apply(store, expire(7000));
  assert.equal(store.timeMs, 7000);
  assert.equal(store.revision, 1);
});

test('[§6.29] a renewal gives the whole TTL again; that of a lease that is gone is refused', () => {
  const store = open(1n);
  assert.deepEqual(apply(store, renew(1n, 9000)), { kind: 'lease', revision: 1, lease: 1n, ttlSeconds: 10 });
  assert.equal(store.lease(1n)?.deadlineMs, 19_000);
  apply(store, revoke(1n));
  refusedWith(apply(store, renew(1n, 9500)), 'lease-not-found');
});

test('[§6.28] a revocation deletes the keys in sorted order in one revision; without keys it makes none', () => {
  const store = open(1n, 2n);
  for (const key of ['c', 'a\0', 'a', 'b']) {
    apply(store, put(key, key, { lease: 1n }));
  }
  assert.deepEqual(store.leaseKeys(1n), ['a', 'a\0', 'b', 'c']);
  const { response, events } = store.apply({ operation: revoke(1n), limits: undefined });
  assert.deepEqual(response, { kind: 'lease-end', revision: 6, ended: [1n] });
  assert.deepEqual(
    events.map(({ type, keyValue, previous }) => [type, keyValue.key, keyValue.modRevision, previous?.lease]),
    ['a', 'a\0', 'b', 'c'].map((key) => ['delete', key, 6, 1n]),
  );
  assert.deepEqual(apply(store, revoke(2n)), { kind: 'lease-end', revision: 6, ended: [2n] });
  refusedWith(apply(store, revoke(2n)), 'lease-not-found');
  assert.equal(store.leaseCount, 0);
});

test('an expiry ends only what is due by cluster time, each lease in a revision of its own', () => {
  const store = open(1n, 2n, 3n);
  apply(store, put('x', '', { lease: 2n }));
  apply(store, put('y', '', { lease: 1n }));
  apply(store, put('z', '', { lease: 3n }));
  apply(store, renew(3n, 4000));
  const { response, events } = store.apply({ operation: expire(10_000, 2n, 3n, 1n, 9n, 2n), limits: undefined });
  assert.deepEqual(response, { kind: 'lease-end', revision: 6, ended: [2n, 1n] });
  assert.deepEqual(
    events.map(({ keyValue }) => `${keyValue.key} ${keyValue.modRevision}`),
    ['x 5', 'y 6'],
  );
  assert.deepEqual(store.leaseKeys(3n), ['z']);
  // Past its deadline and not ended yet: a renewal that comes in time saves it.
  assert.equal(apply(store, renew(3n, 14_000)).kind, 'lease');
  assert.deepEqual(apply(store, expire(14_000, 3n)), { kind: 'lease-end', revision: 6, ended: [] });
});

test('[§4.9] a put without lease detaches the key, one with another lease moves it, one that keeps the lease leaves it', () => {
  const store = open(1n, 2n);
  apply(store, put('k', '', { lease: 1n }));
  apply(store, put('k', 'kept', { ignoreLease: true }));
  assert.deepEqual([store.leaseKeys(1n), store.get('k')?.lease], [['k'], 1n]);
  apply(store, put('k', '', { lease: 2n }));
  assert.deepEqual([store.leaseKeys(1n), store.leaseKeys(2n)], [[], ['k']]);
  apply(store, put('k', ''));
  assert.deepEqual([store.leaseKeys(2n), store.get('k')?.lease], [[], 0n]);
  apply(store, put('k', '', { lease: 2n }));
  apply(store, del('k'));
  assert.deepEqual(store.leaseKeys(2n), []);
  store.checkInvariants();
});

test('a transaction that is taken back takes back its attachments too', () => {
  const store = open(1n, 2n);
  apply(store, put('a', '', { lease: 1n }));
  const before = [store.stateHash(), store.bytes];
  const operation = txn([], [del('a'), put('b', '', { lease: 2n }), put('c', '', { lease: 1n }), put('d', '')]);
  refusedWith(apply(store, operation, { keyBytesMax: 9, valueBytesMax: 9, keysMax: 2 }), 'too-many-keys');
  assert.deepEqual([store.leaseKeys(1n), store.leaseKeys(2n)], [['a'], []]);
  assert.deepEqual([store.stateHash(), store.bytes], before);
  store.checkInvariants();
});

test('a frozen view keeps leases, time and alarms as they were', () => {
  const store = open(1n);
  apply(store, put('a', '', { lease: 1n }));
  const frozen = store.freeze();
  const [hash, bytes] = [frozen.stateHash(), serialise(frozen)];
  apply(store, renew(1n, 5000));
  apply(store, grant(2n, 5, 0));
  apply(store, revoke(1n));
  apply(store, alarm('activate', 'no-space'));
  assert.equal(frozen.stateHash(), hash);
  assert.deepEqual(serialise(frozen), bytes);
  const copy = load(bytes);
  assert.deepEqual(copy.lease(1n), { lease: 1n, ttlSeconds: 10, deadlineMs: 10_000 });
  assert.deepEqual(copy.leaseKeys(1n), ['a']);
  assert.notEqual(store.stateHash(), hash);
});

test('[§6.30] leases are listed by deadline, then by id', () => {
  const store = open(7n, 3n, 5n);
  apply(store, renew(3n, 1000));
  const listed = store.leases().map(({ lease }) => lease);
  assert.deepEqual(listed, [5n, 7n, 3n]);
  assert.equal(store.nextLeaseDeadline(), 10_000);
});

test('[§7.38] a no-space alarm refuses new leases, puts and transactions that might put, whichever way they go; everything else goes on', () => {
  const store = open(1n);
  apply(store, put('a', '', { lease: 1n }));
  assert.deepEqual(apply(store, alarm('activate', 'no-space', 4)), {
    kind: 'alarm',
    revision: 2,
    alarms: [{ member: 4, alarm: 'no-space' }],
  });
  refusedWith(apply(store, put('b', '')), 'no-space');
  refusedWith(apply(store, put('b', '', { lease: 99n })), 'no-space');
  refusedWith(apply(store, put('', '')), 'key-empty');
  refusedWith(apply(store, txn([], [range('a')], [put('b', '')])), 'no-space');
  refusedWith(apply(store, txn([], [txn([], [], [put('b', '')])])), 'no-space');
  assert.equal(apply(store, txn([], [range('a'), del('b')])).kind, 'txn');
  refusedWith(apply(store, grant(2n, 5, 0)), 'no-space');
  refusedWith(apply(store, grant(1n, 5, 0)), 'no-space');
  assert.equal(apply(store, renew(1n, 0)).kind, 'lease');
  assert.equal(apply(store, revoke(1n)).kind, 'lease-end');
  assert.equal(apply(store, { kind: 'compact', revision: 2 }).kind, 'compact');
  assert.equal(apply(store, del('a')).kind, 'delete');
  assert.deepEqual(apply(store, alarm('deactivate', 'no-space', 5)), { kind: 'alarm', revision: 3, alarms: [] });
  refusedWith(apply(store, put('b', '')), 'no-space');
  apply(store, alarm('deactivate', 'no-space', 4));
  assert.equal(apply(store, put('b', '')).kind, 'put');
});

test('[§7.38] a corrupt alarm refuses all changes but renewals and alarms, before a no-space alarm does', () => {
  const store = open(1n);
  apply(store, alarm('activate', 'no-space'));
  apply(store, alarm('activate', 'corrupt', 2));
  for (const operation of [
    put('a', ''),
    del('a'),
    txn([], []),
    { kind: 'compact', revision: 1 } as const,
    grant(2n, 5, 0),
    revoke(1n),
    expire(20_000, 1n),
  ]) {
    refusedWith(apply(store, operation), 'corrupt');
  }
  assert.equal(apply(store, renew(1n, 0)).kind, 'lease');
  assert.equal(store.range(range('a')).kind, 'range');
  assert.equal(store.query(txn([], [range('a')])).kind, 'txn');
  apply(store, alarm('deactivate', 'corrupt', 2));
  refusedWith(apply(store, put('a', '')), 'no-space');
});

test('[§4.14] a query runs a transaction that only reads, and no other', () => {
  const store = open(1n);
  apply(store, put('a', 'x', { lease: 1n }));
  const { compares } = txn([{ key: 'a', rangeEnd: undefined, result: 'equal', target: 'lease', operand: 1n }], []);
  const response = store.query(txn(compares, [range('a')], []));
  assert.equal(response.kind === 'txn' && response.succeeded, true);
  refusedWith(store.query(txn([], [range('a', undefined, { revision: 3 })])), 'future-revision');
  refusedWith(store.query(txn([], [range('')])), 'key-empty');
  assert.throws(() => store.query(txn([], [], [put('a', '')])));
  assert.throws(() => store.query(txn([], [txn([], [del('a')])])));
});

test('the heap of deadlines stays in order through grants, renewals and ends, and finds exactly what is due', () => {
  const anyStep = fc.tuple(fc.constantFrom('grant', 'renew', 'end'), fc.nat(40), fc.nat(100));
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200, size: 'max' }), fc.nat(110), (steps, timeMs) => {
      const leases = new Leases();
      for (const [kind, id, deadlineMs] of steps) {
        const lease = BigInt(id + 1);
        if (kind === 'end' ? leases.has(lease) : kind === (leases.has(lease) ? 'renew' : 'grant')) {
          if (kind === 'end') leases.end(lease);
          else leases[kind]({ lease, ttlSeconds: 1, deadlineMs });
        }
        leases.check();
      }
      const due = [...leases.freeze()].filter(({ deadlineMs }) => deadlineMs <= timeMs);
      assert.deepEqual(new Set(leases.due(timeMs, 1000)), new Set(due.map(({ lease }) => lease)));
      assert.equal(leases.due(timeMs, 3).length, Math.min(3, due.length));
      const deadlines = leases.due(timeMs, 1000).map((lease) => leases.get(lease)?.deadlineMs ?? 0);
      assert.deepEqual(
        deadlines,
        deadlines.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('frozen leases stay as they were, in the order of their grants, through thousands of changes', () => {
  const leases = new Leases();
  const model = new Map<LeaseId, LeaseInfo>();
  const frozen: { readonly grants: Iterable<LeaseInfo>; readonly expected: readonly LeaseInfo[] }[] = [];
  // Ends come in waves, so that whole blocks of leases empty themselves, and others keep a few.
  for (let step = 0; step < 6_000; step++) {
    const lease = BigInt(1 + ((step * 7_919) % 1_500));
    const info = { lease, ttlSeconds: 1, deadlineMs: step };
    if (!leases.has(lease)) {
      leases.grant(info);
      model.set(lease, info);
    } else if (step % 1_500 < 900) {
      leases.end(lease);
      model.delete(lease);
    } else {
      leases.renew(info);
      model.set(lease, info);
    }
    if (step % 97 === 0) frozen.push({ grants: leases.freeze(), expected: [...model.values()] });
  }
  leases.check();
  for (const { grants, expected } of frozen) assert.deepEqual([...grants], expected);
});
