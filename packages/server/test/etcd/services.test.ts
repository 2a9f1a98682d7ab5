/** Services KV, Lease, Cluster, Maintenance and Auth over gRPC: contract sections 3, 4 and 6 to 9. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import {
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  type MessageInit,
  type Method,
  RangeRequest,
  RangeResponse,
  type RequestOp,
  SERVICES,
  TxnRequest,
} from '@quorate/proto';
import type { MemberDoor } from '@quorate/replica';
import { ETCD_DEFAULTS } from '../../src/etcd/backend.js';
import { Headers } from '../../src/etcd/header.js';
import { LeaseService } from '../../src/etcd/lease.js';
import type { Duplex } from '../../src/etcd/service.js';
import {
  bytes,
  Conversation,
  call,
  doorWith,
  metadataOf,
  postJson,
  type RunningEtcd,
  refuses,
  runEtcd,
  text,
} from './support.js';

const KV = SERVICES['etcdserverpb.KV'];
const LEASE = SERVICES['etcdserverpb.Lease'];
const CLUSTER = SERVICES['etcdserverpb.Cluster'];
const MAINTENANCE = SERVICES['etcdserverpb.Maintenance'];
const AUTH = SERVICES['etcdserverpb.Auth'];

const A = bytes('a');

const asIs = (buffer: Buffer): Buffer => buffer;

/** All responses of a server stream. */
function collect<Request, Response>(
  { client }: RunningEtcd,
  method: Method<Request, Response, 'server-stream'>,
  request: MessageInit<Request>,
): Promise<readonly Response[]> {
  return new Promise((resolve, reject) => {
    const responses: Response[] = [];
    const stream = client.makeServerStreamRequest(
      method.path,
      (message: MessageInit<Request>) => Buffer.from(method.request.encode(message)),
      (buffer: Buffer) => method.response.decode(buffer),
      request,
      metadataOf({}),
    );
    stream.on('data', (response: Response) => responses.push(response));
    stream.on('error', reject);
    stream.on('end', () => resolve(responses));
  });
}

/** Reads are answered later, when the piece of input that the request came in has long been used for others. */
const answeringLater = (door: MemberDoor): MemberDoor =>
  doorWith(door, { read: (consistency, done) => setImmediate(() => setImmediate(() => door.read(consistency, done))) });

test('KV: what is put is found and deleted, under revisions that count changes', async (t) => {
  const server = await runEtcd(t);
  assert.equal((await call(server, KV.Put, { key: A, value: bytes('1') })).header?.revision, 2);
  const replaced = await call(server, KV.Put, { key: A, value: bytes('2'), prevKv: true });
  assert.deepEqual([text(replaced.prevKv?.value), replaced.prevKv?.version], ['1', 1]);
  const { kvs, count, more, header } = await call(server, KV.Range, { key: A });
  assert.deepEqual([text(kvs[0]?.value), kvs[0]?.version, count, more, header?.revision], ['2', 2, 1, false, 3]);
  const old = await call(server, KV.Range, { key: A, revision: 2 });
  assert.deepEqual([text(old.kvs[0]?.value), old.header?.revision], ['1', 3]);
  const deleted = await call(server, KV.DeleteRange, { key: A, prevKv: true });
  assert.deepEqual([deleted.deleted, text(deleted.prevKvs[0]?.value), deleted.header?.revision], [1, '2', 4]);
  assert.equal((await call(server, KV.DeleteRange, { key: A })).header?.revision, 4);
  const { succeeded, responses } = await call(server, KV.Txn, {
    compare: [{ key: A, target: 'CREATE', createRevision: 0 }],
    success: [{ requestPut: { key: A } }, { requestRange: { key: A } }],
  });
  assert.equal(succeeded, true);
  assert.deepEqual(responses[1]?.responseRange?.header, { clusterId: 0n, memberId: 0n, revision: 5, raftTerm: 0 });
  await call(server, KV.Compact, { revision: 4 });
  await refuses(call(server, KV.Range, { key: A, revision: 3 }), 'Compacted');
});

test("KV: every refusal has etcd's text and code", async (t) => {
  const server = await runEtcd(t, { requestBytesMax: 10_000, txnOperationsMax: 2 });
  const put = { requestPut: { key: A } };
  await refuses(call(server, KV.Range, {}), 'EmptyKey');
  await refuses(call(server, KV.Put, {}), 'EmptyKey');
  await refuses(call(server, KV.DeleteRange, {}), 'EmptyKey');
  await refuses(call(server, KV.Txn, { compare: [{}] }), 'EmptyKey');
  await refuses(call(server, KV.Range, { key: A, sortOrder: 9 }), 'InvalidSortOption');
  await refuses(call(server, KV.Range, { key: A, sortTarget: 9 }), 'InvalidSortOption');
  await refuses(call(server, KV.Range, { key: A, revision: 5 }), 'FutureRevision');
  await refuses(call(server, KV.Put, { key: A, value: A, ignoreValue: true }), 'ValueProvided');
  await refuses(call(server, KV.Put, { key: A, lease: 1n, ignoreLease: true }), 'LeaseProvided');
  await refuses(call(server, KV.Put, { key: A, ignoreValue: true }), 'KeyNotFound');
  await refuses(call(server, KV.Put, { key: A, lease: 1n }), 'LeaseNotFound');
  await refuses(call(server, KV.Put, { key: A, value: new Uint8Array(10_000) }), 'RequestTooLarge');
  await refuses(call(server, KV.Txn, { success: [put, put, put] }), 'TooManyOps');
  await refuses(call(server, KV.Txn, { success: [put, put] }), 'DuplicateKey');
  await refuses(call(server, KV.Txn, { success: [{}] }), 'KeyNotFound');
  await refuses(call(server, KV.Compact, { revision: 7 }), 'FutureRevision');
  await call(server, KV.Put, { key: A });
  await call(server, KV.Compact, { revision: 2 });
  await refuses(call(server, KV.Compact, { revision: 2 }), 'Compacted');
});

test('KV: a request larger than gRPC takes is refused by gRPC', async (t) => {
  const server = await runEtcd(t, { requestBytesMax: 10_000 });
  const answer = call(server, KV.Put, { key: A, value: new Uint8Array(600_000) });
  const error = (await answer.catch((failure: unknown) => failure)) as ServiceError;
  assert.equal(error.code, 8);
  assert.match(error.details, /received message larger than max/);
});

test('requests are not looked at after their bytes are gone', async (t) => {
  const server = await runEtcd(t, { door: answeringLater });
  for (const key of ['a1', 'a2', 'b1'])
    await call(server, KV.Put, { key: bytes(key), value: bytes(`value of ${key}`) });
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const key = ['a1', 'a2', 'b1'][index % 3] ?? '';
      if (index % 2 === 0) {
        const parts = await collect(server, KV.RangeStream, { key: bytes(key) });
        return text(parts.at(-1)?.rangeResponse?.kvs[0]?.value) === `value of ${key}`;
      }
      const { succeeded } = await call(server, KV.Txn, {
        compare: [{ key: bytes(key), target: 'VALUE', value: bytes(`value of ${key}`) }],
        success: [{ requestRange: { key: A } }],
      });
      return succeeded;
    }),
  );
  assert.deepEqual(
    answers.filter((isRight) => !isRight),
    [],
  );
});

test('RangeStream: the parts together are what Range answers', async (t) => {
  const server = await runEtcd(t);
  for (let index = 0; index < 20; index += 1) {
    await server.member.kv.put(`k${String(index).padStart(2, '0')}`, Buffer.alloc(100_000, index));
  }
  const request = { key: bytes('k'), rangeEnd: bytes('l'), limit: 15 };
  const parts = (await collect(server, KV.RangeStream, request)).map(({ rangeResponse }) => rangeResponse);
  assert.ok(parts.length > 3);
  for (const part of parts.slice(0, -1))
    assert.deepEqual([part?.header, part?.more, part?.count], [undefined, false, 0]);
  const whole = await call(server, KV.Range, request);
  const merged = RangeResponse.decode(Buffer.concat(parts.map((part) => RangeResponse.encode(part ?? {}))));
  assert.deepEqual(merged, whole);
  await refuses(collect(server, KV.RangeStream, {}), 'EmptyKey');
  await refuses(collect(server, KV.RangeStream, { key: A, sortOrder: 'DESCEND' }), 'RangeStreamSortUnsupported');
  await refuses(collect(server, KV.RangeStream, { key: A, minModRevision: 1 }), 'RangeStreamFilterUnsupported');
  await refuses(collect(server, KV.RangeStream, { key: A, revision: 99 }), 'FutureRevision');
});

test('Lease: granted, renewed, listed, asked about and revoked', async (t) => {
  const server = await runEtcd(t);
  const granted = await call(server, LEASE.LeaseGrant, { TTL: 100 });
  assert.ok(granted.ID > 0n);
  assert.deepEqual([granted.TTL, granted.error], [100, '']);
  assert.equal((await call(server, LEASE.LeaseGrant, { ID: 7n })).TTL, 2, 'raised to the least');
  await call(server, KV.Put, { key: bytes('b'), lease: 7n });
  await call(server, KV.Put, { key: A, lease: 7n });
  const { leases } = await call(server, LEASE.LeaseLeases, {});
  assert.deepEqual(
    leases.map(({ ID }) => ID),
    [7n, granted.ID],
  );
  const left = await call(server, LEASE.LeaseTimeToLive, { ID: granted.ID });
  assert.ok(left.TTL >= 98 && left.TTL <= 100);
  const { keys, grantedTTL } = await call(server, LEASE.LeaseTimeToLive, { ID: 7n, keys: true });
  assert.deepEqual([keys.map(text), grantedTTL], [['a', 'b'], 2]);
  const revoked = await call(server, LEASE.LeaseRevoke, { ID: 7n });
  assert.equal(revoked.header?.revision, 4);
  assert.equal((await call(server, KV.Range, { key: A, rangeEnd: bytes('z') })).count, 0);
  assert.equal((await call(server, LEASE.LeaseTimeToLive, { ID: 7n })).TTL, -1);
});

test("Lease: every refusal has etcd's text and code", async (t) => {
  const server = await runEtcd(t);
  await call(server, LEASE.LeaseGrant, { ID: 7n, TTL: 10 });
  await refuses(call(server, LEASE.LeaseGrant, { ID: 7n, TTL: 10 }), 'LeaseExists');
  await refuses(call(server, LEASE.LeaseGrant, { TTL: 9_000_000_001 }), 'LeaseTtlTooLarge');
  await refuses(call(server, LEASE.LeaseRevoke, { ID: 8n }), 'LeaseNotFound');
});

test("Lease: renewals are answered in order, unknown leases with 0, and the stream ends with the client's side", async (t) => {
  const server = await runEtcd(t);
  await call(server, LEASE.LeaseGrant, { ID: 7n, TTL: 10 });
  const renewals = new Conversation(server, LEASE.LeaseKeepAlive);
  for (const ID of [7n, 8n, 7n]) renewals.send({ ID });
  renewals.stream.end();
  await renewals.ended();
  assert.deepEqual(
    renewals.received.map(({ ID, TTL }) => [ID, TTL]),
    [
      [7n, 10],
      [8n, 0],
      [7n, 10],
    ],
  );
  assert.equal(renewals.error, undefined);
});

test('Lease: a stream takes no more renewals than it may have under way, and answers in order', async (t) => {
  const { member } = await runEtcd(t);
  const underWay: (() => void)[] = [];
  const door = doorWith(member.door, {
    execute: (command, done) => underWay.push(() => member.door.execute(command, done)),
  });
  const backend = {
    door,
    cluster: member.cluster,
    headers: new Headers(door),
    settings: ETCD_DEFAULTS,
    onStop: () => () => {},
  };
  const keepAlive = new LeaseService(backend).methods().find(({ method }) => method.name === 'LeaseKeepAlive');
  const stream = new PausingStream(10_000);
  assert.equal(keepAlive?.kind, 'stream');
  const context = { metadata: () => undefined, requestBytes: 0, isCancelled: false, onCancel: () => {} };
  if (keepAlive?.kind === 'stream') keepAlive.handler(stream, context);
  stream.run();
  assert.equal(underWay.length, 1024);
  while (underWay.length > 0) {
    assert.ok(underWay.length <= 1024);
    // The last first: answers have to wait for those before them.
    underWay.pop()?.();
  }
  assert.deepEqual(
    stream.answers,
    Array.from({ length: 10_000 }, (_, index) => BigInt(index + 1)),
  );
  assert.equal(stream.isEnded, true);
});

/** A client that sends so many renewals as fast as it may. */
class PausingStream implements Duplex<unknown, unknown> {
  readonly answers: bigint[] = [];
  isEnded = false;
  #left: number;
  #sent = 0n;
  #isPaused = false;
  #isRunning = false;
  #receive: (request: LeaseKeepAliveRequest) => void = () => {};
  #halfClosed: () => void = () => {};

  constructor(count: number) {
    this.#left = count;
  }

  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (!this.#isPaused && this.#left > 0) {
      this.#left -= 1;
      this.#sent += 1n;
      this.#receive({ ID: this.#sent });
      if (this.#left === 0) this.#halfClosed();
    }
    this.#isRunning = false;
  }

  onMessage(listener: (request: unknown) => void): void {
    this.#receive = listener;
  }

  onHalfClose(listener: () => void): void {
    this.#halfClosed = listener;
  }

  onDrain(): void {}

  send(message: unknown): boolean {
    this.answers.push((message as LeaseKeepAliveResponse).ID);
    return true;
  }

  sendEncoded(): boolean {
    throw new Error('not used');
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.run();
  }

  end(): void {
    this.isEnded = true;
  }
}

test('transactions nest as deep as their operations reach', async (t) => {
  const server = await runEtcd(t);
  let nested: MessageInit<RequestOp> = { requestPut: { key: bytes('deep') } };
  for (let depth = 1; depth < 128; depth += 1) nested = { requestTxn: { success: [nested] } };
  assert.equal((await call(server, KV.Txn, { success: [nested] })).header?.revision, 2);
  await refuses(call(server, KV.Txn, { success: [{ requestTxn: { success: [nested] } }] }), 'TooManyOps');
});

/** Puts of as many keys. */
const puts = (count: number): MessageInit<TxnRequest> => ({
  success: Array.from({ length: count }, (_, index) => ({ requestPut: { key: bytes(`key ${index}`) } })),
});

test('a transaction has as many operations as the server is told, 128 if it is not', async (t) => {
  for (const [settings, most] of [
    [{}, 128],
    [{ txnOperationsMax: 1024 }, 1024],
  ] as const) {
    const server = await runEtcd(t, settings);
    assert.equal((await call(server, KV.Txn, puts(most))).responses.length, most);
    await refuses(call(server, KV.Txn, puts(most + 1)), 'TooManyOps');
    const { status, body } = await postJson(server, '/v3/kv/txn', KV.Txn.request.toJson(puts(most + 1)));
    assert.deepEqual([status, body.message], [400, 'etcdserver: too many operations in txn request']);
  }
});

test('Cluster: the members, as a member that runs alone knows them', async (t) => {
  const server = await runEtcd(t);
  const { members, header } = await call(server, CLUSTER.MemberList, { linearizable: true });
  assert.equal(header?.revision, 0, 'as etcd');
  assert.deepEqual(
    members.map(({ ID, isLearner }) => [ID, isLearner]),
    [[1n, false]],
  );
});

test('Maintenance: status, hashes, alarms, defragmentation, downgrades', async (t) => {
  const server = await runEtcd(t);
  await call(server, KV.Put, { key: A });
  const status = await call(server, MAINTENANCE.Status, {});
  assert.deepEqual([status.version, status.leader, status.isLearner, status.errors], ['3.7.1', 1n, false, []]);
  assert.ok(status.dbSize >= status.dbSizeInUse);
  const { hash, hashRevision } = await call(server, MAINTENANCE.HashKV, {});
  assert.equal(hashRevision, 2);
  assert.equal((await call(server, MAINTENANCE.HashKV, { revision: 2 })).hash, hash);
  assert.ok((await call(server, MAINTENANCE.Hash, {})).header);
  await refuses(call(server, MAINTENANCE.HashKV, { revision: 9 }), 'FutureRevision');
  assert.equal((await call(server, MAINTENANCE.Defragment, {})).header, undefined);
  await refuses(call(server, MAINTENANCE.MoveLeader, { targetID: 9n << 60n }), 'BadLeaderTransferee');
  await refuses(call(server, MAINTENANCE.Downgrade, { action: 'CANCEL' }), 'NoInflightDowngrade');
  await refuses(call(server, MAINTENANCE.Downgrade, { version: 'x' }), 'WrongDowngradeVersionFormat');
  await refuses(call(server, MAINTENANCE.Downgrade, { version: '3.2.0' }), 'InvalidDowngradeTargetVersion');
  assert.equal((await call(server, MAINTENANCE.Downgrade, { version: '3.6.0' })).version, '3.7.0');
});

test('Maintenance: the NOSPACE alarm refuses what puts, until it is disarmed', async (t) => {
  const server = await runEtcd(t);
  const alarm = { memberID: 1n, alarm: 'NOSPACE' } as const;
  const raised = await call(server, MAINTENANCE.Alarm, { action: 'ACTIVATE', ...alarm });
  assert.deepEqual(raised.alarms, [alarm]);
  assert.deepEqual((await call(server, MAINTENANCE.Alarm, { action: 'GET' })).alarms, [alarm]);
  assert.deepEqual((await call(server, MAINTENANCE.Status, {})).errors, ['memberID:1 alarm:NOSPACE ']);
  await refuses(call(server, KV.Put, { key: A }), 'NoSpace');
  await refuses(call(server, KV.Txn, { success: [{ requestPut: { key: A } }] }), 'NoSpace');
  await refuses(call(server, LEASE.LeaseGrant, { TTL: 10 }), 'NoSpace');
  await call(server, KV.DeleteRange, { key: A });
  await call(server, KV.Range, { key: A });
  await call(server, MAINTENANCE.Alarm, { action: 'DEACTIVATE', ...alarm });
  await call(server, KV.Put, { key: A });
});

test('Maintenance: the CORRUPT alarm refuses all data', async (t) => {
  const server = await runEtcd(t);
  await call(server, MAINTENANCE.Alarm, { action: 'ACTIVATE', memberID: 1n, alarm: 'CORRUPT' });
  await refuses(call(server, KV.Put, { key: A }), 'Corrupt');
  await refuses(call(server, KV.Range, { key: A }), 'Corrupt');
  await refuses(call(server, KV.DeleteRange, { key: A }), 'Corrupt');
});

test('Maintenance: a snapshot ends in the digest of what comes before, and has a length of whole pages', async (t) => {
  const server = await runEtcd(t);
  for (let index = 0; index < 30; index += 1) await server.member.kv.put(`k${index}`, Buffer.alloc(100_000, index));
  const parts = await collect(server, MAINTENANCE.Snapshot, {});
  const blobs = parts.map(({ blob }) => Buffer.from(blob));
  const digest = blobs.pop();
  const data = Buffer.concat(blobs);
  assert.ok(data.length > 3_000_000);
  assert.equal(data.length % 512, 0);
  assert.deepEqual(digest, createHash('sha256').update(data).digest());
  assert.equal(parts.at(-1)?.remainingBytes, 0);
});

test('Auth: an etcd with authentication disabled, and nobody in it', async (t) => {
  const server = await runEtcd(t);
  const { enabled, authRevision } = await call(server, AUTH.AuthStatus, {});
  assert.deepEqual([enabled, authRevision], [false, 1]);
  assert.equal((await call(server, AUTH.AuthDisable, {})).header?.revision, 1);
  assert.deepEqual((await call(server, AUTH.UserList, {})).users, []);
  assert.deepEqual((await call(server, AUTH.RoleList, {})).roles, []);
  await refuses(call(server, AUTH.AuthEnable, {}), 'RootUserNotExist');
  await refuses(call(server, AUTH.Authenticate, { name: 'a' }), 'AuthNotEnabled');
  await refuses(call(server, AUTH.UserAdd, {}), 'UserEmpty');
  await refuses(call(server, AUTH.RoleAdd, {}), 'RoleEmpty');
  await refuses(call(server, AUTH.RoleGrantPermission, { name: 'a' }), 'PermissionNotGiven');
  for (const [method, name] of [
    [AUTH.UserGet, 'UserNotFound'],
    [AUTH.UserDelete, 'UserNotFound'],
    [AUTH.UserChangePassword, 'UserNotFound'],
    [AUTH.UserGrantRole, 'UserNotFound'],
    [AUTH.UserRevokeRole, 'UserNotFound'],
    [AUTH.RoleGet, 'RoleNotFound'],
    [AUTH.RoleDelete, 'RoleNotFound'],
    [AUTH.RoleRevokePermission, 'RoleNotFound'],
  ] as const) {
    await refuses(call(server, method as Method<unknown, unknown, 'unary'>, {}), name);
  }
  for (const method of [AUTH.UserAdd, AUTH.RoleAdd]) {
    const answer = call(server, method as Method<unknown, unknown, 'unary'>, { name: 'a' });
    const error = (await answer.catch((failure: unknown) => failure)) as ServiceError;
    assert.deepEqual([error.code, error.details], [12, 'quorate: users and roles cannot be added in this version']);
  }
});

test('a learner serves stale reads, its status and snapshots, and nothing else', async (t) => {
  const server = await runEtcd(t, { door: (door) => doorWith(door, { isLearner: () => true }) });
  await call(server, KV.Range, { key: A, serializable: true });
  await call(server, MAINTENANCE.Status, {});
  await collect(server, MAINTENANCE.Snapshot, {});
  await refuses(call(server, KV.Range, { key: A }), 'NotSupportedForLearner');
  await refuses(call(server, KV.Put, { key: A }), 'NotSupportedForLearner');
  await refuses(call(server, LEASE.LeaseGrant, { TTL: 5 }), 'NotSupportedForLearner');
  await refuses(call(server, CLUSTER.MemberList, {}), 'NotSupportedForLearner');
});

test('a call that insists on a leader is refused without one', async (t) => {
  const server = await runEtcd(t, { door: (door) => doorWith(door, { hasLeader: () => false }) });
  await refuses(call(server, KV.Range, { key: A }, { hasleader: 'true' }), 'NoLeader');
  await call(server, KV.Range, { key: A });
});

test("a message that is none is refused in gRPC's words, and the connection goes on", async (t) => {
  const server = await runEtcd(t);
  const error = await new Promise<{ code: number; details: string } | null>((resolve) => {
    server.client.makeUnaryRequest(KV.Txn.path, asIs, asIs, Buffer.from([0x0a, 0x7f]), (failure) => resolve(failure));
  });
  assert.equal(error?.code, 13);
  assert.match(error.details, /^grpc: error unmarshalling request: /);
  const onStream = await new Promise<{ code: number; details: string }>((resolve) => {
    const stream = server.client.makeBidiStreamRequest(LEASE.LeaseKeepAlive.path, asIs, asIs);
    stream.on('error', resolve);
    stream.write(Buffer.from([0x0a, 0x7f]));
  });
  assert.equal(onStream.code, 13);
  assert.match(onStream.details, /^grpc: failed to unmarshal the received message: /);
  assert.equal((await call(server, KV.Range, RangeRequest.create().key.length === 0 ? { key: A } : {})).count, 0);
  assert.equal((await call(server, KV.Txn, TxnRequest.create())).succeeded, true);
});
