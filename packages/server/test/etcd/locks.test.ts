/** Services Lock and Election over gRPC: contract 42 and 43. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LeaderResponse, type MessageInit, SERVICES } from '@quorate/proto';
import { bytes, call, metadataOf, type RunningEtcd, refuses, runEtcd, text, turns, until } from './support.js';

const { Lock, Unlock } = SERVICES['v3lockpb.Lock'];
const { Campaign, Proclaim, Leader, Resign, Observe } = SERVICES['v3electionpb.Election'];
const { LeaseGrant, LeaseRevoke, LeaseLeases, LeaseTimeToLive } = SERVICES['etcdserverpb.Lease'];
const { Range, DeleteRange } = SERVICES['etcdserverpb.KV'];

const NAME = bytes('name');
const UNKNOWN = 2;

async function lease(server: RunningEtcd, ID: bigint): Promise<bigint> {
  await call(server, LeaseGrant, { ID, TTL: 60 });
  return ID;
}

async function keys(server: RunningEtcd): Promise<readonly string[]> {
  const { kvs } = await call(server, Range, { key: bytes('\0'), rangeEnd: bytes('\0') });
  return kvs.map(({ key }) => text(key));
}

const watchers = (server: RunningEtcd): number => server.member.metrics().watchers;

test('a lock is a key of its name and lease, and those who come later wait in their order', async (t) => {
  const server = await runEtcd(t);
  for (const id of [0xaan, 1n, 2n]) await lease(server, id);
  const first = await call(server, Lock, { name: NAME, lease: 0xaan });
  assert.equal(text(first.key), 'name/aa');
  assert.equal(first.header?.revision, 2);
  const order: string[] = [];
  const second = call(server, Lock, { name: NAME, lease: 1n }).then((reply) => order.push(text(reply.key)));
  await until(() => watchers(server) === 1);
  const third = call(server, Lock, { name: NAME, lease: 2n }).then((reply) => order.push(text(reply.key)));
  await until(() => watchers(server) === 2);
  await call(server, Unlock, { key: first.key });
  await second;
  assert.deepEqual(order, ['name/1']);
  await call(server, LeaseRevoke, { ID: 1n });
  await third;
  assert.deepEqual(order, ['name/1', 'name/2']);
  assert.equal(watchers(server), 0);
});

test('whoever has the lock has it again at once with the same lease; other names are other locks', async (t) => {
  const server = await runEtcd(t);
  await lease(server, 1n);
  for (const _ of [0, 1]) assert.equal(text((await call(server, Lock, { name: NAME, lease: 1n })).key), 'name/1');
  assert.equal(text((await call(server, Lock, { name: bytes('nam'), lease: 1n })).key), 'nam/1');
});

test('one in the middle that gives up leaves the order of the others as it is', async (t) => {
  const server = await runEtcd(t);
  for (const id of [1n, 2n, 3n]) await lease(server, id);
  const first = await call(server, Lock, { name: NAME, lease: 1n });
  const second = refuses(call(server, Lock, { name: NAME, lease: 2n }), 'SessionExpired');
  await until(() => watchers(server) === 1);
  let isThirdThere = false;
  const third = call(server, Lock, { name: NAME, lease: 3n }).then(() => {
    isThirdThere = true;
  });
  await until(() => watchers(server) === 2);
  await call(server, DeleteRange, { key: bytes('name/2') });
  await turns();
  assert.equal(isThirdThere, false, 'it waits for the first now');
  assert.equal(watchers(server), 2);
  await call(server, Unlock, { key: first.key });
  await third;
  await second;
});

test('without a lease a lock lives 60 seconds with one of the server', async (t) => {
  const server = await runEtcd(t);
  const { key } = await call(server, Lock, { name: NAME });
  const [only] = (await call(server, LeaseLeases, {})).leases;
  assert.equal(text(key), `name/${only?.ID.toString(16)}`);
  const { grantedTTL, keys: attached } = await call(server, LeaseTimeToLive, { ID: only?.ID ?? 0n, keys: true });
  assert.deepEqual([grantedTTL, attached.map(text)], [60, [text(key)]]);
});

test('whoever hangs up while waiting loses the place', async (t) => {
  const server = await runEtcd(t);
  for (const id of [1n, 2n]) await lease(server, id);
  await call(server, Lock, { name: NAME, lease: 1n });
  const cancelled = server.client.makeUnaryRequest(
    Lock.path,
    (request: MessageInit<{ name: Uint8Array; lease: bigint }>) => Buffer.from(Lock.request.encode(request)),
    (buffer: Buffer) => Lock.response.decode(buffer),
    { name: NAME, lease: 2n },
    () => {},
  );
  await until(() => watchers(server) === 1);
  assert.deepEqual(await keys(server), ['name/1', 'name/2']);
  cancelled.cancel();
  await until(() => watchers(server) === 0);
  assert.deepEqual(await keys(server), ['name/1']);
});

test('the errors of etcd come with code Unknown, as through its own client', async (t) => {
  const server = await runEtcd(t);
  await refuses(call(server, Lock, { name: NAME, lease: 5n }), 'LeaseNotFound', UNKNOWN);
  await refuses(call(server, Unlock, {}), 'EmptyKey', UNKNOWN);
  await refuses(call(server, Campaign, { name: NAME, lease: 5n }), 'LeaseNotFound', UNKNOWN);
  await refuses(call(server, Proclaim, { leader: { name: NAME } }), 'EmptyKey', UNKNOWN);
  await refuses(call(server, Resign, { leader: { name: NAME } }), 'EmptyKey', UNKNOWN);
  await refuses(call(server, Proclaim, {}), 'MissingElectionLeader');
  await refuses(call(server, Resign, {}), 'MissingElectionLeader');
  await refuses(call(server, Leader, { name: NAME }), 'ElectionNoLeader');
});

test('an election: campaign, proclaim, resign, and the next one leads', async (t) => {
  const server = await runEtcd(t);
  for (const id of [1n, 2n]) await lease(server, id);
  const won = await call(server, Campaign, { name: NAME, lease: 1n, value: bytes('one') });
  const leader = won.leader;
  assert.deepEqual([text(leader?.name), text(leader?.key), leader?.rev, leader?.lease], ['name', 'name/1', 2, 1n]);
  const next = call(server, Campaign, { name: NAME, lease: 2n, value: bytes('two') });
  await until(() => watchers(server) === 1);
  assert.equal(text((await call(server, Leader, { name: NAME })).kv?.value), 'one');
  const proclaimed = await call(server, Proclaim, { leader, value: bytes('more') });
  assert.equal(proclaimed.header?.revision, 4);
  assert.equal(text((await call(server, Leader, { name: NAME })).kv?.value), 'more');
  await call(server, Resign, { leader });
  assert.equal(text((await next).leader?.key), 'name/2');
  await refuses(call(server, Proclaim, { leader, value: bytes('late') }), 'ElectionNotLeader');
  await call(server, Resign, { leader });
  assert.equal(text((await call(server, Leader, { name: NAME })).kv?.value), 'two');
});

test('a candidate that stands again with another value proclaims it', async (t) => {
  const server = await runEtcd(t);
  await lease(server, 1n);
  const first = await call(server, Campaign, { name: NAME, lease: 1n, value: bytes('one') });
  const again = await call(server, Campaign, { name: NAME, lease: 1n, value: bytes('two') });
  assert.equal(again.leader?.rev, first.leader?.rev);
  assert.equal(text((await call(server, Leader, { name: NAME })).kv?.value), 'two');
});

test('a candidate whose lease ends while it waits is not elected', async (t) => {
  const server = await runEtcd(t);
  for (const id of [1n, 2n]) await lease(server, id);
  const { leader } = await call(server, Campaign, { name: NAME, lease: 1n });
  const second = refuses(call(server, Campaign, { name: NAME, lease: 2n }), 'ElectionNotLeader');
  await until(() => watchers(server) === 1);
  await call(server, LeaseRevoke, { ID: 2n });
  await call(server, Resign, { leader });
  await second;
});

test('observers are told of the leader, of what it proclaims, and of the next', async (t) => {
  const server = await runEtcd(t);
  for (const id of [1n, 2n]) await lease(server, id);
  const told: LeaderResponse[] = [];
  const stream = server.client.makeServerStreamRequest(
    Observe.path,
    (request: MessageInit<{ name: Uint8Array }>) => Buffer.from(Observe.request.encode(request)),
    (buffer: Buffer) => Observe.response.decode(buffer),
    { name: NAME },
    metadataOf({}),
  );
  stream.on('data', (response: LeaderResponse) => told.push(response));
  stream.on('error', () => {});
  await until(() => watchers(server) === 1);
  const { leader } = await call(server, Campaign, { name: NAME, lease: 1n, value: bytes('one') });
  await until(() => told.length === 1);
  await call(server, Proclaim, { leader, value: bytes('more') });
  await until(() => told.length === 2);
  const second = call(server, Campaign, { name: NAME, lease: 2n, value: bytes('two') });
  await until(() => watchers(server) === 2);
  await call(server, Resign, { leader });
  await second;
  await until(() => told.length === 3);
  assert.deepEqual(
    told.map(({ kv, header }) => [text(kv?.key), text(kv?.value), header?.revision]),
    [
      ['name/1', 'one', 2],
      ['name/1', 'more', 3],
      ['name/2', 'two', 5],
    ],
  );
  stream.cancel();
  await until(() => watchers(server) === 0);
});

test('when the server stops, those who wait are told', async (t) => {
  const server = await runEtcd(t);
  for (const id of [1n, 2n]) await lease(server, id);
  await call(server, Lock, { name: NAME, lease: 1n });
  const waiting = refuses(call(server, Lock, { name: NAME, lease: 2n }), 'Stopped');
  await until(() => watchers(server) === 1);
  server.etcd.beginStop();
  await waiting;
  assert.equal(watchers(server), 0);
});
