/**
 * The promise face of the store: translates between callers' bytes and the store's terms. What is behind it (a replicated
 * member, or the map alone) is a StoreBackend.
 */

import type { PutResult, RangeOptions, RangeResult, ReadOptions, WriteOptions } from './api.js';
import { type Bytes, type Consistency, type KeyValue, type Kv, QuorateError } from './api.js';
import type { Store } from './store/index.js';
import {
  type Command,
  type ErrorResponse,
  type Key,
  type PutOperation,
  putOf,
  type RangeOperation,
  type Response,
  rangeOf,
  type KeyValue as StoredKeyValue,
  type StoreErrorCode,
} from './store/index.js';

/** What a StoreKv needs behind it. */
export interface StoreBackend {
  /** Applies a command; refusals of the store come back as a response. Rejects with a QuorateError. */
  execute(command: Command): Promise<Response>;
  /** Resolves when reading the store now is as consistent as asked. */
  readable(consistency: Consistency): Promise<void>;
  store(): Store;
}

export class StoreKv implements Kv {
  readonly #backend: StoreBackend;
  rangesTotal = 0;

  constructor(backend: StoreBackend) {
    this.#backend = backend;
  }

  async get(key: Bytes, options: ReadOptions & { readonly revision?: number } = {}): Promise<KeyValue | undefined> {
    const at = toKey(key);
    if (options.revision !== undefined) checkInteger('revision', options.revision);
    await this.#backend.readable(options.consistency ?? 'linearizable');
    this.rangesTotal += 1;
    const store = this.#backend.store();
    if (options.revision !== undefined) {
      const [found] = this.#range(store, rangeOf(at, undefined, { revision: options.revision }));
      return found;
    }
    const found = store.get(at);
    return found && toKeyValue(found);
  }

  async range(options: RangeOptions = {}): Promise<RangeResult> {
    const { key, rangeEnd } = bounds(options);
    const { limit = 0, revision: readAt = 0 } = options;
    checkInteger('limit', limit);
    checkInteger('revision', readAt);
    const operation = rangeOf(key, rangeEnd, {
      limit,
      revision: readAt,
      keysOnly: options.keysOnly ?? false,
    });
    await this.#backend.readable(options.consistency ?? 'linearizable');
    this.rangesTotal += 1;
    const response = this.#backend.store().range(operation);
    if (response.kind === 'error') throw storeError(response);
    const { revision, more, count } = response;
    return { revision, more, count, keyValues: response.keyValues.map(toKeyValue) };
  }

  async put(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<PutResult> {
    const operation: PutOperation = putOf(toKey(key), toValue(value), { returnPrevious: true });
    const response = await this.#backend.execute({ operation, limits: options.limits });
    const { revision, previous } = expected(response, 'put');
    return { revision, created: previous === undefined };
  }

  async create(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<PutResult> {
    const response = await this.#backend.execute(putIf(toKey(key), 'create', 0, value, options));
    const { succeeded, revision } = expected(response, 'txn');
    return { revision, created: succeeded };
  }

  async compareAndSet(
    key: Bytes,
    expectedModRevision: number,
    value: Bytes,
    options: WriteOptions = {},
  ): Promise<{ readonly succeeded: boolean; readonly revision: number }> {
    checkInteger('revision', expectedModRevision);
    const response = await this.#backend.execute(putIf(toKey(key), 'mod', expectedModRevision, value, options));
    const { succeeded, revision } = expected(response, 'txn');
    return { succeeded, revision };
  }

  async delete(key: Bytes): Promise<{ readonly revision: number; readonly deleted: number }> {
    const operation = { kind: 'delete', key: toKey(key), rangeEnd: undefined, returnPrevious: false } as const;
    const response = await this.#backend.execute({ operation, limits: undefined });
    const { revision, deleted } = expected(response, 'delete');
    return { revision, deleted };
  }

  async compact(revision: number): Promise<void> {
    checkInteger('revision', revision);
    const response = await this.#backend.execute({ operation: { kind: 'compact', revision }, limits: undefined });
    expected(response, 'compact');
  }

  async execute(command: Command): Promise<Response> {
    return await this.#backend.execute(command);
  }

  #range(store: Store, operation: RangeOperation): readonly KeyValue[] {
    const response = store.range(operation);
    if (response.kind === 'error') throw storeError(response);
    return response.keyValues.map(toKeyValue);
  }
}

/** Puts if the key's revision of that kind is the one expected; 0: if there is no such key. */
function putIf(key: Key, target: 'create' | 'mod', operand: number, value: Bytes, options: WriteOptions): Command {
  return {
    operation: {
      kind: 'txn',
      compares: [{ key, rangeEnd: undefined, result: 'equal', target, operand }],
      success: [putOf(key, toValue(value))],
      failure: [],
    },
    limits: options.limits,
  };
}

/** Throws a refusal of the store as a QuorateError. */
function expected<K extends Response['kind']>(response: Response, kind: K): Extract<Response, { kind: K }> {
  if (response.kind === 'error') throw storeError(response);
  if (response.kind !== kind) throw new Error(`assertion failed: a ${kind} was answered as a ${response.kind}`);
  return response as Extract<Response, { kind: K }>;
}

const ASCII = /^[\0-\x7f]*$/;

/** Bytes as the store's keys: a latin1 string. */
export function toKey(bytes: Bytes): Key {
  if (typeof bytes === 'string') return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'utf8').toString('latin1');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function toValue(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
}

function toKeyValue(stored: StoredKeyValue): KeyValue {
  return {
    key: Buffer.from(stored.key, 'latin1'),
    // A copy: what callers do with it must not reach the store.
    value: Buffer.from(stored.value),
    createRevision: stored.createRevision,
    modRevision: stored.modRevision,
    version: stored.version,
  };
}

function bounds(options: RangeOptions): { readonly key: Key; readonly rangeEnd: Key } {
  if (options.prefix !== undefined) {
    if (options.from !== undefined || options.to !== undefined) {
      throw new QuorateError('invalid-argument', 'invalid', 'a range has a prefix, or from and to, not both');
    }
    const prefix = toKey(options.prefix);
    return { key: prefix === '' ? '\0' : prefix, rangeEnd: prefixEnd(prefix) };
  }
  return {
    key: options.from === undefined ? '\0' : toKey(options.from),
    rangeEnd: options.to === undefined ? '\0' : toKey(options.to),
  };
}

/** The store counts in integers that a number holds exactly. Throws a QuorateError for anything else, and for what is below 0. */
function checkInteger(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new QuorateError('invalid-argument', 'invalid', `a ${name} is an integer from 0 to 2^53 - 1, not ${value}`);
}

/** The first key behind all keys that begin with `prefix`; '\0' (no end) if there is none (contract 1). */
export function prefixEnd(prefix: Key): Key {
  for (let end = prefix.length - 1; end >= 0; end--) {
    const char = prefix.charCodeAt(end);
    if (char < 0xff) return prefix.slice(0, end) + String.fromCharCode(char + 1);
  }
  return '\0';
}

const STORE_ERRORS: Readonly<Record<StoreErrorCode, readonly [QuorateError['code'], string]>> = {
  'key-not-found': ['invalid-argument', 'key not found'],
  'key-empty': ['key-empty', 'a key has at least one byte'],
  'value-provided': ['invalid-argument', 'a value is provided although it is to be ignored'],
  'lease-provided': ['invalid-argument', 'a lease is provided although it is to be ignored'],
  'lease-not-found': ['invalid-argument', 'requested lease not found'],
  'lease-exists': ['invalid-argument', 'lease already exists'],
  'lease-ttl-too-large': ['invalid-argument', 'too large lease TTL'],
  'no-space': ['no-space', 'database space exceeded'],
  corrupt: ['corrupt', 'corrupt cluster'],
  compacted: ['compacted', 'the required revision has been compacted'],
  'future-revision': ['future-revision', 'the required revision is a future revision'],
  'duplicate-key': ['invalid-argument', 'duplicate key in one transaction'],
  'too-many-operations': ['invalid-argument', 'too many operations in one transaction'],
  'key-too-long': ['key-too-long', 'the key is longer than the limit'],
  'value-too-long': ['value-too-long', 'the value is longer than the limit'],
  'too-many-keys': ['too-many-keys', 'the store holds as many keys as the limit allows'],
};

/** The request is right, and another time it may be taken. */
const REJECTIONS: ReadonlySet<StoreErrorCode> = new Set(['too-many-keys', 'no-space', 'corrupt']);

/** A refusal of the store as this package's error: nothing was applied. */
export function storeError(response: ErrorResponse): QuorateError {
  const [code, message] = STORE_ERRORS[response.code];
  const outcome = REJECTIONS.has(response.code) ? 'rejected' : 'invalid';
  return new QuorateError(code, outcome, message);
}
