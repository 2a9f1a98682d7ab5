/**
 * What must hold of a member at any time (checkState) and between two times with one input in between (checkTransition).
 *
 * Tests and the simulator call these after every step. They look from outside at what the rooms keep up from inside, so
 * they say it again in other words: a mistake has to be made twice to stay hidden. Ids are cited by tests and documents.
 *
 *     S1 marks     S2 log      S3 role     S4 leader's progress     S5 configuration     S6 bytes     S7 nothing left over
 *     T1 term      T2 vote     T3 marks    T4 committed stays       T5 leader appends    T6 roles
 */
import { assert, assertionFailed } from './assert.js';
import { checkInvariants, configMembers } from './config-change.js';
import type { Core } from './core.js';
import type { LogPosition, RaftLog } from './log.js';
import type { Raft } from './raft.js';
import { type ConfigState, type MemberId, NO_MEMBER, type Role } from './types.js';

/** What checkTransition compares: cheap to take before every step. */
export interface RaftSnapshot {
  readonly id: MemberId;
  readonly term: number;
  readonly vote: MemberId;
  readonly role: Role;
  readonly commit: number;
  readonly commitTerm: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly compactedIndex: number;
}

export function snapshotState(raft: Raft): RaftSnapshot {
  const { core } = raft;
  const { log } = core;
  return {
    id: core.id,
    term: core.term,
    vote: core.vote,
    role: core.role,
    commit: log.commit,
    commitTerm: log.termAt(log.commit) as number,
    applied: log.applied,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    compactedIndex: log.compactedIndex,
  };
}

export function checkState(raft: Raft): void {
  const { core } = raft;
  checkMarks(core);
  checkLog(core);
  checkRole(core);
  const members = checkConfig(core.config);
  if (core.role === 'leader') checkLeader(core, members);
}

/** Configurations are never written to: each is looked at once. Its members. */
const checkedConfigs = new WeakMap<ConfigState, readonly MemberId[]>();

function checkConfig(config: ConfigState): readonly MemberId[] {
  const known = checkedConfigs.get(config);
  if (known !== undefined) return known;
  checkInvariants(config);
  const members = configMembers(config);
  checkedConfigs.set(config, members);
  return members;
}

function checkMarks(core: Core): void {
  const { compactedIndex, applied, handedToApply, commit, lastIndex, persistedIndex, handedToWrite } = core.log;
  const text = (): string =>
    `S1 n${core.id}: compacted ${compactedIndex} <= applied ${applied} <= handed ${handedToApply} <= commit ${commit} ` +
    `<= last ${lastIndex}; persisted ${persistedIndex} <= handed to write ${handedToWrite} <= last`;
  assert(compactedIndex <= applied && applied <= handedToApply && handedToApply <= commit && commit <= lastIndex, text);
  assert(persistedIndex <= handedToWrite && handedToWrite <= lastIndex && compactedIndex <= handedToWrite, text);
  const writing = core.log.writes.length > 0 || core.snapshotUntold !== undefined;
  assert(writing || persistedIndex === handedToWrite, () => `S1 n${core.id}: nothing is being written, but ${text()}`);
}

/** Applied entries are final: how far each log's have been looked at. */
const checkedLogs = new WeakMap<RaftLog, LogPosition>();

function checkLog(core: Core): void {
  const { log } = core;
  const checked = checkedLogs.get(log);
  let index = log.compactedIndex;
  let term = log.compactedTerm;
  if (checked !== undefined && checked.index > index) ({ index, term } = checked);
  while (index < log.lastIndex) {
    index++;
    const termBefore = term;
    term = log.termAt(index) as number;
    if (term < termBefore) assertionFailed(`S2 n${core.id}: term ${term} at ${index} after ${termBefore}`);
    if (index === log.applied) checkedLogs.set(log, { index, term });
  }
  // Those that are applied have no index of their own.
  for (let place = log.applied + 1; place <= log.lastIndex; place++) {
    const entry = log.entry(place);
    if (entry.index !== place) assertionFailed(`S2 n${core.id}: entry ${entry.index} stands at ${place}`);
  }
  assert(log.lastTerm === term, () => `S2 n${core.id}: last term ${log.lastTerm}, entries say ${term}`);
  assert(term <= core.term, () => `S2 n${core.id}: an entry of term ${term} in term ${core.term}`);
}

function checkRole(core: Core): void {
  const { role, leader, id, vote } = core;
  assert((role === 'leader') === (leader === id), () => `S3 n${id}: ${role} believes that ${leader} leads`);
  if (role === 'candidate' || role === 'leader') assert(vote === id, () => `S3 n${id}: ${role} voted for ${vote}`);
  if (role !== 'leader') {
    const left = core.progress.size + core.peers.length + core.reads.waiting.length + core.reads.asked.length;
    assert(left === 0 && core.transferee === NO_MEMBER, () => `S7 n${id}: ${role} keeps a leader's state`);
  }
  const { persistedIndex, compactedIndex } = core.log;
  assert(
    (role !== 'candidate' && role !== 'leader') || persistedIndex >= compactedIndex,
    () => `S3 n${id}: ${role} before its snapshot is written`,
  );
}

function checkLeader(core: Core, members: readonly MemberId[]): void {
  const { id, log, progress } = core;
  assert(
    core.hardStatePersisted.term === core.term && core.hardStatePersisted.vote === id,
    () => `S3 n${id}: leads term ${core.term}, durable is ${core.hardStatePersisted.term}`,
  );
  assert(members.length === progress.size && members.every((member) => progress.has(member)), () => {
    return `S4 n${id}: members ${members.join()}, progress of ${[...progress.keys()].join()}`;
  });
  for (const [member, { match, next, learner }] of progress) {
    assert(
      match <= log.lastIndex && next <= log.lastIndex + 1,
      () => `S4 n${id}: ${member} match ${match} next ${next}`,
    );
    assert(
      learner === core.config.learners.includes(member),
      () => `S4 n${id}: ${member} is${learner ? '' : ' not'} counted as learner`,
    );
  }
  const own = progress.get(id);
  assert(own === undefined || own.match <= log.persistedIndex, () => `S4 n${id}: counts itself before it has written`);
  let changes = 0;
  for (let index = log.applied + 1; index <= log.lastIndex; index++) {
    const entry = log.entry(index);
    if (entry.type === 'config' && entry.term === core.term) changes += 1;
  }
  assert(changes <= 1, () => `S5 n${id}: ${changes} configuration changes of its own term are unapplied`);
  const bytes = log.bytesBetween(log.commit, log.lastIndex);
  assert(
    core.uncommittedBytes === bytes,
    () => `S6 n${id}: counts ${core.uncommittedBytes} uncommitted bytes of ${bytes}`,
  );
}

/** `before` was taken, then the member got one input. Returns what is to be given as `before` after the next one. */
export function checkTransition(before: RaftSnapshot, raft: Raft): RaftSnapshot {
  if (isAsBefore(before, raft)) return before;
  const after = snapshotState(raft);
  const broken = brokenBetween(before, after, raft);
  if (broken !== undefined) {
    assertionFailed(`${broken} n${after.id}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`);
  }
  return after;
}

/** The rule that does not hold between the two. */
function brokenBetween(before: RaftSnapshot, after: RaftSnapshot, raft: Raft): string | undefined {
  const sameTerm = after.term === before.term;
  if (after.term < before.term) return 'T1';
  if (sameTerm && before.vote !== NO_MEMBER && after.vote !== before.vote) return 'T2';
  if (after.commit < before.commit || after.applied < before.applied) return 'T3';
  if (after.compactedIndex < before.compactedIndex) return 'T3';
  const term = raft.entryTerm(before.commit);
  if (term === undefined ? before.commit >= after.compactedIndex : term !== before.commitTerm) return 'T4';
  if (sameTerm && before.role === 'leader') {
    const last = raft.entryTerm(before.lastIndex);
    if (last !== undefined && last !== before.lastTerm) return 'T5';
    if (after.lastIndex < before.lastIndex) return 'T5';
    if (after.role !== 'leader' && after.role !== 'follower') return 'T6';
  }
  const isElected = after.role === 'leader' && before.role !== 'leader';
  return isElected && !(sameTerm && before.role === 'candidate') ? 'T6' : undefined;
}

/** Nothing that checkTransition compares has changed: most inputs leave a member as it was. */
function isAsBefore(before: RaftSnapshot, { core }: Raft): boolean {
  const { log } = core;
  return (
    log.commit === before.commit &&
    log.lastIndex === before.lastIndex &&
    log.applied === before.applied &&
    core.term === before.term &&
    core.role === before.role &&
    core.vote === before.vote &&
    log.compactedIndex === before.compactedIndex &&
    log.lastTerm === before.lastTerm &&
    log.termAt(log.lastIndex) === before.lastTerm &&
    log.termAt(log.commit) === before.commitTerm &&
    core.id === before.id
  );
}
