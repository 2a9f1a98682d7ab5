/**
 * The promise face of a member: what embedders and the server use. The same `Kv` is offered by every door.
 *
 * Keys and values are bytes; strings are taken as UTF-8. Results hold Buffers, so `value.toString()` is text again.
 */
import type { Result } from './replica/failure.js';
import type { Store, StoreHash } from './store/index.js';
import type { Alarm, Command, ErrorResponse, Response as StoreResponse } from './store/types.js';
import type { Watcher, WatchOptions, WatchSink } from './watch/index.js';

export type Bytes = string | Uint8Array;

/** `linearizable`: sees every write that was acknowledged before the read began. `serializable`: this member's state, perhaps stale, asks nobody. */
export type Consistency = 'linearizable' | 'serializable';

export interface ReadOptions {
  /** Default `linearizable`. */
  readonly consistency?: Consistency;
}

/** One key as it stands (or stood) in the store. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

export interface RangeOptions extends ReadOptions {
  /** First key; default: the first of all. */
  readonly from?: Bytes;
  /** Key after the last one; default: no end. */
  readonly to?: Bytes;
  /** All keys that begin with these bytes; excludes `from` and `to`. */
  readonly prefix?: Bytes;
  /** Most keys in the answer; default: no limit. */
  readonly limit?: number;
  /** Read at that revision; default: the latest. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
}

export interface RangeResult {
  readonly revision: number;
  readonly keyValues: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

/** Limits that bind one write, enforced when it is applied so that all members agree. */
export interface Limits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly keysMax: number;
}

export interface WriteOptions {
  readonly limits?: Limits;
}

export interface PutResult {
  readonly revision: number;
  /** True if the key was not there. */
  readonly created: boolean;
}

/** Every write rejects with a QuorateError; its `outcome` says whether it may have been applied. */
export interface Kv {
  get(key: Bytes, options?: ReadOptions & { readonly revision?: number }): Promise<KeyValue | undefined>;
  range(options?: RangeOptions): Promise<RangeResult>;
  put(key: Bytes, value: Bytes, options?: WriteOptions): Promise<PutResult>;
  /** Puts only if the key is not there; `created` says whether it did. */
  create(key: Bytes, value: Bytes, options?: WriteOptions): Promise<PutResult>;
  /** Puts only if the key's modRevision is `expectedModRevision` (0: not there). */
  compareAndSet(
    key: Bytes,
    expectedModRevision: number,
    value: Bytes,
    options?: WriteOptions,
  ): Promise<{ readonly succeeded: boolean; readonly revision: number }>;
  /** Deletes one key; `deleted` is 0 or 1. */
  delete(key: Bytes): Promise<{ readonly revision: number; readonly deleted: number }>;
  /** Discards history below `revision`. */
  compact(revision: number): Promise<void>;
  /** A command in the store's own terms, for doors that translate a protocol. */
  execute(command: Command): Promise<StoreResponse>;
}

export interface MemberInfo {
  /** Given once, never again. */
  readonly id: number;
  readonly name: string;
  /** host:port of the Raft transport. */
  readonly peerAddress: string;
  /** host:port of the HTTP interface; '' until the member has said it. */
  readonly clientAddress: string;
  readonly voter: boolean;
  /** A learner that is to become a voter as soon as it has caught up. */
  readonly promoteWhenCaughtUp: boolean;
  /** As they were given, such as `http://10.0.0.1:2380`; `peerAddress` is the first one's. */
  readonly peerUrls: readonly string[];
  /** Empty until the member has said them. */
  readonly clientUrls: readonly string[];
}

/** A member that is added by its URLs alone, as etcd adds one: it has no name until it says it itself. */
export interface AddByUrls {
  readonly peerUrls: readonly string[];
  /** Default false: a voter at once, which counts for the quorum before it has started. */
  readonly isLearner?: boolean;
}

export interface JoinRequest {
  readonly name: string;
  readonly peerAddress: string;
  readonly clientAddress?: string;
  /**
   * A random value that the joining data folder keeps. The same name with another instance is a member that lost its folder: its
   * old identity is removed and a new one added, in one configuration change. Without it (the seed's call) the same name and
   * address count as the same member.
   */
  readonly instance?: string;
}

export interface JoinResult {
  readonly clusterId: number;
  readonly memberId: number;
  readonly members: readonly MemberInfo[];
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader' | 'learner' | 'removed';

/** One member's own view. */
export interface MemberStatus {
  readonly clusterId: number;
  readonly id: number;
  readonly name: string;
  readonly role: Role;
  readonly term: number;
  /** 0 if unknown. */
  readonly leaderId: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly firstIndex: number;
  readonly persistedIndex: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
  /** Bytes that keys, values and history take in memory, estimated. */
  readonly storeBytes: number;
  /** The part of `storeBytes` that only history needs. */
  readonly historyBytes: number;
  /** The setting; negative: no quota. */
  readonly quotaBytes: number;
  /** Those that stand in the whole cluster. */
  readonly alarms: readonly Alarm[];
  readonly leases: number;
  readonly logBytes: number;
  readonly snapshotIndex: number;
  readonly members: readonly MemberInfo[];
  /** At the leader: how far each member's log is, by member id. */
  readonly matchIndex: Readonly<Record<number, number>>;
}

export interface Cluster {
  /** This member's own view; asks nobody. */
  status(): MemberStatus;
  /** The members as of the last applied change; linearizable by default. */
  members(options?: ReadOptions): Promise<readonly MemberInfo[]>;
  /** Adds the caller as a learner that is promoted when it has caught up. Idempotent for the same request. May be called on any member. */
  join(request: JoinRequest): Promise<JoinResult>;
  /** Adds a learner that is not promoted by itself unless `promoteWhenCaughtUp`. */
  add(request: JoinRequest & { readonly promoteWhenCaughtUp?: boolean }): Promise<JoinResult>;
  /**
   * Adds a member by its URLs. Refused as `member-exists` (one of the URLs is another member's), `too-many-learners`,
   * `not-enough-started`, `unhealthy` or `invalid-argument` (contract 33).
   */
  add(request: AddByUrls): Promise<JoinResult>;
  /** Replaces a member's peer URLs. Refused as `member-not-found`, `member-exists` or `invalid-argument`. */
  update(id: number, peerUrls: readonly string[]): Promise<readonly MemberInfo[]>;
  /** Without `learnerOnly` a voter is no error: there is nothing to do. With it, it is refused as `not-a-learner` (contract 34). */
  promote(id: number, options?: { readonly learnerOnly?: boolean }): Promise<void>;
  remove(id: number): Promise<void>;
  /** Without a target: to the voter that has most of the log. Resolves once another member leads. Refused as `bad-transferee` if the target is no voter. */
  transferLeadership(target?: number): Promise<void>;
}

/** What every answer of a protocol says about who gave it; cheap to read. */
export interface DoorHeader {
  readonly clusterId: number;
  readonly memberId: number;
  /** The store's, now. */
  readonly revision: number;
  readonly raftTerm: number;
}

/**
 * A member's state at one moment, as a stream of bytes in the format of its own snapshot files: header (cluster, member, index,
 * term, configuration), then directory of members and store in checksummed blocks. restore() takes it.
 */
export interface StateSnapshot {
  /** The store's revision in it. */
  readonly revision: number;
  /** About so many bytes are to come. */
  readonly bytesEstimate: number;
  /** The next bytes, a bounded piece, made on demand: pull at leisure. Empty: a bounded piece of work has found none yet. Undefined at the end. */
  next(): Uint8Array | undefined;
  /** To be called at the end and when it is given up; idempotent. Until then the state's memory is held. */
  release(): void;
}

/** Who waits for a put of which only the revision is of interest. */
export interface PutWaiter {
  /** It was applied: a change of the store's to this revision. */
  put(revision: number): void;
  /** Anything else; also success, where the put was another member's to propose. */
  done(result: Result<StoreResponse>): void;
}

/**
 * The way in for doors that translate a protocol: callbacks and the store's own terms, no promise per call. A callback is called
 * once, later or within the call. After the member has stopped everything is refused as `stopped`.
 */
export interface MemberDoor {
  readonly header: DoorHeader;
  /** Also leases and alarms. The leader writes its time into commands that carry one. Forwarded to the leader when needed. */
  execute(command: Command, done: (result: Result<StoreResponse>) => void): void;
  /** The same for a put that is a command's bytes already (PLAIN_PUT_HEAD). The bytes are the member's from now on. One of the two is called. */
  put(command: Uint8Array, waiter: PutWaiter): void;
  /** When `done` is called with success, reading store() within that very call is as consistent as asked. */
  read(consistency: Consistency, done: (result: Result<undefined>) => void): void;
  /** Of the moment: never keep it, a snapshot from the leader replaces it. Not to be changed. */
  store(): Store;
  /** The sink is called later, never within this call. Ask `canWatch` first. Watchers just fall silent when the member stops: see onStop. */
  watch(options: WatchOptions, sink: WatchSink): Watcher;
  /** False: as many watchers as there may be. */
  readonly canWatch: boolean;
  /**
   * The hash of all keys and their history as of `revision` (not positive: now), made of the state of the moment in slices between which
   * everything else goes on.
   */
  hash(revision: number, done: (result: Result<StoreHash | ErrorResponse>) => void): void;
  /** This member's estimate of cluster time in milliseconds, for remaining times to live: floor((deadlineMs - timeMs()) / 1000). */
  timeMs(): number;
  /** `bytesMax` negative: no quota. */
  quota(): { readonly bytesMax: number; readonly bytesUsed: number };
  hasLeader(): boolean;
  /** This member does not vote, or not yet. */
  isLearner(): boolean;
  /** `leaderId` 0: nobody that is known. Returns the way to end it. */
  onLeaderChange(listener: (leaderId: number) => void): () => void;
  /** Called once, when the member begins to stop serving (at once if it has already): streams should end then. Returns the way to end it. */
  onStop(listener: () => void): () => void;
  snapshot(): StateSnapshot;
}

/** A running member. */
export interface Member {
  readonly kv: Kv;
  readonly cluster: Cluster;
  readonly door: MemberDoor;
  /** Counters and gauges for metrics, cheap to read. */
  metrics(): MemberMetrics;
  /** Resolves when this member can serve: it knows a leader and has applied what was committed when it started. */
  ready(): Promise<void>;
  /** Settles when the member has stopped: with undefined after close(), with an error if it stopped itself (disk failure, removed). */
  readonly stopped: Promise<Error | undefined>;
  /**
   * Hands leadership over, finishes what is under way within the time, and stops. Safe to call twice. A disk that hangs gets what is left of
   * the time, two seconds at least. Then it settles all the same, and every request has been answered; the folder stays locked in this
   * process until the write that is under way has come back, or the process ends.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface MemberMetrics {
  readonly leaderChanges: number;
  readonly proposalsCommitted: number;
  readonly proposalsApplied: number;
  readonly proposalsPending: number;
  readonly proposalsFailed: number;
  readonly readIndexesFailed: number;
  readonly heartbeatSendFailures: number;
  readonly puts: number;
  readonly deletes: number;
  readonly ranges: number;
  readonly txns: number;
  /** Applied here since the start, whoever asked for them. */
  readonly compactions: number;
  readonly leasesGranted: number;
  readonly leasesRenewed: number;
  readonly leasesRevoked: number;
  readonly leasesExpired: number;
  /** At present. */
  readonly watchers: number;
  /** Those of them that are behind. */
  readonly slowWatchers: number;
  readonly watchersPending: number;
  readonly watchEventsDelivered: number;
  readonly walBytesWritten: number;
  /** Writes of the log that the main thread did itself, the disk being quick and nobody else waiting. */
  readonly walWritesAwaited: number;
  readonly snapshotsTaken: number;
  /** Upper bounds in seconds and counts of a cumulative histogram. */
  readonly walSyncSeconds: HistogramSnapshot;
  /** How long turns and ticks lasted; everything else waits meanwhile. */
  readonly turnSeconds: HistogramSnapshot;
  /** Those that lasted longer than SLOW_TURN_MS; the trace says of each what it did (`slow-turn`). */
  readonly slowTurns: number;
  readonly peerBytesSent: Readonly<Record<number, number>>;
  readonly peerBytesReceived: Readonly<Record<number, number>>;
}

export interface HistogramSnapshot {
  readonly bounds: readonly number[];
  /** Per bound the observations up to it; one more at the end for all. */
  readonly cumulative: readonly number[];
  readonly sum: number;
}

/** `rejected`: surely not applied. `unknown`: it may have been applied or may yet be. `invalid`: the request itself is wrong. */
export type Outcome = 'rejected' | 'unknown' | 'invalid';

export type ErrorCode =
  /** No leader known for an election timeout. */
  | 'no-leader'
  /** The leader vanished, or the time ran out, before the answer. */
  | 'outcome-unknown'
  /** A read, or a change that was surely not proposed, ran out of time. */
  | 'timeout'
  /** Too much is under way: try again later. */
  | 'busy'
  /** This member is stopping, has stopped, or was removed. */
  | 'stopped'
  | 'key-empty'
  | 'key-too-long'
  | 'value-too-long'
  | 'too-many-keys'
  /** The store has reached its quota: only what frees space is taken. */
  | 'no-space'
  /** Members were found to disagree: nothing is taken until somebody has looked. */
  | 'corrupt'
  | 'request-too-large'
  /** The write was applied. Its answer is too large to be sent from the leader to the member that was asked. */
  | 'answer-too-large'
  | 'compacted'
  | 'future-revision'
  | 'invalid-argument'
  | 'member-not-found'
  | 'member-exists'
  | 'member-not-caught-up'
  /** Only a learner can be promoted. */
  | 'not-a-learner'
  | 'too-many-learners'
  /** With that member more would have to be up than have ever been started. */
  | 'not-enough-started'
  /** Too few members are up for a change to be safe. */
  | 'unhealthy'
  /** Leadership cannot go to somebody who is no voter. */
  | 'bad-transferee'
  /** The change would leave no quorum or another change is under way. */
  | 'configuration-refused'
  | 'not-leader'
  /** The data folder does not fit: locked, of another member or cluster, of an unknown format, or corrupt. */
  | 'data-folder'
  | 'disk'
  /** The member could not be opened for what is not its own: its port is taken, `join` has rejected. The cause is that error. */
  | 'not-opened'
  | 'removed';

/** The one error class of this package. */
export class QuorateError extends Error {
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  constructor(code: ErrorCode, outcome: Outcome, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'QuorateError';
    this.code = code;
    this.outcome = outcome;
  }
}
