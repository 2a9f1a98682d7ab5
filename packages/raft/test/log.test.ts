/** RaftLog, with what it packs, against a naive model: two arrays, one for the log and one for what the disk would hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { EMPTY_CONFIG, type Entry } from '../src/index.js';
import { RaftLog } from '../src/log.js';

const DATA = new Uint8Array(1);
/** Of every 40 entries, some have data of these bytes: what is copied at most, and what is not. */
const ODD_SIZES: ReadonlyMap<number, number> = new Map([
  [3, 0],
  [7, 4096],
  [18, 4097],
  [30, 3000],
]);
const HARD_STATE = { term: 1, vote: 0, commit: 0 };

function entriesFrom(index: number, terms: readonly number[]): Entry[] {
  return terms.map((term, offset) => ({ index: index + offset, term, type: 'normal', data: DATA }));
}

function logOf(terms: readonly number[], compacted = { index: 0, term: 0 }): RaftLog {
  return new RaftLog(compacted, entriesFrom(compacted.index + 1, terms), compacted.index, 0);
}

/** What happens to a follower's log. Numbers are reduced to what fits when the step is taken. */
type Step =
  | { readonly kind: 'append'; readonly back: number; readonly count: number; readonly newTerm: boolean }
  | { readonly kind: 'commit' | 'apply' | 'compact' | 'restart'; readonly part: number }
  | { readonly kind: 'write' | 'persist' | 'reset' };

function stepsOf(count: fc.Arbitrary<number>): fc.Arbitrary<Step[]> {
  const append = fc.record({
    kind: fc.constant('append' as const),
    back: fc.nat(5),
    count,
    newTerm: fc.boolean(),
  });
  const part = fc.nat(100);
  const moved = fc.record({ kind: fc.constantFrom('commit' as const, 'apply' as const, 'compact' as const), part });
  const written = fc.record({ kind: fc.constantFrom('write' as const, 'persist' as const) });
  const rare = fc.oneof(
    fc.record({ kind: fc.constant('reset' as const) }),
    fc.record({ kind: fc.constant('restart' as const), part }),
  );
  return fc.array(
    fc.oneof(
      { arbitrary: append, weight: 6 },
      { arbitrary: moved, weight: 6 },
      { arbitrary: written, weight: 6 },
      { arbitrary: rare, weight: 1 },
    ),
    { maxLength: 60, size: 'max' },
  );
}

/** No two entries have the same bytes, so this is as strong as identity: stronger than (index, term). */
function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  if (a.index !== b.index || a.term !== b.term || a.type !== b.type || a.data.length !== b.data.length) return false;
  return Buffer.compare(a.data, b.data) === 0;
}

class Model {
  #made = 0;
  log = logOf([]);
  /** From index 1 on, also what the log has compacted. */
  entries: Entry[] = [];
  disk: Entry[] = [];
  /** Each replaces what the disk has from its first entry on; after a snapshot that is the whole log. */
  writes: { readonly id: number; readonly entries: readonly Entry[] }[] = [];
  term = 1;
  commit = 0;
  applied = 0;
  compacted = 0;
  lastId = 0;
  /** What was read, with what it was then: nobody writes over it. */
  readonly held: { readonly read: readonly Entry[]; readonly was: readonly Entry[] }[] = [];

  run(step: Step): void {
    const { log } = this;
    switch (step.kind) {
      case 'append':
        this.#append(step.back, step.count, step.newTerm);
        break;
      case 'commit':
        this.commit = Math.max(this.commit, Math.floor((this.entries.length * step.part) / 100));
        log.commitTo(this.commit);
        break;
      case 'apply': {
        const page = log.takeEntriesToApply(1 + step.part ** 2);
        assert.ok(page.every((entry, at) => isSame(entry, this.entries[this.applied + at])));
        log.appliedTo(log.handedToApply);
        this.applied = log.handedToApply;
        break;
      }
      case 'compact': {
        const index = Math.floor((this.entries.length * step.part) / 100);
        this.compacted = Math.max(this.compacted, Math.min(index, this.applied, log.persistedIndex));
        log.compact(index);
        break;
      }
      case 'write':
        this.#write(log.takeEntriesToWrite());
        break;
      case 'persist':
        this.#persist();
        break;
      case 'reset':
        this.#reset();
        break;
      case 'restart':
        this.#restart(step.part);
        break;
    }
  }

  #append(back: number, count: number, newTerm: boolean): void {
    // A leader agrees with everything that is committed, and keeps what it has of its own term.
    const previousIndex = Math.max(this.commit, this.entries.length - back);
    if (newTerm) this.term += 1;
    const previousTerm = this.entries[previousIndex - 1]?.term ?? 0;
    const entries = Array.from({ length: count }, (_, at): Entry => {
      const index = previousIndex + 1 + at;
      return { index, term: this.term, type: index % 5 === 0 ? 'config' : 'normal', data: this.#data() };
    });
    assert.equal(this.log.tryAppend(previousIndex, previousTerm, entries), true);
    const conflict = entries.findIndex((entry) => this.entries[entry.index - 1]?.term !== entry.term);
    if (conflict >= 0) this.entries = [...this.entries.slice(0, previousIndex + conflict), ...entries.slice(conflict)];
  }

  /** Mostly a few bytes that no other entry has; now and then many. */
  #data(): Uint8Array {
    this.#made += 1;
    const data = new Uint8Array(ODD_SIZES.get(this.#made % 40) ?? 3 + (this.#made % 3)).fill(this.#made);
    if (data.length > 0) data.set([this.#made >>> 16, this.#made >>> 8]);
    return data;
  }

  #write(entries: readonly Entry[]): void {
    this.lastId += 1;
    this.writes.push({ id: this.lastId, entries });
    this.log.handedOut(this.lastId, 0, HARD_STATE);
  }

  #persist(): void {
    const write = this.writes.shift();
    if (write === undefined) return;
    const first = write.entries[0];
    if (first !== undefined) this.disk = [...this.disk.slice(0, first.index - 1), ...write.entries];
    this.log.persisted(write.id);
  }

  /** A snapshot arrives that goes a little further than what is committed. */
  #reset(): void {
    this.term += 1;
    const { term, commit } = this;
    const index = commit + 3;
    const covered = [1, 2, 3].map((ahead): Entry => ({ index: commit + ahead, term, type: 'normal', data: DATA }));
    this.log.reset({ index, term, config: EMPTY_CONFIG });
    this.entries = [...this.entries.slice(0, commit), ...covered];
    this.commit = index;
    this.applied = index;
    this.compacted = index;
    this.#write(this.entries);
  }

  /** The state machine is behind where it was, and what was not durable is gone. */
  #restart(part: number): void {
    const { persistedIndex } = this.log;
    if (persistedIndex < this.compacted) return;
    this.commit = Math.min(this.commit, persistedIndex);
    const appliedMax = Math.min(this.applied, persistedIndex);
    this.applied = this.compacted + Math.floor(((appliedMax - this.compacted) * part) / 100);
    this.entries = this.disk.slice(0, persistedIndex);
    this.disk = this.entries;
    this.writes = [];
    const compacted = { index: this.compacted, term: this.entries[this.compacted - 1]?.term ?? 0 };
    this.log = new RaftLog(compacted, this.entries.slice(this.compacted), this.applied, this.commit);
  }

  check(bytesMax: number): void {
    const { log, entries, compacted } = this;
    assert.equal(log.lastIndex, entries.length);
    assert.equal(log.lastTerm, entries.at(-1)?.term ?? 0);
    assert.equal(log.compactedIndex, compacted);
    assert.equal(log.applied, this.applied);
    assert.equal(log.commit, this.commit);
    assert.equal(log.termAt(compacted), entries[compacted - 1]?.term ?? 0);
    assert.equal(log.termAt(compacted - 1), undefined);
    assert.equal(log.termAt(entries.length + 1), undefined);
    for (const index of [compacted, entries.length + 1]) assert.throws(() => log.entry(index), /is outside of/);
    for (let index = compacted + 1; index <= entries.length; index++) {
      const entry = entries[index - 1] as Entry;
      assert.ok(isSame(log.entry(index), entry), `entry ${index}`);
      assert.equal(log.termAt(index), entry.term);
      assert.equal(log.type(index), entry.type);
      this.#checkSlice(index, bytesMax);
    }
    const uncompacted = entries.slice(compacted);
    assert.equal(log.bytesBetween(compacted, entries.length), bytesOf(uncompacted));
    const lastConfig = uncompacted.findLast(({ type }) => type === 'config');
    assert.equal(log.configEntryBetween(compacted, entries.length), lastConfig?.index ?? 0);
    this.held.push({ read: log.slice(log.firstIndex, Number.POSITIVE_INFINITY), was: uncompacted });
    this.#checkDurable();
  }

  checkHeld(): void {
    for (const { read, was } of this.held) {
      assert.equal(read.length, was.length);
      assert.ok(read.every((entry, at) => isSame(entry, was[at])));
    }
  }

  #checkSlice(from: number, bytesMax: number): void {
    const slice = this.log.slice(from, bytesMax);
    assert.ok(slice.every((entry, at) => isSame(entry, this.entries[from - 1 + at])));
    assert.ok(slice.length === 1 || bytesOf(slice) <= bytesMax);
    const next = this.entries[from - 1 + slice.length];
    assert.ok(slice.length > 0 && (next === undefined || bytesOf(slice) + next.data.length > bytesMax));
  }

  /** What the log calls durable is exactly there on the disk, and stays there whatever write completes next. */
  #checkDurable(): void {
    const { log } = this;
    for (let index = 1; index <= log.persistedIndex; index++) {
      assert.ok(isSame(this.disk[index - 1], this.entries[index - 1]), `entry ${index} on disk`);
    }
    for (const { entries } of this.writes) {
      const first = entries[0];
      if (first === undefined || first.index > log.persistedIndex) continue;
      const isKept = isSame(first, this.entries[first.index - 1]);
      assert.ok(isKept, 'a later write replaces what is called durable');
    }
    if (this.writes.length === 0 && !log.hasEntriesToWrite) assert.equal(log.persistedIndex, log.lastIndex);
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((bytes, { data }) => bytes + data.length, 0);
}

function checkAgainstModel(list: readonly Step[], bytesMax: number): void {
  const model = new Model();
  for (const step of list) {
    model.run(step);
    model.check(bytesMax);
  }
  model.checkHeld();
}

test('the log does what a naive model does, and calls durable only what no write under way will replace', () => {
  fc.assert(fc.property(stepsOf(fc.nat(4)), fc.nat(20), checkAgainstModel), { numRuns: 1_000 });
});

test('it does so with more entries than are packed into one chunk', () => {
  fc.assert(fc.property(stepsOf(fc.integer({ min: 100, max: 300 })), fc.nat(20), checkAgainstModel), { numRuns: 50 });
});

const sortedTerms = fc
  .array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 })
  .map((terms) => terms.toSorted((a, b) => a - b));

test('the search by term finds the last position at or before an index whose term is not above the given one', () => {
  fc.assert(
    fc.property(sortedTerms, fc.nat(14), fc.nat(7), (terms, index, term) => {
      let expected = Math.min(index, terms.length);
      while (expected > 0 && (terms[expected - 1] as number) > term) expected -= 1;
      const found = logOf(terms).lastPositionAtOrBelowTerm(index, term);
      assert.deepEqual(found, { index: expected, term: expected === 0 ? 0 : terms[expected - 1] });
    }),
  );
});

test('the search by term stops at what is compacted away, with term 0', () => {
  const log = logOf([5, 5, 6], { index: 10, term: 4 });
  assert.deepEqual(log.lastPositionAtOrBelowTerm(12, 4), { index: 10, term: 4 });
  assert.deepEqual(log.lastPositionAtOrBelowTerm(12, 3), { index: 9, term: 0 });
  assert.deepEqual(log.lastPositionAtOrBelowTerm(7, 9), { index: 7, term: 0 });
});

test('a later last term is more up to date than a longer log, and only equal terms compare lengths (Raft paper 5.4.1)', () => {
  fc.assert(
    fc.property(sortedTerms, fc.nat(14), fc.nat(7), (terms, lastIndex, lastTerm) => {
      const ownTerm = terms.at(-1) ?? 0;
      const expected = lastTerm === ownTerm ? lastIndex >= terms.length : lastTerm > ownTerm;
      assert.equal(logOf(terms).isUpToDate(lastIndex, lastTerm), expected);
    }),
  );
  // An empty log after a snapshot is as up to date as the snapshot (RedisLabs/raft#39).
  const afterSnapshot = logOf([], { index: 10, term: 4 });
  assert.equal(afterSnapshot.isUpToDate(9, 4), false);
  assert.equal(afterSnapshot.isUpToDate(10, 4), true);
});

test('terms outside of the log are unknown, also after a truncation', () => {
  const log = logOf([5, 5, 5], { index: 10, term: 4 });
  assert.equal(log.termAt(9), undefined);
  assert.equal(log.termAt(10), 4);
  assert.equal(log.tryAppend(11, 5, entriesFrom(12, [6])), true);
  assert.equal(log.termAt(12), 6);
  assert.equal(log.termAt(13), undefined);
});

test('slices are cut at the byte limit, and hold one entry at least', () => {
  const log = logOf([1, 1, 1, 1]);
  assert.equal(log.slice(1, 2).length, 2);
  assert.equal(log.slice(1, 0).length, 1);
  assert.equal(log.slice(2, 100, 3).length, 2);
  assert.equal(log.slice(5, 100).length, 0);
});

test('nothing committed is replaced, and the commit index never passes the log', () => {
  const log = logOf([1, 1, 1]);
  log.commitTo(2);
  assert.throws(() => log.tryAppend(1, 1, entriesFrom(2, [2])), /would remove committed entries/);
  assert.throws(() => log.commitTo(4), /has lost a part of its log/);
  assert.equal(log.commitTo(1), false);
  assert.equal(log.commit, 2);
});

test('a state outside of its log is refused', () => {
  assert.throws(() => new RaftLog({ index: 5, term: 1 }, entriesFrom(6, [1]), 7, 0), /applied 7 is outside/);
  assert.throws(() => new RaftLog({ index: 5, term: 1 }, entriesFrom(6, [1]), 4, 0), /applied 4 is outside/);
  assert.throws(() => new RaftLog({ index: 5, term: 1 }, entriesFrom(7, [1]), 5, 0), /entry 7@1 follows 5@1/);
  assert.throws(() => new RaftLog({ index: 5, term: 3 }, entriesFrom(6, [2]), 5, 0), /entry 6@2 follows 5@3/);
});

test('a commit index beyond what survived a crash is cut to the log', () => {
  assert.equal(new RaftLog({ index: 0, term: 0 }, entriesFrom(1, [1, 1]), 0, 9).commit, 2);
});
