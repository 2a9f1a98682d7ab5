/**
 * One call of Election's Observe: tells of the leader that there is, of what it proclaims, and of each that follows it. It tells of the
 * present one always, and not of every one that there has ever been: so a client that does not read is told nothing until it does.
 */
import type { LeaderRequest, LeaderResponse } from '@quorate/proto';
import type { WatchEvent, Watcher, WatchOptions } from '@quorate/replica';
import type { KeyValue } from '@quorate/replica/internal';
import type { EtcdBackend } from './backend.js';
import { Candidates, candidatesOf, endOf, oldestOf } from './candidates.js';
import { etcdFailure } from './errors.js';
import type { CallContext, Duplex, RpcFailure } from './service.js';
import { keyOf, keyValueMessage } from './translate.js';

export class Observation {
  readonly #backend: EtcdBackend;
  readonly #candidates: Candidates;
  readonly #leaders: Duplex<LeaderRequest, LeaderResponse>;
  #endStop: () => void = () => {};
  #name = '';
  #watcher: Watcher | undefined;
  /** The client has enough to read; `#looksLater`: and there may be another leader by then. */
  #isFull = false;
  #looksLater = false;
  #isOver = false;

  constructor(backend: EtcdBackend, leaders: Duplex<LeaderRequest, LeaderResponse>, call: CallContext) {
    this.#backend = backend;
    this.#candidates = new Candidates(backend);
    this.#leaders = leaders;
    this.#endStop = backend.onStop(() => this.#fail(etcdFailure('Stopped')));
    call.onCancel(() => this.#end());
    leaders.onDrain(() => this.#drained());
    leaders.onMessage((request) => {
      this.#name = keyOf(request.name);
      this.#look();
    });
  }

  #drained(): void {
    this.#isFull = false;
    if (this.#looksLater) this.#look();
    else this.#watcher?.resume();
  }

  #look(): void {
    if (this.#isOver) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#looksLater = this.#isFull;
    if (this.#isFull) return;
    this.#candidates.first(oldestOf(this.#name), (outcome) => {
      if (this.#isOver) return;
      if (!outcome.ok) this.#fail(outcome.failure);
      else if (outcome.value === undefined) this.#await();
      else this.#follow(outcome.value, this.#backend.headers.now().revision);
    });
  }

  /** Nobody leads: the first candidate will. */
  #await(): void {
    const range = { key: candidatesOf(this.#name), rangeEnd: endOf(this.#name), noPut: false, noDelete: true };
    this.#watch(range, ([event]) => {
      if (event !== undefined) this.#follow(event.keyValue, event.keyValue.modRevision);
      return true;
    });
  }

  /** Tells of a leader as it was at that revision, and of what comes of it. */
  #follow(leader: KeyValue, revision: number): void {
    this.#watcher?.close();
    this.#tell(leader, revision);
    const range = { key: leader.key, rangeEnd: undefined, noPut: false, noDelete: false, startRevision: revision + 1 };
    this.#watch(range, (events, through) => {
      for (const { type, keyValue } of events) {
        if (type === 'delete') {
          this.#look();
          return true;
        }
        this.#tell(keyValue, through);
      }
      return !this.#isFull;
    });
  }

  #tell(leader: KeyValue, revision: number): void {
    const message = { header: this.#backend.headers.now(revision), kv: keyValueMessage(leader) };
    if (!this.#leaders.send(message)) this.#isFull = true;
  }

  #watch(
    options: Omit<WatchOptions, 'previous' | 'startRevision'> & { readonly startRevision?: number },
    events: (events: readonly WatchEvent[], revision: number) => boolean,
  ): void {
    const { door } = this.#backend;
    if (!door.canWatch) {
      this.#fail(etcdFailure('TooManyRequests'));
      return;
    }
    const sink = { events, compacted: () => this.#look() };
    this.#watcher = door.watch({ startRevision: 0, ...options, previous: false }, sink);
  }

  #fail(failure: RpcFailure): void {
    if (this.#isOver) return;
    this.#end();
    this.#leaders.end(failure);
  }

  #end(): void {
    this.#isOver = true;
    this.#watcher?.close();
    this.#endStop();
  }
}
