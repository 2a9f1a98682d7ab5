/** Backups: a state is saved while the member serves, inspected, restored into a new cluster. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { inspectSnapshot, type Member, open, openStandalone, restore } from '../src/index.js';
import { freePorts } from '../src/testing/index.js';

const folders: string[] = [];
const QUICK = { heartbeatMs: 20, electionMs: 100 };

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'quorate-restore-'));
  folders.push(made);
  return made;
}

after(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

/** The whole stream, in pieces. */
function save(member: Member): Uint8Array[] {
  const snapshot = member.door.snapshot();
  const pieces: Uint8Array[] = [];
  for (let piece = snapshot.next(); piece !== undefined; piece = snapshot.next()) pieces.push(piece.slice());
  snapshot.release();
  return pieces;
}

/** A member with 300 keys, a history and a lease; revision 402. */
async function filled(): Promise<Member> {
  const member = await open({ ...QUICK, dir: folder() });
  await Promise.all(Array.from({ length: 400 }, (_, i) => member.kv.put(`key${i % 300}`, `value${i}`)));
  await member.kv.execute({
    operation: { kind: 'lease-grant', lease: 9n, ttlSeconds: 600, timeMs: 0 },
    limits: undefined,
  });
  await member.kv.delete('key299');
  return member;
}

async function withFilled<T>(use: (member: Member) => Promise<T>): Promise<T> {
  const member = await filled();
  try {
    return await use(member);
  } finally {
    await member.close();
  }
}

function digest(pieces: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

describe('a saved state', () => {
  it('is of one moment, however slowly it is pulled', async () => {
    await withFilled(async (member) => {
      const snapshot = member.door.snapshot();
      const pieces: Uint8Array[] = [];
      let n = 0;
      for (let piece = snapshot.next(); piece !== undefined; piece = snapshot.next()) {
        pieces.push(piece);
        await member.kv.put(`later${n++}`, 'x');
      }
      assert.equal(snapshot.next(), undefined);
      const { keys, revision, leases, hasDigest } = await inspectSnapshot(pieces);
      assert.deepEqual([keys, revision, leases, hasDigest], [299, 402, 1, false]);
      assert.equal(snapshot.revision, 402);
    });
  });

  it('is the same however it is cut, and may end in its SHA-256', async () => {
    await withFilled(async (member) => {
      const pieces = save(member);
      const plain = await inspectSnapshot(pieces);
      const whole = Buffer.concat([...pieces, digest(pieces)]);
      const cut: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += 997) cut.push(whole.subarray(at, at + 997));
      const summary = await inspectSnapshot(cut);
      assert.deepEqual(summary, { ...plain, hasDigest: true, bytes: plain.bytes + 32 });
      const hash = member.door.store().hash();
      assert.equal(hash.kind === 'hash' && hash.hash, plain.hash);
    });
  });

  it('is refused when any part of it is missing or damaged', async () => {
    await withFilled(async (member) => {
      const pieces = save(member);
      const whole = Buffer.concat([...pieces, digest(pieces)]);
      for (let at = 0; at < whole.length; at += 211) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        await assert.rejects(inspectSnapshot([damaged]), { code: 'invalid-argument' }, `a bit flipped at ${at}`);
      }
      for (const length of [0, 10, 100, whole.length - 33, whole.length - 1]) {
        await assert.rejects(inspectSnapshot([whole.subarray(0, length)]), { code: 'invalid-argument' });
      }
      await assert.rejects(inspectSnapshot([whole, Buffer.alloc(5_000)]), { code: 'invalid-argument' });
    });
  });

  it('is given by a map alone as well', async () => {
    const member = openStandalone();
    await member.kv.put('a', 'b');
    assert.equal((await inspectSnapshot(save(member))).keys, 1);
    await member.close();
  });
});

describe('a restored folder', () => {
  it('opens as a new cluster with all keys, history and leases, and takes writes', async () => {
    const [pieces, formerId] = await withFilled((member) =>
      Promise.resolve([save(member), member.cluster.status().clusterId] as const),
    );
    const dir = folder();
    const { clusterId, revision } = await restore({ source: pieces, dir, name: 'default' });
    assert.ok(clusterId !== formerId);
    assert.equal(revision, 402);
    for (const round of [1, 2]) {
      const member = await open({ ...QUICK, dir });
      await member.ready();
      assert.equal(member.cluster.status().clusterId, clusterId);
      assert.equal((await member.kv.range({ prefix: 'key' })).count, 299);
      assert.equal((await member.kv.get('key7'))?.value.toString(), 'value307');
      assert.equal((await member.kv.get('key7', { revision: 100 }))?.value.toString(), 'value7');
      assert.equal(member.door.store().lease(9n)?.ttlSeconds, 600);
      assert.equal((await member.kv.put('new', String(round))).revision, 402 + round);
      await member.close();
    }
  });

  it('goes on with higher revisions, everything before compacted', async () => {
    const pieces = await withFilled((member) => Promise.resolve(save(member)));
    const dir = folder();
    const restored = await restore({ source: pieces, dir, name: 'default', bumpRevision: 1_000 });
    assert.deepEqual([restored.revision, restored.compactRevision], [1_402, 1_402]);
    const member = await open({ ...QUICK, dir });
    assert.equal((await member.kv.get('key7'))?.modRevision, 309);
    await assert.rejects(member.kv.get('key7', { revision: 402 }), { code: 'compacted' });
    const compacted = await new Promise<number>((resolve) => {
      const sink = { events: () => true, compacted: resolve };
      const range = { key: 'a', rangeEnd: '\0', startRevision: 300, previous: false, noPut: false, noDelete: false };
      member.door.watch(range, sink);
    });
    assert.equal(compacted, 1_402);
    assert.equal((await member.kv.put('key7', 'x')).revision, 1_403);
    member.door.store().checkInvariants();
    await member.close();
  });

  it('is made for each member of a cluster of several, which then agree', async () => {
    const pieces = await withFilled((member) => Promise.resolve(save(member)));
    const ports = await freePorts(3);
    const members = ports.map((port, n) => ({ id: 11 + n, name: `node${n}`, peerAddress: `127.0.0.1:${port}` }));
    const opened: Member[] = [];
    for (const { name, peerAddress } of members) {
      const dir = folder();
      await restore({ source: pieces, dir, name, members, clusterId: 4_711 });
      opened.push(await open({ ...QUICK, dir, name, peer: { listen: peerAddress } }));
    }
    await Promise.all(opened.map((member) => member.ready()));
    for (const [n, { kv, cluster }] of opened.entries()) {
      assert.equal((await kv.range({ prefix: 'key', keysOnly: true })).count, 299);
      await kv.put(`new${n}`, 'x');
      assert.deepEqual(
        cluster.status().members.map(({ id, name, voter }) => ({ id, name, voter })),
        members.map(({ id, name }) => ({ id, name, voter: true })),
      );
    }
    await Promise.all(opened.map((member) => member.close({ timeoutMs: 1_000 })));
  });

  it('must have been empty, and its members must be told apart', async () => {
    const pieces = await withFilled((member) => Promise.resolve(save(member)));
    const dir = folder();
    const options = { source: pieces, dir, name: 'default' };
    await restore(options);
    await assert.rejects(restore(options), { code: 'data-folder' });
    const fresh = { ...options, dir: folder() };
    const pair = [
      { name: 'a', peerAddress: 'h:1' },
      { name: 'b', peerAddress: 'h:2' },
    ];
    await assert.rejects(restore({ ...fresh, name: 'a', members: pair }), { code: 'invalid-argument', message: /ids/ });
    await assert.rejects(restore({ ...fresh, name: 'c', members: pair }), { code: 'invalid-argument' });
    await assert.rejects(restore({ ...fresh, bumpRevision: -1 }), { code: 'invalid-argument' });
  });
});
