/**
 * The watches of one stream.
 *
 * The member's hub hands over whole revisions and holds nothing back for a client that is slow: when the stream's queue is full the
 * session says so, the hub leaves the watcher where it is, and takes it up again from the store's history once the queue has drained.
 * So a stream holds at most what its queue may hold, however many watches it has and whatever its client does.
 *
 * Progress. The reply to a progress request promises that no event at or below its revision will follow on this stream (contract 23,
 * raft-bugs 72). It is given only when every watch is synced, and names the least revision up to which the hub has handed everything
 * over to them; what it handed over stands before this reply in the same queue.
 */
import type { Event, WatchCreateRequest, WatchRequest } from '@quorate/proto';
import { WatchResponse, Writer } from '@quorate/proto';
import type { WatchEvent, Watcher } from '@quorate/replica';
import type { EtcdBackend } from './backend.js';
import { encodingFailed } from './errors.js';
import type { Duplex, RpcFailure } from './service.js';
import { keyBytes, keyOf, keyValueMessage, rangeEndOf, safeInteger } from './translate.js';

/** Of the beginnings of messages. */
const writer = new Writer();

const EVERY_KEY_FROM = '\0';
/** What a refused creation and the progress of a whole stream carry in place of an id. */
const NO_WATCH = -1;

const EMPTY_RANGE = 'mvcc: watcher range is empty';
const DUPLICATE_ID = 'mvcc: duplicate watch ID provided on the WatchStream';
const NEGATIVE_START = 'etcdserver: mvcc: required revision has been compacted';
const TOO_MANY = 'etcdserver: too many requests';
/** Beyond these the oldest one is free again. */
const ENDED_IDS_MAX = 10_000;

interface Watch {
  readonly id: number;
  readonly watcher: Watcher;
  readonly wantsPrevious: boolean;
  readonly mayFragment: boolean;
  readonly wantsProgress: boolean;
  /** Something was sent since progress was last told: there is no need to tell it again. */
  isActive: boolean;
}

export class WatchSession {
  readonly #backend: EtcdBackend;
  readonly #stream: Duplex<WatchRequest, WatchResponse>;
  readonly #fail: (failure: RpcFailure) => void;
  readonly #watches = new Map<number, Watch>();
  /** Ids of watches that compaction has ended: as with etcd they are taken until the client cancels them, too. */
  readonly #ended = new Set<number>();
  #nextId = 0;
  /** The stream's queue is full: watchers that are told so wait for it to drain. */
  #isFull = false;
  #progressTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `fail` closes the session and ends the stream. */
  constructor(backend: EtcdBackend, watches: Duplex<WatchRequest, WatchResponse>, fail: (failure: RpcFailure) => void) {
    this.#backend = backend;
    this.#stream = watches;
    this.#fail = fail;
    watches.onMessage((request) => this.#receive(request));
    watches.onDrain(() => this.#drained());
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#progressTimer);
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  #receive(request: WatchRequest): void {
    if (this.#isClosed) return;
    if (request.createRequest !== undefined) this.#create(request.createRequest);
    else if (request.cancelRequest !== undefined) this.#cancel(request.cancelRequest.watchId);
    else if (request.progressRequest !== undefined) this.#tellStreamProgress();
  }

  #create(request: WatchCreateRequest): void {
    const key = request.key.length === 0 ? '\0' : keyOf(request.key);
    const rangeEnd = rangeEndOf(request.rangeEnd);
    const { watchId } = request;
    const startRevision = safeInteger(request.startRevision);
    const refusal = this.#refusal(key, rangeEnd, startRevision, watchId);
    if (refusal !== undefined) {
      this.#send({ watchId: NO_WATCH, created: true, canceled: true, cancelReason: refusal });
      return;
    }
    const id = watchId === 0 ? this.#freeId() : watchId;
    // Only what is needed of the request: it keeps the piece of input alive that it came in.
    const { prevKv, fragment } = request;
    // Before any event of it, whatever the queue is like.
    this.#send({ watchId: id, created: true });
    const watch: Watch = {
      id,
      watcher: this.#backend.door.watch(
        {
          key,
          rangeEnd,
          startRevision,
          previous: prevKv,
          noPut: request.filters.includes('NOPUT'),
          noDelete: request.filters.includes('NODELETE'),
        },
        {
          events: (events, at) => this.#tellOrFail(watch, events, at),
          // Another watch of this stream may have filled the queue that they share.
          isFull: () => this.#isFull,
          compacted: (compactRevision) => this.#end(id, compactRevision),
        },
      ),
      wantsPrevious: prevKv,
      mayFragment: fragment,
      wantsProgress: request.progressNotify,
      isActive: false,
    };
    this.#watches.set(id, watch);
    if (request.progressNotify) this.#scheduleProgress();
  }

  /** Contract 18, in the order in which etcd finds it. */
  #refusal(key: string, rangeEnd: string | undefined, startRevision: number, id: number): string | undefined {
    if (startRevision < 0) return NEGATIVE_START;
    if (rangeEnd !== undefined && rangeEnd !== EVERY_KEY_FROM && key >= rangeEnd) return EMPTY_RANGE;
    if (id !== 0 && this.#isTaken(id)) return DUPLICATE_ID;
    return this.#backend.door.canWatch ? undefined : TOO_MANY;
  }

  #freeId(): number {
    while (this.#isTaken(this.#nextId)) this.#nextId += 1;
    return this.#nextId++;
  }

  #isTaken(id: number): boolean {
    return this.#watches.has(id) || this.#ended.has(id);
  }

  #cancel(id: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined && !this.#ended.delete(id)) return;
    this.#watches.delete(id);
    watch?.watcher.close();
    this.#send({ watchId: id, canceled: true });
  }

  /** Its next revision is compacted (contract 19): the header's revision is 0, and the reason is in the compacted revision. */
  #end(id: number, compactRevision: number): void {
    this.#watches.delete(id);
    this.#ended.add(id);
    if (this.#ended.size > ENDED_IDS_MAX) {
      const [oldest = id] = this.#ended;
      this.#ended.delete(oldest);
    }
    const header = this.#backend.headers.now(0);
    this.#sent(this.#stream.send({ ...BLANK, header, watchId: id, canceled: true, compactRevision }));
  }

  /** A client that misses events must know it: its stream ends. */
  #tellOrFail(watch: Watch, events: readonly WatchEvent[], revision: number): boolean {
    try {
      return this.#tell(watch, events, revision);
    } catch (error) {
      encodingFailed(error, { fail: this.#fail });
      return true;
    }
  }

  #tell(watch: Watch, events: readonly WatchEvent[], revision: number): boolean {
    if (events.length === 0) return !this.#isFull;
    watch.isActive = true;
    const { requestBytesMax } = this.#backend.settings;
    const body = encodedEvents(events, watch.wantsPrevious);
    if (!watch.mayFragment || body.length <= requestBytesMax) {
      return this.#sent(this.#stream.sendEncoded(body, this.#head(revision, watch.id, false)));
    }
    const fragments = fragmentsOf(events, watch.wantsPrevious, requestBytesMax);
    for (const [i, fragment] of fragments.entries()) {
      const hasMore = i < fragments.length - 1;
      this.#sent(this.#stream.sendEncoded(fragment, this.#head(revision, watch.id, hasMore)));
    }
    return !this.#isFull;
  }

  /**
   * How a message begins, valid until the next call: two encodings of a message's parts, one after the other, are the encoding of the
   * whole (Protocol Buffers, "last one wins"). `hasMore`: it is a fragment, and not the last one.
   */
  #head(revision: number, watchId: number, hasMore: boolean): Uint8Array {
    writer.clear();
    writer.raw(this.#backend.headers.answer(revision));
    WatchResponse.encodeInto(writer, { watchId, fragment: hasMore });
    return writer.view();
  }

  /** For a progress request: silently nothing unless every watch has seen all there is, and has begun (contract 23). */
  #tellStreamProgress(): void {
    const watchers = Array.from(this.#watches.values(), ({ watcher }) => watcher);
    if (watchers.length === 0 || !watchers.every(({ isSynced }) => isSynced)) return;
    const revision = watchers.reduce((least, watcher) => Math.min(least, watcher.revision), Number.POSITIVE_INFINITY);
    this.#send({ watchId: NO_WATCH, header: this.#backend.headers.now(revision) });
  }

  #scheduleProgress(): void {
    if (this.#progressTimer !== undefined) return;
    const { progressIntervalMs } = this.#backend.settings;
    // Up to a tenth later, so that streams that began together do not report together.
    const delayMs = progressIntervalMs * (1 + Math.random() / 10);
    this.#progressTimer = setTimeout(() => {
      this.#progressTimer = undefined;
      this.#tellProgress();
    }, delayMs);
    this.#progressTimer.unref();
  }

  #tellProgress(): void {
    let isWanted = false;
    for (const watch of this.#watches.values()) {
      if (!watch.wantsProgress) continue;
      isWanted = true;
      const { watcher, isActive, id } = watch;
      watch.isActive = false;
      if (!isActive && watcher.isSynced)
        this.#send({ watchId: id, header: this.#backend.headers.now(watcher.revision) });
    }
    if (isWanted) this.#scheduleProgress();
  }

  #send(message: Partial<WatchResponse>): void {
    this.#sent(this.#stream.send({ ...BLANK, header: this.#backend.headers.now(), ...message }));
  }

  #sent(isRoomy: boolean): boolean {
    if (!isRoomy && !this.#isFull) {
      this.#isFull = true;
      // A client that only asks and never reads would otherwise fill the queue with replies to its requests.
      this.#stream.pause();
    }
    return isRoomy;
  }

  #drained(): void {
    if (this.#isClosed) return;
    this.#isFull = false;
    this.#stream.resume();
    for (const { watcher } of this.#watches.values()) watcher.resume();
  }
}

const BLANK: WatchResponse = WatchResponse.create();

/** Encoded once for all watchers that are handed the same array of events: the hub shares it among them. */
const ENCODED = new WeakMap<readonly WatchEvent[], { plain?: Uint8Array; previous?: Uint8Array }>();

function encodedEvents(events: readonly WatchEvent[], withPrevious: boolean): Uint8Array {
  let encoded = ENCODED.get(events);
  if (encoded === undefined) {
    encoded = {};
    ENCODED.set(events, encoded);
  }
  const name = withPrevious ? 'previous' : 'plain';
  return (encoded[name] ??= WatchResponse.encode({ events: events.map((event) => eventMessage(event, withPrevious)) }));
}

function eventMessage(event: WatchEvent, withPrevious: boolean): Event {
  const kv =
    event.type === 'put'
      ? keyValueMessage(event.keyValue)
      : // Contract 21: only the key and the revision of the deletion.
        {
          key: keyBytes(event.keyValue.key),
          modRevision: event.keyValue.modRevision,
          createRevision: 0,
          version: 0,
          value: NO_BYTES,
          lease: 0n,
        };
  return {
    type: event.type === 'put' ? 'PUT' : 'DELETE',
    kv,
    prevKv:
      withPrevious && event.previous !== undefined && !isCreation(event) ? keyValueMessage(event.previous) : undefined,
  };
}

/** A key that the same revision has deleted before is new, and what was before its deletion is not told (contract 21). */
function isCreation({ type, keyValue }: WatchEvent): boolean {
  return type === 'put' && keyValue.createRevision === keyValue.modRevision;
}

const NO_BYTES = new Uint8Array(0);

/** Parts of at most so many bytes, but at least one event each. */
function fragmentsOf(events: readonly WatchEvent[], withPrevious: boolean, bytesMax: number): readonly Uint8Array[] {
  const fragments: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const event of events) {
    const part = WatchResponse.encode({ events: [eventMessage(event, withPrevious)] });
    if (bytes > 0 && bytes + part.length > bytesMax) {
      fragments.push(Buffer.concat(parts));
      parts = [];
      bytes = 0;
    }
    parts.push(part);
    bytes += part.length;
  }
  fragments.push(Buffer.concat(parts));
  return fragments;
}
