/** The door of a member, as the services use it: with a real disk, and the same of a standalone map. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import {
  type Command,
  type Member,
  type MemberDoor,
  open,
  openStandalone,
  putOf,
  type StoreResponse,
  type WatchEvent,
} from '../src/index.js';
import { encodeCommand, nodePlatform, TXN_OPERATIONS_MAX } from '../src/internal.js';
import { waitUntil } from '../src/testing/conditions.js';

const folders: string[] = [];

async function openMember(options: Partial<Parameters<typeof open>[0]> = {}): Promise<Member> {
  const dir = mkdtempSync(path.join(tmpdir(), 'quorate-door-'));
  folders.push(dir);
  return await open({ dir, heartbeatMs: 10, electionMs: 50, ...options });
}

after(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

function execute(door: MemberDoor, operation: Command['operation']): Promise<StoreResponse> {
  return new Promise((resolve, reject) => {
    door.execute({ operation, limits: undefined }, (result) =>
      result.ok ? resolve(result.value) : reject(new Error(result.message)),
    );
  });
}

function put(door: MemberDoor, key: string, value: string, lease = 0n): Promise<StoreResponse> {
  return execute(door, putOf(key, Buffer.from(value), { lease }));
}

/** A transaction of as many. */
function puts(count: number): Command['operation'] {
  const success = Array.from({ length: count }, (_, index) => putOf(`key ${index}`, Buffer.alloc(0)));
  return { kind: 'txn', compares: [], success, failure: [] };
}

const fault = (name: string) => (): never => {
  throw new Error(name);
};

function closable(member: Member): Pick<Member, 'kv' | 'door' | 'close'> {
  return { kv: member.kv, door: member.door, close: () => member.close() };
}

describe('a door', () => {
  it('reports what its callbacks throw, outside of the turn, and goes on', async () => {
    const faults: string[] = [];
    const onFault = (error: unknown): void => void faults.push((error as Error).message);
    const member = await openMember({ onFault });
    await member.ready();
    const { door } = member;
    const command = { operation: putOf('a', Buffer.from('1')), limits: undefined };
    door.read('linearizable', fault('read'));
    door.execute({ ...command, operation: { ...command.operation, returnPrevious: true } }, fault('execute'));
    door.put(encodeCommand(nodePlatform, command), { put: fault('put'), done: fault('done') });
    assert.equal((await member.kv.put('a', '')).created, false);
    door.onStop(fault('stop'));
    assert.equal((await member.kv.get('a'))?.version, 3);
    await member.close();
    await waitUntil(() => faults.length === 4);
    assert.deepEqual(faults.toSorted(), ['execute', 'put', 'read', 'stop']);
  });

  it('leaves a put alone whose watcher throws, in a standalone map too', async () => {
    const faults: unknown[] = [];
    const onFault = (error: unknown): void => void faults.push(error);
    for (const { kv, door, close } of [await openMember({ onFault }), openStandalone({ onFault })].map(closable)) {
      const options = { rangeEnd: undefined, startRevision: 0, previous: false, noPut: false, noDelete: false };
      const sink = { compacted: () => assert.fail() };
      door.watch({ ...options, key: 'a' }, { ...sink, events: fault('mine') });
      assert.equal((await kv.put('a', '1')).created, true);
      assert.equal((await kv.put('a', '2')).created, false);
      await waitUntil(() => faults.length > 0);
      assert.deepEqual(faults.splice(0), [new Error('mine')]);
      await close();
    }
  });

  it('takes transactions of as many operations as the store has for all members, and no more', async () => {
    const member = await openMember();
    await member.ready();
    assert.deepEqual(await execute(member.door, puts(TXN_OPERATIONS_MAX + 1)), {
      kind: 'error',
      code: 'too-many-operations',
    });
    const response = await execute(member.door, puts(TXN_OPERATIONS_MAX));
    assert.equal(response.kind === 'txn' && response.responses.length, TXN_OPERATIONS_MAX);
    await member.close();
  });

  it('tells of leaders, and of the end', async () => {
    const member = await openMember();
    const { door } = member;
    await member.ready();
    assert.ok(door.hasLeader());
    const leaders: number[] = [];
    const forget = door.onLeaderChange((leader) => leaders.push(leader));
    let ended = 0;
    door.onStop(() => ended++);
    forget();
    await member.close();
    assert.deepEqual([leaders, ended, door.hasLeader()], [[], 1, false]);
    door.read('serializable', (result) => assert.equal(result.ok ? 'served' : result.code, 'stopped'));
  });

  it('takes a put that is a command already, and tells of its revision', async () => {
    const member = await openMember();
    await member.ready();
    for (const { door } of [member, openStandalone()]) {
      const command = encodeCommand(nodePlatform, { operation: putOf('key', Buffer.from('value')), limits: undefined });
      const told = await new Promise((resolve) => {
        door.put(command, {
          put: resolve,
          done: (result) => resolve(result.ok && result.value.kind === 'put' ? result.value.revision : result),
        });
      });
      assert.equal(told, 2);
      assert.equal(Buffer.from(door.store().get('key')?.value ?? []).toString(), 'value');
    }
    const ended = new Promise((resolve) => {
      member.door.put(new Uint8Array(64 * 1024 * 1024), {
        put: resolve,
        done: (result) => resolve(result.ok ? 'done' : result.code),
      });
    });
    assert.equal(await ended, 'request-too-large');
    await member.close();
  });

  it('hashes the store, as of any revision that can be read', async () => {
    const member = await openMember();
    for (const { door } of [member, openStandalone()]) {
      for (let n = 0; n < 20; n++) await put(door, `key${n}`, 'v'.repeat(50_000));
      const hashed = (revision: number): Promise<unknown> =>
        new Promise((resolve) => door.hash(revision, (result) => resolve(result.ok ? result.value : result.code)));
      assert.deepEqual(await hashed(0), door.store().hash());
      assert.deepEqual(await hashed(5), door.store().hash(5));
      assert.deepEqual(await hashed(1_000), { kind: 'error', code: 'future-revision' });
    }
    const { door } = member;
    const cut = new Promise((resolve) => door.hash(0, (result) => resolve(result.ok ? 'served' : result.code)));
    await member.close();
    assert.ok(['served', 'stopped'].includes(String(await cut)));
  });

  it('tells another member of the next leader', async () => {
    const first = await openMember({ name: 'a', peer: { listen: '127.0.0.1:0' } });
    const second = await openMember({
      name: 'b',
      peer: { listen: '127.0.0.1:0' },
      join: (request) => first.cluster.join(request),
    });
    await waitUntil(() => second.cluster.status().role === 'follower');
    const leaders: number[] = [];
    first.door.onLeaderChange((leader) => leaders.push(leader));
    await first.cluster.transferLeadership(second.door.header.memberId);
    await waitUntil(() => leaders.at(-1) === second.door.header.memberId);
    await Promise.all([first.close({ timeoutMs: 500 }), second.close({ timeoutMs: 500 })]);
  });

  it('refuses what the quota has no room for, as the promises do', async () => {
    const member = await openMember({ quotaBytes: 50_000 });
    const { door, kv } = member;
    const value = Buffer.alloc(1_000);
    await assert.rejects(
      async () => {
        for (let n = 0; n < 100; n++) await kv.put(`key${n}`, value);
      },
      { code: 'no-space', outcome: 'rejected' },
    );
    assert.deepEqual(await put(door, 'a', 'b'.repeat(1_000)), { kind: 'error', code: 'no-space' });
    await waitUntil(() => member.cluster.status().alarms.length === 1);
    assert.equal(door.quota().bytesMax, 50_000);
    assert.ok(door.quota().bytesUsed <= 50_000);
    await kv.delete('key0');
    for (let n = 1; n < 20; n++) await kv.delete(`key${n}`);
    await kv.compact((await kv.range({ limit: 1 })).revision);
    await waitUntil(() => member.cluster.status().alarms.length === 0);
    await kv.put('a', 'b');
    await member.close();
  });

  it('keeps of the past what it is told to', async () => {
    const member = await openMember({ historyMode: 'revision', historyRetentionRevisions: 10 });
    for (let n = 0; n < 50; n++) await member.kv.put('key', String(n));
    await waitUntil(() => member.cluster.status().compactRevision >= 39);
    assert.equal((await member.kv.get('key', { revision: 42 }))?.value.toString(), '40');
    assert.ok(member.metrics().compactions > 0);
    await member.close();
  });

  it('is not opened with a mode that there is not', async () => {
    await assert.rejects(openMember({ historyMode: 'forever' as 'off' }), { code: 'invalid-argument' });
  });
});

const doors: readonly (readonly [string, () => Promise<Member>])[] = [
  ['a member', () => openMember()],
  ['a standalone map', () => Promise.resolve(openStandalone())],
];

for (const [name, make] of doors) {
  describe(`the door of ${name}`, () => {
    it('executes, reads and says where it stands', async () => {
      const member = await make();
      const { door } = member;
      await member.ready();
      assert.equal((await put(door, 'a', 'b')).kind, 'put');
      assert.equal(door.header.revision, 2);
      assert.deepEqual(
        [door.header.clusterId, door.header.memberId],
        [member.cluster.status().clusterId, member.cluster.status().id],
      );
      for (const consistency of ['linearizable', 'serializable'] as const) {
        await new Promise<void>((resolve) => {
          door.read(consistency, (result) => {
            assert.ok(result.ok);
            assert.equal(Buffer.from(door.store().get('a')?.value ?? []).toString(), 'b');
            resolve();
          });
        });
      }
      assert.ok(door.hasLeader());
      await member.close();
    });

    it('watches the past and the present, in order, until it stops', async () => {
      const member = await make();
      const { door } = member;
      await put(door, 'a', '1');
      const seen: string[] = [];
      const sink = {
        events: (events: readonly WatchEvent[], revision: number): boolean => {
          for (const { type, keyValue } of events)
            seen.push(`${type} ${keyValue.key} ${keyValue.modRevision} of ${revision}`);
          return true;
        },
        compacted: () => assert.fail('nothing was compacted'),
      };
      const watcher = door.watch(
        { key: 'a', rangeEnd: 'b', startRevision: 2, previous: false, noPut: false, noDelete: false },
        sink,
      );
      await waitUntil(() => watcher.isSynced);
      await put(door, 'ab', '2');
      await execute(door, { kind: 'delete', key: 'a', rangeEnd: undefined, returnPrevious: false });
      await waitUntil(() => seen.length === 3);
      assert.deepEqual(seen, ['put a 2 of 2', 'put ab 3 of 3', 'delete a 4 of 4']);
      assert.deepEqual([member.metrics().watchers, member.metrics().watchEventsDelivered], [1, 3]);
      let stops = 0;
      door.onStop(() => stops++);
      await member.close();
      assert.equal(stops, 1);
      door.onStop(() => stops++);
      assert.equal(stops, 2);
      await assert.rejects(put(door, 'c', ''));
    });

    it('grants leases that take their keys with them when their time is over', async () => {
      const member = await make();
      const { door } = member;
      await execute(door, { kind: 'lease-grant', lease: 7n, ttlSeconds: 1, timeMs: 0 });
      await put(door, 'a', '1', 7n);
      await put(door, 'b', '2', 7n);
      const info = door.store().lease(7n);
      const leftMs = (info?.deadlineMs ?? 0) - door.timeMs();
      assert.ok(leftMs > 0 && leftMs <= 1_000, `${leftMs} ms are left`);
      await waitUntil(() => door.store().lease(7n) === undefined);
      assert.equal(door.store().get('a'), undefined);
      assert.equal(door.store().revision, 4);
      const { leasesGranted, leasesExpired } = member.metrics();
      assert.deepEqual([leasesGranted, leasesExpired], [1, 1]);
      await member.close();
    });
  });
}
