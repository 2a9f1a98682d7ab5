/**
 * Every bound of a replica, in named units, with the relations that they rely on asserted when this module loads.
 */
import { assert } from './assert.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Largest encoded command. etcd's default request limit (contract 15). */
export const COMMAND_BYTES_MAX: number = 1.5 * MiB;
/** Most entry data in one append message; a larger single entry goes alone. */
export const APPEND_BYTES_MAX: number = 1 * MiB;
/** Window of appends to one follower (Raft thesis 10.2.1). */
export const INFLIGHT_MESSAGES_MAX: number = 256;
export const INFLIGHT_BYTES_MAX: number = 32 * MiB;
/** Uncommitted entry data at the leader beyond which proposals are refused as busy. */
export const UNCOMMITTED_BYTES_MAX: number = 64 * MiB;
/** What only tells followers of a commit waits so long, up to twice, for an append that tells it too (commit-notices.ts). */
export const COMMIT_NOTICE_PAUSE_MS = 1;
/** Committed entry data applied in one turn. */
export const COMMITTED_BYTES_PER_TURN_MAX: number = 1 * MiB;
/** Requests that wait for a leader to be known, and requests forwarded and not answered, each. */
export const WAITING_REQUESTS_MAX: number = 20_000;
/** Largest answer to a forwarded request that is sent: less than the longest frame of the network (tcp-limits.ts), which drops what is longer. */
export const FORWARD_ANSWER_BYTES_MAX: number = 31 * MiB;
/** Reads that wait for their turn or for their index. */
export const WAITING_READS_MAX: number = 100_000;
/** Log in memory that is kept for followers that lag a little; beyond it, and for those who lag more, snapshots. */
export const LOG_MEMORY_BYTES: number = 16 * MiB;
/** The same while a follower that is being brought up to date still needs it. */
export const LOG_MEMORY_BYTES_MAX: number = 128 * MiB;
/** The log in memory is accounted for in steps of this many bytes. */
export const LOG_MEMORY_STEP_BYTES: number = 1 * MiB;
/** One chunk of a snapshot on its way to a follower. */
export const SNAPSHOT_CHUNK_BYTES: number = 256 * KiB;
/** Chunks sent and not acknowledged. */
export const SNAPSHOT_WINDOW_CHUNKS: number = 8;
/** One slice of a snapshot on its way to disk: what one turn serialises. */
export const SNAPSHOT_SLICE_BYTES: number = 256 * KiB;
/** What is serialised between two ticks: about a fifth of a member's time, so that requests do not feel a snapshot. */
export const SNAPSHOT_BYTES_PER_TICK_MAX: number = 256 * KiB;
/** A snapshot is due when the log since the last one outweighs that one, but not before the log has this size. */
export const SNAPSHOT_LOG_BYTES_MIN: number = 32 * MiB;
/** More learners than this are not admitted by their URLs: etcd's default (contract 33). */
export const LEARNERS_MAX = 1;
/** Keys that one tick examines for space to win back. */
export const SWEEP_KEYS_PER_TICK: number = 2_000;
/** Leases that end because their time is over: so many in a second (contract 28), and so many in one entry. */
export const LEASES_EXPIRED_PER_SECOND_MAX = 1_000;
export const LEASES_EXPIRED_AT_ONCE_MAX = 250;
/** Leases outlive a restart of all members by at most about this, beyond what they had left. */
export const TIME_MARK_MS = 5_000;
/** What a key costs beside its bytes, for the quota (contract 38). */
export const QUOTA_PUT_OVERHEAD_BYTES = 256;
/** The part of the quota below which the no-space alarm clears by itself. */
export const QUOTA_CLEAR = 0.9;
/** Events, or keys walked over, that one turn hands to watchers that are behind. */
export const WATCH_SLICE = 2_000;

/** Contexts of reads begin below this, which leaves room for as many reads as a member will ever ask for. */
export const READ_CONTEXT_BOUND: number = 2 ** 52;
/** The same for the numbers of forwarded requests. */
export const FORWARD_ID_BOUND: number = 2 ** 52;

/** The bounds that a simulation makes smaller, so that what is rare becomes common. */
export interface ReplicaLimits {
  readonly appendBytesMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly committedBytesPerTurnMax: number;
  /** The log kept in memory, LOG_MEMORY_BYTES and LOG_MEMORY_BYTES_MAX, shrinks with it. */
  readonly logMemoryStepBytes: number;
  readonly snapshotChunkBytes: number;
  readonly snapshotSliceBytes: number;
}

export const REPLICA_LIMITS: ReplicaLimits = {
  appendBytesMax: APPEND_BYTES_MAX,
  inflightMessagesMax: INFLIGHT_MESSAGES_MAX,
  inflightBytesMax: INFLIGHT_BYTES_MAX,
  uncommittedBytesMax: UNCOMMITTED_BYTES_MAX,
  committedBytesPerTurnMax: COMMITTED_BYTES_PER_TURN_MAX,
  logMemoryStepBytes: LOG_MEMORY_STEP_BYTES,
  snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
  snapshotSliceBytes: SNAPSHOT_SLICE_BYTES,
};

assert(LEASES_EXPIRED_AT_ONCE_MAX <= LEASES_EXPIRED_PER_SECOND_MAX, () => 'a burst must not outdo the rate');
assert(COMMAND_BYTES_MAX < INFLIGHT_BYTES_MAX, () => 'one command must fit the window of a follower');
assert(APPEND_BYTES_MAX <= INFLIGHT_BYTES_MAX, () => 'one append must fit the window of a follower');
assert(INFLIGHT_BYTES_MAX <= UNCOMMITTED_BYTES_MAX, () => 'the window must not outgrow what may be uncommitted');
assert(LOG_MEMORY_STEP_BYTES * 4 <= LOG_MEMORY_BYTES, () => 'steps must be small against the log kept in memory');
assert(LOG_MEMORY_BYTES < LOG_MEMORY_BYTES_MAX, () => 'catching up must be allowed more log than usual');
