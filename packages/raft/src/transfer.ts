/**
 * Handing leadership over (Raft thesis 3.10), also by a leader that was removed (thesis 4.2.2).
 *
 *     transferLeadership(2)   writes are refused from now on, reads go on
 *     append ...              until member 2 acknowledged the whole log (hashicorp/raft PR#487: not before)
 *     timeout-now ->  2       it campaigns at once, without pre-vote; voters disregard their lease for it
 *     electionTicks later     still leader: the transfer is given up, writes go on
 *
 * A removed leader. A configuration counts from when it is applied, and each member applies when it learns of the commit.
 * If a leader left at once, the others might not know yet that the removal is committed: with two members the survivor
 * would still need the vote of the one that is gone, for ever (etcd#7625, #12359). So it stays in office, without a vote
 * of its own, refuses writes, and tells the others by heartbeats. Members answer a commit index that covers a
 * configuration only when it is durable (follower.ts), so when a quorum of the new configuration has answered, no
 * crash can take the knowledge back. It appends nothing after the entry that removes it: were its log longer than the
 * others', it would have to refuse them its vote, and could not campaign itself. Then it orders the one with the longest log to campaign, and steps down.
 */

import type { Core } from './core.js';
import { becomeFollower } from './election.js';
import { voteResult } from './quorum.js';
import { type MemberId, NO_MEMBER } from './types.js';

/** The voter that is alive and has most of the log; the lowest id among equals. NO_MEMBER if nobody else votes. */
function bestTransferee(core: Core): MemberId {
  let best = NO_MEMBER;
  let bestMatch = -1;
  for (const id of core.config.voters) {
    const progress = core.progress.get(id);
    if (id === core.id || progress === undefined || !progress.isActive || progress.match <= bestMatch) continue;
    best = id;
    bestMatch = progress.match;
  }
  return best;
}

/** At the leader. `to` NO_MEMBER: whoever is best. False, and nothing changed, if there is nobody to hand over to. */
export function startTransfer(core: Core, to: MemberId): boolean {
  if (core.isRetiring) return false;
  const target = to === NO_MEMBER ? bestTransferee(core) : to;
  // Learners and strangers cannot lead (hashicorp/raft PR#398).
  if (target === NO_MEMBER || target === core.id || !core.config.voters.includes(target)) return false;
  if (core.transferee === target) return true;
  core.transferee = target;
  core.transferElapsed = 0;
  continueTransfer(core, target);
  return true;
}

/** The member's log grew, or it became the target: order it to campaign if it has everything. */
export function continueTransfer(core: Core, id: MemberId): void {
  if (core.transferee !== id) return;
  if (core.progress.get(id)?.match !== core.log.lastIndex) return;
  core.send({ type: 'timeout-now', from: core.id, to: id, term: core.term });
  core.leaseBroken = true;
  if (core.isRetiring) becomeFollower(core, core.term, NO_MEMBER);
}

/** It was given up, or its target is gone: writes are taken again (hashicorp/raft PR#493: the mark must not stick). */
export function abortTransfer(core: Core): void {
  core.transferee = NO_MEMBER;
  core.transferElapsed = 0;
}

/** A heartbeat's answer at a removed leader: who is known to know, and is that enough to go? */
export function acknowledgeFarewell(core: Core, from: MemberId, round: number): void {
  if (!core.isRetiring) return;
  const farewellRound = core.farewellRounds.get(from);
  if (farewellRound !== undefined && round >= farewellRound) core.farewellKnown.add(from);
  retire(core);
}

/** Hands over and steps down, once a quorum knows of the removal and somebody has the whole log. */
export function retire(core: Core): void {
  if (!core.isRetiring) return;
  const result = voteResult(core.config, (id) => (core.farewellKnown.has(id) ? true : undefined));
  if (result !== 'won') return;
  const target = bestTransferee(core);
  if (target === NO_MEMBER) return;
  core.transferee = target;
  continueTransfer(core, target);
}
