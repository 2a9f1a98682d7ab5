/** What a replica is made of: its settings, its seams, what recovery found for it, and who drives it. */
import type { InitialState, MemberId, RaftConfig } from '@quorate/raft';
import type { Clock, Disk, DiskError, Network, PeerAddress, Platform, Random, Trace } from '../seams/index.js';
import type { SnapshotFile } from '../wal/snapshot-file.js';
import type { Wal } from '../wal/wal.js';
import type { Failure } from './failure.js';
import type { HistoryOptions } from './history.js';
import type { ReplicaLimits } from './limits.js';
import type { StateMachine } from './state-machine.js';

export interface ReplicaOptions extends HistoryOptions {
  readonly clusterId: number;
  readonly memberId: MemberId;
  readonly name: string;
  /** host:port under which other members reach this one. */
  readonly peerAddress: string;
  /** host:port of this member's HTTP interface; '' if it has none. */
  readonly clientAddress: string;
  /** As told to clients; default: the URL of `clientAddress`. */
  readonly clientUrls?: readonly string[] | undefined;
  /**
   * This member's id was given before its folder was there (a static cluster, or `member add`): the directory's peer URLs count, this
   * member does not publish its own, and the directory learns by which folder, its instance, the id was taken.
   */
  readonly folderOfGivenId?: string | undefined;
  /** Default LEARNERS_MAX. */
  readonly learnersMax?: number | undefined;
  /** Whom to talk to while the log says nothing of other members: what the answer to the join request named. */
  readonly initialPeers: readonly PeerAddress[];
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  /** A request that has no answer after so many ticks ends, as "outcome unknown" if it may have been applied. */
  readonly requestTimeoutTicks: number;
  readonly reads: 'safe' | 'lease';
  readonly priority: number;
  /** Writes are refused as no-space when the store needs so much memory, in bytes; negative: never. */
  readonly quotaBytes: number;
  /** The log grows to at least so many bytes before a snapshot is taken. */
  readonly snapshotLogBytesMin: number;
  readonly snapshotBytesPerSecondMax: number;
  /** Bounds other than REPLICA_LIMITS: for simulations. */
  readonly limits?: Partial<ReplicaLimits>;
}

export interface ReplicaSeams {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly trace: Trace;
  readonly platform: Platform;
}

/** What a start has found in the data folder. */
export interface RecoveredState {
  readonly state: StateMachine;
  readonly initial: InitialState;
  readonly wal: Wal;
  /** The newest durable snapshot. */
  readonly snapshot: SnapshotFile | undefined;
}

/** Who drives the replica. */
export interface ReplicaHost {
  /** Calls turn() soon, once however often it is asked. */
  requestTurn(): void;
  /** Calls tellCommits() after COMMIT_NOTICE_PAUSE_MS, once however often it is asked meanwhile. */
  requestCommitNotices(): void;
  /** The replica can go no further: the disk failed, or this member was removed. Nothing may be called after. */
  halted(reason: Failure | DiskError): void;
  /**
   * Somebody who waited for an answer, or watched, has thrown this: a fault of the program around, of which the turn that was going on must
   * not suffer.
   */
  faulted(error: unknown): void;
  /** How long a turn, or a tick, has lasted. */
  turnEnded?(milliseconds: number): void;
  /** Another member leads, or nobody that is known (0). */
  leaderChanged?(leader: MemberId): void;
}

/** What the core is told of it. */
export function raftOptions(options: ReplicaOptions, limits: ReplicaLimits, random: Random): RaftConfig {
  const elections = random.stream('elections');
  return {
    id: options.memberId,
    electionTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    random: (bound) => elections.integer(bound),
    appendBytesMax: limits.appendBytesMax,
    inflightMessagesMax: limits.inflightMessagesMax,
    inflightBytesMax: limits.inflightBytesMax,
    uncommittedBytesMax: limits.uncommittedBytesMax,
    committedBytesPerReadyMax: limits.committedBytesPerTurnMax,
    reads: options.reads,
    priority: options.priority,
  };
}
