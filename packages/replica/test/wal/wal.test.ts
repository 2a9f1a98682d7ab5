/** The write-ahead log on a virtual disk: what was acknowledged is there after any crash. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WalError, type WalErrorCode } from '../../src/wal/wal.js';
import { entries, entry, hardState, makeBatch, ORIGIN, show, World } from './support.js';

function refuses(code: WalErrorCode, detail?: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof WalError && error.code === code && (detail?.test(error.message) ?? true);
}

describe('write-ahead log', () => {
  test('a fresh folder gives an empty log, which is there after a restart', () => {
    const world = new World();
    const first = world.open();
    assert.equal(first.fresh, true);
    assert.deepEqual(first.hardState, hardState(0, 0, 0));
    world.disk = world.disk.crash();
    const second = world.open({ mustExist: true });
    assert.equal(second.fresh, false);
    assert.deepEqual(second.all, []);
  });

  test('restores entries of both types, empty and large data, and the hard state', () => {
    const world = new World();
    const { wal } = world.open();
    const list = [
      entry(1, 1, ''),
      { ...entry(2, 1, 'config'), type: 'config' as const },
      { ...entry(3, 1), data: new Uint8Array(700_000).fill(0) },
      entry(4, 3, 'last'),
    ];
    world.append(wal, { hardState: hardState(3, 9, 2), entries: list });
    world.disk = world.disk.crash();
    const recovered = world.open();
    assert.deepEqual(show(recovered.all), show(list));
    assert.equal(recovered.finalCount, 2);
    assert.deepEqual(recovered.hardState, hardState(3, 9, 2));
    assert.deepEqual(recovered.last, { index: 4, term: 3 });
    assert.equal(recovered.tornTail, undefined);
  });

  test('term and vote without an entry are durable once acknowledged (bugs 2, 3)', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(4, 2, 0), mustSync: false });
    world.disk = world.disk.crash();
    assert.deepEqual(world.open().hardState, hardState(4, 2, 0));
  });

  test('a replaced suffix never comes back, however often it is replaced (bug 32)', () => {
    const world = new World();
    let { wal } = world.open();
    world.append(wal, { hardState: hardState(1, 1, 1), entries: entries(1, 9, 1) });
    world.append(wal, { hardState: hardState(2, 0, 1), entries: entries(4, 5, 2) });
    world.disk = world.disk.crash();
    const again = world.open();
    wal = again.wal;
    assert.deepEqual(show(again.all), show([...entries(1, 3, 1), ...entries(4, 5, 2)]));
    world.append(wal, { hardState: hardState(3, 0, 1), entries: entries(2, 2, 3) });
    world.disk = world.disk.crash();
    assert.deepEqual(show(world.open().all), show([...entries(1, 1, 1), ...entries(2, 2, 3)]));
  });

  test('what arrives during a write goes into the next one together, one sync for all, answered in order', () => {
    const world = new World();
    const { wal } = world.open();
    world.operations.length = 0;
    const answered: number[] = [];
    for (let i = 1; i <= 50; i += 1) {
      const batch = makeBatch({ entries: entries(i, i, 1), hardState: i === 1 ? hardState(1, 0, 0) : undefined });
      wal.append(batch, (error) => {
        assert.equal(error, undefined);
        answered.push(i);
      });
    }
    assert.deepEqual(answered, [], 'never from within the call');
    assert.ok(wal.pendingBytes > 50 * 20);
    world.scheduler.drain();
    assert.equal(wal.pendingBytes, 0);
    assert.deepEqual(
      answered,
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    const count = (operation: string): number => world.operations.filter((one) => one.operation === operation).length;
    assert.equal(count('write'), 2);
    assert.equal(count('sync'), 2);
  });

  test('a commit index alone is written without a sync, and survives a killed process', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 3, 1) });
    world.operations.length = 0;
    world.append(wal, { hardState: hardState(1, 0, 2), mustSync: false });
    assert.deepEqual(
      world.operations.map((one) => one.operation),
      ['write'],
    );
    world.disk = world.disk.kill();
    const recovered = world.recover();
    assert.equal(recovered.hardState.commit, 2);
    assert.equal(recovered.finalCount, 2);
  });

  test('segments follow each other without a gap, and release removes the old ones only', () => {
    const world = new World();
    let { wal } = world.open({ segmentBytes: 2048 });
    for (let i = 1; i <= 200; i += 1)
      world.append(wal, { hardState: hardState(1, 0, i - 1), entries: entries(i, i, 1, 100) });
    const before = wal.segmentCount;
    assert.ok(before > 10, `${before} segments`);
    world.succeed((done) => wal.release(120, done));
    assert.ok(wal.segmentCount < before / 2 + 2);
    world.disk = world.disk.crash();
    assert.throws(() => world.recover({ segmentBytes: 2048 }), refuses('gap'));
    assert.throws(() => world.recover({ segmentBytes: 2048 }, { index: 50, term: 1 }), refuses('gap'));
    const recovered = world.open({ segmentBytes: 2048 }, { index: 120, term: 1 });
    assert.deepEqual(show(recovered.all), show(entries(121, 200, 1, 100)));
    wal = recovered.wal;
    world.append(wal, { entries: entries(201, 203, 1) });
    world.disk = world.disk.crash();
    assert.equal(world.open({ segmentBytes: 2048 }, { index: 120, term: 1 }).lastIndex, 203);
  });

  test('removing segments leaves no holes, wherever the power is cut', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open({ segmentBytes: 1024 });
      for (let i = 1; i <= 60; i += 1)
        world.append(wal, { hardState: hardState(1, 0, i - 1), entries: entries(i, i, 1, 100) });
      wal.release(55, () => {});
      world.scheduler.steps(seed);
      world.disk = world.disk.crash();
      assert.equal(world.open({ segmentBytes: 1024 }, { index: 55, term: 1 }).lastIndex, 60);
    }
  });

  test('a reset makes the log begin after the snapshot; without that snapshot it is refused', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(1, 0, 2), entries: entries(1, 8, 1) });
    world.append(wal, { hardState: hardState(4, 0, 20), reset: { index: 20, term: 4 }, entries: entries(21, 22, 4) });
    world.disk = world.disk.crash();
    assert.throws(() => world.recover(), refuses('missing', /snapshot at 20/));
    assert.throws(() => world.recover({}, { index: 19, term: 4 }), refuses('missing'));
    const recovered = world.open({}, { index: 20, term: 4 });
    assert.deepEqual(show(recovered.all), show(entries(21, 22, 4)));
    assert.equal(recovered.hardState.commit, 20);
  });

  test('a snapshot that became durable before the log heard of it replaces a log that does not match it', () => {
    for (const snapshot of [
      { index: 30, term: 4 },
      { index: 5, term: 3 },
    ]) {
      const world = new World();
      const { wal } = world.open();
      world.append(wal, { hardState: hardState(2, 7, 3), entries: entries(1, 8, 2) });
      world.disk = world.disk.crash();
      const recovered = world.open({}, snapshot);
      assert.deepEqual(recovered.all, []);
      assert.deepEqual(recovered.last, snapshot);
      assert.deepEqual(recovered.hardState, hardState(snapshot.term, 0, snapshot.index));
      const next = snapshot.index + 1;
      world.append(recovered.wal, { entries: entries(next, next, snapshot.term) });
      world.disk = world.disk.crash();
      assert.deepEqual(show(world.open({}, snapshot).all), show(entries(next, next, snapshot.term)));
    }
  });

  test('a snapshot that matches the log keeps the entries after it (bugs 5, 64)', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(2, 0, 3), entries: entries(1, 8, 2) });
    assert.deepEqual(show(world.recover({}, { index: 5, term: 2 }).all), show(entries(6, 8, 2)));
  });

  test('a snapshot of another term than the committed entry is refused (bug 23)', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(2, 0, 6), entries: entries(1, 8, 2) });
    assert.throws(() => world.recover({}, { index: 5, term: 1 }), refuses('corrupt', /committed in term 2/));
  });

  test('what would break the log is a programmer\u2019s error', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(2, 3, 2), entries: entries(1, 4, 2) });
    const bad: readonly [RegExp, Parameters<typeof makeBatch>[0]][] = [
      [/gap/, { entries: entries(6, 6, 2) }],
      [/committed/, { entries: entries(2, 2, 3) }],
      [/gap/, { entries: [entry(5, 2), entry(7, 2)] }],
      [/term 1 after term 2/, { entries: entries(5, 5, 1) }],
      [/commit 5 beyond/, { hardState: hardState(2, 3, 5) }],
      [/commit 1 after 2/, { hardState: hardState(2, 3, 1) }],
      [/term 1 after 2/, { hardState: hardState(1, 3, 2) }],
      [/vote 4 after 3/, { hardState: hardState(2, 4, 2) }],
      [/behind commit/, { reset: { index: 1, term: 2 } }],
    ];
    for (const [message, batch] of bad) assert.throws(() => wal.append(makeBatch(batch), () => {}), message);
  });

  test('bytesAfter is roughly what comes after that index', () => {
    const world = new World();
    const { wal } = world.open({ segmentBytes: 1 << 20 });
    for (let i = 1; i <= 100; i += 1)
      world.append(wal, { hardState: hardState(1, 0, i - 1), entries: entries(i, i, 1, 20_000) });
    for (const index of [0, 10, 50, 99, 100]) {
      const exact = (100 - index) * 20_000;
      const error = Math.abs(wal.bytesAfter(index) - exact);
      assert.ok(error < 100_000, `after ${index}: ${wal.bytesAfter(index)} instead of ${exact}`);
    }
    assert.ok(wal.bytesWritten > 2_000_000 && wal.bytesWritten < 2_020_000, `${wal.bytesWritten} written`);
    world.disk = world.disk.crash();
    const again = world.open({ segmentBytes: 1 << 20 }).wal;
    assert.ok(Math.abs(again.bytesAfter(50) - 1_000_000) < 100_000);
  });

  test('close makes the last commit index durable', () => {
    const world = new World();
    const { wal } = world.open();
    world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 3, 1) });
    world.append(wal, { hardState: hardState(1, 0, 3), mustSync: false });
    world.succeed((done) => wal.close(done));
    world.disk = world.disk.crash();
    assert.equal(world.open().hardState.commit, 3);
  });

  test('the duration of each sync is reported', () => {
    const world = new World();
    let now = 0;
    const durations: number[] = [];
    const clock = { nowMs: () => (now += 5) };
    const { wal } = world.open({ clock, onSync: (durationMs) => void durations.push(durationMs) });
    world.append(wal, { entries: entries(1, 1, 1), hardState: hardState(1, 0, 0) });
    assert.deepEqual(durations, [5]);
  });
});

describe('write-ahead log: crashes that need the right moment', () => {
  test('a power cut at any moment of a change of segments', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open({ segmentBytes: 1024 });
      world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 2, 1, 900) });
      let acknowledged = 2;
      for (let i = 3; i <= 8; i += 1) {
        wal.append(makeBatch({ entries: entries(i, i, 1, 900) }), () => {
          acknowledged = i;
        });
        world.scheduler.steps(seed % 11);
      }
      world.disk = world.disk.crash();
      const recovered = world.open({ segmentBytes: 1024 });
      assert.ok(recovered.lastIndex >= acknowledged, `seed ${seed}`);
      assert.deepEqual(show(recovered.all), show(entries(1, recovered.lastIndex, 1, 900)));
    }
  });

  test('a power cut after a segment was begun with commit indexes only, which need no sync', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open({ segmentBytes: 1024 });
      world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 30, 1, 5) });
      const before = wal.segmentCount;
      for (let commit = 1; commit <= 30; commit += 1) {
        wal.append(makeBatch({ hardState: hardState(1, 0, commit), mustSync: false }), () => {});
      }
      world.scheduler.steps(2 + (seed % 24));
      if (seed % 24 === 23) assert.equal(wal.segmentCount, before + 1);
      world.disk = world.disk.crash();
      assert.equal(world.open({ segmentBytes: 1024 }).lastIndex, 30);
    }
  });

  test('a power cut after the log was released up to a segment that was just begun', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open({ segmentBytes: 1024 });
      world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 2, 1, 900) });
      wal.append(makeBatch({ hardState: hardState(1, 0, 2), mustSync: false }), () => {});
      wal.release(2, () => {});
      world.scheduler.steps(seed % 12);
      world.disk = world.disk.crash();
      const recovered = world.open({ segmentBytes: 1024 }, { index: 2, term: 1 });
      assert.deepEqual(recovered.last, { index: 2, term: 1 });
      assert.equal(recovered.hardState.term, 1);
    }
  });

  test('commit indexes without a sync may get lost before an append that is there: the log ends at the gap', () => {
    let gaps = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open();
      world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 40, 1) });
      for (let commit = 1; commit <= 40; commit += 1)
        world.append(wal, { hardState: hardState(1, 0, commit), mustSync: false });
      wal.append(makeBatch({ entries: entries(41, 43, 1, 700) }), () => {});
      world.scheduler.steps(1 + (seed % 2));
      world.disk = world.disk.crash();
      const recovered = world.open();
      assert.ok(recovered.lastIndex === 40 || recovered.lastIndex === 43);
      assert.ok(recovered.hardState.commit <= 40);
      if (recovered.lastIndex === 40 && recovered.tornTail !== undefined) gaps += 1;
    }
    assert.ok(gaps > 50, `${gaps} gaps`);
  });
});

describe('write-ahead log: a failing disk', () => {
  test('after a failed sync every later append is refused, and the restart has what was acknowledged', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const world = new World(seed);
      const { wal } = world.open();
      world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 3, 1, 600) });
      world.disk.failNext('sync');
      const failed = world.finish((done) => wal.append(makeBatch({ entries: entries(4, 6, 1, 600) }), done));
      assert.equal(failed?.code, 'io');
      assert.equal(
        world.finish((done) => wal.append(makeBatch({ entries: entries(7, 7, 1) }), done)),
        failed,
      );
      assert.equal(
        world.finish((done) => wal.close(done)),
        failed,
      );
      // The member is started again on the same machine: the system's memory shows more than the disk has.
      world.disk = world.disk.kill();
      const seen = world.open();
      assert.ok(seen.lastIndex >= 3);
      world.disk = world.disk.crash();
      assert.equal(world.open().lastIndex, seen.lastIndex, 'what a restart has shown is durable');
    }
  });

  test('a full disk fails the append; what was acknowledged is there, and the log goes on once there is room', () => {
    const world = new World();
    let { wal } = world.open({ segmentBytes: 4096 });
    world.disk.limitTo(20_000);
    let acknowledged = 0;
    for (let i = 1; ; i += 1) {
      const batch = makeBatch({ hardState: hardState(1, 0, i - 1), entries: entries(i, i, 1, 300) });
      const error = world.finish((done) => wal.append(batch, done));
      if (error !== undefined) {
        assert.equal(error.code, 'full');
        break;
      }
      acknowledged = i;
    }
    assert.ok(acknowledged > 30, `only ${acknowledged} entries before it was full`);
    world.disk = world.disk.kill();
    assert.ok(world.recover({ segmentBytes: 4096 }).lastIndex >= acknowledged);
    world.disk.limitTo(Number.POSITIVE_INFINITY);
    const recovered = world.open({ segmentBytes: 4096 });
    wal = recovered.wal;
    const next = recovered.lastIndex + 1;
    world.append(wal, { entries: entries(next, next + 20, 1, 300) });
    world.disk = world.disk.crash();
    assert.equal(world.open({ segmentBytes: 4096 }).lastIndex, next + 20);
  });

  test('a disk that hangs answers nothing, and the log just waits', () => {
    const world = new World();
    const { wal } = world.open();
    world.disk.hang();
    let answered = false;
    wal.append(makeBatch({ hardState: hardState(1, 0, 0), entries: entries(1, 1, 1) }), () => {
      answered = true;
    });
    world.scheduler.drain();
    assert.equal(answered, false);
    world.disk.resume();
    world.scheduler.drain();
    assert.equal(answered, true);
  });
});

/** Forty entries in several segments. */
function filled(): World {
  const world = new World();
  const { wal } = world.open({ segmentBytes: 1024 });
  for (let i = 1; i <= 40; i += 1)
    world.append(wal, { hardState: hardState(1, 0, i - 1), entries: entries(i, i, 1, 100) });
  world.succeed((done) => wal.close(done));
  return world;
}

describe('write-ahead log: folders that are refused', () => {
  test('another cluster\u2019s or another member\u2019s log', () => {
    const world = filled();
    assert.throws(() => world.recover({ clusterId: 78 }), refuses('foreign', /member 5 of cluster 77/));
    assert.throws(() => world.recover({ memberId: 6 }), refuses('foreign'));
  });

  test('a missing log that must exist: lost, or only files without a beginning (bugs 35, 66)', () => {
    const world = new World();
    assert.throws(() => world.recover({ mustExist: true }), refuses('missing'));
    assert.throws(() => world.recover({}, { index: 9, term: 1 }), refuses('missing'));
    world.succeed((done) => world.disk.makeDirectory('wal', done));
    world.succeed((done) => world.disk.create('wal/0000000000000001.log', 1024, done));
    assert.throws(() => world.recover({ mustExist: true }), refuses('missing'));
    assert.equal(world.open().fresh, true);
  });

  test('a missing segment, in the middle or at the beginning', () => {
    const world = filled();
    world.succeed((done) => world.disk.remove('wal/0000000000000003.log', done));
    assert.throws(() => world.recover(), refuses('missing', /0000000000000003\.log/));
    const other = filled();
    other.succeed((done) => other.disk.remove('wal/0000000000000001.log', done));
    assert.throws(() => other.recover(), refuses('gap', /begins after index/));
  });

  test('a segment under another one\u2019s name, or a name that no segment has', () => {
    const world = filled();
    const bytes = world.disk.read('wal/0000000000000002.log', 0, 4096);
    world.succeed((done) => world.disk.write('wal/0000000000000003.log', 0, [bytes], done));
    assert.throws(() => world.recover(), refuses('corrupt', /holds segment 2, its name says 3/));
    world.succeed((done) => world.disk.create('wal/1.log', 0, done));
    assert.throws(() => world.recover(), refuses('corrupt', /wal\/1\.log/));
  });

  test('a segment that is cut off', () => {
    const world = filled();
    world.succeed((done) => world.disk.truncate('wal/0000000000000004.log', 900, done));
    assert.throws(() => world.recover(), refuses('corrupt', /0000000000000004\.log at byte 900/));
  });

  test('a later format version, by its number', () => {
    const world = filled();
    const file = 'wal/0000000000000001.log';
    const header = Buffer.from(world.disk.read(file, 0, 64));
    header.writeUInt32LE(2, 8);
    header.writeUInt32LE(crc32Of(header.subarray(0, 60)), 60);
    world.succeed((done) => world.disk.write(file, 0, [header], done));
    assert.throws(() => world.recover(), refuses('version', /format version 2, this program reads 1/));
  });

  test('but not one whose first write failed half way: it was never begun', () => {
    for (const length of [1, 8, 59]) {
      const world = filled();
      const prepared = `wal/${world.disk.list('wal').at(-1)}`;
      assert.equal(world.disk.read(prepared, 0, 1)[0], 0, 'the last segment was made ahead and not begun');
      const header = world.disk.read('wal/0000000000000001.log', 0, length);
      world.succeed((done) => world.disk.write(prepared, 0, [header], done));
      assert.equal(world.recover().lastIndex, 40);
    }
  });

  test('a lost sector before the end, even one that reads as zeros', () => {
    for (const sector of [0, 512]) {
      const world = filled();
      world.disk.loseSector('wal/0000000000000003.log', sector);
      assert.throws(() => world.recover(), refuses('corrupt', /0000000000000003\.log/));
    }
  });

  test('refusing changes nothing on disk', () => {
    const world = filled();
    world.disk.loseSector('wal/0000000000000003.log', 512);
    world.operations.length = 0;
    assert.throws(() => world.recover({}, ORIGIN), refuses('corrupt'));
    world.scheduler.drain();
    assert.deepEqual(world.operations, []);
  });
});

function crc32Of(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
