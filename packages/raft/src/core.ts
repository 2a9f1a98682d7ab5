/**
 * The state of one member, on which the rooms of the core work: election, replication, read-index, transfer, membership.
 *
 * It is plain data with few operations, so that a room is a set of functions and what one member knows can be seen, and
 * checked (invariants.ts), in one place. Only raft.ts is the way in and ready.ts the way out.
 */
import { assert } from './assert.js';
import { isVoter } from './config-change.js';
import { RaftLog } from './log.js';
import type { Progress } from './progress.js';
import { ReadQueue } from './read-queue.js';
import {
  type ConfigState,
  type HardState,
  type InitialState,
  type MemberId,
  type Message,
  NO_MEMBER,
  type RaftConfig,
  type ReadState,
  type Role,
  type SnapshotMetadata,
  type SoftState,
} from './types.js';

export class Core {
  readonly options: RaftConfig;
  readonly id: MemberId;
  readonly log: RaftLog;

  term: number;
  vote: MemberId;
  role: Role = 'follower';
  leader: MemberId = NO_MEMBER;

  /** The configuration of what is applied: a change counts from when it is applied (Raft thesis 4.1 lets it count earlier). */
  config: ConfigState;
  /**
   * No configuration change may be proposed until this index is applied: it is that of the last one in the log, or one
   * that cannot be below it. So at most one change is ever unapplied.
   */
  pendingConfigIndex = 0;
  /** The last committed configuration entry. Whoever reports to know it must know it durably (see persistedCommit). */
  configCommit = 0;

  /** Ticks since the start. */
  ticks = 0;
  /** Follower: ticks since it heard from the leader. Candidates: since they campaign. Leader: since the last check-quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** In [electionTicks, 2 x electionTicks), drawn anew with every role and campaign (Raft paper 5.2). */
  electionTimeout = 0;
  /** The answers to the campaign under way. */
  readonly votes: Map<MemberId, boolean> = new Map();
  /** The leader ordered a campaign, which waits until the committed configuration entries are applied. */
  campaignOrdered = false;

  /** Leader: how far everyone is, itself included (unless it was removed). Empty in other roles. */
  readonly progress: Map<MemberId, Progress> = new Map();
  /** Leader: the others of `progress`, sorted, so that the order of messages is always the same. */
  peers: MemberId[] = [];
  /** Leader: members that are owed an append even without news: they answered a heartbeat, or refused an append. */
  readonly appendOwed: Set<MemberId> = new Set();
  /** Leader: something changed since the appends were made. They are made when the owner takes the Ready, once for all. */
  appendsDue = false;
  /** Leader: an unapplied entry takes its vote away, so nothing is appended after it any more (transfer.ts). */
  removalInLog = false;
  /** Leader: bytes of data in the entries after commit. */
  uncommittedBytes = 0;
  readonly reads: ReadQueue = new ReadQueue();

  transferee: MemberId = NO_MEMBER;
  transferElapsed = 0;
  /** A TimeoutNow was sent in this term: voters disregard their lease towards its receiver, so the leader has none. */
  leaseBroken = false;
  /** Removed leader: per member, the first read round whose heartbeat carried the commit index of the removal. */
  readonly farewellRounds: Map<MemberId, number> = new Map();
  /** Removed leader: the members that surely know, durably, that the removal is committed. */
  readonly farewellKnown: Set<MemberId> = new Set();

  /** Messages that may leave at once. */
  messages: Message[] = [];
  /** Messages that promise something: not before what they promise is durable. */
  messagesAfterPersist: Message[] = [];
  readStates: ReadState[] = [];
  /** The log was reset to this snapshot, and the owner does not know yet. */
  snapshotUntold: SnapshotMetadata | undefined;

  lastReadyId = 0;
  lastPersistedId = 0;
  hardStateTold: HardState;
  softStateTold: SoftState;
  /** What survives a crash for certain. */
  hardStatePersisted: HardState;
  /** Knew something when it started, so it may have promised something to a leader that it has forgotten. */
  readonly restarted: boolean;

  /** For committedIndex and voteResult: made once, since they are called for every acknowledgement. */
  readonly matchOf = (id: MemberId): number => this.progress.get(id)?.match ?? 0;
  readonly voteOf = (id: MemberId): boolean | undefined => this.votes.get(id);

  constructor(options: RaftConfig, initial: InitialState) {
    const { hardState, applied, compacted, entries } = initial;
    this.options = options;
    this.id = options.id;
    this.log = new RaftLog(compacted, entries, applied.index, hardState.commit);
    assert(
      this.log.lastTerm <= hardState.term,
      () => `the log ends in term ${this.log.lastTerm} but the hard state is of term ${hardState.term}`,
    );
    assert(
      this.log.matches(applied.index, applied.term),
      () => `applied ${applied.index}@${applied.term} is not in the log`,
    );
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.config = applied.config;
    this.configCommit = this.log.configEntryBetween(this.log.applied, this.log.commit);
    this.restarted = hardState.term > 0;
    this.hardStateTold = { term: this.term, vote: this.vote, commit: this.log.commit };
    this.hardStatePersisted = this.hardStateTold;
    this.softStateTold = { role: this.role, leader: this.leader };
  }

  send(message: Message): void {
    this.messages.push(message);
  }

  /** For messages that promise a vote or hold of entries: they leave with the Ready that makes the promise durable. */
  sendAfterPersist(message: Message): void {
    this.messagesAfterPersist.push(message);
  }

  /** Allowed to vote and lead. (Whoever is not still answers requests for votes: others may know a newer configuration.) */
  get isVoter(): boolean {
    return isVoter(this.config, this.id);
  }

  /** Leads but no longer votes: it goes on until a quorum of the others knows of its removal. */
  get isRetiring(): boolean {
    return this.role === 'leader' && !this.isVoter;
  }

  /** An entry of the leader's own term is committed, so its commit index covers all that any leader ever acknowledged. */
  get hasCommittedInTerm(): boolean {
    return this.log.termAt(this.log.commit) === this.term;
  }

  get hasUnappliedConfig(): boolean {
    return this.log.configEntryBetween(this.log.applied, this.log.commit) > 0;
  }

  /**
   * The oldest write has been under way for longer than a leader may be silent. Whoever cannot write must not lead: it
   * would keep its followers quiet by heartbeats and commit nothing but what they write for it.
   */
  get diskHangs(): boolean {
    const oldest = this.log.writes.oldest;
    return oldest !== undefined && this.ticks - oldest.tick > this.options.electionTicks;
  }
}
