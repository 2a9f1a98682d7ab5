/** microsoft's etcd3 for Node.js through what it offers, at three members of Quorate. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Etcd3, EtcdLeaseInvalidError, EtcdLockFailedError, type IKeyValue, LeaseState } from 'etcd3';
import { type ForeignMember, ForeignSystem } from './support/systems.js';
import { until } from './support/until.js';

const CLIENTS = 4;
const INCREMENTS = 8;
/** The least that a lease may live at etcd's default election timeout. */
const TTL_SECONDS_MIN = 2;

/** By the package's numbers, which it declares in a way that only its own compiler settings can name. */
const ISOLATIONS = ['serializable snapshot', 'serializable', 'repeatable reads'] as const;

describe('the npm package etcd3', () => {
  let system: ForeignSystem;
  let client: Etcd3;

  before(async () => {
    system = await ForeignSystem.start('quorate', { size: 3 });
    client = new Etcd3({ hosts: system.members.map(({ endpoint }) => endpoint) });
  });
  after(async () => {
    client.close();
    await system.stop();
  });

  it('builds ranges, puts and deletes', async () => {
    await client.put('b/1').value('one');
    await client.put('b/2').value(2);
    await client.put('b/3').value(Buffer.from([0, 255]));
    assert.equal(await client.get('b/1').string(), 'one');
    assert.equal(await client.get('b/2').number(), 2);
    assert.deepEqual(await client.get('b/3').buffer(), Buffer.from([0, 255]));
    assert.equal(await client.get('b/none').string(), null);
    assert.equal(await client.get('b/1').exists(), true);
    assert.deepEqual(await client.getAll().prefix('b/').keys(), ['b/1', 'b/2', 'b/3']);
    assert.equal(await client.getAll().prefix('b/').count(), 3);
    const sorted = client.getAll().prefix('b/').sort('Key', 'Descend').limit(2);
    assert.deepEqual(await sorted.keys(), ['b/3', 'b/2']);
    const range = { start: 'b/1', end: 'b/3' };
    assert.deepEqual(await client.getAll().inRange(range).strings(), { 'b/1': 'one', 'b/2': '2' });
    const previous = await client.put('b/1').value('two').getPrevious();
    assert.equal(previous.value.toString(), 'one');
    const old = await client.get('b/1').revision(previous.mod_revision).string();
    assert.equal(old, 'one');
    const touched = await client.put('b/1').touch();
    assert.notEqual(touched.header.revision, previous.mod_revision);
    const [deleted] = await client.delete().key('b/1').getPrevious();
    assert.equal(deleted?.value.toString(), 'two');
    assert.equal((await client.delete().prefix('b/').exec()).deleted, '2');
    await assert.rejects(async () => client.get('b/1').revision('1000000'), /required revision is a future revision/);
  });

  it('keeps to a namespace', async () => {
    const space = client.namespace('space/');
    await space.put('a').value('inside');
    assert.equal(await client.get('space/a').string(), 'inside');
    assert.deepEqual(await space.getAll().keys(), ['a']);
    await space.delete().all();
    assert.equal(await client.get('space/a').string(), null);
  });

  it('runs transactions', async () => {
    const once = () =>
      client.if('t', 'Create', '==', 0).then(client.put('t').value('first')).else(client.get('t')).commit();
    assert.equal((await once()).succeeded, true);
    const second = await once();
    assert.equal(second.succeeded, false);
    assert.equal(second.responses[0]?.response_range?.kvs[0]?.value.toString(), 'first');
    const both = await client
      .if('t', 'Value', '==', 'first')
      .and('t', 'Version', '>', 0)
      .then(client.delete().key('t'), client.put('t2').value('x'))
      .commit();
    assert.equal(both.succeeded, true);
    assert.equal(await client.get('t').string(), null);
  });

  for (const [isolation, name] of ISOLATIONS.entries()) {
    it(`increments without loss in software transactions: ${name}`, async () => {
      const key = `stm/${isolation}`;
      await client.put(key).value(0);
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a const enum of another package cannot be named here
      const options: Parameters<Etcd3['stm']>[0] = { isolation, retries: 1_000 };
      const increment = () =>
        client.stm(options).transact(async (tx) => {
          const value = await tx.get(key).number();
          await tx.put(key).value((value ?? 0) + 1);
        });
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          for (let i = 0; i < INCREMENTS; i++) await increment();
        }),
      );
      assert.equal(await client.get(key).number(), CLIENTS * INCREMENTS);
    });
  }

  it('keeps leases alive, and tells when one is lost', async () => {
    const lease = client.lease(TTL_SECONDS_MIN);
    let renewals = 0;
    lease.on('keepaliveSucceeded', () => (renewals += 1));
    await lease.put('lease/kept').value('x');
    assert.equal((await lease.keepaliveOnce()).TTL, String(TTL_SECONDS_MIN));
    // Longer than it lives without being renewed: renewals come at a third of it.
    await until('renewals for more than its time', () => renewals > 4);
    assert.equal(await client.get('lease/kept').string(), 'x');
    const lost = new Promise<Error>((resolve) => {
      lease.on('lost', resolve);
    });
    await client.leaseClient.leaseRevoke({ ID: await lease.grant() });
    assert.ok((await lost) instanceof EtcdLeaseInvalidError);
    assert.equal(lease.state, LeaseState.Revoked);
    assert.equal(await client.get('lease/kept').string(), null);
  });

  it('lets leases end that nobody keeps, and tells watchers', async () => {
    const lease = client.lease(TTL_SECONDS_MIN, { autoKeepAlive: false });
    const watcher = await client.watch().key('lease/ends').create();
    const deleted = new Promise<IKeyValue>((resolve) => {
      watcher.on('delete', resolve);
    });
    await lease.put('lease/ends').value('x');
    assert.equal((await deleted).key.toString(), 'lease/ends');
    await assert.rejects(lease.keepaliveOnce(), EtcdLeaseInvalidError);
    await watcher.cancel();
  });

  it('locks: only one holds at a time', async () => {
    const lock = client.lock('lock');
    await lock.acquire();
    await assert.rejects(client.lock('lock').acquire(), EtcdLockFailedError);
    await lock.release();
    let holders = 0;
    const hold = client.lock('lock').do(async () => {
      holders += 1;
      assert.equal(await client.get('lock').exists(), true);
      return 'held';
    });
    assert.equal(await hold, 'held');
    assert.equal(holders, 1);
    assert.equal(await client.get('lock').exists(), false);
  });

  it('elects: observers see the leaders come and go', async () => {
    const election = client.election('post', TTL_SECONDS_MIN);
    const first = election.campaign('first');
    await first.wait();
    const observer = await election.observe();
    const seen: (string | undefined)[] = [observer.leader()];
    observer.on('change', (value) => seen.push(value));
    await until('the first leader', () => observer.leader() === 'first');
    const second = election.campaign('second');
    await first.proclaim('first again');
    await until('its new word', () => observer.leader() === 'first again');
    assert.equal(await election.leader(), 'first again');
    await first.resign();
    await second.wait();
    await until('the second leader', () => observer.leader() === 'second');
    assert.deepEqual(
      seen.filter((value, i) => value !== undefined && value !== seen[i - 1]),
      ['first', 'first again', 'second'],
    );
    await second.resign();
    await until('nobody', () => observer.leader() === undefined);
    await observer.cancel();
  });

  it('watches: keys, prefixes, kinds of events, previous values, the past', async () => {
    const before = (await client.put('w/a').value('0').exec()).header.revision;
    const prefix = await client.watch().prefix('w/').withPreviousKV().create();
    const puts = await client.watch().prefix('w/').only('put').create();
    const past = await client.watch().key('w/a').startRevision(before).create();
    const told: Record<string, string[]> = { prefix: [], puts: [], past: [] };
    for (const [name, watcher] of Object.entries({ prefix, puts, past })) {
      watcher.on('put', ({ key, value }, previous) =>
        told[name]?.push(`${key.toString()}=${value.toString()} was ${previous?.value.toString()}`),
      );
      watcher.on('delete', ({ key }, previous) =>
        told[name]?.push(`${key.toString()} was ${previous?.value.toString()}`),
      );
    }
    await client.put('w/a').value('1');
    await client.delete().key('w/a');
    await client.put('w/b').value('2');
    await until(
      'all events',
      () => told['prefix']?.length === 3 && told['puts']?.length === 2 && told['past']?.length === 3,
    );
    assert.deepEqual(told, {
      prefix: ['w/a=1 was 0', 'w/a was 1', 'w/b=2 was undefined'],
      puts: ['w/a=1 was undefined', 'w/b=2 was undefined'],
      past: ['w/a=0 was undefined', 'w/a=1 was undefined', 'w/a was undefined'],
    });
    for (const watcher of [prefix, puts, past]) await watcher.cancel();
  });

  it('goes on watching at another member when its member is killed', async () => {
    const watcher = await client.watch().prefix('kill/').create();
    const seen: string[] = [];
    let disconnects = 0;
    watcher.on('put', ({ value }) => seen.push(value.toString()));
    watcher.on('disconnected', () => (disconnects += 1));
    const expected: string[] = [];
    const write = async (): Promise<void> => {
      const value = `${expected.length}`;
      expected.push(value);
      await writeSomewhere(system.members, value);
    };
    await write();
    // Which member it watches at is the client's choice: they are killed in turn until it is the watch's.
    for (const member of system.members) {
      await member.stop('SIGKILL');
      await system.leader();
      for (let i = 0; i < 5; i++) await write();
      await until('all events', () => seen.length === expected.length);
      member.start();
      await system.leader();
      if (disconnects > 0) break;
    }
    assert.ok(disconnects > 0, 'the watch was never cut off');
    await write();
    await until('the last event', () => seen.length === expected.length);
    assert.deepEqual(seen, expected);
    await watcher.cancel();
  });
});

/** Each value under a key of its own, so that a write that is tried again does not show twice. */
async function writeSomewhere(members: readonly ForeignMember[], value: string): Promise<void> {
  const hosts = members.filter(({ pid }) => pid !== undefined).map(({ endpoint }) => endpoint);
  const writer = new Etcd3({ hosts });
  try {
    await until('a write', async () => {
      try {
        await writer
          .if(`kill/${value}`, 'Create', '==', 0)
          .then(writer.put(`kill/${value}`).value(value))
          .commit();
        return true;
      } catch {
        return false;
      }
    });
  } finally {
    writer.close();
  }
}
