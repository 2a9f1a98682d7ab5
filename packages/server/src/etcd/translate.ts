/**
 * Between etcd's messages and the store's vocabulary.
 *
 * A request is checked here as far as the store's operations could not even say what is wrong with it (an unknown sort order, an empty
 * operation), and in etcd's order, since of two errors the client is told the first (v3rpc/key.go, contract 1, 6, 9, 10).
 */
import type {
  Compare as CompareMessage,
  DeleteRangeRequest,
  DeleteRangeResponse,
  KeyValue as KeyValueMessage,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from '@quorate/proto';
import type {
  Compare,
  CompareResult,
  DeleteOperation,
  DeleteResponse,
  Key,
  KeyValue,
  Operation,
  PutOperation,
  RangeOperation,
  Response,
  SortOrder,
  SortTarget,
  PutResponse as StorePutResponse,
  RangeResponse as StoreRangeResponse,
  TxnResponse as StoreTxnResponse,
  TxnOperation,
} from '@quorate/replica/internal';
import { nodePlatform } from '@quorate/replica/internal';
import { etcdFailure } from './errors.js';
import type { RpcFailure } from './service.js';

/** A request that is refused before anything was done. Thrown while it is translated, caught where it is answered. */
export class Refused extends Error {
  readonly failure: RpcFailure;

  constructor(failure: RpcFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

const SORT_ORDERS: Readonly<Record<string, SortOrder>> = {
  NONE: 'none',
  ASCEND: 'ascending',
  DESCEND: 'descending',
};
const SORT_TARGETS: Readonly<Record<string, SortTarget>> = {
  KEY: 'key',
  VERSION: 'version',
  CREATE: 'create',
  MOD: 'mod',
  VALUE: 'value',
};
const COMPARE_RESULTS: Readonly<Record<string, CompareResult>> = {
  EQUAL: 'equal',
  GREATER: 'greater',
  LESS: 'less',
  NOT_EQUAL: 'not-equal',
};

export function keyOf(bytes: Uint8Array): Key {
  return nodePlatform.latin1(bytes, 0, bytes.length);
}

export function keyBytes(key: Key): Uint8Array {
  return Buffer.from(key, 'latin1');
}

export function rangeEndOf(bytes: Uint8Array): Key | undefined {
  return bytes.length === 0 ? undefined : keyOf(bytes);
}

/**
 * An int64 of a client's as a number of the store's, which are safe integers: what lies beyond becomes the last of them. No revision,
 * version or count ever comes near, so whatever is compared with it stands to it as it stood to the client's number.
 */
export function safeInteger(int64: number): number {
  return Math.min(Math.max(int64, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

export function rangeOperation(request: RangeRequest): RangeOperation {
  requireKey(request.key);
  const sortOrder = SORT_ORDERS[request.sortOrder];
  const sortTarget = SORT_TARGETS[request.sortTarget];
  if (sortOrder === undefined || sortTarget === undefined) throw new Refused(etcdFailure('InvalidSortOption'));
  return {
    kind: 'range',
    key: keyOf(request.key),
    rangeEnd: rangeEndOf(request.rangeEnd),
    limit: safeInteger(request.limit),
    revision: safeInteger(request.revision),
    sortOrder,
    sortTarget,
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    minModRevision: safeInteger(request.minModRevision),
    maxModRevision: safeInteger(request.maxModRevision),
    minCreateRevision: safeInteger(request.minCreateRevision),
    maxCreateRevision: safeInteger(request.maxCreateRevision),
  };
}

/** The operation's value is a view of the message's. */
export function putOperation(request: PutRequest): PutOperation {
  requireKey(request.key);
  if (request.ignoreValue && request.value.length > 0) throw new Refused(etcdFailure('ValueProvided'));
  if (request.ignoreLease && request.lease !== 0n) throw new Refused(etcdFailure('LeaseProvided'));
  return {
    kind: 'put',
    key: keyOf(request.key),
    value: request.value,
    lease: request.lease,
    returnPrevious: request.prevKv,
    ignoreValue: request.ignoreValue,
    ignoreLease: request.ignoreLease,
  };
}

export function deleteOperation(request: DeleteRangeRequest): DeleteOperation {
  requireKey(request.key);
  return {
    kind: 'delete',
    key: keyOf(request.key),
    rangeEnd: rangeEndOf(request.rangeEnd),
    returnPrevious: request.prevKv,
  };
}

/** `operationsMax`: what is left of the budget; a transaction inside another shares it (contract 10). */
export function txnOperation(request: TxnRequest, operationsMax: number): TxnOperation {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (operations > operationsMax) throw new Refused(etcdFailure('TooManyOps'));
  for (const { key } of request.compare) requireKey(key);
  const left = operationsMax - operations;
  return {
    kind: 'txn',
    compares: request.compare.map(compareOf),
    success: request.success.map((operation) => operationOf(operation, left)),
    failure: request.failure.map((operation) => operationOf(operation, left)),
  };
}

function operationOf(operation: RequestOp, operationsMax: number): Operation {
  if (operation.requestRange !== undefined) return rangeOperation(operation.requestRange);
  if (operation.requestPut !== undefined) return putOperation(operation.requestPut);
  if (operation.requestDeleteRange !== undefined) return deleteOperation(operation.requestDeleteRange);
  if (operation.requestTxn !== undefined) return txnOperation(operation.requestTxn, operationsMax);
  // Not what one would expect of an operation that is not there, but etcd's answer.
  throw new Refused(etcdFailure('KeyNotFound'));
}

function compareOf(compare: CompareMessage): Compare {
  const result = COMPARE_RESULTS[compare.result];
  const range = { key: keyOf(compare.key), rangeEnd: rangeEndOf(compare.rangeEnd) };
  if (result === undefined) return unknownResult(range, compare.target === 'VALUE');
  const about = { ...range, result };
  switch (compare.target) {
    case 'CREATE':
      return { ...about, target: 'create', operand: safeInteger(compare.createRevision ?? 0) };
    case 'MOD':
      return { ...about, target: 'mod', operand: safeInteger(compare.modRevision ?? 0) };
    case 'VALUE':
      return { ...about, target: 'value', operand: compare.value ?? new Uint8Array(0) };
    case 'LEASE':
      return { ...about, target: 'lease', operand: compare.lease ?? 0n };
    case 'VERSION':
      return { ...about, target: 'version', operand: safeInteger(compare.version ?? 0) };
    default:
      return unknownTarget(range.key, result);
  }
}

/** As in etcd, a result that it does not know holds for whatever is there; nothing has no value. */
function unknownResult(range: Pick<Compare, 'key' | 'rangeEnd'>, isOfValue: boolean): Compare {
  return { ...range, target: 'version', result: 'greater', operand: isOfValue ? 0 : -1 };
}

/** As in etcd, a target that it does not know is equal to everything. Versions are never negative. */
function unknownTarget(key: Key, result: CompareResult): Compare {
  return { key, rangeEnd: undefined, target: 'version', result: result === 'equal' ? 'greater' : 'less', operand: -1 };
}

function requireKey(key: Uint8Array): void {
  if (key.length === 0) throw new Refused(etcdFailure('EmptyKey'));
}

export function keyValueMessage(stored: KeyValue): KeyValueMessage {
  return {
    key: keyBytes(stored.key),
    createRevision: stored.createRevision,
    modRevision: stored.modRevision,
    version: stored.version,
    value: stored.value,
    lease: stored.lease,
  };
}

export function rangeMessage(response: StoreRangeResponse): RangeResponse {
  return {
    header: undefined,
    kvs: response.keyValues.map(keyValueMessage),
    more: response.more,
    count: response.count,
  };
}

export function putMessage(response: StorePutResponse): PutResponse {
  return { header: undefined, prevKv: response.previous && keyValueMessage(response.previous) };
}

export function deleteMessage(response: DeleteResponse): DeleteRangeResponse {
  return { header: undefined, deleted: response.deleted, prevKvs: response.previous.map(keyValueMessage) };
}

export function txnMessage(response: StoreTxnResponse): TxnResponse {
  return {
    header: undefined,
    succeeded: response.succeeded,
    responses: response.responses.map(responseOp),
  };
}

/** The header of what is inside a transaction has nothing but the revision (contract 13). */
function responseOp(response: Response): ResponseOp {
  if (response.kind === 'range') return { ...NO_RESPONSE, responseRange: within(rangeMessage(response), response) };
  if (response.kind === 'put') return { ...NO_RESPONSE, responsePut: within(putMessage(response), response) };
  if (response.kind === 'delete')
    return { ...NO_RESPONSE, responseDeleteRange: within(deleteMessage(response), response) };
  if (response.kind === 'txn') return { ...NO_RESPONSE, responseTxn: within(txnMessage(response), response) };
  throw new Error(`a transaction cannot hold a response of kind ${response.kind}`);
}

const NO_RESPONSE: ResponseOp = {
  responseRange: undefined,
  responsePut: undefined,
  responseDeleteRange: undefined,
  responseTxn: undefined,
};

function within<Message>(message: Message, { revision }: { readonly revision: number }): Message {
  return { ...message, header: { clusterId: 0n, memberId: 0n, revision, raftTerm: 0 } };
}
