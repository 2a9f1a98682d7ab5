/** What a leader does with its followers' answers, with the owner's reports about them, and with time. */
import { assert } from './assert.js';
import type { Core } from './core.js';
import { becomeFollower } from './election.js';
import { leaveJointIfDue } from './membership.js';
import type { Progress } from './progress.js';
import { voteResult } from './quorum.js';
import { acknowledgeRound, heartbeat } from './read-index.js';
import { advanceCommit } from './replication.js';
import { abortTransfer, acknowledgeFarewell, continueTransfer, retire } from './transfer.js';
import { type AppendResponseMessage, type HeartbeatResponseMessage, type MemberId, NO_MEMBER } from './types.js';

/** Answers of strangers (removed members) count for nothing. */
export function handleAppendResponse(core: Core, message: AppendResponseMessage): void {
  const progress = core.progress.get(message.from);
  if (progress === undefined || message.from === core.id) return;
  progress.recentlyActive = true;
  if (message.rejected) rejected(core, progress, message);
  else accepted(core, progress, message);
}

function rejected(core: Core, progress: Progress, message: AppendResponseMessage): void {
  // The follower's log has at most hintTerm up to hintIndex, so ours cannot agree where our term is higher. Together
  // with the follower's own search this skips a whole term a round trip, however many entries differ (openraft 6d53aa12).
  const { hintIndex, hintTerm } = message;
  const hint = hintTerm > 0 ? core.log.lastPositionAtOrBelowTerm(hintIndex, hintTerm).index : hintIndex;
  // Late refusals change nothing (openraft fbbf37b1).
  if (!progress.maybeDecrementTo(message.index, hint)) return;
  if (progress.state === 'replicate') progress.becomeProbe();
  // What was refused is at or before the end of the log, so there is something to send again.
  core.appendsDue = true;
}

function accepted(core: Core, progress: Progress, message: AppendResponseMessage): void {
  const { from, index } = message;
  // It is of this term, in which this leader's log only grew; what it acknowledges is there (openraft cecb5de8).
  assert(
    index <= core.log.lastIndex,
    () => `member ${from} acknowledges ${index}, the log ends at ${core.log.lastIndex}`,
  );
  const news = progress.maybeUpdate(index);
  if (!news && !(progress.match === index && progress.state === 'probe')) return;
  switch (progress.state) {
    case 'probe':
      progress.becomeReplicate();
      break;
    case 'snapshot':
      // It is back within reach of the log, by this snapshot or by another way.
      if (progress.match + 1 >= core.log.firstIndex || progress.match >= progress.pendingSnapshot) {
        progress.becomeProbe();
        progress.becomeReplicate();
      }
      break;
    case 'replicate':
      progress.inflights.freeUpTo(index);
      break;
    default:
      progress.state satisfies never;
  }
  core.appendsDue = true;
  advanceCommit(core);
  continueTransfer(core, from);
  retire(core);
}

export function handleHeartbeatResponse(core: Core, message: HeartbeatResponseMessage): void {
  const { from, readContext } = message;
  const progress = core.progress.get(from);
  if (progress === undefined || from === core.id) return;
  progress.recentlyActive = true;
  // It is there: whatever was in flight may have been lost, so the flow goes on with one append as a probe.
  progress.probeSent = false;
  if (progress.match < core.log.lastIndex || progress.state === 'probe') core.appendOwed.add(from);
  core.appendsDue = true;
  acknowledgeRound(core, from, readContext);
  acknowledgeFarewell(core, from, readContext);
}

/** The owner could not deliver to the member: what is in flight is probably lost. */
export function handleUnreachable(core: Core, id: MemberId): void {
  const progress = core.progress.get(id);
  if (progress === undefined || id === core.id) return;
  if (progress.state === 'replicate') progress.becomeProbe();
  core.appendsDue = true;
}

export function handleSnapshotReport(core: Core, id: MemberId, outcome: 'finished' | 'failed'): void {
  const progress = core.progress.get(id);
  if (progress === undefined || progress.state !== 'snapshot') return;
  // A failed one leaves the member where it was before.
  if (outcome === 'failed') progress.pendingSnapshot = 0;
  progress.becomeProbe();
  // It answers when it has taken the snapshot in, or a heartbeat: until then it is not disturbed.
  progress.probeSent = true;
}

export function tickLeader(core: Core): void {
  const { electionTicks, heartbeatTicks } = core.options;
  // Whoever cannot write must not keep the others from electing somebody who can.
  if (core.diskHangs) {
    becomeFollower(core, core.term, NO_MEMBER);
    return;
  }
  core.electionElapsed += 1;
  if (core.electionElapsed >= electionTicks) {
    core.electionElapsed = 0;
    if (!quorumIsActive(core)) {
      becomeFollower(core, core.term, NO_MEMBER);
      return;
    }
  }
  if (core.transferee !== NO_MEMBER) {
    core.transferElapsed += 1;
    if (core.transferElapsed >= electionTicks) abortTransfer(core);
  }
  core.heartbeatElapsed += 1;
  if (core.heartbeatElapsed >= heartbeatTicks) {
    core.heartbeatElapsed = 0;
    heartbeat(core);
  }
  leaveJointIfDue(core);
  retire(core);
}

/** Check-quorum (Raft thesis 6.2): a leader that a quorum does not answer cannot commit, and its clients should go elsewhere. */
function quorumIsActive(core: Core): boolean {
  const result = voteResult(core.config, (id) => id === core.id || (core.progress.get(id)?.recentlyActive ?? false));
  for (const [id, progress] of core.progress) {
    if (id === core.id) continue;
    progress.activeBefore = progress.recentlyActive;
    progress.recentlyActive = false;
  }
  return result === 'won';
}
