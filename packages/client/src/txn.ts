/** Transactions: conditions, and what to do if all of them hold or if one does not, in one revision. */
import {
  type Compare,
  type CompareResult,
  type MessageInit,
  type RequestOp,
  type ResponseOp,
  SERVICES,
  type TxnRequest,
  type TxnResponse,
  type KeyValue as WireKeyValue,
} from '@quorate/proto';
import { type Bytes, bufferOf, bytesOf, type KeySelection, rangeOf } from './bytes.js';
import type { CallOptions, Calls } from './calls.js';

/** One key as it stands (or stood) in the store. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** 0n: none. */
  readonly lease: bigint;
}

export function keyValueOf(wire: WireKeyValue): KeyValue {
  const { key, value, createRevision, modRevision, version, lease } = wire;
  return { key: bufferOf(key), value: bufferOf(value), createRevision, modRevision, version, lease };
}

export type Comparison = '=' | '!=' | '<' | '>';

const RESULTS: Readonly<Record<Comparison, CompareResult>> = {
  '=': 'EQUAL',
  '!=': 'NOT_EQUAL',
  '<': 'LESS',
  '>': 'GREATER',
};

/** A condition, made by `when`. */
export type Condition = MessageInit<Compare>;

type Target = Pick<Condition, 'target' | 'version' | 'createRevision' | 'modRevision' | 'value' | 'lease'>;

function condition(keys: Bytes | KeySelection, comparison: Comparison, target: Target): Condition {
  const selection = typeof keys === 'string' || keys instanceof Uint8Array ? { key: keys } : keys;
  return { ...rangeOf(selection), result: RESULTS[comparison], ...target };
}

/** Makes conditions. A key that is not there has version, revisions and lease 0; a condition on a range is one on each of its keys. */
export const when = {
  value: (keys: Bytes | KeySelection, comparison: Comparison, value: Bytes): Condition =>
    condition(keys, comparison, { target: 'VALUE', value: bytesOf(value) }),
  version: (keys: Bytes | KeySelection, comparison: Comparison, version: number): Condition =>
    condition(keys, comparison, { target: 'VERSION', version }),
  createRevision: (keys: Bytes | KeySelection, comparison: Comparison, createRevision: number): Condition =>
    condition(keys, comparison, { target: 'CREATE', createRevision }),
  modRevision: (keys: Bytes | KeySelection, comparison: Comparison, modRevision: number): Condition =>
    condition(keys, comparison, { target: 'MOD', modRevision }),
  lease: (keys: Bytes | KeySelection, comparison: Comparison, lease: bigint): Condition =>
    condition(keys, comparison, { target: 'LEASE', lease }),
  exists: (key: Bytes): Condition => condition(key, '>', { target: 'CREATE', createRevision: 0 }),
  absent: (key: Bytes): Condition => condition(key, '=', { target: 'CREATE', createRevision: 0 }),
} as const;

/** An operation of a transaction, made by `op`. */
export type Operation = MessageInit<RequestOp>;

export interface PutSettings {
  /** The key goes when the lease ends. Default: none, and a lease that the key had is dropped. */
  readonly lease?: bigint;
  /** Keep the lease that the key has; it must exist. */
  readonly keepLease?: boolean;
  /** Tell what was there before. */
  readonly previous?: boolean;
}

export interface RangeSettings extends KeySelection {
  readonly limit?: number;
  readonly revision?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

/** Makes operations. Within one branch no key may be put twice. */
export const op = {
  get: (key: Bytes): Operation => ({ requestRange: rangeOf({ key }) }),
  range: ({ limit, revision, keysOnly, countOnly, ...keys }: RangeSettings): Operation => ({
    requestRange: { ...rangeOf(keys), limit, revision, keysOnly, countOnly },
  }),
  put: (key: Bytes, value: Bytes, { lease, keepLease, previous }: PutSettings = {}): Operation => ({
    requestPut: { key: bytesOf(key), value: bytesOf(value), lease, ignoreLease: keepLease, prevKv: previous },
  }),
  delete: (keys: Bytes | KeySelection, { previous }: { readonly previous?: boolean } = {}): Operation => ({
    requestDeleteRange: {
      ...rangeOf(typeof keys === 'string' || keys instanceof Uint8Array ? { key: keys } : keys),
      prevKv: previous,
    },
  }),
  txn: (
    conditions: readonly Condition[],
    success: readonly Operation[],
    failure: readonly Operation[] = [],
  ): Operation => ({ requestTxn: { compare: conditions, success, failure } }),
} as const;

/** What an operation came to. */
export type OperationResult =
  | { readonly kind: 'range'; readonly keyValues: readonly KeyValue[]; readonly count: number; readonly more: boolean }
  | { readonly kind: 'put'; readonly previous: KeyValue | undefined }
  | { readonly kind: 'delete'; readonly deleted: number; readonly previous: readonly KeyValue[] }
  | { readonly kind: 'txn'; readonly succeeded: boolean; readonly results: readonly OperationResult[] };

export interface TxnResult {
  readonly revision: number;
  /** Every condition held. */
  readonly succeeded: boolean;
  /** Of the operations of the branch that was taken, in order. */
  readonly results: readonly OperationResult[];
}

function resultOf({ responseRange, responsePut, responseDeleteRange, responseTxn }: ResponseOp): OperationResult {
  if (responseRange !== undefined) {
    const { kvs, count, more } = responseRange;
    return { kind: 'range', keyValues: kvs.map(keyValueOf), count, more };
  }
  if (responseDeleteRange !== undefined) {
    const { deleted, prevKvs } = responseDeleteRange;
    return { kind: 'delete', deleted, previous: prevKvs.map(keyValueOf) };
  }
  if (responseTxn !== undefined) {
    return { kind: 'txn', succeeded: responseTxn.succeeded, results: responseTxn.responses.map(resultOf) };
  }
  const previous = responsePut?.prevKv;
  return { kind: 'put', previous: previous === undefined ? undefined : keyValueOf(previous) };
}

function txnResultOf({ header, succeeded, responses }: TxnResponse): TxnResult {
  return { revision: header?.revision ?? 0, succeeded, results: responses.map(resultOf) };
}

export async function runTxn(
  calls: Calls,
  request: MessageInit<TxnRequest>,
  options?: CallOptions,
): Promise<TxnResult> {
  return txnResultOf(await calls.call(SERVICES['etcdserverpb.KV'].Txn, request, options));
}

/**
 * `kv.txn().when(when.absent('a')).do(op.put('a', '1')).otherwise(op.get('a')).commit()`. Each call adds to what is there; nothing
 * is sent before commit().
 */
export class Txn {
  readonly #calls: Calls;
  readonly #compare: Condition[] = [];
  readonly #success: Operation[] = [];
  readonly #failure: Operation[] = [];

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  when(...conditions: readonly Condition[]): this {
    this.#compare.push(...conditions);
    return this;
  }

  do(...operations: readonly Operation[]): this {
    this.#success.push(...operations);
    return this;
  }

  otherwise(...operations: readonly Operation[]): this {
    this.#failure.push(...operations);
    return this;
  }

  commit(options?: CallOptions): Promise<TxnResult> {
    const request = { compare: this.#compare, success: this.#success, failure: this.#failure };
    return runTxn(this.#calls, request, options);
  }
}
