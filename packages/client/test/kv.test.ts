/** Keys, ranges and transactions, against etcd and Quorate alike. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SERVICES } from '@quorate/proto';
import { Client, op, when } from '../src/index.js';
import { failure } from './failure.js';
import { type Kind, type Servers, skipOf, startServers } from './servers.js';

for (const kind of ['etcd', 'quorate'] as const satisfies readonly Kind[]) {
  describe(`keys of ${kind}`, { skip: skipOf(kind) }, () => {
    let servers: Servers;
    let client: Client;
    before(async () => {
      servers = await startServers(kind);
      client = new Client({ endpoints: servers.endpoints });
    });
    after(async () => {
      await client.close();
      await servers.stop();
    });

    test('a put tells whether the key is new, and what was there if asked', async () => {
      const first = await client.kv.put('colour', 'blue');
      assert.equal(first.created, true);
      const second = await client.kv.put('colour', new Uint8Array([0xff, 0]), { previous: true });
      assert.equal(second.created, false);
      assert.equal(second.revision, first.revision + 1);
      assert.equal(second.previous?.value.toString(), 'blue');
      const found = await client.kv.get('colour');
      assert.deepEqual(found?.value, Buffer.from([0xff, 0]));
      assert.equal(found?.version, 2);
      assert.equal((await client.kv.get('colour', { revision: first.revision }))?.value.toString(), 'blue');
      assert.equal(await client.kv.get('nothing'), undefined);
    });

    test('create and compareAndSet do nothing when the key is not as expected', async () => {
      const { created, revision } = await client.kv.create('once', '1');
      assert.equal(created, true);
      assert.equal((await client.kv.create('once', '2')).created, false);
      assert.equal((await client.kv.compareAndSet('once', revision - 1, '3')).succeeded, false);
      assert.equal((await client.kv.compareAndSet('once', revision, '4')).succeeded, true);
      assert.equal((await client.kv.compareAndSet('other', 0, '5')).succeeded, true);
      assert.equal((await client.kv.get('once'))?.value.toString(), '4');
    });

    test('ranges by prefix and by ends; a scan of several pages is of one revision', async () => {
      for (let index = 0; index < 25; index += 1)
        await client.kv.put(`s/${String(index).padStart(2, '0')}`, `${index}`);
      await client.kv.put('s0', 'behind the prefix');
      const page = await client.kv.range({ prefix: 's/', limit: 10 });
      assert.deepEqual([page.keyValues.length, page.count, page.more], [10, 25, true]);
      const some = await client.kv.range({ from: 's/03', to: 's/05', keysOnly: true });
      assert.deepEqual(
        some.keyValues.map(({ key, value }) => [key.toString(), value.length]),
        [
          ['s/03', 0],
          ['s/04', 0],
        ],
      );
      const newest = await client.kv.range({ prefix: 's/', limit: 1, sort: { by: 'mod', descending: true } });
      assert.equal(newest.keyValues[0]?.key.toString(), 's/24');
      const seen: string[] = [];
      for await (const { key } of client.kv.scan({ prefix: 's/', pageKeys: 7 })) {
        // Written behind the scan's revision: not part of it.
        if (seen.length === 0) await client.kv.put('s/99', 'late');
        seen.push(key.toString());
      }
      assert.equal(seen.length, 25);
      assert.deepEqual(seen, seen.toSorted());
      assert.equal((await client.kv.deleteRange({ prefix: 's/' })).deleted, 26);
      assert.deepEqual(
        (await client.kv.delete('s0', { previous: true })).previous[0]?.value.toString(),
        'behind the prefix',
      );
    });

    test('a value is sent once, however large it is', async () => {
      const value = Buffer.alloc(1_500_000, 7);
      const first = await client.kv.put('large', value);
      const second = await client.kv.put('large', value, { previous: true });
      assert.deepEqual([first.created, second.created], [true, false]);
      assert.equal(second.previous?.value.length, value.length);
      await client.kv.delete('large');
    });

    test('a scan asks for fewer keys at a time where values are large', async () => {
      for (let index = 0; index < 40; index += 1) await client.kv.put(`w/a${100 + index}`, 'x');
      for (let index = 0; index < 60; index += 1)
        await client.kv.put(`w/b${100 + index}`, Buffer.alloc(100_000, index));
      const small = new Client({ endpoints: servers.endpoints, messageBytesMax: 2 * 1024 * 1024 });
      let seen = 0;
      for await (const { value } of small.kv.scan({ prefix: 'w/' })) {
        if (value.length > 1) assert.equal(value[0], seen - 40);
        seen += 1;
      }
      assert.equal(seen, 100);
      await small.close();
    });

    test('a transaction takes one branch and gives each result', async () => {
      const build = () =>
        client.kv
          .txn()
          .when(when.absent('t'))
          .do(op.put('t', '1'), op.txn([when.value('t', '=', '1')], [op.get('t')]))
          .otherwise(op.get('t'), op.range({ prefix: 't', countOnly: true }), op.delete('t', { previous: true }));
      const first = await build().commit();
      assert.equal(first.succeeded, true);
      assert.equal(first.results[0]?.kind, 'put');
      const second = await build().commit();
      assert.equal(second.succeeded, false);
      const [got, counted, deleted] = second.results;
      assert.ok(got?.kind === 'range' && got.keyValues[0]?.value.toString() === '1');
      assert.ok(counted?.kind === 'range' && counted.count === 1);
      assert.ok(deleted?.kind === 'delete' && deleted.previous.length === 1);
      assert.equal(await client.kv.get('t'), undefined);
    });

    test('errors have the code, etcd’s name and an outcome', async () => {
      const { revision } = await client.kv.put('history', '1');
      await client.kv.put('history', '2');
      await client.kv.compact(revision + 1);
      const old = await failure(client.kv.get('history', { revision: revision - 1 }));
      assert.deepEqual([old.grpcName, old.etcdName, old.outcome], ['OUT_OF_RANGE', 'Compacted', 'invalid']);
      const lease = await failure(client.kv.put('k', 'v', { lease: 4711n }));
      assert.deepEqual([lease.grpcName, lease.etcdName, lease.outcome], ['NOT_FOUND', 'LeaseNotFound', 'rejected']);
      assert.ok(lease.endpoint?.startsWith('http://127.0.0.1:'));
      const twice = await failure(client.kv.txn().do(op.put('a', '1'), op.put('a', '2')).commit());
      assert.deepEqual([twice.etcdName, twice.outcome], ['DuplicateKey', 'invalid']);
      const empty = await failure(client.kv.get(''));
      assert.equal(empty.outcome, 'invalid');
    });

    test('the low level takes any method, with deadline, signal and metadata', async () => {
      await client.kv.put('low', 'level');
      const key = Buffer.from('low');
      const { Range, Txn } = SERVICES['etcdserverpb.KV'];
      const answer = await client.call(Range, { key }, { deadlineMs: 5_000, metadata: { hasleader: 'true' } });
      assert.equal(Buffer.from(answer.kvs[0]?.value ?? []).toString(), 'level');
      const aborted = await failure(client.call(Range, { key }, { signal: AbortSignal.abort(new Error('no more')) }));
      assert.deepEqual([aborted.grpcName, aborted.outcome], ['CANCELED', 'rejected']);
      // A write that was given up is told as surely undone only if it was not sent.
      const stop = new AbortController();
      const written = failure(client.call(Txn, { success: [op.put('low', 'x')] }, { signal: stop.signal }));
      stop.abort();
      assert.equal((await written).grpcName, 'CANCELED');
      const useless = await failure(client.call(Range, { key, limit: 2 ** 80 }));
      assert.equal(useless.outcome, 'invalid');
    });

    test('many calls at a time are answered, more than allowed are refused unsent', async () => {
      await Promise.all(Array.from({ length: 500 }, (_, index) => client.kv.put(`many/${index}`, 'x'.repeat(1000))));
      assert.equal((await client.kv.range({ prefix: 'many/' })).keyValues.length, 500);
      const small = new Client({ endpoints: ['127.0.0.1:1'], callsMax: 1, callTimeoutMs: 300 });
      const first = failure(small.kv.put('a', '1'));
      const second = await failure(small.kv.put('a', '2'));
      assert.deepEqual([second.grpcName, second.outcome], ['RESOURCE_EXHAUSTED', 'rejected']);
      assert.deepEqual([(await first).grpcName, (await first).outcome], ['UNAVAILABLE', 'rejected']);
      await small.close();
    });
  });
}
