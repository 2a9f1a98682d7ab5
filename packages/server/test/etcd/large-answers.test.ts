/** Answers that cannot be sent: too large for their carrier, or not to be encoded at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { SERVICES } from '@quorate/proto';
import type { MemberDoor } from '@quorate/replica';
import type { Store } from '@quorate/replica/internal';
import { base64, bytes, call, doorWith, JsonStream, postJson, type RunningEtcd, runEtcd, until } from './support.js';

const KV = SERVICES['etcdserverpb.KV'];
const FOO = base64('foo');
const TOO_LARGE = /^grpc: trying to send message larger than max \(\d+ vs\. 1000000\)$/;

/** Base64 makes more than a million characters of it. */
const large = (server: RunningEtcd): Promise<unknown> => server.member.kv.put('foo', Buffer.alloc(800_000));

test('as JSON, an answer longer than all that may wait is refused, whatever it answers', async (t) => {
  const server = await runEtcd(t, { waitingBytesMax: 1_000_000 });
  const range = { key: FOO };
  const deletion = { key: FOO, prev_kv: true };
  for (const [path, request] of [
    ['/v3/kv/range', range],
    ['/v3/kv/txn', { success: [{ request_range: range }] }],
    ['/v3/kv/put', { key: FOO, prev_kv: true }],
    ['/v3/kv/deleterange', deletion],
    ['/v3/kv/txn', { success: [{ request_delete_range: deletion }] }],
  ] as const) {
    await large(server);
    const { status, body } = await postJson(server, path, request);
    assert.deepEqual([status, body.code], [429, 8], path);
    assert.match(body.message, TOO_LARGE);
  }
  const { body } = await postJson(server, '/v3/kv/range', range);
  assert.equal(body.kvs, undefined, 'it was deleted all the same');
});

test('as JSON, a watch whose event is too large ends, and says why', async (t) => {
  const server = await runEtcd(t, { waitingBytesMax: 1_000_000 });
  await large(server);
  const watch = new JsonStream(server, '/v3/watch');
  watch.request.write(JSON.stringify({ create_request: { key: FOO, prev_kv: true } }));
  assert.equal((await watch.next()).result.created, true);
  await server.member.kv.delete('foo');
  const { error } = await watch.next();
  assert.equal(error.code, 8);
  assert.match(error.message, TOO_LARGE);
  await until(() => server.member.metrics().watchers === 0);
});

/** A door whose store finds something. */
const finding = (door: MemberDoor, keyValue: object): MemberDoor => {
  const response = { kind: 'range', revision: 1, keyValues: [keyValue], more: false, count: 1 };
  const store = { range: () => response, alarms: () => [] } as unknown as Store;
  return doorWith(door, { store: () => store });
};
/** One whose answers cannot be encoded. */
const atOnce = (door: MemberDoor): MemberDoor => finding(door, { ...FOUND, version: 0.5, value: bytes('') });
const FOUND = { key: 'foo', createRevision: 1, modRevision: 1, version: 1, lease: 0n };

test('over gRPC, an answer larger than any client takes is refused', async (t) => {
  // Nothing is looked at of it but its length.
  const value = { length: 2 ** 31 };
  const server = await runEtcd(t, { door: (door) => finding(door, { ...FOUND, value }) });
  const error = (await call(server, KV.Range, { key: bytes('foo') }).catch(
    (failure: unknown) => failure,
  )) as ServiceError;
  assert.equal(error.code, 8);
  assert.match(error.details, /^grpc: trying to send message larger than max \(\d+ vs\. 2147483647\)$/);
});

test('a fault in making an answer is answered and reported, in the turn of the member too', async (t) => {
  const thrown: unknown[] = [];
  const inTurn = (door: MemberDoor): MemberDoor =>
    doorWith(atOnce(door), {
      read: (consistency, done) =>
        setImmediate(() => {
          try {
            door.read(consistency, done);
          } catch (error) {
            thrown.push(error);
          }
        }),
    });
  for (const door of [inTurn, atOnce]) {
    const server = await runEtcd(t, { door });
    const error = (await call(server, KV.Range, { key: bytes('foo') }).catch(
      (failure: unknown) => failure,
    )) as ServiceError;
    assert.deepEqual([error.code, error.details], [13, 'internal error']);
    const { status, body } = await postJson(server, '/v3/kv/range', { key: FOO });
    assert.deepEqual([status, body.message], [500, 'internal error']);
    const faults = [...thrown.splice(0), ...server.faults.splice(0)];
    assert.deepEqual(
      faults.map((fault) => fault instanceof RangeError),
      [true, true],
    );
  }
});
