/** Watches and leases, against etcd and Quorate alike, also when members die under them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONDITION_TIMEOUT_MS, waitUntil } from '@quorate/replica/testing';
import { Client, ClientError, type WatchBatch, type WatchEvent } from '../src/index.js';
import { failure } from './failure.js';
import { type Kind, type Servers, skipOf, startServers } from './servers.js';

const TIMEOUT = { timeout: 3 * CONDITION_TIMEOUT_MS };

for (const kind of ['etcd', 'quorate'] as const satisfies readonly Kind[]) {
  describe(`watches and leases of ${kind}`, { skip: skipOf(kind), ...TIMEOUT }, () => {
    let servers: Servers;
    let client: Client;
    before(async () => {
      servers = await startServers(kind, { members: 3 });
      client = new Client({ endpoints: servers.endpoints });
    });
    after(async () => {
      await client.close();
      await servers.stop();
    });

    test('a watch tells of puts and deletes with what was there before, from the start that it was given', async () => {
      const { revision } = await client.kv.put('w/a', '1');
      await client.kv.put('w/a', '2');
      await client.kv.put('elsewhere', '3');
      await client.kv.delete('w/a');
      const seen: string[] = [];
      for await (const event of client.watch({ prefix: 'w/', startRevision: revision, previous: true })) {
        seen.push(show(event));
        if (seen.length === 3) break;
      }
      assert.deepEqual(seen, [`put w/a=1 was nothing`, `put w/a=2 was 1`, `delete w/a= was 2`]);
    });

    test('a watch without a start begins with its first batch, and leaves out what is filtered', async () => {
      const batches = client.watch({ key: 'f', noPut: true }).batches();
      const first = await batches.next();
      assert.deepEqual((first.value as WatchBatch).events, []);
      await client.kv.put('f', '1');
      const { revision } = await client.kv.delete('f');
      const second = await batches.next();
      assert.equal((second.value as WatchBatch).revision, revision);
      assert.deepEqual(
        (second.value as WatchBatch).events.map(({ type }) => type),
        ['delete'],
      );
      await batches.return();
    });

    test('a watch below the compacted revision ends with an error that says from where there is history', async () => {
      const { revision } = await client.kv.put('c', '1');
      await client.kv.put('c', '2');
      await client.kv.compact(revision + 1);
      const error = await failure(drain(client.watch({ key: 'c', startRevision: revision })));
      assert.deepEqual([error.etcdName, error.compactRevision], ['Compacted', revision + 1]);
    });

    test('a watch ends quietly when it is aborted', async () => {
      const stop = new AbortController();
      const watch = client.watch({ key: 'q', signal: stop.signal });
      const over = drain(watch);
      await waitUntil(() => watch.nextRevision > 0, 'the watch stands');
      stop.abort();
      await over;
    });

    test('a lease is kept alive beyond its time, and its keys go when it is revoked', async () => {
      // Long enough that its renewals, three in that time, come in time on a machine that is busy with other things.
      const lease = await client.leases.grant(5);
      await client.kv.put('leased', 'x', { lease: lease.id });
      const startedMs = performance.now();
      await waitUntil(() => performance.now() - startedMs > (lease.ttlSeconds + 1.5) * 1000, 'its time would be over');
      const { remainingSeconds, keys } = await lease.timeToLive({ keys: true });
      assert.ok(remainingSeconds >= 0, `${remainingSeconds} s remain`);
      assert.deepEqual(keys.map(String), ['leased']);
      assert.equal(lease.signal.aborted, false);
      assert.ok((await client.leases.list()).includes(lease.id));
      await lease.revoke();
      assert.equal(await client.kv.get('leased'), undefined);
      assert.equal((await lease.timeToLive()).remainingSeconds, -1);
      assert.equal(await client.leases.keepAliveOnce(lease.id), 0);
    });

    test('a lease that somebody else has revoked is told as lost', async () => {
      const lease = await client.leases.grant(3);
      const other = new Client({ endpoints: servers.endpoints });
      await other.leases.revoke(lease.id);
      await other.close();
      await waitUntil(() => lease.signal.aborted, 'the lease is lost');
      assert.ok(lease.signal.reason instanceof ClientError);
      assert.equal(lease.signal.reason.etcdName, 'LeaseNotFound');
    });

    test('a watch and a lease survive the death of their member: nothing missed, nothing repeated', async () => {
      const lease = await client.leases.grant(10);
      await client.kv.put('survivor', 'x', { lease: lease.id });
      const watch = client.watch({ prefix: 'd/' });
      const seen: WatchEvent[] = [];
      const watching = (async () => {
        for await (const event of watch) if (seen.push(event) === 60) return;
      })();
      await waitUntil(() => watch.nextRevision > 0, 'the watch stands');
      // The client's stream is at the endpoint in use, the first that answered: writers go to the others, and go on.
      const writer = new Client({ endpoints: servers.endpoints.slice(1), callTimeoutMs: CONDITION_TIMEOUT_MS });
      for (let index = 0; index < 60; index += 1) {
        if (index === 20) await servers.kill(0);
        await putSurely(writer, `d/${index}`, `${index}`);
      }
      await watching;
      assert.deepEqual(
        seen.map(({ keyValue }) => keyValue.value.toString()),
        Array.from({ length: 60 }, (_, index) => `${index}`),
      );
      assert.ok(watch.resumptions >= 1);
      assert.equal(lease.signal.aborted, false);
      assert.ok((await lease.timeToLive()).remainingSeconds > 0);
      assert.equal((await client.kv.get('survivor'))?.value.toString(), 'x');
      await lease.revoke();
      await writer.close();
      servers.run(0);
    });
  });
}

/** Repeats a put whose outcome is unknown only if the key is not there: each value is written exactly once. */
async function putSurely(client: Client, key: string, value: string): Promise<void> {
  await waitUntil(async () => {
    await client.kv.create(key, value, { deadlineMs: 2_000 });
    return true;
  }, `${key} is put`);
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

function show({ type, keyValue, previous }: WatchEvent): string {
  return `${type} ${keyValue.key.toString()}=${keyValue.value.toString()} was ${previous?.value.toString() ?? 'nothing'}`;
}
