/**
 * Quorum arithmetic: what a set of voters has decided, given what each of them has said.
 *
 * A majority of n voters is floor(n/2)+1 of them. Any two majorities of one set share a member: that is what makes a
 * committed entry survive an election (Raft paper 5.4.3). A joint configuration (Raft thesis 4.3) has two sets, and a
 * decision needs a majority of each, so it intersects with every decision of either set alone.
 *
 * An index is committed by a set if a majority of its voters have it. With the voters' match indexes sorted ascending,
 * the answer stands at position n - (floor(n/2)+1): it and everything to its right make exactly one majority.
 *
 *     match   3  5  5  8  9        n = 5, position 2: index 5 is on three voters, index 8 on two only
 *                  ^
 *
 * Real stores have got this wrong: a mis-sorted list of matches commits without a quorum (openraft#1802), a quorum of
 * majority - 1 (openraft d60f1e85), an off-by-one for even n (hashicorp/raft 163a55f), learners counted or voters
 * skipped (openraft beb0302b, d882e743, a10d9906), only one half of a joint configuration asked (openraft 6c0ccaf3).
 * Hence there is one place that computes it, it takes nothing but the two lists of voters, and the tests hold it to a
 * brute-force definition over all majorities.
 */
import { assert } from './assert.js';
import type { MemberId } from './types.js';

/** Who decides. `votersOutgoing` is empty outside a joint configuration. Neither list holds duplicates. ConfigState is one. */
export interface QuorumConfig {
  readonly voters: readonly MemberId[];
  readonly votersOutgoing: readonly MemberId[];
}

/** `pending`: the votes that are still missing can yet win it. `lost`: they cannot. */
export type VoteResult = 'won' | 'lost' | 'pending';

/** How many of `voterCount` voters make a majority. 1 for an empty set, which no count of its voters reaches. */
export function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/**
 * The largest index that a majority of each half has, by `matchOf` (the last index known to be durable at a voter; 0 for
 * one that has not reported). Infinity if both halves are empty: nothing then restrains the commit index.
 *
 * `matchOf` must not call this function: both would use the same scratch memory.
 */
export function committedIndex(config: QuorumConfig, matchOf: (id: MemberId) => number): number {
  return Math.min(majorityIndex(config.voters, matchOf), majorityIndex(config.votersOutgoing, matchOf));
}

/**
 * What the votes amount to, by `voteOf` (undefined: not heard from). Both halves must be won; one lost half loses the
 * vote. An empty half is won. The same count decides elections, read quorums and check-quorum.
 */
export function voteResult(config: QuorumConfig, voteOf: (id: MemberId) => boolean | undefined): VoteResult {
  const incoming = majorityVote(config.voters, voteOf);
  if (incoming === 'lost') return 'lost';
  const outgoing = majorityVote(config.votersOutgoing, voteOf);
  if (outgoing === 'lost') return 'lost';
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending';
}

/** Up to this many voters in a half need no allocation: larger groups are rare, and slow for other reasons. */
const SCRATCH_VOTERS_MAX = 7;

const scratch = new Float64Array(SCRATCH_VOTERS_MAX);

/** The largest index that a majority of `voters` has. An empty half imposes nothing. */
function majorityIndex(voters: readonly MemberId[], matchOf: (id: MemberId) => number): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  const sorted = count <= SCRATCH_VOTERS_MAX ? scratch : new Float64Array(count);
  // Insertion sort, ascending by numeric value (a comparator-less Array sort would put 10 before 9).
  let filled = 0;
  for (const id of voters) {
    const match = matchOf(id);
    assert(Number.isSafeInteger(match) && match >= 0, () => `match of ${id} is ${match}`);
    let place = filled;
    for (; place > 0; place--) {
      const left = sorted[place - 1] as number;
      if (left <= match) break;
      sorted[place] = left;
    }
    sorted[place] = match;
    filled++;
  }
  return sorted[count - majorityOf(count)] as number;
}

function majorityVote(voters: readonly MemberId[], voteOf: (id: MemberId) => boolean | undefined): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = voteOf(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const majority = majorityOf(voters.length);
  if (granted >= majority) return 'won';
  return granted + missing >= majority ? 'pending' : 'lost';
}
