/**
 * The consensus core: one member of a Raft group as a state machine without I/O, clock, or randomness of its own.
 *
 *     messages ---> step()     +------+
 *     time -------> tick()     | Core | ---> ready(): messages, log writes, committed entries, reads
 *     owner ------> propose()  +------+ <--- persisted(), applied()
 *
 * This file is the way in: it decides by term and role which room a message is for (Raft paper, figure 2, "Rules for
 * Servers"). The rooms: election.ts, replication.ts (leader, sending), leader.ts (leader, answers and time), follower.ts,
 * read-index.ts, transfer.ts, membership.ts; what leaves is gathered in ready.ts; core.ts and log.ts hold the state.
 */
import { assert } from './assert.js';
import { configMembers } from './config-change.js';
import { Core } from './core.js';
import { becomeFollower, campaign, handleVoteRequest, handleVoteResponse, inLease, persistedVote } from './election.js';
import { handleAppend, handleHeartbeat, handleInstallSnapshot, handleTimeoutNow, heardFromLeader } from './follower.js';
import {
  handleAppendResponse,
  handleHeartbeatResponse,
  handleSnapshotReport,
  handleUnreachable,
  tickLeader,
} from './leader.js';
import { appendConfigChange, applyConfigEntry, applyNormalEntries, configChangeRefusal } from './membership.js';
import { checkRaftConfig } from './raft-config.js';
import { requestRead } from './read-index.js';
import { hasReady, takeReady } from './ready.js';
import { advanceCommit, appendOwn } from './replication.js';
import { startTransfer } from './transfer.js';
import {
  type ConfigChange,
  type ConfigState,
  type Entry,
  type InitialState,
  type MemberId,
  type Message,
  NO_MEMBER,
  type ProposeRefusal,
  type ProposeResult,
  type RaftConfig,
  type RaftStatus,
  type Ready,
  type Role,
} from './types.js';

export class Raft {
  /** For invariants.ts and tests; owners use the methods. @internal */
  readonly core: Core;

  /** @throws RangeError on a setting outside of what is allowed; assertion on a state that no member can have been in. */
  constructor(config: RaftConfig, initial: InitialState) {
    checkRaftConfig(config);
    this.core = new Core(config, initial);
    becomeFollower(this.core, this.core.term, NO_MEMBER);
  }

  /** One unit of time has passed. */
  tick(): void {
    const { core } = this;
    core.ticks += 1;
    if (core.role === 'leader') {
      tickLeader(core);
      return;
    }
    core.electionElapsed += 1;
    if (core.electionElapsed < core.electionTimeout || core.options.priority === 0 || !core.isVoter) return;
    campaign(core, 'pre-vote');
  }

  /** A message from another member. It may be late, doubled, or from somebody this member does not know (yet, or any more). */
  step(message: Message): void {
    const { core } = this;
    assert(message.to === core.id, () => `message for ${message.to} given to ${core.id}`);
    assert(message.from !== core.id, () => `${message.type} from ${core.id} given to itself`);
    assert(Number.isSafeInteger(message.term) && message.term > 0, () => `${message.type} of term ${message.term}`);
    if (message.term > core.term) {
      if (!this.#admitHigherTerm(message)) return;
    } else if (message.term < core.term) {
      this.#answerLowerTerm(message);
      return;
    }
    this.#dispatch(message);
  }

  /** Leader only. Appends only: the messages are made when the Ready is taken, once for all proposals of a turn. */
  propose(data: Uint8Array): ProposeResult {
    const refusal = this.#proposeRefusal(data.length);
    if (refusal !== undefined) return { accepted: false, reason: refusal };
    const { index, term } = appendOwn(this.core, 'normal', data);
    return { accepted: true, index, term };
  }

  /** Leader only. The change counts from when it is committed and given to applyConfigChange. */
  proposeConfigChange(change: ConfigChange): ProposeResult {
    const refusal = this.#proposeRefusal(0) ?? configChangeRefusal(this.core, change);
    if (refusal !== undefined) return { accepted: false, reason: refusal };
    const { index, term } = appendConfigChange(this.core, change);
    return { accepted: true, index, term };
  }

  /**
   * Asks for the index from which a read is linearizable; it comes as a ReadState, or never if leadership changes or a
   * message is lost: then ask again with a new context. Contexts ascend and are not used twice by one member, also not
   * across restarts while messages may still be under way. False if no leader is known or too many reads wait.
   */
  readIndex(context: number): boolean {
    const { core } = this;
    if (core.role === 'leader') return requestRead(core, core.id, context);
    if (core.leader === NO_MEMBER) return false;
    core.send({ type: 'read-index', from: core.id, to: core.leader, term: core.term, context });
    return true;
  }

  /**
   * Hands leadership to `to`, or with NO_MEMBER to the voter that is alive and has most of the log. A follower asks its
   * leader. False if nothing was started: no leader known, or the target is the leader itself, a learner or a stranger.
   */
  transferLeadership(to: MemberId): boolean {
    const { core } = this;
    if (core.role === 'leader') return startTransfer(core, to);
    if (core.leader === NO_MEMBER) return false;
    core.send({ type: 'transfer-leader', from: core.id, to: core.leader, term: core.term, transferee: to });
    return true;
  }

  /** At the leader: hands over to the best other voter. False if this member does not lead, or nobody can take over. */
  yieldLeadership(): boolean {
    return this.core.role === 'leader' && startTransfer(this.core, NO_MEMBER);
  }

  /**
   * Campaigns now, through pre-vote, without waiting for the timeout. Nothing happens if this member leads or may not
   * lead, or if that would break the promise that lease reads rely on.
   */
  campaign(): void {
    const { core } = this;
    const alone = core.config.voters.length === 1 && core.config.votersOutgoing.length === 0;
    if (core.options.reads === 'lease' && inLease(core) && !alone) return;
    campaign(core, 'pre-vote');
  }

  hasReady(): boolean {
    return hasReady(this.core);
  }

  /** Everything there is to do. May be empty if hasReady() is false. */
  ready(): Ready {
    return takeReady(this.core);
  }

  /** The Ready with this id and all before it are durable, and their messagesAfterPersist are sent. Ascending. */
  persisted(readyId: number): void {
    const { core } = this;
    assert(
      readyId > core.lastPersistedId && readyId <= core.lastReadyId,
      () => `persisted(${readyId}) after ${core.lastPersistedId}, last Ready ${core.lastReadyId}`,
    );
    core.lastPersistedId = readyId;
    const write = core.log.persisted(readyId);
    if (write === undefined) return;
    core.hardStatePersisted = write.hardState;
    persistedVote(core, write.hardState);
    // Only now does the leader count itself among those that hold its entries (Raft thesis 10.2.1).
    const own = core.role === 'leader' ? core.progress.get(core.id) : undefined;
    if (own?.maybeUpdate(core.log.persistedIndex) === true) advanceCommit(core);
  }

  /** The state machine has applied everything up to `index`. Configuration entries go through applyConfigChange instead. */
  applied(index: number): void {
    applyNormalEntries(this.core, index);
  }

  /** The committed configuration entry has its turn: everything before it is applied. Gives the configuration from now on. */
  applyConfigChange(entry: Entry): ConfigState {
    return applyConfigEntry(this.core, entry);
  }

  /** Messages to the member are being lost. */
  reportUnreachable(id: MemberId): void {
    handleUnreachable(this.core, id);
  }

  /** What became of the snapshot that an install-snapshot message asked for. Every one must be reported. */
  reportSnapshot(id: MemberId, outcome: 'finished' | 'failed'): void {
    handleSnapshotReport(this.core, id, outcome);
  }

  /**
   * The log in memory may forget everything up to `index`. What is not applied or not durable yet stays, and so does what
   * a member needs after the snapshot that it is receiving.
   */
  compact(index: number): void {
    const { core } = this;
    let target = index;
    for (const progress of core.progress.values()) {
      if (progress.state === 'snapshot' && progress.isActive) target = Math.min(target, progress.pendingSnapshot);
    }
    core.log.compact(target);
  }

  /**
   * At the leader: up to here every member holds the log that is up and not receiving a snapshot; they need what comes after.
   * Infinity at others, and if there is no such member.
   */
  get slowestMatch(): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (const { match, state, isActive } of this.core.progress.values()) {
      if (isActive && state !== 'snapshot') slowest = Math.min(slowest, match);
    }
    return slowest;
  }

  status(): RaftStatus {
    const { core } = this;
    const { log } = core;
    return {
      id: core.id,
      role: core.role,
      term: core.term,
      vote: core.vote,
      leader: core.leader,
      transferee: core.transferee,
      firstIndex: log.firstIndex,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      persistedIndex: log.persistedIndex,
      commit: log.commit,
      applied: log.applied,
      config: core.config,
      progress: configMembers(core.config).flatMap((member) => {
        const progress = core.progress.get(member);
        if (progress === undefined) return [];
        const { match, next, state, learner, isActive } = progress;
        return [{ member, match, next, state, learner, isActive }];
      }),
    };
  }

  get id(): MemberId {
    return this.core.id;
  }

  get term(): number {
    return this.core.term;
  }

  get role(): Role {
    return this.core.role;
  }

  get leader(): MemberId {
    return this.core.leader;
  }

  /** Whom leadership is being handed to; NO_MEMBER if it is not. */
  get transferee(): MemberId {
    return this.core.transferee;
  }

  get config(): ConfigState {
    return this.core.config;
  }

  get lastIndex(): number {
    return this.core.log.lastIndex;
  }

  get persistedIndex(): number {
    return this.core.log.persistedIndex;
  }

  get commit(): number {
    return this.core.log.commit;
  }

  /** Named after the method of the owner's report; see applied(). */
  get appliedIndex(): number {
    return this.core.log.applied;
  }

  /** The term of the entry at `index`; undefined if it is compacted away or not there. */
  entryTerm(index: number): number | undefined {
    return this.core.log.termAt(index);
  }

  #proposeRefusal(bytes: number): ProposeRefusal | undefined {
    const { core } = this;
    if (core.role !== 'leader') return 'not-leader';
    if (core.transferee !== NO_MEMBER || core.removalInLog || core.isRetiring) return 'transferring';
    // One proposal always goes, however large: otherwise a small limit would refuse it for ever.
    const full = core.uncommittedBytes > 0 && core.uncommittedBytes + bytes > core.options.uncommittedBytesMax;
    return full && bytes > 0 ? 'full' : undefined;
  }

  /** False if the message is to be ignored. Otherwise this member is in the message's term, unless that is hypothetical. */
  #admitHigherTerm(message: Message): boolean {
    const { core } = this;
    switch (message.type) {
      case 'pre-vote':
        // A leader is alive: nobody can need a vote, except by the leader's own order. Nothing is refreshed.
        return message.transfer || !inLease(core);
      case 'vote':
        if (!message.transfer && inLease(core)) return false;
        becomeFollower(core, message.term, NO_MEMBER);
        return true;
      case 'pre-vote-response':
        // Granted, it names the term that was asked for, in which nobody is yet. Refused, it names a real one.
        if (!message.granted) becomeFollower(core, message.term, NO_MEMBER);
        return true;
      case 'append':
      case 'heartbeat':
      case 'install-snapshot':
        becomeFollower(core, message.term, message.from);
        return true;
      case 'append-response':
      case 'heartbeat-response':
      case 'vote-response':
      case 'timeout-now':
      case 'transfer-leader':
      case 'read-index':
      case 'read-index-response':
        becomeFollower(core, message.term, NO_MEMBER);
        return true;
      default:
        return unreachable(message);
    }
  }

  /** Leaders and candidates that are behind are told the term, or a higher one would never spread (hashicorp/raft PR#605). */
  #answerLowerTerm(message: Message): void {
    const { core } = this;
    const { from: to, type } = message;
    const { id: from, term } = core;
    if (type === 'append' || type === 'heartbeat' || type === 'install-snapshot') {
      // Its content does not matter: the receiver steps down at the sight of the term.
      core.sendAfterPersist({
        type: 'append-response',
        from,
        to,
        term,
        index: 0,
        rejected: true,
        hintIndex: 0,
        hintTerm: 0,
      });
    } else if (type === 'pre-vote') {
      core.sendAfterPersist({ type: 'pre-vote-response', from, to, term, granted: false });
    } else if (type === 'vote') {
      core.sendAfterPersist({ type: 'vote-response', from, to, term, granted: false });
    }
  }

  #dispatch(message: Message): void {
    const { core } = this;
    switch (message.type) {
      case 'vote':
      case 'pre-vote':
        handleVoteRequest(core, message);
        return;
      case 'vote-response':
      case 'pre-vote-response':
        handleVoteResponse(core, message);
        return;
      case 'append':
      case 'heartbeat':
      case 'install-snapshot':
      case 'timeout-now':
        this.#followerStep(message);
        return;
      case 'append-response':
        if (core.role === 'leader') handleAppendResponse(core, message);
        return;
      case 'heartbeat-response':
        if (core.role === 'leader') handleHeartbeatResponse(core, message);
        return;
      case 'transfer-leader':
        if (core.role === 'leader') startTransfer(core, message.transferee);
        return;
      case 'read-index':
        if (core.role === 'leader') requestRead(core, message.from, message.context);
        return;
      case 'read-index-response':
        core.readStates.push({ context: message.context, index: message.index });
        return;
      default:
        unreachable(message);
    }
  }

  /** Messages of this term's leader. A candidate that sees one has lost (Raft paper 5.2). */
  #followerStep(
    message: Extract<Message, { type: 'append' | 'heartbeat' | 'install-snapshot' | 'timeout-now' }>,
  ): void {
    const { core } = this;
    assert(core.role !== 'leader', () => `${message.type} from ${message.from}: two leaders in term ${core.term}`);
    if (core.role !== 'follower') {
      // An order to campaign that comes now changes nothing: this member campaigns already.
      if (message.type === 'timeout-now') return;
      becomeFollower(core, core.term, message.from);
    }
    if (message.type === 'timeout-now') {
      handleTimeoutNow(core);
      return;
    }
    heardFromLeader(core, message.from);
    if (message.type === 'append') handleAppend(core, message);
    else if (message.type === 'heartbeat') handleHeartbeat(core, message);
    else handleInstallSnapshot(core, message);
  }
}

function unreachable(message: never): never {
  throw new Error(`message of unknown type: ${JSON.stringify(message)}`);
}
