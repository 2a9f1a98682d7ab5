/** `quorate migrate`: a real etcd moves into Quorate while it is written to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@quorate/client';
import { SERVICES } from '@quorate/proto';
import { CONDITION_TIMEOUT_MS, EtcdServers, waitUntil } from '@quorate/replica/testing';
import { Migration, type MigrationOptions, type Progress } from '../src/migrate/migration.js';
import { MARK_KEY } from '../src/migrate/target.js';

const QUORATE_ETCD = [process.execPath, fileURLToPath(new URL('../programs/quorate-etcd.js', import.meta.url))];
const hasEtcd = process.env['CI'] === 'true' || spawnSync('etcd', ['--version']).status === 0;
const skip = hasEtcd ? false : 'etcd is not installed (tools/install-test-tools.sh)';

interface Scene {
  readonly source: Client;
  readonly target: Client;
  readonly endpoints: { readonly from: string; readonly to: string };
  readonly migrate: (options?: Partial<MigrationOptions>) => ReturnType<typeof Migration.run>;
}

async function withBoth(use: (scene: Scene) => Promise<void>): Promise<void> {
  const [etcd, quorate] = await Promise.all([
    EtcdServers.start({ command: ['etcd'] }),
    EtcdServers.start({ command: QUORATE_ETCD }),
  ]);
  const source = new Client({ endpoints: etcd.endpoints });
  const target = new Client({ endpoints: quorate.endpoints });
  const base = {
    source,
    target,
    replaceTarget: false,
    untilSynced: true,
    keysPerSecond: 0,
    onProgress: () => undefined,
  };
  const migrate: Scene['migrate'] = (options) =>
    Migration.run({ ...base, cutOver: new AbortController().signal, ...options });
  try {
    const endpoints = { from: etcd.endpoints[0] as string, to: quorate.endpoints[0] as string };
    await use({ source, target, endpoints, migrate });
  } finally {
    await Promise.all([source.close(), target.close()]);
    await Promise.all([etcd.stop(), quorate.stop()]);
  }
}

async function contents(client: Client): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const { key, value, lease } of client.kv.scan())
    all.push(`${key.toString()}=${value.toString()}@${lease}`);
  return all;
}

describe('quorate migrate', { skip, timeout: 4 * CONDITION_TIMEOUT_MS }, () => {
  test('copies under writes, follows, mirrors leases, and is equal at the cut-over', async () => {
    await withBoth(async ({ source, target, migrate }) => {
      for (let index = 0; index < 400; index += 1) await source.kv.put(`k${(index * 7) % 300}`, `v${index}`);
      const kept = await source.leases.grant(30);
      await source.kv.put('kept', 'x', { lease: kept.id });
      const short = await source.leases.grant(2, { keepAlive: false });
      await source.kv.put('short', 'x', { lease: short.id });
      const cutOver = new AbortController();
      const seen: Progress[] = [];
      const migrating = migrate({
        untilSynced: false,
        cutOver: cutOver.signal,
        onProgress: (progress) => seen.push(progress),
      });
      for (let index = 0; index < 300; index += 1) {
        await source.kv.put(`live${index % 50}`, `v${index}`);
        if (index % 10 === 0) await source.kv.deleteRange({ key: `k${index}` });
        if (index === 150) await source.kv.compact((await source.kv.range({ countOnly: true })).revision);
      }
      await waitUntil(
        async () => (await source.kv.get('short')) === undefined,
        'the short lease has ended at the source',
      );
      await waitUntil(async () => (await target.kv.get('short')) === undefined, 'and its key is gone in the target');
      cutOver.abort();
      const result = await migrating;
      assert.equal(result.writtenSince, false);
      assert.deepEqual(await contents(target), await contents(source));
      assert.equal(result.keys, (await contents(source)).length);
      assert.equal(await target.kv.get(MARK_KEY), undefined);
      const { remainingSeconds, keys } = await target.leases.timeToLive(kept.id, { keys: true });
      assert.ok(remainingSeconds > 10 && remainingSeconds <= 30, `${remainingSeconds} s remain`);
      assert.deepEqual(keys.map(String), ['kept']);
      assert.ok(seen.some(({ phase }) => phase === 'copy') && seen.some(({ phase }) => phase === 'follow'));
    });
  });

  test('who was first in a queue of keys with leases stays first, each with a revision of its own', async () => {
    await withBoth(async ({ source, target, migrate }) => {
      const lease = await source.leases.grant(60);
      for (const key of ['q/3', 'q/1', 'q/2', 'q/0', 'q/1']) await source.kv.put(key, key, { lease: lease.id });
      for (const key of ['r/3', 'r/1', 'r/2', 'r/1']) await source.kv.put(key, key);
      await migrate();
      const queue = await target.kv.range({ prefix: 'q/', sort: { by: 'create' } });
      assert.deepEqual(
        queue.keyValues.map(({ key }) => key.toString()),
        ['q/3', 'q/1', 'q/2', 'q/0'],
      );
      assert.equal(new Set(queue.keyValues.map(({ createRevision }) => createRevision)).size, 4);
    });
  });

  test('goes on after an interruption, with what was deleted and compacted meanwhile', async () => {
    await withBoth(async ({ source, target, migrate }) => {
      for (let index = 0; index < 500; index += 1) await source.kv.put(`k${index}`, 'x'.repeat(100));
      const interrupted = migrate({
        onProgress: ({ keysLeft }) => {
          if (keysLeft > 0 && keysLeft < 300) throw new Error('the machine went down');
        },
      });
      await assert.rejects(interrupted, /the machine went down/);
      assert.ok((await target.kv.range({ countOnly: true })).count > 100);
      await source.kv.deleteRange({ from: 'k0', to: 'k2' });
      await source.kv.put('k300', 'changed');
      await source.kv.compact((await source.kv.put('new', 'y')).revision);
      await migrate();
      assert.deepEqual(await contents(target), await contents(source));
    });
  });

  test('copies values of any size and keys of any bytes', async () => {
    await withBoth(async ({ source, target, migrate }) => {
      const { Put } = SERVICES['etcdserverpb.KV'];
      // As large as etcd takes: it counts the request as it stands in its log.
      const largest = { key: Buffer.from('largest'), value: Buffer.alloc(1_572_864 - 40, 7) };
      await source.call(Put, largest);
      const keys = [Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([0x61, 0, 0xff]), Buffer.from([0xff, 0xff])];
      for (const key of keys) await source.kv.put(key, Buffer.from([0xff, 0, 0x80]));
      const cutOver = new AbortController();
      const migrating = migrate({ untilSynced: false, cutOver: cutOver.signal });
      await waitUntil(async () => (await target.kv.get('largest')) !== undefined, 'the first copy is there');
      await source.call(Put, { ...largest, value: largest.value.fill(8) });
      await waitUntil(async () => (await target.kv.get('largest'))?.value[0] === 8, 'the second one is, too');
      cutOver.abort();
      assert.equal((await migrating).keys, 5);
      for (const key of keys) assert.deepEqual((await target.kv.get(key))?.value, Buffer.from([0xff, 0, 0x80]));
    });
  });

  test('refuses a target that is not empty unless told, and a migration of a cluster into itself', async () => {
    await withBoth(async ({ source, target, migrate }) => {
      await source.kv.put('a', '1');
      await target.kv.put('b', '2');
      await assert.rejects(migrate(), /not empty: it has 1 keys; --replace-target/);
      await assert.rejects(migrate({ target: source }), /the same cluster/);
      await migrate({ replaceTarget: true });
      assert.deepEqual(await contents(target), ['a=1@0']);
    });
  });

  test('the command copies, compares and says so', async () => {
    await withBoth(async ({ source, target, endpoints }) => {
      await source.kv.put('a', '1');
      const { runCli } = await import('../src/index.js');
      let out = '';
      let err = '';
      const io = {
        env: {},
        out: (text: string) => {
          out += text;
        },
        err: (text: string) => {
          err += text;
        },
      };
      const words = ['migrate', '--from', endpoints.from, '--to', endpoints.to, '--until-synced'];
      const run = (): Promise<number> => runCli(words, io, () => Promise.reject(new Error('no member is opened here')));
      assert.equal(await run(), 0, err);
      assert.match(out, /^migrated: 1 keys, 0 leases, equal on both sides/);
      assert.equal((await target.kv.get('a'))?.value.toString(), '1');
      assert.equal(await run(), 1);
      assert.match(err, /quorate: the target is not empty/);
    });
  });
});
