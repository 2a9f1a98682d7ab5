/** @quorate/replica: a member of a Quorate cluster inside your own process. */

// For everybody.
export {
  type AddByUrls,
  type Bytes,
  type Cluster,
  type Consistency,
  type DoorHeader,
  type ErrorCode,
  type HistogramSnapshot,
  type JoinRequest,
  type JoinResult,
  type KeyValue,
  type Kv,
  type Limits,
  type Member,
  type MemberDoor,
  type MemberInfo,
  type MemberMetrics,
  type MemberStatus,
  type Outcome,
  type PutResult,
  type PutWaiter,
  QuorateError,
  type RangeOptions,
  type RangeResult,
  type ReadOptions,
  type Role,
  type StateSnapshot,
  type WriteOptions,
} from './api.js';
export { open } from './member.js';
export type { OpenOptions, PeerOptions } from './options.js';
// For doors that translate a protocol.
export type { Failure, FailureCode, Result } from './replica/failure.js';
export {
  inspectSnapshot,
  type RestoredMember,
  type RestoreOptions,
  type RestoreResult,
  restore,
  type SavedState,
  type SnapshotSummary,
} from './restore.js';
export type { Trace } from './seams/index.js';
export { openStandalone, type StandaloneOptions } from './standalone.js';
export { type StaticCluster, type StaticMember, staticIds } from './static-cluster.js';
export {
  type Alarm,
  type AlarmKind,
  type Command,
  type Compare,
  decodeCommand,
  type ErrorResponse as StoreErrorResponse,
  encodeCommand,
  type Key,
  type KeyRange,
  type KeyValue as StoreKeyValue,
  LEASE_TTL_SECONDS_MAX,
  type LeaseId,
  type LeaseInfo,
  NO_LEASE,
  type Operation,
  putOf,
  type RangeOperation,
  type RangeResponse,
  type Response as StoreResponse,
  rangeOf,
  type Store,
  type StoreErrorCode,
  type StoreEvent,
  type StoreHash,
  type TxnOperation,
  type TxnResponse,
  type WriteLimits,
} from './store/index.js';
export type { WatchEvent, Watcher, WatchOptions, WatchSink } from './watch/index.js';
