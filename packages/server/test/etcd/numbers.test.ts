/** Numbers of clients that are beyond what a number holds exactly: etcd just compares them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MessageInit, type RangeRequest, SERVICES, type TxnRequest } from '@quorate/proto';
import type { MemberDoor } from '@quorate/replica';
import { decodeCommand, encodeCommand, nodePlatform } from '@quorate/replica/internal';
import { bytes, call, doorWith, postJson, refuses, runEtcd, turns, until, Watching } from './support.js';

const KV = SERVICES['etcdserverpb.KV'];
const Lease = SERVICES['etcdserverpb.Lease'];
const { Proclaim, Resign } = SERVICES['v3electionpb.Election'];

const A = bytes('a');
/** The extremes of an int64, as numbers, and what is just beyond a safe integer. */
const LARGE = [2 ** 53, 2 ** 60, 2 ** 63];
const HUGE = [...LARGE, ...LARGE.map((number) => -number)];

/** As a member of a cluster has it, where commands go through the log as bytes. */
const encoding = (door: MemberDoor): MemberDoor =>
  doorWith(door, {
    execute: (command, done) => door.execute(decodeCommand(nodePlatform, encodeCommand(nodePlatform, command)), done),
  });

test('ranges: a limit or bound beyond every revision, alone and in a transaction that writes', async (t) => {
  const server = await runEtcd(t, { door: encoding });
  await call(server, KV.Put, { key: A });
  const cases: [MessageInit<RangeRequest>, number][] = HUGE.flatMap((number): [MessageInit<RangeRequest>, number][] => [
    [{ key: A, limit: number }, 1],
    [{ key: A, limit: number, sortTarget: 'MOD' }, 1],
    [{ key: A, minModRevision: number }, number > 0 ? 0 : 1],
    [{ key: A, maxModRevision: number }, number > 0 ? 1 : 0],
    [{ key: A, minCreateRevision: number }, number > 0 ? 0 : 1],
    [{ key: A, maxCreateRevision: number }, number > 0 ? 1 : 0],
  ]);
  for (const [range, found] of cases) {
    assert.equal((await call(server, KV.Range, range)).kvs.length, found, JSON.stringify(range));
    const both = { success: [{ requestPut: { key: bytes('b') } }, { requestRange: range }] };
    const { responses } = await call(server, KV.Txn, both);
    assert.equal(responses[1]?.responseRange?.kvs.length, found, JSON.stringify(range));
  }
  for (const revision of HUGE) {
    const range = { key: A, revision };
    const both = { success: [{ requestPut: { key: bytes('b') } }, { requestRange: range }] };
    // As in etcd a negative revision is the latest, but not in a transaction.
    if (revision < 0) assert.equal((await call(server, KV.Range, range)).kvs.length, 1);
    else await refuses(call(server, KV.Range, range), 'FutureRevision');
    await refuses(call(server, KV.Txn, both), revision < 0 ? 'Compacted' : 'FutureRevision');
  }
});

test('comparisons with a number beyond all are what they say', async (t) => {
  const server = await runEtcd(t, { door: encoding });
  await call(server, KV.Put, { key: A });
  for (const number of HUGE) {
    const operands = [
      { target: 'VERSION', version: number },
      { target: 'CREATE', createRevision: number },
      { target: 'MOD', modRevision: number },
    ] as const;
    const results = { EQUAL: false, NOT_EQUAL: true, LESS: number > 0, GREATER: number < 0 } as const;
    for (const operand of operands) {
      for (const [result, holds] of Object.entries(results) as [keyof typeof results, boolean][]) {
        for (const key of [A, bytes('not there')]) {
          const compare = [{ key, result, ...operand }];
          const txn: MessageInit<TxnRequest> = { compare, success: [{ requestPut: { key: bytes('b') } }] };
          assert.equal((await call(server, KV.Txn, txn)).succeeded, holds, `${result} ${operand.target} ${number}`);
        }
      }
    }
  }
});

test('a compaction far ahead is of a future revision, and one far back has been', async (t) => {
  const server = await runEtcd(t, { door: encoding });
  for (const revision of HUGE) {
    await refuses(call(server, KV.Compact, { revision }), revision > 0 ? 'FutureRevision' : 'Compacted');
  }
  const { status, body } = await postJson(server, '/v3/kv/compaction', { revision: '9223372036854775807' });
  assert.deepEqual([status, body.code], [400, 11]);
});

test('a watch from a revision far ahead is confirmed, and silent', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  for (const startRevision of LARGE) {
    watching.create({ key: A, startRevision });
    const { created, canceled } = await watching.next();
    assert.deepEqual([created, canceled], [true, false]);
  }
  watching.create({ key: A, startRevision: -(2 ** 63) });
  assert.match((await watching.next()).cancelReason, /has been compacted/);
  await call(server, KV.Put, { key: A });
  await turns();
  assert.equal(watching.received.length, 0);
  watching.stream.cancel();
  await until(() => server.member.metrics().watchers === 0);
});

test('leases and candidates: ids of 64 bits are exact, and times and revisions beyond all are told apart from any', async (t) => {
  const server = await runEtcd(t, { door: encoding });
  const ID = 2n ** 63n - 1n;
  await refuses(call(server, Lease.LeaseGrant, { ID, TTL: 2 ** 60 }), 'LeaseTtlTooLarge');
  assert.equal((await call(server, Lease.LeaseGrant, { ID, TTL: -(2 ** 63) })).ID, ID);
  assert.equal((await call(server, Lease.LeaseTimeToLive, { ID, keys: true })).ID, ID);
  await call(server, KV.Put, { key: A, lease: ID });
  const compare = [{ key: A, target: 'LEASE', lease: ID } as const];
  assert.equal((await call(server, KV.Txn, { compare })).succeeded, true);
  const leader = { name: bytes('n'), key: A, rev: 2 ** 60, lease: ID };
  await refuses(call(server, Proclaim, { leader }), 'ElectionNotLeader');
  await call(server, Resign, { leader });
});
