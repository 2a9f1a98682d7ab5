/** The two ways of a put, held against each other: from bytes to bytes, and by messages and operations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtoError, PutRequest, PutResponse, SERVICES } from '@quorate/proto';
import type { MemberDoor } from '@quorate/replica';
import { encodeCommand, type Failure, nodePlatform, type Response, type Result } from '@quorate/replica/internal';
import * as fc from 'fast-check';
import { Headers } from '../../src/etcd/header.js';
import { plainPutCommand } from '../../src/etcd/plain-put.js';
import { putOperation, Refused } from '../../src/etcd/translate.js';
import { call, doorWith, refuses, runEtcd } from './support.js';

const { Put, Range } = SERVICES['etcdserverpb.KV'];
const RUNS = 3_000;

const success = (value: Response): Result<Response> => ({ ok: true, value });

/** The command of the ordinary way; undefined if there is none. */
function ordinaryCommand(request: Uint8Array): Uint8Array | undefined {
  try {
    return encodeCommand(nodePlatform, { operation: putOperation(PutRequest.decode(request)), limits: undefined });
  } catch (error) {
    if (error instanceof ProtoError || error instanceof Refused) return undefined;
    throw error;
  }
}

/** What the short way makes of a request is what the ordinary one makes of it. */
function check(request: Uint8Array): boolean {
  const command = plainPutCommand(request);
  if (command !== undefined) assert.deepEqual(Buffer.from(command), Buffer.from(ordinaryCommand(request) ?? []));
  return command !== undefined;
}

const sized = (sizes: readonly number[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(...sizes).map((size) => new Uint8Array(size).fill(size)),
  );
const key = sized([0, 1, 127, 128, 300, 16_383, 16_384]);
const value = sized([0, 1, 127, 128, 16_383, 16_384, 70_000, 2 ** 21 - 1, 2 ** 21]);

test('a key and a value take the short way, whatever their sizes, and it leads to the same command', () => {
  fc.assert(
    fc.property(key, value, (aKey, aValue) => {
      const isShort = check(PutRequest.encode({ key: aKey, value: aValue }));
      const isExpected = aKey.length > 0 && aValue.length > 0 && aValue.length < 2 ** 21;
      assert.equal(isShort, isExpected);
    }),
    { numRuns: 500 },
  );
});

test('a put that is more than a key and a value does not take the short way', () => {
  const flags = { prevKv: fc.boolean(), ignoreValue: fc.boolean(), ignoreLease: fc.boolean() };
  const request = fc.record({ key, value, lease: fc.bigInt(-2n, 2n), ...flags });
  fc.assert(
    fc.property(request, (message) => {
      const isPlain = !message.prevKv && !message.ignoreValue && !message.ignoreLease && message.lease === 0n;
      const isShort = check(PutRequest.encode(message));
      assert.ok(isPlain || !isShort);
    }),
    { numRuns: 500 },
  );
});

test('broken requests never lead to a command that the ordinary way would not have made', () => {
  const small = fc.record({ key: fc.uint8Array({ maxLength: 6 }), value: fc.uint8Array({ maxLength: 6 }) });
  const damage = fc.array(fc.tuple(fc.nat(20), fc.constantFrom(0, 1, 2, 0x0a, 0x12, 0x18, 0x7f, 0x80, 0x81, 0xff)), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(small, damage, fc.nat(3), (message, damages, cut) => {
      const bytes = Uint8Array.from(PutRequest.encode(message));
      for (const [at, byte] of damages) if (at < bytes.length) bytes[at] = byte;
      check(bytes);
      check(bytes.subarray(0, Math.max(0, bytes.length - cut)));
      check(Uint8Array.of(...bytes, ...damages.map(([, byte]) => byte)));
    }),
    { numRuns: RUNS },
  );
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1, 2, 3, 0x0a, 0x12, 0x18, 0x80, 0x81), { maxLength: 9 }), (bytes) => {
      check(Uint8Array.from(bytes));
    }),
    { numRuns: RUNS },
  );
});

test('a length that is longer than it must be, which protobuf allows and commands do not, takes the ordinary way', () => {
  const padded = [
    [0x0a, 0x81, 0x00, 0x61, 0x12, 0x01, 0x62],
    [0x0a, 0x01, 0x61, 0x12, 0x81, 0x00, 0x62],
    [0x0a, 0x81, 0x80, 0x00, 0x61, 0x12, 0x01, 0x62],
    [0x0a, 0x01, 0x61, 0x12, 0x81, 0x80, 0x80, 0x00, 0x62],
  ];
  for (const bytes of padded) {
    assert.equal(plainPutCommand(Uint8Array.from(bytes)), undefined);
    assert.notEqual(ordinaryCommand(Uint8Array.from(bytes)), undefined);
  }
});

const refusal = (code: Failure['code']): Failure => ({
  ok: false,
  code,
  outcome: 'rejected',
  message: 'in other words',
});

const identity = fc.oneof(fc.nat(2 ** 31 - 1), fc.maxSafeNat());
const number = fc.oneof(fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32), fc.maxSafeNat());

test('the bytes of an answer are those of the message', () => {
  fc.assert(
    fc.property(identity, identity, fc.array(fc.tuple(number, number)), (clusterId, memberId, answers) => {
      const state = { clusterId, memberId, revision: 0, raftTerm: 0 };
      const headers = new Headers({ header: state } as unknown as MemberDoor);
      for (const [revision, raftTerm] of answers) {
        state.raftTerm = raftTerm;
        const message = PutResponse.encode({ header: headers.now(revision), prevKv: undefined });
        assert.deepEqual(Buffer.from(headers.answer(revision)), Buffer.from(message));
      }
    }),
  );
});

test('a plain put is answered by the member in the words of the ordinary way, whichever way the member ends it', async (t) => {
  let end: Result<Response> | number = 0;
  const answering = (door: MemberDoor): MemberDoor =>
    doorWith(door, {
      execute: (_, done) =>
        done(typeof end === 'number' ? success({ kind: 'put', revision: end, previous: undefined }) : end),
      put: (_, waiter) => {
        if (typeof end === 'number') waiter.put(end);
        else waiter.done(end);
      },
    });
  const server = await runEtcd(t, { door: answering });
  const outcome = (request: Parameters<typeof PutRequest.encode>[0]): Promise<unknown> =>
    call(server, Put, request).catch(({ code, details }: { code: number; details: string }) => ({ code, details }));
  const ends: (Result<Response> | number)[] = [
    7,
    success({ kind: 'put', revision: 300, previous: undefined }),
    success({ kind: 'error', code: 'no-space' }),
    success({ kind: 'error', code: 'corrupt' }),
    refusal('no-leader'),
    refusal('outcome-unknown'),
    refusal('busy'),
    refusal('configuration-refused'),
  ];
  for (end of ends) {
    const short = await outcome({ key: Buffer.from('a'), value: Buffer.from('1') });
    // With an empty value there is no second field, so the ordinary way is taken.
    assert.deepEqual(short, await outcome({ key: Buffer.from('a') }));
  }
});

test('what a plain put is refused for before the member is asked', async (t) => {
  const request = { key: Buffer.from('a'), value: Buffer.alloc(100) };
  const small = await runEtcd(t, { requestBytesMax: 50 });
  await refuses(call(small, Put, request), 'RequestTooLarge');
  const learner = await runEtcd(t, { door: (door) => doorWith(door, { isLearner: () => true }) });
  await refuses(call(learner, Put, request), 'NotSupportedForLearner');
  const alone = await runEtcd(t, { door: (door) => doorWith(door, { hasLeader: () => false }) });
  await refuses(call(alone, Put, request, { hasleader: 'true' }), 'NoLeader');
  assert.equal((await call(alone, Put, request)).header?.revision, 2);
  assert.equal((await call(alone, Range, { key: request.key })).kvs[0]?.value.length, 100);
});
