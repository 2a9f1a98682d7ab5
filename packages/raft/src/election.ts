/**
 * Roles and elections (Raft paper 5.2, 5.4.1; thesis 4.2.3 check-quorum, 6.4.1 lease, 9.6 pre-vote).
 *
 *                  nothing heard for a random                  a quorum would                 a quorum
 *                  time, or campaign()                         vote for it                    voted for it
 *      +----------+ ----------------------> +---------------+ --------------> +-----------+ ----------> +--------+
 *      | follower |                         | pre-candidate |                 | candidate |             | leader |
 *      +----------+ <---------------------- +---------------+                 +-----------+             +--------+
 *           ^        a leader, a higher term,                                       |                        |
 *           +-----  a quorum refused  <---------------------------------------------+------------------------+
 *
 * A pre-candidate asks whether it could win in term + 1 without entering that term, so a member that was cut off returns
 * without deposing anyone. A member that was ordered to campaign (TimeoutNow) skips that (canonical/raft#203).
 *
 * Two rules are stricter than in etcd-io/raft with asynchronous writes, because a vote is counted while it is written:
 * - A candidate's requests leave only when its own term and vote are durable. Otherwise it could win, send entries, crash,
 *   forget the term, and win the same term again with other entries at the same positions.
 * - It wins only once its own vote is durable, so every leader is known to have its term on disk.
 */
import { assert } from './assert.js';
import { applyConfigChange, configMembers, isLearner, isVoter } from './config-change.js';
import { decodeConfigChange } from './config-change-codec.js';
import type { Core } from './core.js';
import { Progress } from './progress.js';
import { voteResult } from './quorum.js';
import { appendOwn } from './replication.js';
import {
  type ConfigChange,
  type HardState,
  type MemberId,
  NO_MEMBER,
  type Role,
  type VoteMessage,
  type VoteResponseMessage,
} from './types.js';

const NO_DATA: Uint8Array = new Uint8Array(0);

/**
 * Why one campaigns: `pre-vote` after a timeout; `election` when the pre-vote was won; `transfer` by the leader's order.
 */
export type CampaignKind = 'pre-vote' | 'election' | 'transfer';

/** What every change of role has in common. The vote is kept within a term (microsoft/CCF PR#8094: else it is given twice). */
function enterRole(core: Core, role: Role, term: number, leader: MemberId): void {
  assert(Number.isSafeInteger(term) && term >= core.term, () => `term ${term} after ${core.term}`);
  if (term !== core.term) {
    core.term = term;
    core.vote = NO_MEMBER;
  }
  core.role = role;
  core.leader = leader;
  core.electionElapsed = 0;
  core.heartbeatElapsed = 0;
  core.electionTimeout = core.options.electionTicks + core.options.random(core.options.electionTicks);
  core.votes.clear();
  core.campaignOrdered = false;
  core.progress.clear();
  core.peers = [];
  core.appendOwed.clear();
  core.appendsDue = false;
  core.removalInLog = false;
  core.uncommittedBytes = 0;
  // Reads that wait are dropped without an answer: their owner asks again when the leader changes.
  core.reads.reset();
  core.transferee = NO_MEMBER;
  core.transferElapsed = 0;
  core.leaseBroken = false;
  core.farewellRounds.clear();
  core.farewellKnown.clear();
}

export function becomeFollower(core: Core, term: number, leader: MemberId): void {
  enterRole(core, 'follower', term, leader);
}

function becomeLeader(core: Core): void {
  const { log, options } = core;
  assert(core.hardStatePersisted.term === core.term, () => `leads term ${core.term} that is not durable`);
  enterRole(core, 'leader', core.term, core.id);
  for (const id of configMembers(core.config)) {
    const own = id === core.id;
    const progress = new Progress({
      match: own ? Math.min(log.persistedIndex, log.lastIndex) : 0,
      next: log.lastIndex + 1,
      learner: isLearner(core.config, id),
      inflightMessagesMax: options.inflightMessagesMax,
      inflightBytesMax: options.inflightBytesMax,
    });
    progress.recentlyActive = own;
    if (own) progress.becomeReplicate();
    core.progress.set(id, progress);
    if (!own) core.peers.push(id);
  }
  core.uncommittedBytes = log.bytesBetween(log.commit, log.lastIndex);
  // Nobody knows which of the uncommitted entries change the configuration: wait for all of them.
  core.pendingConfigIndex = log.lastIndex;
  const inherited = log.configEntryBetween(log.applied, log.lastIndex);
  if (inherited > 0) noteRemoval(core, decodeConfigChange(log.entry(inherited).data));
  // Its own entry commits all earlier ones (Raft paper 5.4.2, 8).
  appendOwn(core, 'normal', NO_DATA);
}

/** The change is in the leader's log: does it take the leader's vote away? */
export function noteRemoval(core: Core, change: ConfigChange): void {
  core.removalInLog = !isVoter(applyConfigChange(core.config, change), core.id);
}

/** The times are over in which this member may campaign (by itself or ordered): it votes, its state is whole, its disk works. */
function mayCampaign(core: Core): boolean {
  // A snapshot that is not written yet could be forgotten after the election. A committed change that is not applied
  // yet may say that this member votes no more, or who else does (etcd#12359).
  return (
    core.isVoter && core.log.persistedIndex >= core.log.compactedIndex && !core.hasUnappliedConfig && !core.diskHangs
  );
}

export function campaign(core: Core, kind: CampaignKind): void {
  if (core.role === 'leader' || !mayCampaign(core)) return;
  const preVote = kind === 'pre-vote';
  if (preVote) {
    enterRole(core, 'pre-candidate', core.term, NO_MEMBER);
    // Costs nothing durable, so it counts at once.
    core.votes.set(core.id, true);
  } else {
    enterRole(core, 'candidate', core.term + 1, NO_MEMBER);
    // Counted in persistedVote, when it is durable.
    core.vote = core.id;
  }
  const { voters, votersOutgoing } = core.config;
  const asked = [...new Set([...voters, ...votersOutgoing])].toSorted((a, b) => a - b);
  for (const to of asked) {
    if (to === core.id) continue;
    const message: VoteMessage = {
      type: preVote ? 'pre-vote' : 'vote',
      from: core.id,
      to,
      term: preVote ? core.term + 1 : core.term,
      lastIndex: core.log.lastIndex,
      lastTerm: core.log.lastTerm,
      transfer: kind === 'transfer',
    };
    if (preVote) core.send(message);
    else core.sendAfterPersist(message);
  }
  countVotes(core);
}

/** A write is durable: if it holds this candidate's vote for itself, that counts from now on. */
export function persistedVote(core: Core, hardState: HardState): void {
  if (core.role !== 'candidate' || core.votes.has(core.id)) return;
  if (hardState.term !== core.term || hardState.vote !== core.id) return;
  core.votes.set(core.id, true);
  countVotes(core);
}

function countVotes(core: Core): void {
  const result = voteResult(core.config, core.voteOf);
  if (result === 'lost') {
    becomeFollower(core, core.term, NO_MEMBER);
  } else if (result === 'won' && core.votes.has(core.id)) {
    if (core.role === 'pre-candidate') campaign(core, 'election');
    else becomeLeader(core);
  }
}

/** Late answers change nothing: they count only in the campaign that asked (openraft 511f33c7). */
export function handleVoteResponse(core: Core, message: VoteResponseMessage): void {
  const expected = core.role === 'pre-candidate' ? 'pre-vote-response' : 'vote-response';
  if ((core.role !== 'pre-candidate' && core.role !== 'candidate') || message.type !== expected) return;
  // A granted pre-vote names the term it was granted for.
  if (core.role === 'pre-candidate' && message.granted && message.term !== core.term + 1) return;
  // Only the first answer counts: a doubled message is not a second vote.
  if (core.votes.has(message.from)) return;
  core.votes.set(message.from, message.granted);
  countVotes(core);
}

/**
 * Heard from a leader within electionTicks: then nobody can need this member's vote (thesis 4.2.3), and the leader may
 * rely on that (thesis 6.4.1). With lease reads a member that restarts must keep a promise that it has forgotten.
 */
export function inLease(core: Core): boolean {
  const { electionTicks, reads } = core.options;
  if (core.leader !== NO_MEMBER && core.electionElapsed < electionTicks) return true;
  return reads === 'lease' && core.restarted && core.ticks < electionTicks;
}

/** Of this or a later term; the lease was considered before (raft.ts), and nothing here refreshes it (hashicorp/raft PR#609). */
export function handleVoteRequest(core: Core, message: VoteMessage): void {
  const { from, term, type } = message;
  const preVote = type === 'pre-vote';
  // A vote may be repeated, is free if this term has no leader, and a pre-vote for a later term binds nobody.
  const free =
    core.vote === from || (core.vote === NO_MEMBER && core.leader === NO_MEMBER) || (preVote && term > core.term);
  const granted = free && core.log.isUpToDate(message.lastIndex, message.lastTerm);
  // A granted pre-vote echoes the future term; a refusal tells the present one, so that a candidate that is behind learns
  // it (etcd#8501, openraft#1796: without that two halves with different terms never elect anybody).
  const response: VoteResponseMessage = {
    type: preVote ? 'pre-vote-response' : 'vote-response',
    from: core.id,
    to: from,
    term: granted ? term : core.term,
    granted,
  };
  if (granted && !preVote) {
    core.electionElapsed = 0;
    core.vote = from;
  }
  core.sendAfterPersist(response);
}
