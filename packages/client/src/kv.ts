/** Keys and values: the `Kv` that embedders of a member have, over the wire, with what etcd has besides. */
import { SERVICES } from '@quorate/proto';
import { type Bytes, bytesOf, type KeySelection, rangeOf } from './bytes.js';
import type { CallOptions, Calls } from './calls.js';
import { ClientError } from './errors.js';
import { type Condition, type KeyValue, keyValueOf, op, type PutSettings, runTxn, Txn, when } from './txn.js';

/** `linearizable`: sees every write that was acknowledged before the read began. `serializable`: the asked member's state, perhaps stale. */
export type Consistency = 'linearizable' | 'serializable';

export interface ReadOptions extends CallOptions {
  /** Default `linearizable`. */
  readonly consistency?: Consistency;
}

export interface GetOptions extends ReadOptions {
  /** Read at that revision; default: the latest. */
  readonly revision?: number;
}

export interface RangeOptions extends GetOptions {
  /** First key; default: the first of all. */
  readonly from?: Bytes;
  /** Key after the last one; default: no end. */
  readonly to?: Bytes;
  /** All keys that begin with these bytes; excludes `from` and `to`. */
  readonly prefix?: Bytes;
  /** Most keys in the answer; default: no limit. */
  readonly limit?: number;
  readonly keysOnly?: boolean;
  /** Only `count` and `revision` are wanted. */
  readonly countOnly?: boolean;
  /** Default: by key, ascending. */
  readonly sort?: { readonly by: 'key' | 'version' | 'create' | 'mod' | 'value'; readonly descending?: boolean };
}

export interface RangeResult {
  readonly revision: number;
  readonly keyValues: readonly KeyValue[];
  /** There are further keys beyond the limit. */
  readonly more: boolean;
  /** Keys in the range, whatever the limit. */
  readonly count: number;
}

export interface ScanOptions extends Omit<RangeOptions, 'limit' | 'countOnly' | 'sort'> {
  /** Most keys in one request: fewer where values are large. Default 1,000. */
  readonly pageKeys?: number;
}

export interface PutOptions extends CallOptions, PutSettings {}

export interface PutResult {
  readonly revision: number;
  /** True if the key was not there. */
  readonly created: boolean;
  /** Only if it was asked for and there. */
  readonly previous: KeyValue | undefined;
}

export interface SetResult {
  readonly succeeded: boolean;
  readonly revision: number;
}

export interface DeleteResult {
  readonly revision: number;
  readonly deleted: number;
  /** Only if they were asked for. */
  readonly previous: readonly KeyValue[];
}

const PAGE_KEYS_DEFAULT = 1_000;
/** Of the first page of values, before it is known how large they are. */
const FIRST_PAGE_KEYS = 32;
/** What a page of values is meant to have. */
const PAGE_BYTES = 1024 * 1024;

const SORT_TARGETS = { key: 'KEY', version: 'VERSION', create: 'CREATE', mod: 'MOD', value: 'VALUE' } as const;

export class Kv {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async get(key: Bytes, options: GetOptions = {}): Promise<KeyValue | undefined> {
    const { consistency, revision, ...call } = options;
    const request = { ...rangeOf({ key }), revision, serializable: consistency === 'serializable' };
    const { kvs } = await this.#calls.call(SERVICES['etcdserverpb.KV'].Range, request, call);
    const [found] = kvs;
    return found === undefined ? undefined : keyValueOf(found);
  }

  /** Without options: every key. */
  async range(options: RangeOptions = {}): Promise<RangeResult> {
    const { consistency, from, to, prefix, revision, limit, keysOnly, countOnly, sort, ...call } = options;
    const request = {
      ...rangeOf({ prefix, from, to }),
      revision,
      limit,
      keysOnly,
      countOnly,
      serializable: consistency === 'serializable',
      ...(sort === undefined
        ? {}
        : ({ sortTarget: SORT_TARGETS[sort.by], sortOrder: sort.descending === true ? 'DESCEND' : 'ASCEND' } as const)),
    };
    const { header, kvs, more, count } = await this.#calls.call(SERVICES['etcdserverpb.KV'].Range, request, call);
    return { revision: header?.revision ?? 0, keyValues: kvs.map(keyValueOf), more, count };
  }

  /** A range of any size, page by page, all of it as of one revision. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<KeyValue, void, undefined> {
    const { pageKeys = PAGE_KEYS_DEFAULT, prefix, from, to, ...others } = options;
    const { key, rangeEnd } = rangeOf({ prefix, from, to });
    const isEndless = rangeEnd.length === 1 && rangeEnd[0] === 0;
    let next = key;
    let { revision } = options;
    let limit = options.keysOnly === true ? pageKeys : Math.min(pageKeys, FIRST_PAGE_KEYS);
    for (;;) {
      let page: RangeResult;
      try {
        page = await this.range({
          ...others,
          from: next,
          ...(isEndless ? {} : { to: rangeEnd }),
          limit,
          ...(revision === undefined ? {} : { revision }),
        });
      } catch (error) {
        // Larger than an answer may be: these values are larger than those before them.
        if (limit === 1 || !(error instanceof ClientError) || error.grpcName !== 'RESOURCE_EXHAUSTED') throw error;
        limit = Math.ceil(limit / 8);
        continue;
      }
      revision ??= page.revision;
      yield* page.keyValues;
      const last = page.keyValues.at(-1);
      if (!page.more || last === undefined) return;
      limit = Math.max(1, Math.min(pageKeys, keysWithin(PAGE_BYTES, page.keyValues)));
      next = new Uint8Array(last.key.length + 1);
      next.set(last.key);
    }
  }

  /** A transaction that counts the key before it puts; what was there is sent only if it is asked for. */
  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutResult> {
    const { lease, keepLease, previous, ...call } = options;
    const put = op.put(key, value, settingsOf(lease, keepLease, previous));
    const request = { success: [op.range({ key, countOnly: true }), put] };
    const { revision, results } = await runTxn(this.#calls, request, call);
    const [before, result] = results;
    return {
      revision,
      created: before?.kind === 'range' && before.count === 0,
      previous: result?.kind === 'put' ? result.previous : undefined,
    };
  }

  /** Puts only if the key is not there; `created` says whether it did. */
  async create(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutResult> {
    const { succeeded, revision } = await this.#putIf(when.absent(key), key, value, options);
    return { revision, created: succeeded, previous: undefined };
  }

  /** Puts only if the key's modRevision is `expectedModRevision` (0: not there). */
  compareAndSet(key: Bytes, expectedModRevision: number, value: Bytes, options: PutOptions = {}): Promise<SetResult> {
    return this.#putIf(when.modRevision(key, '=', expectedModRevision), key, value, options);
  }

  /** Deletes one key: `deleted` is 0 or 1. */
  delete(key: Bytes, options: CallOptions & { readonly previous?: boolean } = {}): Promise<DeleteResult> {
    return this.deleteRange({ ...options, key });
  }

  /** Deletes keys in one revision. */
  async deleteRange(options: KeySelection & CallOptions & { readonly previous?: boolean }): Promise<DeleteResult> {
    const { key, prefix, from, to, previous, ...call } = options;
    const request = { ...rangeOf({ key, prefix, from, to }), prevKv: previous };
    const method = SERVICES['etcdserverpb.KV'].DeleteRange;
    const { header, deleted, prevKvs } = await this.#calls.call(method, request, call);
    return { revision: header?.revision ?? 0, deleted, previous: prevKvs.map(keyValueOf) };
  }

  txn(): Txn {
    return new Txn(this.#calls);
  }

  /** Discards history below `revision`. `physical`: answers only when it is gone from storage. */
  async compact(revision: number, options: CallOptions & { readonly physical?: boolean } = {}): Promise<void> {
    const { physical, ...call } = options;
    await this.#calls.call(SERVICES['etcdserverpb.KV'].Compact, { revision, physical }, call);
  }

  async #putIf(condition: Condition, key: Bytes, value: Bytes, options: PutOptions): Promise<SetResult> {
    const { lease, keepLease, previous, ...call } = options;
    const put = op.put(bytesOf(key), value, settingsOf(lease, keepLease, previous));
    const { succeeded, revision } = await runTxn(this.#calls, { compare: [condition], success: [put] }, call);
    return { succeeded, revision };
  }
}

/** How many like these make up so many bytes. */
function keysWithin(bytes: number, like: readonly KeyValue[]): number {
  const seen = like.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return Math.floor((bytes * like.length) / Math.max(1, seen));
}

function settingsOf(
  lease: bigint | undefined,
  keepLease: boolean | undefined,
  previous: boolean | undefined,
): PutSettings {
  return {
    ...(lease === undefined ? {} : { lease }),
    ...(keepLease === undefined ? {} : { keepLease }),
    ...(previous === undefined ? {} : { previous }),
  };
}
