/**
 * The vocabulary of the consensus core: entries, messages, what must be durable (HardState), and the one output (Ready).
 *
 * Everything here is plain data. Terms and indexes are safe integers, index 0 is the empty position before the first
 * entry, term 0 is before any election, member id 0 means "none".
 */

/** A member's identity within Raft: a positive safe integer that is never given to another member again. */
export type MemberId = number;

/** "No member": no leader known, no vote given. */
export const NO_MEMBER: MemberId = 0;

/** What an entry carries: `normal` is the owner's bytes, `config` an encoded ConfigChange that the core interprets. */
export type EntryType = 'normal' | 'config';

/** One position of the replicated log. An entry is immutable and is shared between log, disk and network: never write to `data`. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** What must be durable before any message that depends on it is sent (Raft paper, Figure 2 "Persistent state"). */
export interface HardState {
  readonly term: number;
  /** Who got this member's vote in `term`; NO_MEMBER if nobody. */
  readonly vote: MemberId;
  /** Highest index known to be committed. Losing it is safe; keeping it makes restarts quick. */
  readonly commit: number;
}

/** The volatile state that owners show and act on. */
export interface SoftState {
  readonly role: Role;
  /** Who this member believes leads `term`; NO_MEMBER if unknown. */
  readonly leader: MemberId;
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/**
 * A configuration as it is stored in snapshots. Outside a joint configuration `votersOutgoing` and `learnersNext` are empty.
 * All lists are sorted ascending and hold no duplicates.
 */
export interface ConfigState {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];
  /** The outgoing half of a joint configuration (Raft thesis 4.3). */
  readonly votersOutgoing: readonly MemberId[];
  /** Voters of the outgoing half that become learners once the joint configuration is left. */
  readonly learnersNext: readonly MemberId[];
  /** Leave the joint configuration automatically as soon as it is committed. */
  readonly autoLeave: boolean;
}

/** One step of a configuration change. `update` changes nothing in Raft; it carries the change's context through the log. */
export type SingleChange = {
  readonly type: 'add-voter' | 'add-learner' | 'remove' | 'update';
  readonly member: MemberId;
};

/**
 * A configuration change as it stands in the log. One change that alters at most one voter takes effect in one step;
 * anything more goes through a joint configuration. An empty list of changes leaves a joint configuration.
 */
export interface ConfigChange {
  readonly changes: readonly SingleChange[];
  /** `auto`: joint only when needed, left automatically. `joint-implicit`: joint, left automatically. `joint-explicit`: joint until an empty change leaves it. */
  readonly transition: 'auto' | 'joint-implicit' | 'joint-explicit';
  /** The owner's bytes, e.g. the member's name and addresses. */
  readonly context: Uint8Array;
}

/** Identifies a state of the state machine: everything up to `index` is applied, under the configuration `config`. */
export interface SnapshotMetadata {
  readonly index: number;
  readonly term: number;
  readonly config: ConfigState;
}

interface MessageBase {
  readonly from: MemberId;
  readonly to: MemberId;
  /** The sender's term; for pre-vote requests the term it would campaign in. */
  readonly term: number;
}

/** Leader to follower: entries after (`previousIndex`, `previousTerm`); no entries when it only probes or moves the commit index. */
export interface AppendMessage extends MessageBase {
  readonly type: 'append';
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

/** Follower to leader. Accepted: `index` is the last index known to match. Rejected: `index` echoes the refused previousIndex, and the hint names where the logs may agree (Raft paper 5.3, the optimisation by terms). */
export interface AppendResponseMessage extends MessageBase {
  readonly type: 'append-response';
  readonly index: number;
  readonly rejected: boolean;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/**
 * Leader to follower each heartbeat interval. `commit` never exceeds what the follower is known to hold. `readContext` is the
 * number of the leader's round of reads that the answer confirms; 0 means none.
 */
export interface HeartbeatMessage extends MessageBase {
  readonly type: 'heartbeat';
  readonly commit: number;
  readonly readContext: number;
}

export interface HeartbeatResponseMessage extends MessageBase {
  readonly type: 'heartbeat-response';
  readonly readContext: number;
}

/** A candidate (or, with `pre-vote`, a member that asks whether it could win) asks for a vote (Raft thesis 3.4, 9.6). */
export interface VoteMessage extends MessageBase {
  readonly type: 'vote' | 'pre-vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The campaign was ordered by the leader (leadership transfer): voters disregard their lease (Raft thesis 3.10). */
  readonly transfer: boolean;
}

export interface VoteResponseMessage extends MessageBase {
  readonly type: 'vote-response' | 'pre-vote-response';
  readonly granted: boolean;
}

/** Leader to follower: the entries you need are gone, take the state at `snapshot`. The owner moves the bytes; see the README's duties. */
export interface InstallSnapshotMessage extends MessageBase {
  readonly type: 'install-snapshot';
  readonly snapshot: SnapshotMetadata;
}

/** Leader to the transfer's target: campaign now (Raft thesis 3.10). */
export interface TimeoutNowMessage extends MessageBase {
  readonly type: 'timeout-now';
}

/** A follower passes on its owner's request to hand leadership to `transferee`. */
export interface TransferLeaderMessage extends MessageBase {
  readonly type: 'transfer-leader';
  readonly transferee: MemberId;
}

/** A follower asks the leader for a read index (Raft thesis 6.4). `context` identifies the request at the follower. */
export interface ReadIndexMessage extends MessageBase {
  readonly type: 'read-index';
  readonly context: number;
}

export interface ReadIndexResponseMessage extends MessageBase {
  readonly type: 'read-index-response';
  readonly context: number;
  readonly index: number;
}

export type Message =
  | AppendMessage
  | AppendResponseMessage
  | HeartbeatMessage
  | HeartbeatResponseMessage
  | VoteMessage
  | VoteResponseMessage
  | InstallSnapshotMessage
  | TimeoutNowMessage
  | TransferLeaderMessage
  | ReadIndexMessage
  | ReadIndexResponseMessage;

export type MessageType = Message['type'];

/** The answer to readIndex(context): once the state machine has applied `index`, a read of it is linearizable. */
export interface ReadState {
  readonly context: number;
  readonly index: number;
}

/**
 * Everything the core wants done, in one value. The owner's duties, in this order, are:
 *
 * 1. send `messages` at once, `install-snapshot` ones before anything of `committedEntries` is applied;
 * 2. hand `snapshot`, `hardState` and `entries` to the log, in this order and as one write; when it and all writes of
 *    earlier Readys are durable (at once if there are none), send `messagesAfterPersist`, then call persisted(id). Several
 *    Readys may be in flight; they become durable in the order of their ids;
 * 3. restore the state machine from `snapshot`, or apply `committedEntries` in order (for `config` entries call
 *    applyConfigChange), then call applied(index); a Ready never holds both;
 * 4. answer `readStates` once the state machine has applied their index.
 *
 * 1-2 and 3 are independent of each other: committed entries may be applied before this member's own disk has them.
 */
export interface Ready {
  /** Ascending from 1. Pass it to persisted(). */
  readonly id: number;
  /** Set when it changed. */
  readonly softState: SoftState | undefined;
  /** Set when it changed. */
  readonly hardState: HardState | undefined;
  /** To be written to the log. The first may have an index that the log has already: it replaces that one and everything after it. */
  readonly entries: readonly Entry[];
  /** A snapshot that replaces the whole state machine and log: the log now begins after it. Its data must be durable before the log says so. */
  readonly snapshot: SnapshotMetadata | undefined;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  readonly readStates: readonly ReadState[];
  /** False if losing this write in a crash would be harmless (only the commit index moved). */
  readonly mustSync: boolean;
}

/** The outcome of a proposal. Accepted says where it stands in the log, not that it will commit. */
export type ProposeResult =
  | { readonly accepted: true; readonly index: number; readonly term: number }
  | { readonly accepted: false; readonly reason: ProposeRefusal };

/**
 * `not-leader`: ask the leader. `transferring`: leadership is being handed over. `full`: the uncommitted entries have
 * reached their limit. `config-pending`: another configuration change is under way, or the leader's first entry has not
 * committed yet. `config-invalid`: the change does not fit the present configuration.
 */
export type ProposeRefusal = 'not-leader' | 'transferring' | 'full' | 'config-pending' | 'config-invalid';

/** How the leader sees one member (Raft thesis 10.2.1; the states are etcd-io/raft's). */
export interface ProgressStatus {
  readonly member: MemberId;
  readonly match: number;
  readonly next: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly learner: boolean;
  /** Heard from within the last election timeout, or the one before it. */
  readonly isActive: boolean;
}

export interface RaftStatus {
  readonly id: MemberId;
  readonly role: Role;
  readonly term: number;
  readonly vote: MemberId;
  readonly leader: MemberId;
  readonly transferee: MemberId;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly persistedIndex: number;
  readonly commit: number;
  readonly applied: number;
  readonly config: ConfigState;
  /** Only at the leader; sorted by member. */
  readonly progress: readonly ProgressStatus[];
}

/** What a member knows when it starts: nothing (all zero and empty), or what its log and snapshot hold. */
export interface InitialState {
  readonly hardState: HardState;
  /** The state machine's position: everything up to `applied.index` is applied, under `applied.config`. */
  readonly applied: SnapshotMetadata;
  /** The position before the first of `entries`: at most applied.index. */
  readonly compacted: { readonly index: number; readonly term: number };
  /** The log in memory after `compacted`, contiguous, all durable. */
  readonly entries: readonly Entry[];
}

/** Settings of the core. Time is in ticks of the owner's choosing. */
export interface RaftConfig {
  readonly id: MemberId;
  /**
   * A follower that heard nothing from a leader for a random time in [electionTicks, 2 x electionTicks) campaigns. Must be
   * greater than heartbeatTicks; ten times as much lets a few heartbeats get lost.
   */
  readonly electionTicks: number;
  /** A leader sends heartbeats every so many ticks. */
  readonly heartbeatTicks: number;
  /** Draws an integer in [0, bound). The only randomness of the core. */
  readonly random: (bound: number) => number;
  /** Most bytes of entry data in one append message (at least one entry always goes). Small: cheap probes; large: throughput. */
  readonly appendBytesMax: number;
  /** Most append messages in flight to one follower: the window of the pipeline (Raft thesis 10.2.1). */
  readonly inflightMessagesMax: number;
  /** Most bytes of entries in flight to one follower. By Little's law throughput x round trip; e.g. 100 MB/s x 10 ms = 1 MB. */
  readonly inflightBytesMax: number;
  /** Most bytes of uncommitted entry data at the leader; proposals beyond are refused as `full` (one is always let through). */
  readonly uncommittedBytesMax: number;
  /** Most bytes of committed entries handed out in one Ready, so that applying never holds the turn for long. */
  readonly committedBytesPerReadyMax: number;
  /**
   * `safe` asks a quorum for each batch of reads (ReadIndex). `lease` answers from the leader's lease without asking, which is
   * right only while clocks advance at nearly the same rate everywhere; it relies on check-quorum, which is always on.
   */
  readonly reads: 'safe' | 'lease';
  /**
   * Election priority, 0 to 255, default equal for all. A leader yields to a caught-up voter of higher priority only when
   * told to (yieldLeadership); a member of priority 0 never campaigns by itself.
   */
  readonly priority: number;
}
