/** Transactions: the other half of service KV. A request may hold transactions again. */
import { codecOf } from '../codec/registry.js';
import type { Codec, UnknownEnum } from '../codec/types.js';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
} from './range.js';

export type CompareResult = 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL' | UnknownEnum;

export type CompareTarget = 'VERSION' | 'CREATE' | 'MOD' | 'VALUE' | 'LEASE' | UnknownEnum;

/** One operation of a transaction: at most one of the four is set. */
export interface RequestOp {
  requestRange: RangeRequest | undefined;
  requestPut: PutRequest | undefined;
  requestDeleteRange: DeleteRangeRequest | undefined;
  requestTxn: TxnRequest | undefined;
}
export const RequestOp: Codec<RequestOp> = codecOf('etcdserverpb.RequestOp');

/** The answer to the operation at the same place: one of the four is set. */
export interface ResponseOp {
  responseRange: RangeResponse | undefined;
  responsePut: PutResponse | undefined;
  responseDeleteRange: DeleteRangeResponse | undefined;
  responseTxn: TxnResponse | undefined;
}
export const ResponseOp: Codec<ResponseOp> = codecOf('etcdserverpb.ResponseOp');

/** One condition of a transaction; at most one of version ... lease is set, absent counts as 0 or empty. */
export interface Compare {
  result: CompareResult;
  target: CompareTarget;
  key: Uint8Array;
  version: number | undefined;
  createRevision: number | undefined;
  modRevision: number | undefined;
  value: Uint8Array | undefined;
  lease: bigint | undefined;
  /** When set, the condition is on every key of [key, range_end). */
  rangeEnd: Uint8Array;
}
export const Compare: Codec<Compare> = codecOf('etcdserverpb.Compare');

/** Does `success` if every comparison holds, else `failure`. */
export interface TxnRequest {
  compare: Compare[];
  success: RequestOp[];
  failure: RequestOp[];
}
export const TxnRequest: Codec<TxnRequest> = codecOf('etcdserverpb.TxnRequest');

export interface TxnResponse {
  header: ResponseHeader | undefined;
  succeeded: boolean;
  responses: ResponseOp[];
}
export const TxnResponse: Codec<TxnResponse> = codecOf('etcdserverpb.TxnResponse');
