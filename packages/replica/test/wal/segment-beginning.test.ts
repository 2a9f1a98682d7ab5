/** The first write of a segment, cut short: by the power, after any number of bytes, or damaged after it was whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryDisk } from '../../src/testing/memory-disk.js';
import { type Wal, WalError } from '../../src/wal/wal.js';
import { entries, entry, hardState, makeBatch, type Recovered, show, World } from './support.js';

const FIRST = 'wal/0000000000000001.log';
const SECOND = 'wal/0000000000000002.log';
const OPTIONS = { segmentBytes: 1024 };
const SECTOR_BYTES = 512;
const HEADER_BYTES = 64;
const FULL = { index: 2, term: 5 };

/** Two entries of term 5 that fill the first segment, and a vote of a later term; the second segment is ready. */
function firstSegmentFull(world: World): Wal {
  const { wal } = world.open(OPTIONS);
  world.append(wal, { hardState: hardState(5, 3, 0), entries: entries(1, FULL.index, FULL.term, 350) });
  world.append(wal, { hardState: hardState(7, 2, 1) });
  assert.equal(wal.segmentCount, 1);
  assert.equal(world.disk.size(SECOND), OPTIONS.segmentBytes, 'the second segment is prepared');
  return wal;
}

function isWritten(world: World, offset: number, end: number): boolean {
  return world.disk.read(SECOND, offset, end - offset).some((byte) => byte !== 0);
}

/** The power is cut between write and sync of the second segment's first write; of that write only the header's sector is there. */
function onlyHeaderSectorLeft(seed: number): World | undefined {
  const world = new World(seed);
  const wal = firstSegmentFull(world);
  wal.append(makeBatch({ entries: [entry(3, 7, 'never acknowledged '.padEnd(700, 'x'))] }), () => {
    assert.fail('acknowledged before it was durable');
  });
  // The write takes effect and is answered: its sync is next.
  world.scheduler.steps(2);
  assert.equal(wal.segmentCount, 2);
  world.disk = world.disk.crash();
  const isOnlyHeader = isWritten(world, 0, SECTOR_BYTES) && !isWritten(world, SECTOR_BYTES, OPTIONS.segmentBytes);
  return isOnlyHeader ? world : undefined;
}

/** Some seed out of a few leaves just that sector. */
function worldWithOnlyHeaderSector(): World {
  for (let seed = 1; seed <= 100; seed += 1) {
    const world = onlyHeaderSectorLeft(seed);
    if (world !== undefined) return world;
  }
  return assert.fail('no crash left the header alone');
}

/** The start behind such a crash: it goes on in the second segment, right behind the header. */
function openBehindHeader(world: World): Recovered {
  const recovered = world.open(OPTIONS);
  assert.deepEqual(recovered.last, FULL);
  assert.deepEqual(recovered.hardState, hardState(7, 2, 1));
  assert.equal(recovered.tornTail?.file, SECOND);
  assert.equal(recovered.tornTail.offset, HEADER_BYTES);
  assert.equal(recovered.wal.segmentCount, 2);
  return recovered;
}

describe('write-ahead log: a segment of whose first write only the header is there', () => {
  test('[D1] begins with term and vote all the same, so that the segments before it can go', () => {
    const world = worldWithOnlyHeaderSector();
    const { wal } = openBehindHeader(world);
    world.append(wal, { entries: entries(3, 4, 7) });
    world.succeed((done) => wal.release(FULL.index, done));
    assert.equal(wal.segmentCount, 1);
    world.disk = world.disk.crash();
    const again = world.open(OPTIONS, FULL);
    assert.deepEqual(again.hardState, hardState(7, 2, FULL.index));
    assert.deepEqual(show(again.all), show(entries(3, 4, 7)));
  });

  test('[D1] keeps the segment before it until term and vote stand in it durably', () => {
    const world = worldWithOnlyHeaderSector();
    const { wal } = openBehindHeader(world);
    world.succeed((done) => wal.release(FULL.index, done));
    assert.ok(world.disk.list('wal').includes('0000000000000001.log'), 'nothing else knows term and vote');
    world.disk = world.disk.crash();
    assert.deepEqual(world.open(OPTIONS, FULL).hardState, hardState(7, 2, FULL.index));
  });

  test('[D1] keeps it also where term and vote stand there, but were written without a sync', () => {
    let crashes = 0;
    for (let seed = 1; seed <= 100; seed += 1) {
      const world = onlyHeaderSectorLeft(seed);
      if (world === undefined) continue;
      crashes += 1;
      const { wal } = openBehindHeader(world);
      world.append(wal, { hardState: hardState(7, 2, FULL.index), mustSync: false });
      world.succeed((done) => wal.release(FULL.index, done));
      world.disk = world.disk.crash();
      assert.deepEqual(world.open(OPTIONS, FULL).hardState, hardState(7, 2, FULL.index), `seed ${seed}`);
    }
    assert.ok(crashes > 10, `${crashes} crashes`);
  });
});

/** The second segment's first write fails after `bytes` bytes, and the member is started again on the same machine. */
function failedFirstWrite(bytes: number): World {
  const world = new World();
  // The first thing that this disk draws is how much of the failed write is done.
  let draw = (bound: number): number => {
    draw = (next) => world.random.integer(next);
    return Math.min(bytes, bound - 1);
  };
  const random = { integer: (bound: number): number => draw(bound) };
  world.disk = new MemoryDisk({ schedule: world.scheduler.schedule, random });
  const wal = firstSegmentFull(world);
  world.disk.failNext('write', 'io', (path) => path === SECOND);
  const batch = makeBatch({ entries: entries(3, 3, 7, 300) });
  assert.equal(world.finish((done) => wal.append(batch, done))?.code, 'io');
  assert.ok(isWritten(world, 0, bytes) && !isWritten(world, bytes, OPTIONS.segmentBytes), `${bytes} bytes are there`);
  world.disk = world.disk.kill();
  return world;
}

describe('write-ahead log: a segment whose first write failed', () => {
  test('[D1] after any number of bytes: the start has what was acknowledged, and goes on', () => {
    for (let bytes = 1; bytes <= 200; bytes += 1) {
      const world = failedFirstWrite(bytes);
      const recovered = world.open(OPTIONS);
      assert.deepEqual(show(recovered.all), show(entries(1, 2, 5, 350)), `failed after ${bytes} bytes`);
      assert.deepEqual(recovered.hardState, hardState(7, 2, 1), `failed after ${bytes} bytes`);
      world.append(recovered.wal, { entries: entries(3, 5, 7, 300) });
      world.append(recovered.wal, { entries: entries(6, 8, 7, 300) });
      world.disk = world.disk.kill();
      const expected = [...entries(1, 2, 5, 350), ...entries(3, 8, 7, 300)];
      assert.deepEqual(show(world.open(OPTIONS).all), show(expected), `failed after ${bytes} bytes`);
    }
  });

  test('[D1] a power cut behind such a start finds the same', () => {
    for (let bytes = 1; bytes <= 200; bytes += 7) {
      const world = failedFirstWrite(bytes);
      world.open(OPTIONS);
      world.disk = world.disk.crash();
      const recovered = world.open(OPTIONS);
      assert.deepEqual(recovered.last, FULL, `failed after ${bytes} bytes`);
      assert.deepEqual(recovered.hardState, hardState(7, 2, 1), `failed after ${bytes} bytes`);
    }
  });

  test('[D5] but a flipped bit in a header that is whole and begun is refused', () => {
    const world = new World();
    const wal = firstSegmentFull(world);
    world.append(wal, { entries: entries(3, 3, 7, 60) });
    assert.deepEqual(
      world.disk.list('wal'),
      [FIRST, SECOND].map((path) => path.slice('wal/'.length)),
    );
    for (const file of [FIRST, SECOND]) {
      for (let at = 0; at < HEADER_BYTES * 8; at += 1) {
        const offset = Math.floor(at / 8);
        world.disk.flipBit(file, offset, at % 8);
        assert.throws(
          () => world.recover(OPTIONS),
          (error) => error instanceof WalError && error.code === 'corrupt' && error.file === file,
          `${file}, bit ${at % 8} of byte ${offset}`,
        );
        world.disk.flipBit(file, offset, at % 8);
      }
    }
    assert.equal(world.recover(OPTIONS).lastIndex, 3);
  });
});
