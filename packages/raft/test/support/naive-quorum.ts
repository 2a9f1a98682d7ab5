/** Quorums by their definition: every subset of voters is looked at. Slow, obvious, and independent of src/quorum.ts. */
import type { QuorumConfig, VoteResult } from '../../src/quorum.js';
import type { MemberId } from '../../src/types.js';

/** Every subset of `members`. */
export function subsetsOf(members: readonly MemberId[]): MemberId[][] {
  let subsets: MemberId[][] = [[]];
  for (const member of members) subsets = [...subsets, ...subsets.map((subset) => [...subset, member])];
  return subsets;
}

/** Every set of voters that is more than half of them. An empty half is decided by nobody: by the empty set. */
export function majoritiesOf(voters: readonly MemberId[]): MemberId[][] {
  if (voters.length === 0) return [[]];
  return subsetsOf(voters).filter((subset) => subset.length * 2 > voters.length);
}

/** True if `members` hold a majority of each half. */
export function isQuorum(config: QuorumConfig, members: ReadonlySet<MemberId>): boolean {
  return [config.voters, config.votersOutgoing].every((half) =>
    majoritiesOf(half).some((majority) => majority.every((member) => members.has(member))),
  );
}

/** The largest index that all of some quorum have. */
export function naiveCommittedIndex(config: QuorumConfig, matchOf: (id: MemberId) => number): number {
  const committed = [config.voters, config.votersOutgoing].map((half) =>
    Math.max(...majoritiesOf(half).map((majority) => Math.min(...majority.map(matchOf)))),
  );
  return Math.min(...committed);
}

/** Won if the votes given are a quorum, lost if no answer of those who are silent can make them one. */
export function naiveVoteResult(config: QuorumConfig, voteOf: (id: MemberId) => boolean | undefined): VoteResult {
  const voters = [...new Set([...config.voters, ...config.votersOutgoing])];
  const granted = voters.filter((id) => voteOf(id) === true);
  const silent = voters.filter((id) => voteOf(id) === undefined);
  if (isQuorum(config, new Set(granted))) return 'won';
  const winnable = subsetsOf(silent).some((subset) => isQuorum(config, new Set([...granted, ...subset])));
  return winnable ? 'pending' : 'lost';
}
