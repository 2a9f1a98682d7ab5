/** Quorum arithmetic against its definition by subsets. The rows of known bugs are named where they are caught. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { committedIndex, majorityOf, type QuorumConfig, voteResult } from '../src/quorum.js';
import type { MemberId } from '../src/types.js';
import { isQuorum, naiveCommittedIndex, naiveVoteResult, subsetsOf } from './support/naive-quorum.js';

const ID_MAX = 9;
const ids = (max: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.integer({ min: 1, max: ID_MAX }), { maxLength: max });
const config: fc.Arbitrary<QuorumConfig> = fc.record({ voters: ids(ID_MAX), votersOutgoing: ids(5) });
/** Few distinct values, so that ties are common, and numbers of different length, which sort differently as text. */
const match = fc.oneof(fc.constantFrom(0, 1, 2, 9, 10, 11, 99, 100), fc.maxSafeNat());
const perMember = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(value, { minLength: ID_MAX + 1, maxLength: ID_MAX + 1 });

const single = (...voters: MemberId[]): QuorumConfig => ({ voters, votersOutgoing: [] });
const at =
  (matches: Readonly<Record<number, number>>) =>
  (id: MemberId): number =>
    matches[id] ?? 0;

describe('committedIndex', () => {
  it('is what a majority of each half has', () => {
    fc.assert(
      fc.property(config, perMember(match), (config, matches) => {
        const matchOf = (id: MemberId): number => matches[id] ?? 0;
        assert.equal(committedIndex(config, matchOf), naiveCommittedIndex(config, matchOf));
      }),
      { numRuns: 300 },
    );
  });

  it('sorts by value and not by text (bug 13)', () => {
    assert.equal(committedIndex(single(1, 2, 3), at({ 1: 9, 2: 10, 3: 100 })), 10);
    assert.equal(committedIndex(single(1, 2, 3), at({ 1: 100, 2: 10, 3: 9 })), 10);
  });

  it('needs three of four and two of two (bug 15)', () => {
    assert.equal(committedIndex(single(1, 2, 3, 4), at({ 1: 7, 2: 7 })), 0);
    assert.equal(committedIndex(single(1, 2, 3, 4), at({ 1: 7, 2: 7, 3: 5 })), 5);
    assert.equal(committedIndex(single(1, 2), at({ 1: 7 })), 0);
  });

  it('asks nobody but the voters (bug 16)', () => {
    const asked: MemberId[] = [];
    const config = { voters: [1, 2], votersOutgoing: [2, 3], learners: [4], learnersNext: [3], autoLeave: false };
    committedIndex(config, (id) => {
      asked.push(id);
      return 1;
    });
    assert.deepEqual(asked, [1, 2, 2, 3]);
  });

  it('waits for both halves of a joint configuration (bug 17)', () => {
    const joint = { voters: [1, 2, 3], votersOutgoing: [4, 5, 6] };
    assert.equal(committedIndex(joint, at({ 1: 9, 2: 9, 3: 9 })), 0);
    assert.equal(committedIndex(joint, at({ 4: 9, 5: 9, 6: 9 })), 0);
    assert.equal(committedIndex(joint, at({ 1: 9, 2: 9, 4: 8, 5: 8 })), 8);
  });

  it('is restrained by nothing without voters', () => {
    assert.equal(committedIndex(single(), at({})), Number.POSITIVE_INFINITY);
    assert.equal(committedIndex({ voters: [], votersOutgoing: [1] }, at({ 1: 3 })), 3);
  });

  it('refuses what is not an index', () => {
    for (const value of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY]) {
      assert.throws(() => committedIndex(single(1, 2), at({ 1: value })), /assertion failed/);
    }
  });
});

describe('voteResult', () => {
  it('is what the votes can still come to', () => {
    fc.assert(
      fc.property(config, perMember(fc.constantFrom(true, false, undefined)), (config, votes) => {
        const voteOf = (id: MemberId): boolean | undefined => votes[id];
        assert.equal(voteResult(config, voteOf), naiveVoteResult(config, voteOf));
      }),
      { numRuns: 200 },
    );
  });

  it('is never won by two sets of voters that have nobody in common (bug 14)', () => {
    fc.assert(
      fc.property(fc.record({ voters: ids(6), votersOutgoing: ids(4) }), (config) => {
        const voters = [...new Set([...config.voters, ...config.votersOutgoing])];
        fc.pre(voters.length > 0);
        const wins = (members: ReadonlySet<MemberId>): boolean =>
          voteResult(config, (id) => members.has(id) || undefined) === 'won';
        for (const subset of subsetsOf(voters)) {
          const members = new Set(subset);
          const others = new Set(voters.filter((id) => !members.has(id)));
          assert.equal(wins(members), isQuorum(config, members));
          assert.ok(!(wins(members) && wins(others)), `both ${[...members].join()} and ${[...others].join()} win`);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is won and committed by the same sets', () => {
    fc.assert(
      fc.property(config, perMember(match), match, (config, matches, index) => {
        const committed = committedIndex(config, (id) => matches[id] ?? 0);
        const holds = voteResult(config, (id) => (matches[id] ?? 0) >= index);
        assert.equal(holds, committed >= index ? 'won' : 'lost');
      }),
    );
  });
});

describe('majorityOf', () => {
  it('is more than half, and the least that is', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(majorityOf), [1, 2, 2, 3, 3, 4, 4]);
  });
});
