/** Commands, responses and snapshot streams as bytes: what goes in comes out, and no other bytes do harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  decodeCommand,
  decodeResponse,
  encodeCommand,
  encodeResponse,
  type Response,
  Store,
  StoreCodecError,
  stampTime,
  TIME_MS_MAX,
} from '../../src/store/index.js';
import { anyCommand } from './arbitraries.js';
import { apply, del, hashOf, load, platform, put, serialise, txn } from './support.js';

const anyBytes = fc.uint8Array({ maxLength: 40 }).map((value) => Uint8Array.from(value));
const anyNumber = fc.oneof(fc.nat(300), fc.maxSafeNat());
const anyText = fc.array(fc.nat(255), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));

const anyInt64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const anyAlarm = fc.record(
  { member: anyNumber, alarm: fc.constantFrom('no-space' as const, 'corrupt' as const) },
  { noNullPrototype: true },
);

const anyKeyValue = fc.record(
  {
    key: anyText,
    value: anyBytes,
    createRevision: anyNumber,
    modRevision: anyNumber,
    version: anyNumber,
    lease: fc.oneof(fc.constant(0n), anyInt64),
  },
  { noNullPrototype: true },
);

const { response: anyResponse } = fc.letrec<{ response: Response }>((tie) => ({
  response: fc.oneof(
    { maxDepth: 3 },
    fc
      .tuple(anyNumber, fc.option(anyKeyValue, { nil: undefined }))
      .map(([revision, previous]) => ({ kind: 'put' as const, revision, previous })),
    fc
      .tuple(anyNumber, anyNumber, fc.array(anyKeyValue, { maxLength: 3 }))
      .map(([revision, deleted, previous]) => ({ kind: 'delete' as const, revision, deleted, previous })),
    fc
      .tuple(anyNumber, fc.array(anyKeyValue, { maxLength: 3 }), fc.boolean(), anyNumber)
      .map(([revision, keyValues, more, count]) => ({ kind: 'range' as const, revision, keyValues, more, count })),
    fc
      .tuple(anyNumber, fc.boolean(), fc.array(tie('response'), { maxLength: 3 }))
      .map(([revision, succeeded, responses]) => ({ kind: 'txn' as const, revision, succeeded, responses })),
    anyNumber.map((revision) => ({ kind: 'compact' as const, revision })),
    fc
      .tuple(anyNumber, anyInt64, anyNumber)
      .map(([revision, lease, ttlSeconds]) => ({ kind: 'lease' as const, revision, lease, ttlSeconds })),
    fc
      .tuple(anyNumber, fc.array(anyInt64, { maxLength: 4 }))
      .map(([revision, ended]) => ({ kind: 'lease-end' as const, revision, ended })),
    fc
      .tuple(anyNumber, fc.array(anyAlarm, { maxLength: 3 }))
      .map(([revision, alarms]) => ({ kind: 'alarm' as const, revision, alarms })),
    fc
      .constantFrom(
        'key-not-found',
        'compacted',
        'too-many-keys',
        'duplicate-key',
        'lease-exists',
        'no-space',
        'corrupt',
      )
      .map((code) => ({ kind: 'error' as const, code })),
  ),
}));

/** Cut, flip, insert: what a broken disk or a hostile peer may send. */
const anyDamage = fc.array(fc.tuple(fc.constantFrom('set', 'cut', 'insert', 'drop'), fc.nat(10_000), fc.nat(255)), {
  minLength: 1,
  maxLength: 4,
});

function damage(source: Uint8Array, steps: readonly (readonly [string, number, number])[]): Uint8Array {
  let bytes = [...source];
  for (const [kind, where, byte] of steps) {
    const at = bytes.length === 0 ? 0 : where % bytes.length;
    if (kind === 'set') {
      bytes[at] = byte;
    } else if (kind === 'cut') {
      bytes = bytes.slice(0, at);
    } else {
      bytes.splice(at, kind === 'drop' ? 1 : 0, ...(kind === 'insert' ? [byte] : []));
    }
  }
  return Uint8Array.from(bytes);
}

/** The result, or undefined when it was refused with the one error that is allowed. */
function strictly<Result>(decode: () => Result): Result | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof StoreCodecError, String(error));
    return undefined;
  }
}

test('commands and responses come back as they were', () => {
  fc.assert(
    fc.property(anyCommand, (command) => {
      assert.deepEqual(decodeCommand(platform, encodeCommand(platform, command)), command);
    }),
  );
  fc.assert(
    fc.property(anyResponse, (response) => {
      assert.deepEqual(decodeResponse(platform, encodeResponse(platform, response)), response);
    }),
  );
});

test('damaged commands and responses are refused, or are the one form of another', () => {
  fc.assert(
    fc.property(anyCommand, anyDamage, (command, steps) => {
      const damaged = damage(encodeCommand(platform, command), steps);
      const decoded = strictly(() => decodeCommand(platform, damaged));
      if (decoded !== undefined) {
        assert.deepEqual(encodeCommand(platform, decoded), damaged);
      }
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(anyResponse, anyDamage, (response, steps) => {
      const damaged = damage(encodeResponse(platform, response), steps);
      const decoded = strictly(() => decodeResponse(platform, damaged));
      if (decoded !== undefined) {
        assert.deepEqual(encodeResponse(platform, decoded), damaged);
      }
    }),
    { numRuns: 1000 },
  );
});

test('random bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      strictly(() => decodeCommand(platform, Uint8Array.from([1, ...bytes])));
      strictly(() => decodeResponse(platform, Uint8Array.from([1, ...bytes])));
    }),
    { numRuns: 1000 },
  );
});

test('a false length or count does not make the decoder allocate', () => {
  const allocated: number[] = [];
  const counting = {
    ...platform,
    allocate: (bytes: number) => {
      allocated.push(bytes);
      return platform.allocate(bytes);
    },
  };
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const bytes of [
    [1, 0, 1, 0, 1, 97, ...huge],
    [1, 0, 4, ...huge, 0, 0],
    [1, 0, 2, 0, ...huge],
  ]) {
    assert.throws(() => decodeCommand(counting, Uint8Array.from(bytes)), StoreCodecError);
  }
  assert.deepEqual(allocated, []);
});

test('what cannot be read back is not written: transactions nested too deeply, numbers that are not safe', () => {
  let deep = txn([], []);
  for (let depth = 0; depth < 300; depth++) {
    deep = txn([], [deep]);
  }
  assert.throws(() => encodeCommand(platform, { operation: deep, limits: undefined }), StoreCodecError);
  const unsafe = { kind: 'compact', revision: 2 ** 60 } as const;
  assert.throws(() => encodeCommand(platform, { operation: unsafe, limits: undefined }), StoreCodecError);
  const nested = Uint8Array.from([1, 0, ...Array.from({ length: 2000 }, () => [4, 0, 1, 0]).flat()]);
  assert.throws(() => decodeCommand(platform, nested), StoreCodecError);
});

test('the time of a timed command is stamped in place, and nothing else is changed', () => {
  fc.assert(
    fc.property(anyCommand, fc.integer({ min: 0, max: TIME_MS_MAX }), (command, timeMs) => {
      const data = encodeCommand(platform, command);
      const before = data.slice();
      if ('timeMs' in command.operation) {
        assert.equal(stampTime(data, timeMs), true);
        assert.deepEqual(decodeCommand(platform, data), { ...command, operation: { ...command.operation, timeMs } });
      } else {
        assert.equal(stampTime(data, timeMs), false);
        assert.deepEqual(data, before);
      }
    }),
    { numRuns: 1000 },
  );
  const renewal = encodeCommand(platform, {
    operation: { kind: 'lease-renew', lease: 1n, timeMs: 0 },
    limits: undefined,
  });
  assert.equal(stampTime(renewal.subarray(0, renewal.length - 9), 1), false, 'cut before the end of the time');
  for (const time of [-1, 0.5, TIME_MS_MAX + 1, Number.NaN]) {
    assert.throws(() => stampTime(renewal, time));
    const operation = { kind: 'lease-renew', lease: 1n, timeMs: time } as const;
    assert.throws(() => encodeCommand(platform, { operation, limits: undefined }), StoreCodecError);
  }
});

test('limits are refused on commands that they do not bind, so that the time stands where it stands', () => {
  const limits = { keyBytesMax: 1, valueBytesMax: 1, keysMax: 1 };
  const operation = { kind: 'lease-revoke', lease: 1n } as const;
  assert.throws(() => encodeCommand(platform, { operation, limits }), StoreCodecError);
  const bytes = encodeCommand(platform, { operation, limits: undefined });
  const limited = Uint8Array.from([bytes[0] ?? 0, 1, 1, 1, 1, ...bytes.subarray(2)]);
  assert.throws(() => decodeCommand(platform, limited), StoreCodecError);
});

function sample(): Store {
  const store = new Store(platform);
  for (const [lease, ttlSeconds] of [
    [9n, 60],
    [-3n, 9_000_000_000],
    [2n ** 62n, 5],
  ] as const) {
    apply(store, { kind: 'lease-grant', lease, ttlSeconds, timeMs: 1_700_000_000_000 });
  }
  apply(store, { kind: 'lease-renew', lease: 9n, timeMs: 1_700_000_007_000 });
  apply(store, { kind: 'alarm', action: 'activate', alarm: 'no-space', member: 7 });
  apply(store, { kind: 'alarm', action: 'activate', alarm: 'no-space', member: 3 });
  apply(store, { kind: 'alarm', action: 'deactivate', alarm: 'no-space', member: 7 });
  apply(store, { kind: 'alarm', action: 'deactivate', alarm: 'no-space', member: 3 });
  for (let index = 0; index < 30; index++) {
    apply(store, put(`key ${index % 7}`, `value ${index}`));
  }
  apply(store, del('key 3'));
  apply(store, txn([], [put('x', '1'), put('y', 'long'.repeat(100))]));
  apply(store, put('leased', '', { lease: 9n }));
  apply(store, txn([], [put('leased too', '', { lease: -3n })]));
  apply(store, { kind: 'compact', revision: 12 });
  apply(store, { kind: 'alarm', action: 'activate', alarm: 'no-space', member: 7 });
  apply(store, { kind: 'alarm', action: 'activate', alarm: 'corrupt', member: 7 });
  apply(store, { kind: 'alarm', action: 'activate', alarm: 'no-space', member: 3 });
  return store;
}

test('a snapshot cut after any byte is refused as long as its end is missing', () => {
  const stream = serialise(sample().freeze());
  for (let length = 0; length < stream.length; length++) {
    assert.throws(() => load(stream.subarray(0, length), 64), StoreCodecError);
  }
  assert.throws(() => load(Uint8Array.from([...stream, 0])), StoreCodecError);
});

test('a snapshot loads the same however it is cut', () => {
  const store = sample();
  const stream = serialise(store.freeze());
  for (const chunkBytes of [1, 2, 3, 7, 50, stream.length]) {
    const loaded = load(stream, chunkBytes);
    loaded.checkInvariants();
    assert.equal(hashOf(loaded), hashOf(store));
    assert.deepEqual(loaded.leases(), store.leases());
    assert.deepEqual(loaded.leaseKeys(9n), ['leased']);
    assert.deepEqual(loaded.alarms(), [
      { member: 3, alarm: 'no-space' },
      { member: 7, alarm: 'no-space' },
      { member: 7, alarm: 'corrupt' },
    ]);
    assert.equal(loaded.timeMs, 1_700_000_007_000);
    assert.equal(loaded.stateHash(), store.stateHash());
    assert.deepEqual(serialise(loaded.freeze(), chunkBytes), stream);
  }
});

test('a snapshot with any byte changed is refused', () => {
  const stream = serialise(sample().freeze());
  for (let index = 0; index < stream.length; index++) {
    const damaged = stream.slice();
    damaged[index] = (damaged[index] ?? 0) ^ (1 << (index % 8));
    assert.throws(() => load(damaged, 97), StoreCodecError, `byte ${index}`);
  }
});
