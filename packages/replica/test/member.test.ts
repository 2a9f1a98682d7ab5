/** A member in this process: what an embedder sees. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { type Member, type OpenOptions, open, openStandalone, QuorateError } from '../src/index.js';
import { waitUntil } from '../src/testing/conditions.js';

const folders: string[] = [];

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'quorate-member-'));
  folders.push(made);
  return made;
}

after(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

async function withMember<T>(options: OpenOptions, use: (member: Member) => Promise<T>): Promise<T> {
  const member = await open(options);
  try {
    return await use(member);
  } finally {
    await member.close();
  }
}

/** Members of one cluster in this process, each with a free port. */
async function openCluster(size: number): Promise<Member[]> {
  const quick = { heartbeatMs: 20, electionMs: 100 };
  const first = await open({ ...quick, dir: folder(), name: 'node1', peer: { listen: '127.0.0.1:0' } });
  const members = [first];
  for (let n = 2; n <= size; n++) {
    members.push(
      await open({
        ...quick,
        dir: folder(),
        name: `node${n}`,
        peer: { listen: '127.0.0.1:0' },
        join: (request) => first.cluster.join(request),
      }),
    );
  }
  for (const member of members) await waitUntil(() => member.cluster.status().role !== 'learner');
  return members;
}

async function withCluster(size: number, use: (members: Member[]) => Promise<void>): Promise<void> {
  const members = await openCluster(size);
  try {
    await use(members);
  } finally {
    await Promise.all(members.map((member) => member.close({ timeoutMs: 1_000 })));
  }
}

function leaderOf(members: readonly Member[]): Member {
  const leader = members.find((member) => member.cluster.status().role === 'leader');
  assert.ok(leader, 'there is a leader');
  return leader;
}

/** Of memory, where there is one: the disk that a machine has may be slow, or busy. */
const QUICK_DISK = '/dev/shm';
const noQuickDisk = existsSync(QUICK_DISK) ? false : `there is no ${QUICK_DISK} here`;

describe('a member of its own', () => {
  it('awaits short writes to a quick disk, one after the other, unless it never may', {
    skip: noQuickDisk,
  }, async () => {
    const dir = mkdtempSync(path.join(QUICK_DISK, 'quorate-member-'));
    folders.push(dir);
    let puts = 0;
    const put = async (member: Member): Promise<void> => {
      puts += 1;
      await member.kv.put('key', `value ${puts}`);
    };
    await withMember({ dir, awaitDisk: 'never' }, async (member) => {
      for (let n = 0; n < 300; n += 1) await put(member);
      assert.equal(member.metrics().walWritesAwaited, 0);
    });
    await withMember({ dir }, async (member) => {
      while (member.metrics().walWritesAwaited < 100) await put(member);
      assert.ok(member.metrics().walWritesAwaited < puts);
    });
    await withMember({ dir }, async ({ kv }) => {
      assert.equal((await kv.get('key'))?.value.toString(), `value ${puts}`);
    });
  });

  it('puts, reads, compares and deletes', async () => {
    await withMember({ dir: folder() }, async ({ kv }) => {
      assert.deepEqual(await kv.put('a', 'b'), { revision: 2, created: true });
      assert.deepEqual(await kv.put('a', 'c'), { revision: 3, created: false });
      assert.equal((await kv.get('a'))?.value.toString(), 'c');
      assert.equal((await kv.get('a', { revision: 2 }))?.value.toString(), 'b');
      assert.deepEqual(await kv.create('a', 'd'), { revision: 3, created: false });
      assert.deepEqual(await kv.compareAndSet('a', 2, 'd'), { succeeded: false, revision: 3 });
      assert.deepEqual(await kv.compareAndSet('a', 3, 'd'), { succeeded: true, revision: 4 });
      assert.deepEqual(await kv.delete('a'), { revision: 5, deleted: 1 });
      assert.deepEqual(await kv.delete('a'), { revision: 5, deleted: 0 });
      assert.equal(await kv.get('a'), undefined);
    });
  });

  it('ranges by bounds and by prefix, with a limit', async () => {
    await withMember({ dir: folder() }, async ({ kv }) => {
      for (const key of ['a', 'b1', 'b2', 'ü', 'c']) await kv.put(key, key);
      const keys = async (options: Parameters<typeof kv.range>[0]): Promise<string[]> =>
        (await kv.range(options)).keyValues.map(({ key }) => key.toString());
      assert.deepEqual(await keys({}), ['a', 'b1', 'b2', 'c', 'ü']);
      assert.deepEqual(await keys({ prefix: 'b' }), ['b1', 'b2']);
      assert.deepEqual(await keys({ from: 'b2', to: 'd' }), ['b2', 'c']);
      const limited = await kv.range({ limit: 2 });
      assert.deepEqual([limited.keyValues.length, limited.more, limited.count], [2, true, 5]);
    });
  });

  it('keeps bytes as they are', async () => {
    await withMember({ dir: folder() }, async ({ kv }) => {
      const key = Buffer.from([0, 255, 128, 10]);
      const value = Buffer.from([0xf0, 0x28, 0x8c, 0x28, 0]);
      await kv.put(key, value);
      const found = await kv.get(key);
      assert.deepEqual([found?.key, found?.value], [key, value]);
    });
  });

  it('[D1] has everything that it acknowledged after it was opened again', async () => {
    const dir = folder();
    await withMember({ dir }, async ({ kv }) => {
      for (let i = 0; i < 100; i++) await kv.put(`key${i}`, `value${i}`);
    });
    await withMember({ dir }, async ({ kv, cluster }) => {
      for (let i = 0; i < 100; i++) assert.equal((await kv.get(`key${i}`))?.value.toString(), `value${i}`);
      assert.equal(cluster.status().revision, 101);
    });
  });

  it('takes snapshots, drops the log behind them, and starts from them', async () => {
    const dir = folder();
    const options = { dir, snapshotLogBytesMin: 50_000, segmentBytes: 65_536, historyBytesMax: 10_000 };
    const segments = await withMember(options, async (member) => {
      // The same few keys over and over: the log soon outweighs the state.
      const value = Buffer.alloc(1_000, 1);
      for (let i = 0; i < 1_000; i++) await member.kv.put(`key${i % 10}`, value);
      await waitUntil(() => member.metrics().snapshotsTaken >= 2);
      await waitUntil(
        () => readdirSync(path.join(dir, 'snapshots')).filter((name) => name.endsWith('.snap')).length === 1,
      );
      return readdirSync(path.join(dir, 'wal')).length;
    });
    assert.ok(segments < 12, `${segments} segments for 1 MB of log in 64 KiB segments`);
    await withMember(options, async (member) => {
      assert.ok(member.cluster.status().snapshotIndex > 100);
      assert.equal((await member.kv.get('key3'))?.version, 100);
      assert.equal(member.cluster.status().revision, 1_001);
    });
  });

  it('compacts history that outgrows its budget', async () => {
    await withMember({ dir: folder(), historyBytesMax: 20_000, heartbeatMs: 10, electionMs: 50 }, async (member) => {
      const value = Buffer.alloc(200, 1);
      for (let i = 0; i < 500; i++) await member.kv.put('key', value);
      await waitUntil(() => member.cluster.status().compactRevision > 0);
      assert.equal((await member.kv.get('key'))?.version, 500);
      await assert.rejects(member.kv.get('key', { revision: 2 }), { code: 'compacted' });
    });
  });

  it('enforces the limits of a write when it is applied', async () => {
    await withMember({ dir: folder() }, async ({ kv }) => {
      const limits = { keyBytesMax: 3, valueBytesMax: 4, keysMax: 2 };
      await kv.create('a', '1234', { limits });
      await kv.create('b', '', { limits });
      await assert.rejects(kv.create('c', '', { limits }), { code: 'too-many-keys', outcome: 'rejected' });
      await assert.rejects(kv.create('abcd', '', { limits }), { code: 'key-too-long' });
      await assert.rejects(kv.put('a', '12345', { limits }), { code: 'value-too-long' });
      assert.deepEqual(await kv.create('b', '', { limits }), { revision: 3, created: false });
    });
  });

  it('refuses what makes no sense with an error that says what', async () => {
    await withMember({ dir: folder() }, async ({ kv, cluster }) => {
      await assert.rejects(kv.put('', 'a'), { code: 'key-empty' });
      await assert.rejects(kv.put('big', Buffer.alloc(2 * 1024 * 1024)), { code: 'request-too-large' });
      await assert.rejects(kv.get('a', { revision: 99 }), { code: 'future-revision' });
      await assert.rejects(kv.compareAndSet('a', -1, ''), { code: 'invalid-argument' });
      await assert.rejects(kv.range({ prefix: 'a', from: 'b' }), { code: 'invalid-argument' });
      await assert.rejects(cluster.remove(cluster.status().id), { code: 'configuration-refused' });
      await assert.rejects(cluster.remove(12_345), { code: 'member-not-found' });
      await assert.rejects(cluster.transferLeadership(12_345), { code: 'bad-transferee' });
    });
  });

  it('refuses numbers that are no integers, or beyond those that a number holds exactly', async () => {
    const alone = openStandalone();
    await withMember({ dir: folder() }, async (member) => {
      for (const { kv } of [member, alone]) {
        for (const number of [2 ** 60, 1.5, Number.NaN, -(2 ** 60)]) {
          await assert.rejects(kv.compact(number), { name: 'QuorateError', code: 'invalid-argument' });
          await assert.rejects(kv.get('a', { revision: number }), { code: 'invalid-argument' });
          await assert.rejects(kv.range({ revision: number }), { code: 'invalid-argument' });
          await assert.rejects(kv.range({ limit: number }), { code: 'invalid-argument' });
          await assert.rejects(kv.compareAndSet('a', number, ''), { code: 'invalid-argument' });
        }
        await assert.rejects(kv.compact(Number.MAX_SAFE_INTEGER), { code: 'future-revision' });
      }
      const limits = { keyBytesMax: 3, valueBytesMax: 4, keysMax: Number.POSITIVE_INFINITY };
      await assert.rejects(member.kv.put('a', '', { limits }), { name: 'QuorateError', code: 'invalid-argument' });
    });
    await alone.close();
  });

  it('lets the event loop go on while its process reads one thing after the other, without a pause', () =>
    withMember({ dir: folder() }, async ({ kv }) => {
      await kv.put('a', 'b');
      // From some reads in a row on, turns run at once.
      for (let reads = 0; reads < 100; reads++) await kv.get('a');
      const loop = { hasGoneOn: false };
      setImmediate(() => {
        loop.hasGoneOn = true;
      });
      for (let reads = 0; reads < 100 && !loop.hasGoneOn; reads++) await kv.get('a');
      assert.equal(loop.hasGoneOn, true);
    }));

  it('answers everything after it was closed', async () => {
    const member = await open({ dir: folder() });
    await Promise.all([member.close(), member.close()]);
    assert.equal(await member.stopped, undefined);
    await assert.rejects(member.kv.put('a', 'b'), { code: 'stopped', outcome: 'rejected' });
    await assert.rejects(member.kv.get('a'), { code: 'stopped' });
    await assert.rejects(member.ready(), QuorateError);
  });
});

describe('a data folder', () => {
  it('[D2] is used by one member at a time', async () => {
    const dir = folder();
    await withMember({ dir }, async () => {
      await assert.rejects(open({ dir }), { name: 'QuorateError', code: 'data-folder' });
    });
    await withMember({ dir }, () => Promise.resolve());
  });

  it('[D3] keeps its name', async () => {
    const dir = folder();
    await withMember({ dir, name: 'node1' }, () => Promise.resolve());
    await assert.rejects(open({ dir, name: 'node2' }), {
      code: 'data-folder',
      message: /belongs to member "node1".*cannot be started as "node2"/,
    });
  });

  it('[D4] that lost its log is refused', async () => {
    const dir = folder();
    await withMember({ dir }, ({ kv }) => kv.put('a', 'b'));
    rmSync(path.join(dir, 'wal'), { recursive: true });
    const advice = /; nothing was changed: start this member with an empty folder, .* or restore a snapshot$/;
    await assert.rejects(open({ dir }), { code: 'data-folder', message: advice });
  });

  it('[D4] that is damaged is refused, with where it is and what may be done', async () => {
    const dir = folder();
    await withMember({ dir }, ({ kv }) => kv.put('a', 'b'.repeat(1_000)));
    const segment = path.join(dir, 'wal', readdirSync(path.join(dir, 'wal')).toSorted()[0] as string);
    const bytes = readFileSync(segment);
    const at = bytes.indexOf('b'.repeat(100));
    bytes[at] = 0;
    writeFileSync(segment, bytes);
    const message =
      /wal\/.* at byte \d+: frame checksum does not match; nothing was changed: .* or restore a snapshot$/;
    await assert.rejects(open({ dir }), { code: 'data-folder', message });
  });

  it('[D4] that lost its identity is refused', async () => {
    const dir = folder();
    await withMember({ dir }, ({ kv }) => kv.put('a', 'b'));
    rmSync(path.join(dir, 'identity.json'));
    await assert.rejects(open({ dir }), { code: 'data-folder', message: /no identity/ });
  });

  it('goes on where a join was interrupted, as the same folder', async () => {
    const dir = folder();
    const instances: (string | undefined)[] = [];
    const join = (request: { instance?: string }): Promise<never> => {
      instances.push(request.instance);
      return Promise.reject(new Error('nobody there'));
    };
    const expected = { name: 'QuorateError', code: 'not-opened', outcome: 'rejected', message: 'nobody there' };
    await assert.rejects(open({ dir, join }), expected);
    await assert.rejects(open({ dir, join }), expected);
    assert.equal(instances.length, 2);
    assert.equal(instances[0], instances[1]);
  });

  it('is not opened where its port is taken, the host is unknown, or a signal ends it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    const { port } = taken.address() as AddressInfo;
    try {
      const cases = [
        { listen: `127.0.0.1:${port}`, message: /cannot listen for members on .*: another process listens there/ },
        { listen: 'host.invalid:0', message: /host\.invalid/ },
      ];
      for (const { listen, message } of cases) {
        const expected = { name: 'QuorateError', code: 'not-opened', outcome: 'rejected', message };
        await assert.rejects(open({ dir: folder(), peer: { listen } }), expected);
      }
      const members = ['a', 'b'].map((name, n) => ({ name, peerUrls: [`http://127.0.0.1:${n + 1}`] }));
      const cluster = { token: 't', members, state: 'new' } as const;
      const signal = AbortSignal.abort(new Error('not any more'));
      await assert.rejects(open({ dir: folder(), name: 'a', peer: { listen: '127.0.0.1:0' }, cluster, signal }), {
        name: 'QuorateError',
        code: 'stopped',
        outcome: 'rejected',
        message: 'not any more',
      });
    } finally {
      taken.close();
    }
  });

  for (const [setting, value] of [
    ['heartbeatMs', 0],
    ['electionMs', 100],
    ['priority', 300],
    ['segmentBytes', 1],
    ['name', ''],
  ] as const) {
    it(`is not opened with ${setting} ${JSON.stringify(value)}`, async () => {
      await assert.rejects(open({ dir: folder(), [setting]: value }), {
        code: 'invalid-argument',
        message: new RegExp(`${setting} is .*allowed: `),
      });
    });
  }
});

describe('a cluster in one process', () => {
  it('replicates, and any member takes any call', async () => {
    await withCluster(3, async (members) => {
      for (const [n, { kv }] of members.entries()) await kv.put(`key${n}`, `value${n}`);
      for (const { kv } of members) {
        for (const n of members.keys()) assert.equal((await kv.get(`key${n}`))?.value.toString(), `value${n}`);
      }
    });
  });

  it('hands leadership over on request and when the leader closes, and loses no write meanwhile', async () => {
    await withCluster(3, async (members) => {
      const leader = leaderOf(members);
      const target = members.find((member) => member !== leader) as Member;
      const writes = Array.from({ length: 50 }, (_, i) => (members[i % 3] as Member).kv.put(`key${i}`, 'x'));
      await leader.cluster.transferLeadership(target.cluster.status().id);
      await Promise.all(writes);
      await waitUntil(() => target.cluster.status().role === 'leader');
      const others = members.filter((member) => member !== target);
      const more = Array.from({ length: 50 }, (_, i) => (others[i % 2] as Member).kv.put(`more${i}`, 'x'));
      await target.close();
      await Promise.all(more);
      assert.equal((await others[0]?.kv.range({ keysOnly: true }))?.count, 100);
    });
  });

  it('removes a follower, which learns of it and stops', async () => {
    await withCluster(3, async (members) => {
      const leader = leaderOf(members);
      const follower = members.find((member) => member !== leader) as Member;
      await leader.cluster.remove(follower.cluster.status().id);
      const reason = await follower.stopped;
      assert.equal(reason instanceof QuorateError && reason.code, 'removed');
      assert.equal((await leader.cluster.members()).length, 2);
    });
  });

  it('removes its leader at its own request', async () => {
    await withCluster(3, async (members) => {
      const leader = leaderOf(members);
      const others = members.filter((member) => member !== leader);
      await leader.cluster.remove(leader.cluster.status().id);
      const reason = await leader.stopped;
      assert.equal(reason instanceof QuorateError && reason.code, 'removed');
      await others[0]?.kv.put('after', 'x');
      assert.equal((await others[1]?.kv.get('after'))?.value.toString(), 'x');
    });
  });

  it('brings a follower that is far behind up to date by a snapshot', async () => {
    await withCluster(1, async (members) => {
      const [first] = members as [Member];
      const value = Buffer.alloc(100_000, 7);
      // More than the log in memory keeps.
      for (let i = 0; i < 250; i++) await first.kv.put(`key${i}`, value);
      assert.ok(first.cluster.status().firstIndex > 10, 'the beginning of the log is gone from memory');
      const late = await open({
        dir: folder(),
        name: 'late',
        peer: { listen: '127.0.0.1:0' },
        join: (request) => first.cluster.join(request),
      });
      members.push(late);
      await late.ready();
      for (let i = 0; i < 250; i++) assert.deepEqual((await late.kv.get(`key${i}`))?.value, value);
      assert.ok(late.cluster.status().snapshotIndex > 0);
      await waitUntil(() => late.cluster.status().role !== 'learner');
    });
  });
});

describe('a standalone map', () => {
  it('keeps the same interface without a cluster', async () => {
    const member = openStandalone({ name: 'alone' });
    await member.ready();
    await member.kv.put('a', 'b');
    assert.equal((await member.kv.get('a'))?.value.toString(), 'b');
    assert.equal(member.cluster.status().name, 'alone');
    await assert.rejects(member.cluster.remove(1), { code: 'configuration-refused' });
    await member.close();
    assert.equal(await member.stopped, undefined);
  });
});
