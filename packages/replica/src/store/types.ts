/**
 * The vocabulary of the store: what can be asked of it (operations), how it arrives through the log (commands) and what comes
 * back (responses). All plain data. Semantics and field meanings are etcd v3's; see the contract's sections 3 and 4.
 *
 * Keys are latin1 strings, one char per byte: compact, compared byte-wise by `<`, and hashable.
 */

/** A key's bytes as a string with one char (0-255) per byte. */
export type Key = string;

/** 0n is "no lease". Lease ids are positive int64 and do not fit a number. */
export type LeaseId = bigint;

export const NO_LEASE: LeaseId = 0n;

const NO_VALUE: Uint8Array = new Uint8Array(0);

/** One key at one revision. */
export interface KeyValue {
  readonly key: Key;
  /** A view; never write to it. */
  readonly value: Uint8Array;
  /** Revision of the put that created the key (again). */
  readonly createRevision: number;
  /** Revision of the last change. */
  readonly modRevision: number;
  /** Puts since the creation, which is 1. */
  readonly version: number;
  readonly lease: LeaseId;
}

/** What an event of a delete shows of the key: contract section 5.21. */
export function deletedKeyValue(key: Key, modRevision: number): KeyValue {
  return { key, value: NO_VALUE, createRevision: 0, modRevision, version: 0, lease: NO_LEASE };
}

/** `rangeEnd` undefined: the single key. Otherwise all keys in [key, rangeEnd); a rangeEnd of '\0' means every key from `key` on. */
export interface KeyRange {
  readonly key: Key;
  readonly rangeEnd: Key | undefined;
}

export interface PutOperation {
  readonly kind: 'put';
  readonly key: Key;
  readonly value: Uint8Array;
  readonly lease: LeaseId;
  /** Answer with the key's value before this put. */
  readonly returnPrevious: boolean;
  /** Keep the present value (then `value` must be empty); the key must exist. */
  readonly ignoreValue: boolean;
  /** Keep the present lease (then `lease` must be 0n); the key must exist. */
  readonly ignoreLease: boolean;
}

/** A put without any option, but for those that are given. */
export function putOf(key: Key, value: Uint8Array, options: Partial<PutOperation> = {}): PutOperation {
  return {
    kind: 'put',
    key,
    value,
    lease: NO_LEASE,
    returnPrevious: false,
    ignoreValue: false,
    ignoreLease: false,
    ...options,
  };
}

export interface DeleteOperation extends KeyRange {
  readonly kind: 'delete';
  readonly returnPrevious: boolean;
}

export type SortOrder = 'none' | 'ascending' | 'descending';
export type SortTarget = 'key' | 'version' | 'create' | 'mod' | 'value';

export interface RangeOperation extends KeyRange {
  readonly kind: 'range';
  /** 0: no limit. */
  readonly limit: number;
  /** The revision to read at; 0 or less: the latest. */
  readonly revision: number;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  /** 0: no bound, for each of the four. */
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

/** A range of keys without any option, but for those that are given. */
export function rangeOf(key: Key, rangeEnd: Key | undefined, options: Partial<RangeOperation> = {}): RangeOperation {
  return {
    kind: 'range',
    key,
    rangeEnd,
    limit: 0,
    revision: 0,
    sortOrder: 'none',
    sortTarget: 'key',
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
    ...options,
  };
}

export type CompareResult = 'equal' | 'greater' | 'less' | 'not-equal';

/** Compares the key (every key of a range) with an operand: `version`, `create` and `mod` with a number, `value` with bytes, `lease` with an id. */
export type Compare = KeyRange & { readonly result: CompareResult } & (
    | { readonly target: 'version' | 'create' | 'mod'; readonly operand: number }
    | { readonly target: 'value'; readonly operand: Uint8Array }
    | { readonly target: 'lease'; readonly operand: LeaseId }
  );

export interface TxnOperation {
  readonly kind: 'txn';
  readonly compares: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

/** Discards history: revisions below `revision` can no longer be read. */
export interface CompactOperation {
  readonly kind: 'compact';
  readonly revision: number;
}

export type Operation = PutOperation | DeleteOperation | RangeOperation | TxnOperation;

/**
 * Makes a lease (contract section 6). Leases live in cluster time, in milliseconds: a clock of the state machine that never goes
 * back and that only the stamps of applied commands move (also of those that are refused otherwise). The deadline is replicated,
 * so that a new leader neither gives a lease its whole time again nor takes any away.
 */
export interface LeaseGrantOperation {
  readonly kind: 'lease-grant';
  /** Not 0: whoever asks for any id draws one first. */
  readonly lease: LeaseId;
  readonly ttlSeconds: number;
  /** The leader's cluster time when it proposed this, in milliseconds: written by stampTime(). */
  readonly timeMs: number;
}

/** Gives a lease its whole time again, from `timeMs` on. */
export interface LeaseRenewOperation {
  readonly kind: 'lease-renew';
  readonly lease: LeaseId;
  readonly timeMs: number;
}

/** Ends a lease, on request: deletes its keys in sorted order in one revision (contract 28). */
export interface LeaseRevokeOperation {
  readonly kind: 'lease-revoke';
  readonly lease: LeaseId;
}

/**
 * Ends those of the leases whose deadline is not after `timeMs`; others have been renewed meanwhile and stay. With no lease it only moves
 * the clock. Each lease that ends makes a revision of its own, if it has keys.
 */
export interface LeaseExpireOperation {
  readonly kind: 'lease-expire';
  readonly leases: readonly LeaseId[];
  readonly timeMs: number;
}

export type LeaseOperation = LeaseGrantOperation | LeaseRenewOperation | LeaseRevokeOperation | LeaseExpireOperation;

export type AlarmKind = 'no-space' | 'corrupt';

/** Raises or clears an alarm. While `no-space` stands, puts, transactions that would put, and new leases are refused (contract 38). */
export interface AlarmOperation {
  readonly kind: 'alarm';
  readonly action: 'activate' | 'deactivate';
  readonly alarm: AlarmKind;
  readonly member: number;
}

export interface Alarm {
  readonly member: number;
  readonly alarm: AlarmKind;
}

/** The seed's three limits. They travel in the command and bind when it is applied, so that all members agree. */
export interface WriteLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** Most keys in the store: a put that would create one more is refused. */
  readonly keysMax: number;
}

/** What goes through the log to the store. */
export interface Command {
  readonly operation:
    | PutOperation
    | DeleteOperation
    | TxnOperation
    | CompactOperation
    | LeaseOperation
    | AlarmOperation;
  /** Undefined: only the store's own bounds. Checked before anything changes; a command that breaks one changes nothing. */
  readonly limits: WriteLimits | undefined;
}

export interface PutResponse {
  readonly kind: 'put';
  readonly revision: number;
  readonly previous: KeyValue | undefined;
}

export interface DeleteResponse {
  readonly kind: 'delete';
  readonly revision: number;
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

export interface RangeResponse {
  readonly kind: 'range';
  /** The store's current revision, not the one read at. */
  readonly revision: number;
  readonly keyValues: readonly KeyValue[];
  /** There was at least one more than `limit`. */
  readonly more: boolean;
  /** Keys in the range whatever the limit. */
  readonly count: number;
}

export interface TxnResponse {
  readonly kind: 'txn';
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly Response[];
}

export interface CompactResponse {
  readonly kind: 'compact';
  readonly revision: number;
}

/** To a grant or a renewal. */
export interface LeaseResponse {
  readonly kind: 'lease';
  readonly revision: number;
  readonly lease: LeaseId;
  /** As granted. */
  readonly ttlSeconds: number;
}

/** To a revocation or an expiry. */
export interface LeaseEndResponse {
  readonly kind: 'lease-end';
  readonly revision: number;
  readonly ended: readonly LeaseId[];
}

export interface AlarmResponse {
  readonly kind: 'alarm';
  readonly revision: number;
  /** The alarms that the request was about: raised, or cleared (contract, section 2). */
  readonly alarms: readonly Alarm[];
}

/** A lease as the state machine knows it. */
export interface LeaseInfo {
  readonly lease: LeaseId;
  readonly ttlSeconds: number;
  /** In cluster time. */
  readonly deadlineMs: number;
}

/** Refusals are values: every member computes the same one, and nothing has changed. */
export interface ErrorResponse {
  readonly kind: 'error';
  readonly code: StoreErrorCode;
}

export type StoreErrorCode =
  /** An ignore-value or ignore-lease put of a key that is not there. */
  | 'key-not-found'
  | 'key-empty'
  | 'value-provided'
  | 'lease-provided'
  | 'lease-not-found'
  | 'lease-exists'
  | 'lease-ttl-too-large'
  /** The no-space alarm stands. */
  | 'no-space'
  /** The corrupt alarm stands. */
  | 'corrupt'
  | 'compacted'
  | 'future-revision'
  | 'duplicate-key'
  | 'too-many-operations'
  /** The three limits of WriteLimits. */
  | 'key-too-long'
  | 'value-too-long'
  | 'too-many-keys';

export type Response =
  | PutResponse
  | DeleteResponse
  | RangeResponse
  | TxnResponse
  | CompactResponse
  | LeaseResponse
  | LeaseEndResponse
  | AlarmResponse
  | ErrorResponse;

/** One change of one key, for watchers. */
export interface StoreEvent {
  readonly type: 'put' | 'delete';
  /** For a delete only key and modRevision are set; value is empty, the rest 0. */
  readonly keyValue: KeyValue;
  readonly previous: KeyValue | undefined;
}
