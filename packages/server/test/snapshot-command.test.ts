/** `quorate snapshot`, against real members: saved while they serve, verified, restored by each of three members. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@quorate/client';
import { EtcdServers } from '@quorate/replica/testing';
import { runCli } from '../src/index.js';

const QUORATE_ETCD = [process.execPath, fileURLToPath(new URL('../programs/quorate-etcd.js', import.meta.url))];
const CI = process.env['CI'] === 'true';
const etcdSkip = CI || spawnSync('etcd', ['--version']).status === 0 ? false : 'etcd is not installed';
const etcdctlSkip = CI || spawnSync('etcdctl', ['version']).status === 0 ? false : 'etcdctl is not installed';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function quorate(...argv: readonly string[]): Promise<Run> {
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
  const code = await runCli(argv, io, () => Promise.reject(new Error('no member is opened here')));
  return { code, out, err };
}

describe('quorate snapshot', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-snapshot-'));
  const backup = path.join(folder, 'backup.db');
  let servers: EtcdServers;
  let client: Client;

  before(async () => {
    servers = await EtcdServers.start({ command: QUORATE_ETCD });
    client = new Client({ endpoints: servers.endpoints });
    for (let index = 0; index < 50; index += 1) await client.kv.put(`k${index % 40}`, `v${index}`);
    const lease = await client.leases.grant(600, { keepAlive: false });
    await client.kv.put('leased', 'x', { lease: lease.id });
    const saved = await quorate('snapshot', 'save', backup, '-e', servers.endpoints[0] as string);
    assert.deepEqual([saved.code, saved.err], [0, '']);
  });

  after(async () => {
    await client.close();
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('saves a file that ends in its SHA-256, and says what is in it', async () => {
    const bytes = readFileSync(backup);
    assert.deepEqual(bytes.subarray(-32), createHash('sha256').update(bytes.subarray(0, -32)).digest());
    assert.equal((bytes.length - 32) % 512, 0);
    const { code, out } = await quorate('snapshot', 'status', backup, '--json');
    assert.equal(code, 0);
    const summary = JSON.parse(out) as Record<string, unknown>;
    const { clusterId, memberId, revision } = await client.maintenance.status();
    assert.equal(summary['revision'], revision);
    assert.deepEqual([summary['keys'], summary['leases'], summary['hasDigest']], [41, 1, true]);
    assert.deepEqual([summary['clusterId'], summary['memberId']], [Number(clusterId), Number(memberId)]);
    assert.equal(summary['hash'], (await client.maintenance.hash()).hash);
    assert.match((await quorate('snapshot', 'status', backup)).out, /^revision +52\n/m);
  });

  test('refuses to overwrite, unless told, and leaves nothing half behind', async () => {
    const endpoint = servers.endpoints[0] as string;
    const again = await quorate('snapshot', 'save', backup, '-e', endpoint);
    assert.equal(again.code, 1);
    assert.match(again.err, /is there already; --overwrite/);
    assert.equal((await quorate('snapshot', 'save', backup, '-e', endpoint, '--overwrite')).code, 0);
    const nobody = await quorate(
      'snapshot',
      'save',
      path.join(folder, 'no.db'),
      '-e',
      'localhost:1',
      '--timeout',
      '1s',
    );
    assert.equal(nobody.code, 4);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('part') || name === 'no.db'),
      [],
    );
  });

  test('is saved in a folder that is there, as a file', async () => {
    const endpoint = servers.endpoints[0] as string;
    const missing = path.join(folder, 'missing');
    for (const [file, expected] of [
      [path.join(missing, 'x.db'), `a backup cannot be saved in the folder ${missing}: ENOENT`],
      [path.join(backup, 'x.db'), `${backup} is not a folder: a backup cannot be saved in it`],
      [folder, `"${folder}" is a folder: name the file in it`],
      [`${missing}/`, `"${missing}/" is a folder: name the file in it`],
      ['', '"" is a folder: name the file in it'],
    ] as const) {
      for (const flags of [[], ['--overwrite']]) {
        const { code, err } = await quorate('snapshot', 'save', file, '-e', endpoint, ...flags);
        assert.equal(code, 1, err);
        assert.ok(err.startsWith(`quorate: ${expected}`), err);
      }
    }
    assert.equal(existsSync(missing), false);
  });

  test('says soon that nobody answers, however long the backup may take', async () => {
    const { code, err } = await quorate('snapshot', 'save', path.join(folder, 'none.db'), '-e', '127.0.0.1:1');
    assert.equal(code, 4, err);
    assert.match(err, /127\.0\.0\.1:1/);
    assert.ok(!existsSync(path.join(folder, 'none.db')));
  });

  test('refuses files that are truncated, altered or foreign, each in its words', async () => {
    const bytes = readFileSync(backup);
    const file = path.join(folder, 'bad.db');
    const status = async (content: Uint8Array): Promise<string> => {
      writeFileSync(file, content);
      const { code, err } = await quorate('snapshot', 'status', file);
      assert.equal(code, 1);
      assert.ok(err.includes(file));
      const restored = await quorate('snapshot', 'restore', file, '--data-dir', path.join(folder, 'never'));
      assert.deepEqual([restored.code, restored.err], [1, err]);
      return err;
    };
    assert.match(await status(bytes.subarray(0, bytes.length / 2)), /ends early|checksum/);
    assert.match(await status(bytes.subarray(0, -1)), /no SHA-256|does not match/);
    assert.match(await status(bytes.subarray(0, -32)), /no SHA-256|missing|does not match/);
    const altered = Buffer.from(bytes);
    altered[bytes.length - 100] = (altered[bytes.length - 100] ?? 0) ^ 1;
    assert.match(await status(altered), /SHA-256|checksum/);
    assert.match(await status(Buffer.from('something else altogether, which is no backup')), /not a snapshot file/);
    assert.match(await status(new Uint8Array(0)), /ends early/);
    assert.match((await quorate('snapshot', 'status', path.join(folder, 'nowhere'))).err, /no such file/);
    assert.equal(existsSync(path.join(folder, 'never')), false);
  });

  test('says of an etcd’s file what it is, and points to migrate', { skip: etcdSkip }, async () => {
    const etcd = await EtcdServers.start({ command: ['etcd'] });
    try {
      const file = path.join(folder, 'etcd.db');
      const saved = await quorate('snapshot', 'save', file, '-e', etcd.endpoints[0] as string);
      assert.equal(saved.code, 1);
      assert.match(saved.err, /is an etcd: its snapshot is a bolt file.*quorate migrate/);
      const source = new Client({ endpoints: etcd.endpoints });
      const pieces: Buffer[] = [];
      for await (const piece of source.maintenance.snapshot()) pieces.push(Buffer.from(piece));
      await source.close();
      writeFileSync(file, Buffer.concat(pieces));
      assert.match(
        (await quorate('snapshot', 'status', file)).err,
        /database of etcd \(a bolt file\).*quorate migrate/,
      );
    } finally {
      await etcd.stop();
    }
  });

  test('takes the file that etcdctl saved', { skip: etcdctlSkip }, async () => {
    const file = path.join(folder, 'etcdctl.db');
    await promisify(execFile)('etcdctl', ['--endpoints', servers.endpoints[0] as string, 'snapshot', 'save', file], {
      env: { ...process.env, ETCDCTL_API: '3' },
    });
    const { code, out } = await quorate('snapshot', 'status', file, '--json');
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { readonly keys: number }).keys, 41);
  });

  test('three members restore the same file, each for itself, into a new cluster with raised revisions', async () => {
    const before = await client.maintenance.status();
    const restored = await EtcdServers.start({
      command: QUORATE_ETCD,
      members: 3,
      prepare: async (name, dir, list) => {
        const flags = ['--name', name, '--initial-cluster', list, '--bump-revision', '1000', '--mark-compacted'];
        const { code, err } = await quorate('snapshot', 'restore', backup, '--data-dir', dir, ...flags);
        assert.deepEqual([code, err], [0, '']);
      },
    });
    const reader = new Client({ endpoints: restored.endpoints });
    try {
      for (const endpoint of restored.endpoints) {
        const { count } = await reader.kv.range({ endpoint });
        assert.equal(count, 41);
      }
      assert.equal((await reader.kv.get('k3'))?.value.toString(), 'v43');
      const { revision } = await reader.kv.put('after', 'the restore');
      assert.ok(revision > before.revision + 1000);
      const { clusterId, members } = await reader.cluster.members();
      assert.notEqual(clusterId, before.clusterId);
      assert.deepEqual(members.map(({ name }) => name).toSorted(), ['m0', 'm1', 'm2']);
      await assert.rejects(reader.kv.get('k3', { revision: before.revision }), { etcdName: 'Compacted' });
      const [lease] = await reader.leases.list();
      const { remainingSeconds, keys } = await reader.leases.timeToLive(lease as bigint, { keys: true });
      assert.ok(remainingSeconds > 500 && remainingSeconds <= 600);
      assert.deepEqual(keys.map(String), ['leased']);
    } finally {
      await reader.close();
      await restored.stop();
    }
  });

  test('restore refuses folders with data, and membership that contradicts itself', async () => {
    const dir = path.join(folder, 'single');
    const one = await quorate('snapshot', 'restore', backup, '--data-dir', dir);
    assert.match(one.out, /member default \(\d+\) of 1 in the new cluster/);
    assert.match((await quorate('snapshot', 'restore', backup, '--data-dir', dir)).err, /folder is not empty/);
    const other = path.join(folder, 'other');
    mkdirSync(path.join(other, 'lost+found'), { recursive: true });
    writeFileSync(path.join(other, 'notes.txt'), '');
    const refused = await quorate('snapshot', 'restore', backup, '--data-dir', other);
    assert.equal(refused.code, 1);
    assert.ok(refused.err.includes(`${other} holds notes.txt; a state is restored into an empty one`), refused.err);
    assert.deepEqual(readdirSync(other), ['lost+found', 'notes.txt']);
    rmSync(path.join(other, 'notes.txt'));
    // The root of a file system.
    assert.equal((await quorate('snapshot', 'restore', backup, '--data-dir', other)).code, 0);
    const refusals: readonly (readonly [RegExp, ...string[]])[] = [
      [/given together/, '--bump-revision', '5'],
      [/given together/, '--mark-compacted'],
      [/does not have "x"/, '--name', 'x', '--initial-cluster', 'y=http://localhost:1'],
      [/not of the form/, '--initial-cluster', 'nonsense'],
      [
        /has http:\/\/localhost:1 for/,
        '--name',
        'x',
        '--initial-cluster',
        'x=http://localhost:1',
        '--initial-advertise-peer-urls',
        'http://localhost:2',
      ],
      [/whole number/, '--bump-revision', '-1'],
    ];
    for (const [expected, ...flags] of refusals) {
      const { code, err } = await quorate(
        'snapshot',
        'restore',
        backup,
        '--data-dir',
        path.join(folder, 'x'),
        ...flags,
      );
      assert.equal(code, 2, err);
      assert.match(err, expected);
    }
  });
});
