/** @quorate/replica: a member of a Quorate cluster inside your own process. */

// For everybody.
export {
  type AddByUrls,
  type Bytes,
  type Cluster,
  type Consistency,
  type ErrorCode,
  type HistogramSnapshot,
  type JoinRequest,
  type JoinResult,
  type KeyValue,
  type Kv,
  type Limits,
  type Member,
  type MemberInfo,
  type MemberMetrics,
  type MemberStatus,
  type Outcome,
  type PutResult,
  QuorateError,
  type RangeOptions,
  type RangeResult,
  type ReadOptions,
  type Role,
  type WriteOptions,
} from './api.js';
export { open } from './member.js';
export type { OpenOptions, PeerOptions } from './options.js';
export type { Trace } from './seams/index.js';
export { openStandalone } from './standalone.js';

// For doors that translate a protocol.
export type { Command, Response as StoreResponse } from './store/index.js';
