/**
 * Changes of the configuration (Raft thesis chapter 4; the arithmetic is in config-change.ts).
 *
 * A change is an entry like any other, and takes effect at each member when that member applies it. So two members may
 * be one change apart, and never more, because at most one change is unapplied at the leader:
 * - no change is proposed while an earlier one may be unapplied (pendingConfigIndex);
 * - none before the leader has committed in its own term, or an earlier leader's change could come back beside it and
 *   the two quorums need not intersect (the single-server bug; copycat#23, braft#182);
 * - nobody campaigns with a committed change that it has not applied (etcd#12359).
 */
import { assert } from './assert.js';
import {
  applyConfigChange,
  ConfigChangeError,
  configMembers,
  isJoint,
  isLearner,
  leavesJoint,
} from './config-change.js';
import { decodeConfigChange, encodeConfigChange } from './config-change-codec.js';
import type { Core } from './core.js';
import { noteRemoval } from './election.js';
import { resumeOrderedCampaign } from './follower.js';
import { Progress } from './progress.js';
import { advanceCommit, appendOwn, sendAppend } from './replication.js';
import { abortTransfer } from './transfer.js';
import {
  type ConfigChange,
  type ConfigState,
  type Entry,
  type MemberId,
  NO_MEMBER,
  type ProposeRefusal,
} from './types.js';

const LEAVE_JOINT: ConfigChange = { changes: [], transition: 'auto', context: new Uint8Array(0) };

/** Undefined if `change` may be proposed now. */
export function configChangeRefusal(core: Core, change: ConfigChange): ProposeRefusal | undefined {
  if (core.pendingConfigIndex > core.log.applied || !core.hasCommittedInTerm) return 'config-pending';
  if (isJoint(core.config) && !leavesJoint(change)) return 'config-pending';
  try {
    applyConfigChange(core.config, change);
  } catch (error) {
    if (error instanceof ConfigChangeError) return 'config-invalid';
    throw error;
  }
  return undefined;
}

export function appendConfigChange(core: Core, change: ConfigChange): Entry {
  const entry = appendOwn(core, 'config', encodeConfigChange(change));
  core.pendingConfigIndex = entry.index;
  noteRemoval(core, change);
  return entry;
}

/** Raft thesis 4.3: the leader ends a joint configuration as soon as it is committed, unless it was told to wait. */
export function leaveJointIfDue(core: Core): void {
  if (core.role !== 'leader' || !core.config.autoLeave || core.isRetiring || core.transferee !== NO_MEMBER) return;
  if (configChangeRefusal(core, LEAVE_JOINT) === undefined) appendConfigChange(core, LEAVE_JOINT);
}

/** A committed change: from here on it counts. Everything before it is applied too. */
export function applyConfigEntry(core: Core, entry: Entry): ConfigState {
  const { log } = core;
  assert(entry.type === 'config', () => `entry ${entry.index} is not a configuration change`);
  // A snapshot overtook it, and its configuration came with it.
  if (entry.index <= log.applied) return core.config;
  const skipped = log.configEntryBetween(log.applied, entry.index - 1);
  assert(skipped === 0, () => `configuration entry ${entry.index} applied before ${skipped}`);
  const config = applyConfigChange(core.config, decodeConfigChange(entry.data));
  log.appliedTo(entry.index);
  core.config = config;
  if (core.role === 'leader') reconfigureLeader(core);
  afterApply(core);
  return config;
}

export function applyNormalEntries(core: Core, index: number): void {
  const { log } = core;
  if (index <= log.applied) return;
  const skipped = log.configEntryBetween(log.applied, Math.min(index, log.commit));
  assert(
    skipped === 0,
    () => `applied(${index}) but configuration entry ${skipped} was not given to applyConfigChange`,
  );
  log.appliedTo(index);
  afterApply(core);
}

function afterApply(core: Core): void {
  leaveJointIfDue(core);
  resumeOrderedCampaign(core);
}

function reconfigureLeader(core: Core): void {
  const { log, options, progress, config } = core;
  const members = configMembers(config);
  for (const id of progress.keys()) {
    if (!members.includes(id)) dismiss(core, id);
  }
  for (const id of members) {
    const known = progress.get(id);
    if (known !== undefined) {
      known.learner = isLearner(config, id);
      continue;
    }
    // A new member is probed at the end of the log; its refusal tells where it really is.
    progress.set(
      id,
      new Progress({
        match: 0,
        next: Math.max(log.lastIndex, 1),
        learner: isLearner(config, id),
        inflightMessagesMax: options.inflightMessagesMax,
        inflightBytesMax: options.inflightBytesMax,
      }),
    );
    core.appendOwed.add(id);
  }
  core.peers = members.filter((id) => id !== core.id);
  core.appendsDue = true;
  core.farewellRounds.clear();
  core.farewellKnown.clear();
  // A smaller quorum may already hold more than the larger one did.
  advanceCommit(core);
  if (core.transferee !== NO_MEMBER && !config.voters.includes(core.transferee)) abortTransfer(core);
}

/**
 * Stops counting a member. It gets one last append, if it can be given one, with the commit index of its own removal:
 * whoever is alive should learn that it was removed instead of wondering why it hears nothing (etcd#10563).
 */
function dismiss(core: Core, id: MemberId): void {
  const progress = core.progress.get(id) as Progress;
  core.progress.delete(id);
  core.appendOwed.delete(id);
  core.reads.acknowledged.delete(id);
  if (id === core.id || progress.state === 'snapshot') return;
  if (progress.next - 1 >= core.log.compactedIndex) sendAppend(core, id, progress);
}
