/** What every Disk must do, as tests that run against any implementation of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Disk, type DiskDone, DiskError, type DiskErrorCode } from '../seams/disk.js';

export interface ContractDisk {
  readonly disk: Disk;
  close(): Promise<void>;
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** The operation's outcome as a promise; fails if it is answered from within the call, or twice. */
function finish(operation: (done: DiskDone) => void): Promise<DiskError | undefined> {
  return new Promise((resolve, reject) => {
    let returned = false;
    let answers = 0;
    operation((error) => {
      answers += 1;
      if (!returned) reject(new Error('answered from within the call'));
      else if (answers > 1) reject(new Error('answered twice'));
      else resolve(error);
    });
    returned = true;
  });
}

async function succeed(operation: (done: DiskDone) => void): Promise<void> {
  assert.equal(await finish(operation), undefined);
}

function hasCode(code: DiskErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.code === code;
}

type Case = (disk: Disk) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  'a folder that is not there lists as empty, names come sorted': async (disk) => {
    assert.deepEqual(disk.list('a'), []);
    await succeed((done) => disk.makeDirectory('a/deep', done));
    await succeed((done) => disk.makeDirectory('a', done));
    for (const name of ['z', 'b', 'm']) await succeed((done) => disk.create(`a/${name}`, 0, done));
    await succeed((done) => disk.syncDirectory('a', done));
    await succeed((done) => disk.syncDirectory('', done));
    assert.deepEqual(disk.list('a'), ['b', 'deep', 'm', 'z']);
    assert.deepEqual(disk.list(''), ['a']);
  },
  'a created file holds zeros of the size that was asked for': async (disk) => {
    await succeed((done) => disk.create('f', 3_000_000, done));
    assert.equal(disk.size('f'), 3_000_000);
    assert.ok(disk.read('f', 0, 3_000_000).every((byte) => byte === 0));
  },
  'creating a file again empties it': async (disk) => {
    await succeed((done) => disk.create('f', 0, done));
    await succeed((done) => disk.write('f', 0, [bytes(1, 2, 3)], done));
    await succeed((done) => disk.create('f', 2, done));
    assert.deepEqual(disk.read('f', 0, 10), bytes(0, 0));
  },
  'chunks are written one after the other, empty ones and many of them too': async (disk) => {
    await succeed((done) => disk.create('f', 4, done));
    await succeed((done) => disk.write('f', 2, [bytes(1), bytes(), bytes(2, 3), bytes(4)], done));
    assert.deepEqual(disk.read('f', 0, 100), bytes(0, 0, 1, 2, 3, 4));
    await succeed((done) => disk.write('f', 0, [], done));
    const many = Array.from({ length: 5000 }, (_, i) => bytes(i & 0xff, i >>> 8));
    await succeed((done) => disk.write('f', 0, many, done));
    assert.deepEqual(disk.read('f', 0, 10_000), Uint8Array.from(many.flatMap((chunk) => [...chunk])));
  },
  'a synced write is a write, alone, after others and growing the file': async (disk) => {
    await succeed((done) => disk.create('f', 6, done));
    await succeed((done) => disk.writeSynced('f', 0, [bytes(1, 2), bytes(3)], done));
    await succeed((done) => disk.writeSynced('f', 1, [bytes(4)], done));
    await succeed((done) => disk.write('f', 3, [bytes(5)], done));
    await succeed((done) => disk.writeSynced('f', 4, [bytes(6, 7, 8)], done));
    assert.deepEqual(disk.read('f', 0, 100), bytes(1, 4, 3, 5, 6, 7, 8));
    const missing = await finish((done) => disk.writeSynced('missing', 0, [bytes(1)], done));
    assert.equal(missing?.code, 'not-found');
  },

  'a write beyond the end leaves zeros between': async (disk) => {
    await succeed((done) => disk.create('f', 0, done));
    await succeed((done) => disk.write('f', 1000, [bytes(9)], done));
    assert.equal(disk.size('f'), 1001);
    assert.deepEqual(disk.read('f', 998, 10), bytes(0, 0, 9));
  },
  'reading stops at the end of the file, and what is read is the reader\u2019s': async (disk) => {
    await succeed((done) => disk.create('f', 0, done));
    await succeed((done) => disk.write('f', 0, [bytes(1, 2, 3)], done));
    assert.deepEqual(disk.read('f', 1, 100), bytes(2, 3));
    assert.deepEqual(disk.read('f', 3, 100), bytes());
    assert.deepEqual(disk.read('f', 30, 100), bytes());
    disk.read('f', 0, 3).fill(7);
    assert.deepEqual(disk.read('f', 0, 3), bytes(1, 2, 3));
  },
  'operations on one path take effect and are answered in order, though none is waited for': async (disk) => {
    const order: number[] = [];
    const all: Promise<void>[] = [succeed((done) => disk.create('f', 0, done))];
    for (let i = 0; i < 50; i += 1) {
      all.push(succeed((done) => disk.write('f', 0, [bytes(i, i)], done)).then(() => void order.push(i)));
      if (i % 7 === 0) all.push(succeed((done) => disk.sync('f', done)));
    }
    all.push(succeed((done) => disk.rename('f', 'g', done)));
    all.push(succeed((done) => disk.write('g', 1, [bytes(200)], done)));
    await Promise.all(all);
    assert.deepEqual(
      order,
      Array.from({ length: 50 }, (_, i) => i),
    );
    assert.deepEqual(disk.read('g', 0, 2), bytes(49, 200));
    assert.throws(() => disk.size('f'), hasCode('not-found'));
  },
  'a rename replaces, and the former file is gone': async (disk) => {
    for (const name of ['f', 'g']) await succeed((done) => disk.create(name, 0, done));
    await succeed((done) => disk.write('f', 0, [bytes(1)], done));
    await succeed((done) => disk.write('g', 0, [bytes(2, 2)], done));
    await succeed((done) => disk.rename('f', 'g', done));
    assert.deepEqual(disk.read('g', 0, 9), bytes(1));
    await succeed((done) => disk.write('g', 1, [bytes(3)], done));
    assert.deepEqual(disk.read('g', 0, 9), bytes(1, 3));
    assert.deepEqual(disk.list(''), ['g']);
  },
  'a removed file is gone, and its name can be used again': async (disk) => {
    await succeed((done) => disk.create('f', 10, done));
    await succeed((done) => disk.write('f', 0, [bytes(1)], done));
    await succeed((done) => disk.remove('f', done));
    assert.deepEqual(disk.list(''), []);
    await succeed((done) => disk.create('f', 1, done));
    assert.deepEqual(disk.read('f', 0, 9), bytes(0));
  },
  'truncate cuts, and extends with zeros': async (disk) => {
    await succeed((done) => disk.create('f', 0, done));
    await succeed((done) => disk.write('f', 0, [new Uint8Array(2000).fill(5)], done));
    await succeed((done) => disk.truncate('f', 700, done));
    assert.equal(disk.size('f'), 700);
    await succeed((done) => disk.truncate('f', 1500, done));
    const read = disk.read('f', 0, 1500);
    assert.ok(read.every((byte, i) => byte === (i < 700 ? 5 : 0)));
  },
  'what is not there is reported as not-found': async (disk) => {
    assert.throws(() => disk.size('f'), hasCode('not-found'));
    assert.throws(() => disk.read('f', 0, 1), hasCode('not-found'));
    const failures = await Promise.all([
      finish((done) => disk.write('f', 0, [bytes(1)], done)),
      finish((done) => disk.sync('f', done)),
      finish((done) => disk.truncate('f', 0, done)),
      finish((done) => disk.rename('f', 'g', done)),
      finish((done) => disk.remove('f', done)),
      finish((done) => disk.create('folder/f', 0, done)),
      finish((done) => disk.syncDirectory('folder', done)),
    ]);
    for (const failure of failures) assert.equal(failure?.code, 'not-found');
  },
};

export function diskContract(name: string, make: () => Promise<ContractDisk>): void {
  describe(`Disk contract: ${name}`, () => {
    for (const [title, run] of Object.entries(CASES)) {
      test(title, async () => {
        const contract = await make();
        try {
          await run(contract.disk);
        } finally {
          await contract.close();
        }
      });
    }
  });
}
