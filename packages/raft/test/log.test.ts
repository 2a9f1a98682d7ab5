/** RaftLog against a naive model: two arrays, one for the log and one for what the disk would hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Entry } from '../src/index.js';
import { RaftLog } from '../src/log.js';

const DATA = new Uint8Array(1);
const HARD_STATE = { term: 1, vote: 0, commit: 0 };

function entriesFrom(index: number, terms: readonly number[]): Entry[] {
  return terms.map((term, offset) => ({ index: index + offset, term, type: 'normal', data: DATA }));
}

function logOf(terms: readonly number[], compacted = { index: 0, term: 0 }): RaftLog {
  return new RaftLog(compacted, entriesFrom(compacted.index + 1, terms), compacted.index, 0);
}

function termsOf(log: RaftLog): number[] {
  return log.slice(log.firstIndex, Number.POSITIVE_INFINITY).map(({ term }) => term);
}

/** What happens to a follower's log. Numbers are reduced to what fits when the step is taken. */
type Step =
  | { readonly kind: 'append'; readonly back: number; readonly count: number; readonly newTerm: boolean }
  | { readonly kind: 'commit' | 'apply' | 'compact'; readonly part: number }
  | { readonly kind: 'write' | 'persist' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('append' as const),
      back: fc.nat(5),
      count: fc.nat(4),
      newTerm: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom('commit' as const, 'apply' as const, 'compact' as const), part: fc.nat(100) }),
    fc.record({ kind: fc.constantFrom('write' as const, 'persist' as const) }),
  ),
  { maxLength: 60 },
);

/** Entries are told apart by object identity here, which is stronger than (index, term). */
class Model {
  entries: Entry[] = [];
  disk: Entry[] = [];
  readonly writes: { readonly id: number; readonly entries: readonly Entry[] }[] = [];
  term = 1;
  commit = 0;
  applied = 0;
  compacted = 0;
  lastId = 0;

  run(log: RaftLog, step: Step): void {
    switch (step.kind) {
      case 'append':
        this.#append(log, step.back, step.count, step.newTerm);
        break;
      case 'commit':
        this.commit = Math.max(this.commit, Math.floor((this.entries.length * step.part) / 100));
        log.commitTo(this.commit);
        break;
      case 'apply':
        log.takeEntriesToApply(1 + (step.part % 3));
        log.appliedTo(log.handedToApply);
        this.applied = log.handedToApply;
        break;
      case 'compact':
        log.compact(step.part);
        this.compacted = Math.max(this.compacted, Math.min(step.part, this.applied, log.persistedIndex));
        break;
      case 'write':
        this.lastId += 1;
        this.writes.push({ id: this.lastId, entries: log.takeEntriesToWrite() });
        log.handedOut(this.lastId, 0, HARD_STATE);
        break;
      case 'persist':
        this.#persist(log);
        break;
    }
  }

  #append(log: RaftLog, back: number, count: number, newTerm: boolean): void {
    // A leader agrees with everything that is committed, and keeps what it has of its own term.
    const previousIndex = Math.max(this.commit, this.entries.length - back);
    if (newTerm) this.term += 1;
    const previousTerm = this.entries[previousIndex - 1]?.term ?? 0;
    const terms = Array.from({ length: count }, () => this.term);
    const entries = entriesFrom(previousIndex + 1, terms);
    assert.equal(log.tryAppend(previousIndex, previousTerm, entries), true);
    const conflict = entries.findIndex((entry) => this.entries[entry.index - 1]?.term !== entry.term);
    if (conflict >= 0) this.entries = [...this.entries.slice(0, previousIndex + conflict), ...entries.slice(conflict)];
  }

  #persist(log: RaftLog): void {
    const write = this.writes.shift();
    if (write === undefined) return;
    const first = write.entries[0];
    if (first !== undefined) this.disk = [...this.disk.slice(0, first.index - 1), ...write.entries];
    log.persisted(write.id);
  }

  check(log: RaftLog): void {
    assert.equal(log.lastIndex, this.entries.length);
    assert.equal(log.compactedIndex, this.compacted);
    assert.deepEqual(
      termsOf(log),
      this.entries.slice(this.compacted).map(({ term }) => term),
    );
    assert.equal(log.termAt(this.compacted), this.entries[this.compacted - 1]?.term ?? 0);
    // What the log calls durable is exactly there on the disk, and stays there whatever write completes next.
    for (let index = 1; index <= log.persistedIndex; index++)
      assert.equal(this.disk[index - 1], this.entries[index - 1]);
    for (const { entries } of this.writes) {
      const first = entries[0];
      if (first === undefined || first.index > log.persistedIndex) continue;
      assert.equal(entries[0], this.entries[first.index - 1], 'a later write replaces what is called durable');
    }
    if (this.writes.length === 0 && !log.hasEntriesToWrite) assert.equal(log.persistedIndex, log.lastIndex);
  }
}

test('the log does what a naive model does, and calls durable only what no write under way will replace', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const model = new Model();
      const log = logOf([]);
      for (const step of list) {
        model.run(log, step);
        model.check(log);
      }
    }),
    { numRuns: 1_000 },
  );
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
