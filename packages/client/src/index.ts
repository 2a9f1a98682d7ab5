/** @quorate/client: the TypeScript client for Quorate and etcd v3. */

export { type Bytes, type KeySelection } from './bytes.js';
export type { CallOptions } from './calls.js';
export { Client } from './client.js';
export type { Cluster, MemberInfo, MemberList } from './cluster.js';
export { ClientError, type Outcome } from './errors.js';
export type {
  Consistency,
  DeleteResult,
  GetOptions,
  Kv,
  PutOptions,
  PutResult,
  RangeOptions,
  RangeResult,
  ReadOptions,
  ScanOptions,
  SetResult,
} from './kv.js';
export type { GrantOptions, Lease, Leases, TimeToLive } from './leases.js';
export type { HashResult, Maintenance, MemberAlarm, SnapshotPiece, Status } from './maintenance.js';
export type { ClientOptions, Credentials, TlsOptions } from './options.js';
export type { ClientStream } from './stream.js';
export {
  type Comparison,
  type Condition,
  type KeyValue,
  type Operation,
  type OperationResult,
  op,
  type PutSettings,
  type RangeSettings,
  type Txn,
  type TxnResult,
  when,
} from './txn.js';
export type { Watch, WatchBatch, WatchEvent, WatchOptions } from './watch.js';
