/** Snapshot files: written, found again, removed, damaged. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SnapshotMetadata } from '@quorate/raft';
import { nodePlatform } from '../../src/adapters/platform.js';
import {
  type FolderIds,
  listSnapshots,
  readSnapshot,
  removeSnapshots,
  type SnapshotFile,
  SnapshotWriter,
  WalError,
  type WalErrorCode,
} from '../../src/wal/wal.js';
import { hardState, World } from './support.js';

const IDS: FolderIds = { clusterId: 2 ** 50 + 3, memberId: 9 };

function metadata(index: number, term: number): SnapshotMetadata {
  return {
    index,
    term,
    config: { voters: [1, 2, 2 ** 40], learners: [7], votersOutgoing: [1, 5], learnersNext: [5], autoLeave: true },
  };
}

function content(chunks: number, bytes = 1000): readonly Uint8Array[] {
  return Array.from({ length: chunks }, (_, i) => new Uint8Array(bytes + i).fill(i));
}

function write(world: World, index: number, term: number, chunks: readonly Uint8Array[]): SnapshotFile {
  const writer = new SnapshotWriter(world.disk, nodePlatform, IDS, metadata(index, term));
  const order: number[] = [];
  for (const [i, chunk] of chunks.entries())
    writer.write(chunk, (error) => {
      assert.equal(error, undefined);
      order.push(i);
    });
  let file: SnapshotFile | undefined;
  world.succeed((done) =>
    writer.finish((error, made) => {
      file = made;
      done(error);
    }),
  );
  assert.deepEqual(order, [...chunks.keys()]);
  assert.ok(file !== undefined && file.bytes === writer.bytesWritten);
  return file;
}

function read(world: World, file: SnapshotFile, ids = IDS): { metadata: SnapshotMetadata; bytes: Uint8Array } {
  const reader = readSnapshot(world.disk, nodePlatform, ids, file);
  const parts: Uint8Array[] = [];
  for (;;) {
    const step = reader.next();
    if (step.done === true) return { metadata: step.value, bytes: Buffer.concat(parts) };
    parts.push(step.value);
  }
}

function refuses(code: WalErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof WalError && error.code === code && error.file.endsWith('.snap');
}

describe('snapshot files', () => {
  test('what was written is read, with its metadata, after the power was cut', () => {
    const world = new World();
    const chunks = [...content(5), new Uint8Array(0), new Uint8Array(2_500_000).fill(9)];
    const file = write(world, 20, 3, chunks);
    world.disk = world.disk.crash();
    assert.deepEqual(listSnapshots(world.disk), [file]);
    const found = read(world, file);
    assert.deepEqual(found.metadata, metadata(20, 3));
    assert.ok(Buffer.concat(chunks).equals(found.bytes));
  });

  test('an empty stream is a snapshot too', () => {
    const world = new World();
    const file = write(world, 1, 1, []);
    assert.equal(read(world, file).bytes.length, 0);
  });

  test('the newest comes first; older ones and left-over temporary files are removed, nothing else', () => {
    const world = new World();
    write(world, 90, 1, content(1));
    const newest = write(world, 1000, 2, content(1));
    write(world, 50, 3, content(1));
    const running = new SnapshotWriter(world.disk, nodePlatform, IDS, metadata(2000, 2));
    world.succeed((done) => world.disk.create('snapshots/0-0.snap.0.tmp', 0, done));
    assert.deepEqual(
      listSnapshots(world.disk).map((file) => file.index),
      [1000, 90, 50],
    );
    world.succeed((done) => removeSnapshots(world.disk, newest, done));
    const names = world.disk.list('snapshots');
    assert.equal(names.length, 2);
    assert.ok(newest.file.endsWith(names[0] as string) && names[1]?.endsWith('.tmp'));
    world.succeed((done) => running.finish((error) => done(error)));
    assert.deepEqual(
      listSnapshots(world.disk).map((file) => file.index),
      [2000, 1000],
    );
  });

  test('two writers of the same snapshot do not disturb each other', () => {
    const world = new World();
    const other = new SnapshotWriter(world.disk, nodePlatform, IDS, metadata(20, 3));
    other.write(new Uint8Array(500), () => {});
    const file = write(world, 20, 3, content(3));
    world.succeed((done) => other.abort(done));
    assert.ok(Buffer.concat([...content(3)]).equals(read(world, file).bytes));
    assert.equal(world.disk.list('snapshots').length, 1);
  });

  test('before it is finished, and wherever the power is cut, a snapshot is there as a whole or not at all', () => {
    for (let seed = 1; seed <= 80; seed += 1) {
      const world = new World(seed);
      const older = write(world, 10, 1, content(2));
      const writer = new SnapshotWriter(world.disk, nodePlatform, IDS, metadata(20, 1));
      for (const chunk of content(4)) writer.write(chunk, () => {});
      let finished = false;
      writer.finish((error, file) => {
        assert.equal(error, undefined);
        removeSnapshots(world.disk, file, () => {
          finished = true;
        });
      });
      world.scheduler.steps(seed);
      world.disk = world.disk.crash();
      const [newest] = listSnapshots(world.disk);
      assert.ok(newest !== undefined && (newest.index === 10 || newest.index === 20));
      if (finished) assert.equal(newest.index, 20);
      const expected = newest.index === older.index ? content(2) : content(4);
      assert.ok(Buffer.concat([...expected]).equals(read(world, newest).bytes));
    }
  });

  test('a damaged bit anywhere is refused, as is a file that is cut off or longer', () => {
    const world = new World();
    const file = write(world, 20, 3, content(3, 40));
    for (let offset = 0; offset < file.bytes; offset += 1) {
      for (const bit of [0, 3, 7]) {
        world.disk.flipBit(file.file, offset, bit);
        assert.throws(
          () => read(world, file),
          (error) => error instanceof WalError,
          `bit ${bit} of byte ${offset}`,
        );
        world.disk.flipBit(file.file, offset, bit);
      }
    }
    world.succeed((done) => world.disk.truncate(file.file, file.bytes + 1, done));
    assert.throws(() => read(world, file), refuses('corrupt'));
    for (let length = file.bytes - 1; length >= 0; length -= 1) {
      world.succeed((done) => world.disk.truncate(file.file, length, done));
      assert.throws(() => read(world, file), refuses('corrupt'), `cut to ${length}`);
    }
  });

  test('another cluster\u2019s or member\u2019s snapshot, and one under a wrong name, are refused', () => {
    const world = new World();
    const file = write(world, 20, 3, content(1));
    assert.throws(() => read(world, file, { ...IDS, clusterId: 1 }), refuses('foreign'));
    assert.throws(() => read(world, file, { ...IDS, memberId: 1 }), refuses('foreign'));
    assert.throws(() => read(world, { ...file, index: 21 }), refuses('corrupt'));
  });

  test('an error stops the writer: every later call fails, and abort removes the file', () => {
    for (const operation of ['create', 'write', 'sync', 'rename'] as const) {
      const world = new World();
      world.disk.failNext(operation, 'full');
      const writer = new SnapshotWriter(world.disk, nodePlatform, IDS, metadata(20, 3));
      writer.write(new Uint8Array(100), () => {});
      assert.equal(world.finish((done) => writer.finish((error) => done(error)))?.code, 'full');
      assert.equal(world.finish((done) => writer.finish((error) => done(error)))?.code, 'full');
      world.succeed((done) => writer.abort(done));
      assert.deepEqual(world.disk.list('snapshots'), []);
    }
  });

  test('one whose name is not durable yet is made so before the log is begun after it', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open();
      world.append(wal, { hardState: hardState(1, 1, 0) });
      // In place, and then the sync of the folder fails: the member stops, and starts on what the system shows.
      const writer = new SnapshotWriter(world.disk, nodePlatform, IDS, metadata(24, 4));
      writer.write(new Uint8Array(100), () => {});
      world.disk.failNext('sync directory', 'io', (path) => path === 'snapshots');
      assert.equal(world.finish((done) => writer.finish(done))?.code, 'io');
      world.disk = world.disk.kill();
      const [shown] = listSnapshots(world.disk);
      assert.equal(shown?.index, 24);
      const again = world.open({}, { index: 24, term: 4 });
      assert.deepEqual(again.last, { index: 24, term: 4 });
      world.disk = world.disk.crash();
      const [left] = listSnapshots(world.disk);
      assert.equal(left?.index, 24, `seed ${seed}: the log begins after a snapshot that is gone`);
    }
  });
});
