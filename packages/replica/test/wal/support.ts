/** A member's log on a virtual disk, for tests: a scheduler that can be stepped, and recovery in one call. */
import assert from 'node:assert/strict';
import type { Entry, HardState } from '@quorate/raft';
import { nodePlatform } from '../../src/adapters/platform.js';
import type { DiskDone, DiskError } from '../../src/seams/disk.js';
import type { RandomStream } from '../../src/seams/random.js';
import { type DiskOperation, MemoryDisk } from '../../src/testing/memory-disk.js';
import { SNAPSHOT_DIRECTORY } from '../../src/wal/snapshot-file.js';
import type { LogPosition, RecoveredWal, Wal, WalBatch, WalOptions } from '../../src/wal/wal.js';
import { recoverWal } from '../../src/wal/wal.js';

/** Mulberry32: small, and the same everywhere. */
export function seededRandom(seed: number): RandomStream {
  let state = seed >>> 0;
  return {
    integer: (bound) => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
    },
  };
}

/** What is due, run in random order (delays are only a hint): every interleaving is possible. */
export class Scheduler {
  #due: (() => void)[] = [];
  readonly #random: RandomStream;

  constructor(random: RandomStream) {
    this.#random = random;
  }

  readonly schedule = (_delayMs: number, run: () => void): void => {
    this.#due.push(run);
  };

  step(): boolean {
    if (this.#due.length === 0) return false;
    const [run] = this.#due.splice(this.#random.integer(this.#due.length), 1);
    run?.();
    return true;
  }

  /** At most so many. */
  steps(count: number): void {
    for (let i = 0; i < count; i += 1) this.step();
  }

  drain(): void {
    while (this.step());
  }
}

export class World {
  readonly random: RandomStream;
  readonly scheduler: Scheduler;
  readonly operations: { operation: DiskOperation; path: string; bytes: number }[] = [];
  disk: MemoryDisk;

  constructor(seed = 1) {
    this.random = seededRandom(seed);
    this.scheduler = new Scheduler(this.random);
    this.disk = new MemoryDisk({
      schedule: this.scheduler.schedule,
      random: this.random,
      latencyMs: (operation, path, bytes) => {
        this.operations.push({ operation, path, bytes });
        return 0;
      },
    });
    // Where the snapshots are that tests tell only the positions of.
    this.succeed((done) => this.disk.makeDirectory(SNAPSHOT_DIRECTORY, done));
    this.succeed((done) => this.disk.syncDirectory('', done));
    this.operations.length = 0;
  }

  /** Runs the operation and everything else that is due. */
  finish(operation: (done: DiskDone) => void): DiskError | undefined {
    let outcome: { error: DiskError | undefined } | undefined;
    operation((error) => {
      assert.equal(outcome, undefined, 'answered twice');
      outcome = { error };
    });
    this.scheduler.drain();
    assert.ok(outcome !== undefined, 'never answered');
    return outcome.error;
  }

  succeed(operation: (done: DiskDone) => void): void {
    assert.equal(this.finish(operation), undefined);
  }

  recover(options: Partial<WalOptions> = {}, snapshot: LogPosition = ORIGIN): Recovered {
    const recovered = recover(this.disk, options, snapshot);
    return recovered;
  }

  /** Recovers and waits for the log's start. */
  open(options: Partial<WalOptions> = {}, snapshot: LogPosition = ORIGIN): Recovered {
    const recovered = this.recover(options, snapshot);
    this.succeed((done) => recovered.wal.whenStarted(done));
    return recovered;
  }

  append(wal: Wal, batch: Partial<WalBatch>): void {
    this.succeed((done) => wal.append(makeBatch(batch), done));
  }
}

export const ORIGIN: LogPosition = { index: 0, term: 0 };
export const OPTIONS: WalOptions = { segmentBytes: 16 * 1024, clusterId: 77, memberId: 5 };

export interface Recovered extends RecoveredWal {
  /** Final entries and the rest. */
  readonly all: readonly Entry[];
  readonly finalCount: number;
}

export function recover(disk: MemoryDisk, options: Partial<WalOptions>, snapshot: LogPosition): Recovered {
  const recovery = recoverWal(disk, nodePlatform, { ...OPTIONS, ...options }, snapshot);
  const final: Entry[] = [];
  for (;;) {
    const step = recovery.next();
    if (step.done === true) {
      const all = [...final, ...step.value.entries];
      for (const [i, found] of all.entries()) assert.equal(found.index, snapshot.index + i + 1, 'contiguous');
      return { ...step.value, all, finalCount: final.length };
    }
    final.push(...step.value);
  }
}

export function makeBatch(batch: Partial<WalBatch>): WalBatch {
  return { hardState: undefined, entries: [], reset: undefined, mustSync: true, ...batch };
}

export function entry(index: number, term: number, text = `entry ${index}`): Entry {
  return { index, term, type: 'normal', data: new TextEncoder().encode(text) };
}

export function entries(first: number, last: number, term: number, bytes = 20): readonly Entry[] {
  return Array.from({ length: last - first + 1 }, (_, i) =>
    entry(first + i, term, `${first + i}.${term} `.padEnd(bytes, 'x')),
  );
}

export function hardState(term: number, vote: number, commit: number): HardState {
  return { term, vote, commit };
}

/** Entries as text, for comparison. */
export function show(list: readonly Entry[]): readonly string[] {
  return list.map(({ index, term, type, data }) => `${index}@${term} ${type} ${Buffer.from(data).toString('base64')}`);
}
