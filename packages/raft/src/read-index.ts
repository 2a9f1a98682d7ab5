/**
 * Linearizable reads without writing to the log (Raft thesis 6.4).
 *
 *     read(context) -> waits for the end of the turn
 *     ready()       -> round 7: heartbeat(7) to everyone; the reads of this turn get index = commit
 *     quorum has answered 7 or later -> the leader led after the reads arrived, so they may be answered at `index`
 *
 * What makes it right:
 * - The index is taken after the read arrived, at a leader that has committed in its own term: before that its commit
 *   index may be behind what an earlier leader acknowledged (thesis 6.4 step 1; etcd#7331). Until then reads wait.
 * - Only answers to this round or a later one count. A round is a number of this core that is never used again, not
 *   the reader's context, so an answer to an older question cannot confirm a newer one (etcd#20418, etcd-io/raft PR#397).
 * - The quorum is counted by the same function as commits, over both halves of a joint configuration (openraft d60f1e85).
 *
 * A follower's question is itself an answer of that follower: it was sent after the read arrived there, in this term, so its
 * sender had voted for nobody later then. Where leader and asker are a quorum already (three members, two of a joint half),
 * no leader of a later term can have been elected before the question was sent, and every write that was acknowledged before
 * the read began is at or below the commit index now. Such a read is answered at once, in one round trip instead of two.
 *
 * Lease reads (thesis 6.4.1) skip the round. Followers refuse to vote for electionTicks after they heard from the leader,
 * counted by their own clocks, so a round that a quorum answered proves leadership until electionTicks after it was
 * *sent*. Ticks are granular: leader and follower may each be up to one tick off, hence LEASE_MARGIN_TICKS. There is no
 * lease once a TimeoutNow was sent in this term, because its receiver's voters disregard theirs (openraft PR#1749, tikv#9239).
 */

import type { Core } from './core.js';
import { committedIndex, voteResult } from './quorum.js';
import type { WaitingRead } from './read-queue.js';
import { broadcastHeartbeat } from './replication.js';
import type { MemberId } from './types.js';

/** Ticks by which the lease ends before the followers' promise does: one for each end's granularity. */
const LEASE_MARGIN_TICKS = 2;

/** At the leader: a request of its own or of a follower. False if too many wait. */
export function requestRead(core: Core, from: MemberId, context: number): boolean {
  if (from !== core.id && core.hasCommittedInTerm && isQuorumWith(core, from)) {
    answer(core, { from, context }, core.log.commit);
    return true;
  }
  if (core.reads.full) return false;
  core.reads.waiting.push({ from, context });
  return true;
}

/** This leader and one follower are a quorum. */
function isQuorumWith(core: Core, follower: MemberId): boolean {
  return voteResult(core.config, (id) => (id === core.id || id === follower ? true : undefined)) === 'won';
}

export function readsAskable(core: Core): boolean {
  return core.reads.waiting.length > 0 && core.hasCommittedInTerm;
}

/** The turn is over: ask for all reads that arrived in it at once. */
export function askReads(core: Core): void {
  if (!readsAskable(core)) return;
  const { reads, log } = core;
  const batch = reads.waiting;
  reads.waiting = [];
  if (hasLease(core)) {
    for (const read of batch) answer(core, read, log.commit);
    return;
  }
  const round = nextRound(core);
  reads.asked.push({ round, index: log.commit, reads: batch });
  reads.askedCount += batch.length;
  // The only voter is its own quorum and asks nobody.
  confirmRounds(core);
  if (reads.confirmed < round) broadcastHeartbeat(core, round);
}

/** The heartbeat of the interval: it repeats the last question if that is still open. */
export function heartbeat(core: Core): void {
  const { reads, options } = core;
  const asks = options.reads === 'lease' || core.isRetiring;
  const round = asks ? nextRound(core) : reads.round;
  broadcastHeartbeat(core, asks || reads.confirmed < round ? round : 0);
}

/** A member has answered a heartbeat of this term: it had not voted for anyone else when it did. */
export function acknowledgeRound(core: Core, from: MemberId, round: number): void {
  const { reads } = core;
  if (round === 0 || round <= (reads.acknowledged.get(from) ?? 0)) return;
  reads.acknowledged.set(from, round);
  confirmRounds(core);
}

function nextRound(core: Core): number {
  const { reads } = core;
  reads.round += 1;
  if (reads.sentAt.at(-1)?.tick !== core.ticks) reads.sentAt.push({ round: reads.round, tick: core.ticks });
  return reads.round;
}

function confirmRounds(core: Core): void {
  const { reads } = core;
  const confirmed = committedIndex(core.config, (id) =>
    id === core.id ? reads.round : (reads.acknowledged.get(id) ?? 0),
  );
  if (confirmed <= reads.confirmed) return;
  reads.confirmed = confirmed;
  while (reads.asked[0] !== undefined && reads.asked[0].round <= confirmed) {
    const { index, reads: batch } = reads.asked.shift() as (typeof reads.asked)[number];
    reads.askedCount -= batch.length;
    for (const read of batch) answer(core, read, index);
  }
  while (reads.sentAt[0] !== undefined && reads.sentAt[0].round <= confirmed) {
    reads.leaseTick = (reads.sentAt.shift() as (typeof reads.sentAt)[number]).tick;
  }
}

function hasLease(core: Core): boolean {
  if (core.options.reads !== 'lease' || core.leaseBroken || core.isRetiring) return false;
  return core.ticks <= core.reads.leaseTick + core.options.electionTicks - LEASE_MARGIN_TICKS;
}

function answer(core: Core, read: WaitingRead, index: number): void {
  const { from, context } = read;
  if (from === core.id) core.readStates.push({ context, index });
  else core.send({ type: 'read-index-response', from: core.id, to: from, term: core.term, context, index });
}
