/**
 * Watches. Each has a stream of its own, so that a slow reader holds back itself alone: what it has not read waits, bounded, here and
 * then at the server.
 *
 * When the stream is lost the watch goes on at another endpoint, at the revision behind the last that it knows to be complete. It is
 * complete when an event of a later one, or the end of the reply that held it, has been seen (a server that splits a large reply may
 * cut within a revision), or when the server has told progress up to it. So nothing is missed and nothing is repeated, unless the
 * revision has been compacted meanwhile: then the watch ends with an error that says so.
 */
import {
  GRPC_CODES,
  type MessageInit,
  SERVICES,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
  type Event as WireEvent,
} from '@quorate/proto';
import { type KeySelection, rangeOf, type WireRange } from './bytes.js';
import type { Calls } from './calls.js';
import { ClientError } from './errors.js';
import type { ClientStream } from './stream.js';
import { pause } from './transport/backoff.js';
import { Cancellation } from './transport/cancellation.js';
import { type KeyValue, keyValueOf } from './txn.js';

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** Of a delete only key and modRevision say something. */
  readonly keyValue: KeyValue;
  /** Only if it was asked for, and is still known. */
  readonly previous: KeyValue | undefined;
}

export interface WatchOptions extends KeySelection {
  /** First revision to tell of; default: the next one. */
  readonly startRevision?: number;
  /** Tell what was there before each event. */
  readonly previous?: boolean;
  readonly noPut?: boolean;
  readonly noDelete?: boolean;
  readonly signal?: AbortSignal;
  /** Default true: a member that has lost its leader is left for another one. */
  readonly requireLeader?: boolean;
}

/** Events of whole revisions. */
export interface WatchBatch {
  /** Everything up to this revision has been told. */
  readonly revision: number;
  /** Empty: the server only said how far it is. */
  readonly events: readonly WatchEvent[];
}

type Stream = ClientStream<WatchRequest, WatchResponse>;

/** Endings of a stream after which another endpoint may do better (as in etcd's own client). */
const PASSING: ReadonlySet<number> = new Set([GRPC_CODES.UNAVAILABLE, GRPC_CODES.INTERNAL]);

/** To be iterated once. Ends when the loop is left, the signal is aborted or the client is closed; throws a ClientError. */
export class Watch implements AsyncIterable<WatchEvent> {
  readonly #calls: Calls;
  readonly #options: WatchOptions;
  readonly #range: WireRange;
  /** Everything below it has been told; 0: not known yet. */
  #nextRevision: number;
  #clusterId: bigint | undefined;
  #resumptions = 0;

  constructor(calls: Calls, options: WatchOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#range = rangeOf(options);
    this.#nextRevision = options.startRevision ?? 0;
  }

  /** The next revision that will be told of; 0 before the server has taken the watch, if no start was given. */
  get nextRevision(): number {
    return this.#nextRevision;
  }

  /** How often it has gone on at another endpoint, or at the same again. */
  get resumptions(): number {
    return this.#resumptions;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, undefined> {
    for await (const { events } of this.batches()) yield* events;
  }

  /** The events as they arrive together, with the revision up to which they are complete. The first batch is empty: the watch stands. */
  async *batches(): AsyncGenerator<WatchBatch, void, undefined> {
    const { signal, requireLeader = true } = this.#options;
    const call = signal === undefined ? {} : { signal };
    const cancellation = new Cancellation(this.#calls.closing, signal);
    const backoff = this.#calls.backoff();
    const metadata = requireLeader ? { hasleader: 'true' } : {};
    while (!cancellation.isCanceled) {
      let stream: Stream | undefined;
      try {
        stream = await this.#calls.stream(SERVICES['etcdserverpb.Watch'].Watch, { ...call, metadata });
        await stream.send({ createRequest: this.#request() });
        for await (const batch of this.#read(stream)) {
          backoff.reset();
          yield batch;
        }
      } catch (error) {
        if (cancellation.isCanceled) return;
        if (!(error instanceof ClientError) || !PASSING.has(error.grpcCode)) throw error;
      } finally {
        stream?.cancel();
      }
      this.#resumptions += 1;
      await pause(backoff.nextMs(stream === undefined), cancellation);
    }
  }

  #request(): MessageInit<WatchCreateRequest> {
    const { previous, noPut, noDelete } = this.#options;
    return {
      ...this.#range,
      startRevision: this.#nextRevision,
      prevKv: previous,
      filters: [...(noPut === true ? (['NOPUT'] as const) : []), ...(noDelete === true ? (['NODELETE'] as const) : [])],
      fragment: true,
      progressNotify: true,
    };
  }

  async *#read(stream: Stream): AsyncGenerator<WatchBatch, void, undefined> {
    /** Events of a revision of which a further fragment may follow. */
    let held: WireEvent[] = [];
    for await (const response of stream) {
      this.#check(response, stream.endpoint);
      const { created, fragment, events, header } = response;
      const revision = header?.revision ?? 0;
      if (created) {
        if (this.#nextRevision === 0) this.#nextRevision = revision + 1;
        yield { revision: this.#nextRevision - 1, events: [] };
        continue;
      }
      const all = held.length === 0 ? events : [...held, ...events];
      const lastRevision = all.at(-1)?.kv?.modRevision ?? 0;
      const isComplete = (event: WireEvent): boolean => !fragment || (event.kv?.modRevision ?? 0) < lastRevision;
      const complete = all.filter(isComplete);
      held = all.filter((event) => !isComplete(event));
      // Only a reply without events says how far the whole watch is; with events, its revision may be ahead of theirs.
      const upTo = complete.at(-1)?.kv?.modRevision ?? (all.length === 0 ? revision : 0);
      if (upTo < this.#nextRevision) continue;
      this.#nextRevision = upTo + 1;
      yield { revision: upTo, events: complete.map(eventOf) };
    }
  }

  /** Throws if the watch has been refused or ended, or if it is another cluster's. */
  #check({ header, canceled, compactRevision, cancelReason }: WatchResponse, endpoint: string): void {
    if (canceled) {
      if (compactRevision > 0) {
        const message = 'etcdserver: mvcc: required revision has been compacted';
        throw new ClientError(GRPC_CODES.OUT_OF_RANGE, 'invalid', message, { endpoint, compactRevision });
      }
      // The member may have lost its leader in the middle of it.
      const isPassing = cancelReason.includes('etcdserver: no leader');
      const code = isPassing ? GRPC_CODES.UNAVAILABLE : GRPC_CODES.INVALID_ARGUMENT;
      const reason = cancelReason === '' ? 'etcdserver: watch canceled' : cancelReason;
      throw new ClientError(code, isPassing ? 'rejected' : 'invalid', reason, { endpoint });
    }
    const clusterId = header?.clusterId ?? 0n;
    if (clusterId === 0n) return;
    this.#clusterId ??= clusterId;
    if (clusterId !== this.#clusterId) {
      const message = 'etcdserver: cluster ID mismatch';
      throw new ClientError(GRPC_CODES.FAILED_PRECONDITION, 'rejected', message, { endpoint });
    }
  }
}

function eventOf({ type, kv, prevKv }: WireEvent): WatchEvent {
  const keyValue = keyValueOf(kv ?? EMPTY);
  const previous = prevKv === undefined ? undefined : keyValueOf(prevKv);
  return { type: type === 'DELETE' ? 'delete' : 'put', keyValue, previous };
}

const NOTHING = new Uint8Array(0);
const EMPTY = { key: NOTHING, value: NOTHING, createRevision: 0, modRevision: 0, version: 0, lease: 0n };
