/**
 * Configurations and how one follows another (Raft thesis chapter 4; the rules and texts are etcd-io/raft's).
 *
 * Safety rests on one fact: every majority of the old configuration shares a member with every majority of the new one,
 * so no two leaders are elected, and no two entries committed, that do not know of each other.
 *
 * - One step (thesis 4.1): sets of voters that differ by one member at most have that property. Learners do not vote, so
 *   any number of them may come and go in the same step.
 * - Joint (thesis 4.3): anything more passes through a configuration that needs a majority of both sets.
 *
 *     voters=(1 2 3)                                     remove 1, add 4 and 5, make 2 a learner
 *     voters=(3 4 5)&&(1 2 3) learners_next=(2)          entered: new half && old half
 *     voters=(3 4 5) learners=(2)                        left
 *
 * Member 2 still votes in the old half, so it becomes a learner only when that half is left: nobody is ever voter and
 * learner at once.
 *
 * All functions are pure: a configuration is checked on its way in and out and never written to.
 */
import type { ConfigChange, ConfigState, MemberId, SingleChange } from './types.js';

/** Most single changes in one ConfigChange: far more than any cluster has members. */
export const CONFIG_CHANGES_MAX = 1_024;

/** The change does not fit the configuration, or the configuration is not one. Messages are etcd-io/raft's. */
export class ConfigChangeError extends Error {
  override readonly name = 'ConfigChangeError';
}

/** No members: what a member knows before it is part of a cluster. */
export const EMPTY_CONFIG: ConfigState = Object.freeze({
  voters: Object.freeze([]),
  learners: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learnersNext: Object.freeze([]),
  autoLeave: false,
});

/**
 * The configuration that `change` leads to, in one step: simple, entering joint, or leaving joint. Every member computes
 * the same from the same configuration.
 *
 * etcd-io/raft makes every `auto` change of more than one step joint. Here `auto` is simple whenever at most one voter
 * changes, however many learners do: replacing a voter by a learner needs no joint configuration.
 *
 * @throws ConfigChangeError if the change does not fit `config`.
 */
export function applyConfigChange(config: ConfigState, change: ConfigChange): ConfigState {
  if (leavesJoint(change)) return leaveJoint(config);
  switch (change.transition) {
    case 'joint-implicit':
      return enterJoint(config, true, change.changes);
    case 'joint-explicit':
      return enterJoint(config, false, change.changes);
    case 'auto':
      return votersChanged(config, change.changes) > 1
        ? enterJoint(config, true, change.changes)
        : simple(config, change.changes);
    default:
      throw new ConfigChangeError(`unexpected transition ${String(change.transition satisfies never)}`);
  }
}

/** The change that ends a joint configuration. (Empty but with a joint transition enters one that changes nothing.) */
export function leavesJoint(change: ConfigChange): boolean {
  return change.changes.length === 0 && change.transition === 'auto';
}

/** From C_old to C_old,new: the present voters become the outgoing half, the changes apply to the incoming one. */
export function enterJoint(config: ConfigState, autoLeave: boolean, changes: readonly SingleChange[]): ConfigState {
  checkInvariants(config);
  if (isJoint(config)) throw new ConfigChangeError('config is already joint');
  if (config.voters.length === 0) throw new ConfigChangeError("can't make a zero-voter config joint");
  const draft = draftOf({ ...config, votersOutgoing: config.voters });
  applyChanges(draft, changes);
  return finished(draft, autoLeave);
}

/** From C_old,new to C_new: the outgoing half is dropped, and the learners that waited for that become learners. */
export function leaveJoint(config: ConfigState): ConfigState {
  checkInvariants(config);
  if (!isJoint(config)) throw new ConfigChangeError("can't leave a non-joint config");
  const draft = draftOf(config);
  for (const member of draft.learnersNext) draft.learners.add(member);
  draft.learnersNext.clear();
  draft.votersOutgoing.clear();
  return finished(draft, false);
}

/** One step, in which at most one voter comes or goes (thesis 4.1, figure 4.3). */
export function simple(config: ConfigState, changes: readonly SingleChange[]): ConfigState {
  checkInvariants(config);
  if (isJoint(config)) throw new ConfigChangeError("can't apply simple config change in joint config");
  const draft = draftOf(config);
  applyChanges(draft, changes);
  if (symmetricDifference(config.voters, draft.voters) > 1) {
    throw new ConfigChangeError('more than one voter changed without entering joint config');
  }
  return finished(draft, false);
}

/** Everyone the configuration names, sorted ascending. */
export function configMembers(config: ConfigState): MemberId[] {
  const { voters, votersOutgoing, learners, learnersNext } = config;
  // As nearly always: nobody is there twice, and the voters are sorted.
  if (votersOutgoing.length === 0 && learners.length === 0 && learnersNext.length === 0) return [...voters];
  return sorted(new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext]));
}

/** Votes in either half. */
export function isVoter(config: ConfigState, member: MemberId): boolean {
  return config.voters.includes(member) || config.votersOutgoing.includes(member);
}

/** Is a learner now (one of `learnersNext` still votes). */
export function isLearner(config: ConfigState, member: MemberId): boolean {
  return config.learners.includes(member);
}

export function isJoint(config: ConfigState): boolean {
  return config.votersOutgoing.length > 0;
}

/** etcd-io/raft's notation: "voters=(1 2 3)&&(1) learners=(4) learners_next=(5) autoleave". */
export function describeConfig(config: ConfigState): string {
  const parts = [`voters=${describeList(config.voters)}`];
  if (isJoint(config)) parts[0] += `&&${describeList(config.votersOutgoing)}`;
  if (config.learners.length > 0) parts.push(`learners=${describeList(config.learners)}`);
  if (config.learnersNext.length > 0) parts.push(`learners_next=${describeList(config.learnersNext)}`);
  if (config.autoLeave) parts.push('autoleave');
  return parts.join(' ');
}

/**
 * What every configuration keeps. The empty one is allowed: it is where a cluster begins.
 * @throws ConfigChangeError naming the first rule that is broken.
 */
export function checkInvariants(config: ConfigState): void {
  const { voters, votersOutgoing, learners, learnersNext } = config;
  checkList(voters);
  checkList(votersOutgoing);
  checkList(learners);
  checkList(learnersNext);
  for (const member of learnersNext) {
    // Staged because it votes in the outgoing half, and only for that reason.
    refuseIf(!votersOutgoing.includes(member), () => `${member} is in LearnersNext, but not Voters[1]`);
    refuseIf(voters.includes(member), () => `${member} is in LearnersNext and Voters[0]`);
    refuseIf(learners.includes(member), () => `${member} is in LearnersNext, but is already marked as learner`);
  }
  for (const member of learners) {
    refuseIf(votersOutgoing.includes(member), () => `${member} is in Learners and Voters[1]`);
    refuseIf(voters.includes(member), () => `${member} is in Learners and Voters[0]`);
  }
  if (isJoint(config)) {
    refuseIf(voters.length === 0, () => 'removed all voters');
  } else {
    refuseIf(config.autoLeave, () => 'AutoLeave must be false when not joint');
    refuseIf(voters.length === 0 && learners.length > 0, () => 'removed all voters');
  }
}

/** A configuration under change. Voters alone are the incoming half. */
interface Draft {
  readonly voters: Set<MemberId>;
  readonly votersOutgoing: Set<MemberId>;
  readonly learners: Set<MemberId>;
  readonly learnersNext: Set<MemberId>;
}

function draftOf(config: ConfigState): Draft {
  return {
    voters: new Set(config.voters),
    votersOutgoing: new Set(config.votersOutgoing),
    learners: new Set(config.learners),
    learnersNext: new Set(config.learnersNext),
  };
}

function finished(draft: Draft, autoLeave: boolean): ConfigState {
  const config: ConfigState = {
    voters: sorted(draft.voters),
    learners: sorted(draft.learners),
    votersOutgoing: sorted(draft.votersOutgoing),
    learnersNext: sorted(draft.learnersNext),
    autoLeave,
  };
  checkInvariants(config);
  return config;
}

/** In order; a later change of a member overrides an earlier one, and what is so already stays so. */
function applyChanges(draft: Draft, changes: readonly SingleChange[]): void {
  refuseIf(changes.length > CONFIG_CHANGES_MAX, () => `more than ${CONFIG_CHANGES_MAX} changes at once`);
  for (const { type, member } of changes) {
    // Owners blank a change that they decided not to take by naming nobody.
    if (member === 0) continue;
    switch (type) {
      case 'add-voter':
        removeMember(draft, member);
        draft.voters.add(member);
        break;
      case 'add-learner':
        removeMember(draft, member);
        (draft.votersOutgoing.has(member) ? draft.learnersNext : draft.learners).add(member);
        break;
      case 'remove':
        removeMember(draft, member);
        break;
      case 'update':
        break;
      default:
        throw new ConfigChangeError(`unexpected conf type ${String(type satisfies never)}`);
    }
  }
  refuseIf(draft.voters.size === 0, () => 'removed all voters');
}

/** The outgoing half is history: no change touches it. */
function removeMember(draft: Draft, member: MemberId): void {
  draft.voters.delete(member);
  draft.learners.delete(member);
  draft.learnersNext.delete(member);
}

/** How many voters would come or go. */
function votersChanged(config: ConfigState, changes: readonly SingleChange[]): number {
  const draft = draftOf(config);
  applyChanges(draft, changes);
  return symmetricDifference(config.voters, draft.voters);
}

function symmetricDifference(before: readonly MemberId[], after: ReadonlySet<MemberId>): number {
  let kept = 0;
  for (const member of before) if (after.has(member)) kept += 1;
  return before.length - kept + (after.size - kept);
}

function checkList(list: readonly MemberId[]): void {
  let previous = 0;
  for (const member of list) {
    refuseIf(!Number.isSafeInteger(member) || member <= 0, () => `${member} is not a member id`);
    refuseIf(member <= previous, () => `${describeList(list)} is not sorted or names a member twice`);
    previous = member;
  }
}

function refuseIf(condition: boolean, message: () => string): void {
  if (condition) throw new ConfigChangeError(message());
}

function sorted(members: ReadonlySet<MemberId>): MemberId[] {
  return [...members].toSorted(ascending);
}

function ascending(a: MemberId, b: MemberId): number {
  return a - b;
}

function describeList(members: readonly MemberId[]): string {
  return `(${members.join(' ')})`;
}
