/** Header, Range, Put, DeleteRange and Compact: the plain half of service KV. */
import { codecOf } from '../codec/registry.js';
import type { Codec, UnknownEnum } from '../codec/types.js';
import type { KeyValue } from './kv.js';

export type SortOrder = 'NONE' | 'ASCEND' | 'DESCEND' | UnknownEnum;

export type SortTarget = 'KEY' | 'VERSION' | 'CREATE' | 'MOD' | 'VALUE' | UnknownEnum;

/** What every reply says about the cluster. */
export interface ResponseHeader {
  clusterId: bigint;
  memberId: bigint;
  /** The store's revision when the request was applied; of a watch's progress: every event up to it was sent. */
  revision: number;
  raftTerm: number;
}
export const ResponseHeader: Codec<ResponseHeader> = codecOf('etcdserverpb.ResponseHeader');

/** Reads the keys of [key, range_end). */
export interface RangeRequest {
  key: Uint8Array;
  /** Empty: only `key`. One zero byte: every key from `key` on. */
  rangeEnd: Uint8Array;
  /** Most pairs to return, 0 for all. */
  limit: number;
  /** Revision to read at, 0 for the present. */
  revision: number;
  sortOrder: SortOrder;
  sortTarget: SortTarget;
  /** May be answered by any member from its own, possibly stale, state. */
  serializable: boolean;
  keysOnly: boolean;
  countOnly: boolean;
  minModRevision: number;
  maxModRevision: number;
  minCreateRevision: number;
  maxCreateRevision: number;
}
export const RangeRequest: Codec<RangeRequest> = codecOf('etcdserverpb.RangeRequest');

export interface RangeResponse {
  header: ResponseHeader | undefined;
  kvs: KeyValue[];
  /** There are further keys beyond the limit. */
  more: boolean;
  /** Keys in the range, whatever the limit. */
  count: number;
}
export const RangeResponse: Codec<RangeResponse> = codecOf('etcdserverpb.RangeResponse');

/** A part of a RangeResponse (etcd 3.7): merging the parts gives the whole. */
export interface RangeStreamResponse {
  rangeResponse: RangeResponse | undefined;
}
export const RangeStreamResponse: Codec<RangeStreamResponse> = codecOf('etcdserverpb.RangeStreamResponse');

export interface PutRequest {
  key: Uint8Array;
  value: Uint8Array;
  /** Lease to attach the key to, 0n for none. */
  lease: bigint;
  /** Return the pair as it was before. */
  prevKv: boolean;
  /** Keep the key's value, which must exist. */
  ignoreValue: boolean;
  /** Keep the key's lease; the key must exist. */
  ignoreLease: boolean;
}
export const PutRequest: Codec<PutRequest> = codecOf('etcdserverpb.PutRequest');

export interface PutResponse {
  header: ResponseHeader | undefined;
  prevKv: KeyValue | undefined;
}
export const PutResponse: Codec<PutResponse> = codecOf('etcdserverpb.PutResponse');

export interface DeleteRangeRequest {
  key: Uint8Array;
  /** As in RangeRequest. */
  rangeEnd: Uint8Array;
  /** Return the pairs that were deleted. */
  prevKv: boolean;
}
export const DeleteRangeRequest: Codec<DeleteRangeRequest> = codecOf('etcdserverpb.DeleteRangeRequest');

export interface DeleteRangeResponse {
  header: ResponseHeader | undefined;
  deleted: number;
  prevKvs: KeyValue[];
}
export const DeleteRangeResponse: Codec<DeleteRangeResponse> = codecOf('etcdserverpb.DeleteRangeResponse');

export interface CompactionRequest {
  revision: number;
  /** Answer only when the history is gone from storage. */
  physical: boolean;
}
export const CompactionRequest: Codec<CompactionRequest> = codecOf('etcdserverpb.CompactionRequest');

export interface CompactionResponse {
  header: ResponseHeader | undefined;
}
export const CompactionResponse: Codec<CompactionResponse> = codecOf('etcdserverpb.CompactionResponse');
