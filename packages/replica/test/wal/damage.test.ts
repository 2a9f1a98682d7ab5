/** Small logs, damaged at every place: either everything acknowledged is restored, or the start is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '@quorate/raft';
import { WalError } from '../../src/wal/wal.js';
import { entries, entry, hardState, type Recovered, show, World } from './support.js';

const FILE = 'wal/0000000000000001.log';
const SEGMENT_BYTES = 4096;

interface Written {
  readonly world: World;
  readonly entries: readonly Entry[];
  /** Where each frame ends; the first number is where the first one begins. */
  readonly ends: readonly number[];
}

/** Frames of several sizes, some over sector boundaries, one that consists of zeros. */
function write(): Written {
  const world = new World();
  const { wal } = world.open({ segmentBytes: SEGMENT_BYTES });
  const list = [
    ...entries(1, 2, 1, 30),
    entry(3, 1, ''),
    { ...entry(4, 2), data: new Uint8Array(900) },
    ...entries(5, 6, 2, 200),
  ];
  const ends = [64];
  for (const one of list) {
    world.append(wal, { hardState: hardState(one.term, 3, one.index - 1), entries: [one] });
    ends.push(64 + wal.bytesWritten);
  }
  return { world, entries: list, ends };
}

function attempt(world: World): Recovered | undefined {
  try {
    return world.recover({ segmentBytes: SEGMENT_BYTES });
  } catch (error) {
    assert.ok(error instanceof WalError, String(error));
    assert.equal(error.file, FILE);
    assert.ok(error.offset >= 0 && error.message.includes(`${FILE} at byte ${error.offset}`));
    return undefined;
  }
}

function assertPrefix(recovered: Recovered, written: Written, atLeast: number): void {
  assert.ok(recovered.all.length >= atLeast, `${recovered.all.length} entries instead of ${atLeast}`);
  assert.deepEqual(show(recovered.all), show(written.entries.slice(0, recovered.all.length)));
}

/** The same log on a fresh disk with its bytes changed. */
function altered(bytes: Uint8Array, change: (copy: Uint8Array) => Uint8Array): World {
  const world = new World();
  world.succeed((done) => world.disk.makeDirectory('wal', done));
  const changed = change(bytes.slice());
  world.succeed((done) => world.disk.create(FILE, 0, done));
  world.succeed((done) => world.disk.write(FILE, 0, [changed], done));
  return world;
}

describe('write-ahead log: damage', () => {
  test('[D5] every single flipped bit is refused, or lies where nothing was written yet', () => {
    const written = write();
    const end = written.ends.at(-1) as number;
    const { disk } = written.world;
    let refused = 0;
    for (let offset = 0; offset < SEGMENT_BYTES; offset += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        // Behind the end all places are alike.
        if (offset > end + 600 && offset % 97 !== 0) continue;
        disk.flipBit(FILE, offset, bit);
        const recovered = attempt(written.world);
        disk.flipBit(FILE, offset, bit);
        if (recovered === undefined) refused += 1;
        else assertPrefix(recovered, written, written.entries.length);
      }
    }
    assert.ok(refused > (end - 40) * 8, `only ${refused} of ${end * 8} refused`);
  });

  test('cut off at any byte, a preallocated segment is refused', () => {
    const written = write();
    const bytes = written.world.disk.read(FILE, 0, SEGMENT_BYTES);
    for (let length = 0; length < SEGMENT_BYTES; length += length < (written.ends.at(-1) as number) ? 1 : 61) {
      const recovered = attempt(altered(bytes, (copy) => copy.subarray(0, length)));
      // A file of no length at all is one that was just being made: the member's identity tells (mustExist).
      if (length === 0) assert.equal(recovered?.fresh, true);
      else assert.equal(recovered, undefined, `cut at ${length}`);
    }
  });

  test('the last write cut off at any byte is a torn tail: reported, zeroed, and everything before it restored', () => {
    const written = write();
    const bytes = written.world.disk.read(FILE, 0, SEGMENT_BYTES);
    const [begin, end] = written.ends.slice(-2) as [number, number];
    for (let cut = begin; cut < end; cut += 1) {
      const world = altered(bytes, (copy) => copy.fill(0, cut));
      const recovered = attempt(world);
      assert.ok(recovered !== undefined, `cut at ${cut}`);
      assertPrefix(recovered, written, written.entries.length - 1);
      assert.equal(recovered.all.length, written.entries.length - 1);
      if (cut > begin)
        assert.deepEqual(recovered.tornTail, { file: FILE, offset: begin, bytes: lastUsed(bytes, cut) - begin });
      world.succeed((done) => recovered.wal.whenStarted(done));
      assert.ok(
        world.disk.read(FILE, begin, SEGMENT_BYTES).every((byte) => byte === 0),
        'zeroed',
      );
    }
  });

  test('cut off in an earlier write, with a later one still there, it is refused', () => {
    const written = write();
    const bytes = written.world.disk.read(FILE, 0, SEGMENT_BYTES);
    const [begin, end] = written.ends.slice(-2) as [number, number];
    for (let from = 64; from < begin; from += 1) {
      const world = altered(bytes, (copy) => copy.fill(0, from, begin));
      assert.equal(attempt(world), undefined, `lost from ${from} to ${begin}, of ${end}`);
    }
  });

  test('a last write of which any sectors are missing is a torn tail', () => {
    for (let missing = 1; missing < 2 ** 5; missing += 1) {
      const world = new World();
      const { wal } = world.open({ segmentBytes: SEGMENT_BYTES });
      world.append(wal, { hardState: hardState(1, 0, 0), entries: entries(1, 1, 1, 200) });
      const begin = 64 + wal.bytesWritten;
      world.append(wal, { entries: entries(2, 4, 1, 600) });
      const end = 64 + wal.bytesWritten;
      const bytes = world.disk.read(FILE, 0, SEGMENT_BYTES);
      const torn = altered(bytes, (copy) => {
        for (let sector = 0; sector < 5; sector += 1) {
          if ((missing & (1 << sector)) === 0) continue;
          const from = sector * 512;
          copy.fill(0, Math.max(begin, from), Math.max(begin, from + 512));
        }
        return copy;
      });
      assert.ok(end > 4 * 512 && end <= 5 * 512);
      const recovered = attempt(torn);
      assert.ok(recovered !== undefined, `without the sectors ${missing.toString(2)}`);
      assert.deepEqual(show(recovered.all), show(entries(1, 1, 1, 200)));
    }
  });

  test('stale bytes behind a torn tail are never taken for frames', () => {
    const written = write();
    const bytes = written.world.disk.read(FILE, 0, SEGMENT_BYTES);
    const [begin, end] = written.ends.slice(-2) as [number, number];
    const world = altered(bytes, (copy) => {
      copy.set(copy.slice(begin, end), end);
      return copy;
    });
    const recovered = attempt(world);
    if (recovered !== undefined) assertPrefix(recovered, written, written.entries.length);
  });
});

/** The end of the last byte before `cut` that is not zero. */
function lastUsed(bytes: Uint8Array, cut: number): number {
  let last = cut;
  while (bytes[last - 1] === 0) last -= 1;
  return last;
}
