/** The Disk contract, kept by the real and by the virtual disk; and what only one of them can show. */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DiskPace } from '../../src/adapters/disk-pace.js';
import { FileDisk, toDiskError } from '../../src/adapters/file-disk.js';
import { nodePlatform } from '../../src/adapters/platform.js';
import type { DiskDone, DiskError } from '../../src/seams/disk.js';
import { waitUntil } from '../../src/testing/conditions.js';
import { diskContract } from '../../src/testing/disk-contract.js';
import { MemoryDisk } from '../../src/testing/memory-disk.js';
import { SNAPSHOT_DIRECTORY, SnapshotWriter } from '../../src/wal/snapshot-file.js';
import { type RecoveredWal, readIdentity, recoverWal, writeIdentity } from '../../src/wal/wal.js';
import { entries, hardState, makeBatch, ORIGIN, seededRandom, show } from '../wal/support.js';

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'quorate-disk-'));
}

/** Whatever the machine is doing. */
const QUICK = { isQuick: true, add: (): void => {} };

for (const mayWait of [false, true]) {
  diskContract(mayWait ? 'files, short writes awaited' : 'files', async () => {
    const root = temporaryFolder();
    const disk = new FileDisk(root, QUICK);
    disk.allowWaiting({ mayWait: () => mayWait, waited: () => {} });
    return {
      disk,
      close: async () => {
        await new Promise<void>((resolve) => disk.close(resolve));
        rmSync(root, { recursive: true });
      },
    };
  });
}

diskContract('memory', async () => {
  const random = seededRandom(3);
  const disk = new MemoryDisk({ schedule: (_delayMs, run) => void setImmediate(run), random });
  return { disk, close: async () => {} };
});

function finish(operation: (done: DiskDone) => void): Promise<DiskError | undefined> {
  return new Promise((resolve) => operation(resolve));
}

async function succeed(operation: (done: DiskDone) => void): Promise<void> {
  assert.equal(await finish(operation), undefined);
}

function recover(disk: FileDisk): RecoveredWal {
  const options = { segmentBytes: 256 * 1024, clusterId: 1, memberId: 2 };
  const recovery = recoverWal(disk, nodePlatform, options, ORIGIN);
  for (;;) {
    const step = recovery.next();
    if (step.done === true) return step.value;
  }
}

describe('file disk', () => {
  test('a large file that was removed gives its space back, though not at once', async () => {
    const root = temporaryFolder();
    try {
      const disk = new FileDisk(root);
      const sizeBytes = 32 * 1024 * 1024;
      await succeed((done) => disk.create('large', sizeBytes, done));
      // Sees the blocks when the name is gone.
      const witness = openSync(join(root, 'large'), 'r');
      await succeed((done) => disk.remove('large', done));
      assert.deepEqual(disk.list(''), []);
      assert.ok(fstatSync(witness).size > sizeBytes / 2, 'freed in pieces');
      await waitUntil(() => fstatSync(witness).size < sizeBytes / 2, 'half of it freed');
      closeSync(witness);
      // In the middle of it.
      await new Promise<void>((resolve) => disk.close(resolve));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('what is under way when it is closed comes to its end, with the steps that follow', async () => {
    const root = temporaryFolder();
    try {
      const disk = new FileDisk(root);
      await succeed((done) => disk.makeDirectory(SNAPSHOT_DIRECTORY, done));
      const metadata = {
        index: 7,
        term: 2,
        config: { voters: [1], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
      };
      const writer = new SnapshotWriter(disk, nodePlatform, { clusterId: 1, memberId: 2 }, metadata);
      await succeed((done) => writer.write(new Uint8Array(1_000), done));
      const ends: string[] = [];
      writer.finish((error, file) => ends.push(error?.message ?? file?.file ?? 'neither'));
      await new Promise<void>((resolve) => disk.close(resolve));
      assert.deepEqual(ends, [`${SNAPSHOT_DIRECTORY}/0000000000000002-0000000000000007.snap`]);
      assert.equal(statSync(join(root, ends[0] as string)).size, writer.bytesWritten);
      assert.throws(() => disk.remove(ends[0] as string, () => {}), /remove on a closed disk/);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('a short write is awaited only while it may be, and the disk has been quick', async () => {
    const root = temporaryFolder();
    try {
      let mayWait = true;
      const pace = { isQuick: true, added: 0, add: () => (pace.added += 1) };
      let waits = 0;
      const disk = new FileDisk(root, pace);
      disk.allowWaiting({ mayWait: () => mayWait, waited: () => (waits += 1) });
      await succeed((done) => disk.create('f', 64 * 1024, done));
      await succeed((done) => disk.sync('f', done));
      const write = (bytes: number): Promise<void> =>
        succeed((done) => disk.writeSynced('f', 0, [new Uint8Array(bytes).fill(bytes % 251)], done));
      await write(100);
      assert.deepEqual([waits, pace.added, disk.awaitedWrites], [1, 1, 1]);
      assert.equal(readFileSync(join(root, 'f'))[99], 100);
      await write(32 * 1024);
      mayWait = false;
      await write(200);
      mayWait = true;
      pace.isQuick = false;
      await write(200);
      // A long one says nothing of how quick the disk is.
      assert.deepEqual([waits, pace.added, disk.awaitedWrites], [1, 3, 1]);
      assert.equal(readFileSync(join(root, 'f'))[199], 200);
      await new Promise<void>((resolve) => disk.close(resolve));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('an awaited write that fails says so later, not from within the call', async () => {
    const root = temporaryFolder();
    try {
      const disk = new FileDisk(root, QUICK);
      disk.allowWaiting({ mayWait: () => true, waited: () => {} });
      await succeed((done) => disk.create('f', 4096, done));
      await succeed((done) => disk.sync('f', done));
      let hasReturned = false;
      // Beyond the largest file that there can be.
      const failing = finish((done) =>
        disk.writeSynced('f', 2 ** 52, [new Uint8Array(1)], (error) => {
          assert.ok(hasReturned);
          done(error);
        }),
      );
      hasReturned = true;
      const error = await failing;
      assert.deepEqual([error?.code, error?.operation, error?.path], ['full', 'write', 'f']);
      await new Promise<void>((resolve) => disk.close(resolve));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('a disk is quick after some quick writes, and for a while no more after one slow one', () => {
    const pace = new DiskPace();
    const writesUntilQuick = (): number => {
      let writes = 0;
      for (; !pace.isQuick; writes += 1) pace.add(0.1);
      return writes;
    };
    const atFirst = writesUntilQuick();
    assert.ok(atFirst > 16 && atFirst < 100, `${atFirst}`);
    for (let n = 0; n < 100; n += 1) pace.add(0.1);
    pace.add(2);
    assert.equal(pace.isQuick, true);
    pace.add(100);
    const afterStall = writesUntilQuick();
    assert.ok(afterStall > 16 && afterStall < 100, `${afterStall}`);
    for (let n = 0; n < 100; n += 1) pace.add(0.9);
    assert.equal(pace.isQuick, false);
  });

  test('space is really taken, not only promised', async () => {
    const root = temporaryFolder();
    try {
      const disk = new FileDisk(root);
      await succeed((done) => disk.create('f', 3 * 1024 * 1024, done));
      await succeed((done) => disk.sync('f', done));
      assert.ok(statSync(join(root, 'f')).blocks * 512 >= 3 * 1024 * 1024);
      await new Promise<void>((resolve) => disk.close(resolve));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('a log and an identity on real files, across restarts and many segments', async () => {
    const root = temporaryFolder();
    try {
      const identity = { clusterId: 1, memberId: 2, name: 'one', instance: 'x' };
      const list = entries(1, 500, 1, 3000);
      let disk = new FileDisk(root);
      await succeed((done) => writeIdentity(disk, nodePlatform, identity, done));
      let { wal } = recover(disk);
      const all: Promise<void>[] = [];
      for (const one of list) {
        all.push(succeed((done) => wal.append(makeBatch({ hardState: hardState(1, 0, 0), entries: [one] }), done)));
        if (one.index % 40 === 0) await Promise.all(all);
      }
      await Promise.all(all);
      assert.ok(wal.segmentCount > 3, `${wal.segmentCount} segments`);
      await succeed((done) => wal.close(done));
      await new Promise<void>((resolve) => disk.close(resolve));

      disk = new FileDisk(root);
      assert.deepEqual(readIdentity(disk, nodePlatform), identity);
      const recovered = recover(disk);
      assert.deepEqual(show(recovered.entries), show(list));
      wal = recovered.wal;
      await succeed((done) => wal.whenStarted(done));
      await succeed((done) => wal.append(makeBatch({ entries: entries(501, 501, 1) }), done));
      await succeed((done) => wal.close(done));
      await new Promise<void>((resolve) => disk.close(resolve));
      assert.equal(recover(new FileDisk(root)).lastIndex, 501);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('more files than are kept open, each keeps what was written', async () => {
    const root = temporaryFolder();
    try {
      const disk = new FileDisk(root);
      const names = Array.from({ length: 100 }, (_, i) => `f${i}`);
      for (const part of [1, 2]) {
        const written = names.map(async (name, i) => {
          if (part === 1) await succeed((done) => disk.create(name, 0, done));
          await succeed((done) => disk.write(name, part - 1, [Uint8Array.of(i)], done));
        });
        await Promise.all(written);
      }
      for (const [i, name] of names.entries()) assert.deepEqual([...readFileSync(join(root, name))], [i, i]);
      await new Promise<void>((resolve) => disk.close(resolve));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('the system\u2019s errors get the seam\u2019s codes', () => {
    const codes = { ENOSPC: 'full', EDQUOT: 'full', ENOENT: 'not-found', EACCES: 'denied', EROFS: 'denied', EIO: 'io' };
    for (const [system, code] of Object.entries(codes)) {
      const error = toDiskError('write', 'wal/x', Object.assign(new Error('because'), { code: system }));
      assert.equal(error.code, code);
      assert.match(error.message, /write wal\/x: because/);
    }
  });

  test('paths that lead out of the folder are a programmer\u2019s error', () => {
    const disk = new FileDisk(tmpdir());
    assert.throws(() => disk.size('../x'), /not a path within/);
    assert.throws(() => disk.size('/etc/passwd'), /not a path within/);
  });
});

describe('node platform', () => {
  test('latin1 of any length and content goes there and back', () => {
    for (const length of [0, 1, 12, 13, 47, 48, 49, 300]) {
      const bytes = Uint8Array.from({ length: length + 2 }, (_, i) => (i * 37) & 0xff);
      const text = nodePlatform.latin1(bytes, 1, length + 1);
      assert.deepEqual(
        Array.from({ length }, (_, i) => text.charCodeAt(i)),
        [...bytes.subarray(1, length + 1)],
      );
      const back = nodePlatform.allocate(length + 3);
      assert.equal(nodePlatform.writeLatin1(text, back, 2), length);
      assert.deepEqual(back.subarray(2, length + 2), bytes.subarray(1, length + 1));
    }
  });

  test('allocated memory is nobody else\u2019s, and its slices are copies', () => {
    const bytes = nodePlatform.allocate(10);
    assert.equal(bytes.length, 10);
    const neighbour = nodePlatform.allocate(10).fill(3);
    const copy = bytes.fill(1).slice();
    bytes.fill(2);
    assert.equal(copy[0], 1);
    assert.ok(neighbour.every((byte) => byte === 3));
  });

  test('the checksum continues from its seed', () => {
    const bytes = new TextEncoder().encode('123456789');
    assert.equal(nodePlatform.crc32(bytes, 0), 0xcbf43926);
    assert.equal(nodePlatform.crc32(bytes.subarray(4), nodePlatform.crc32(bytes.subarray(0, 4), 0)), 0xcbf43926);
  });
});
