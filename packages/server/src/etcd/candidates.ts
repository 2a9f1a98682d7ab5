/**
 * What locks and elections are made of (etcd's recipe in client/v3/concurrency, which its servers run for these two services).
 *
 * Who wants something writes the key `name/lease`, in hexadecimal, with that lease. The keys of a name queue by the revision in
 * which they were created: the oldest has it, and everybody else waits for the key just before its own to be deleted, which happens
 * when its owner lets go or its lease ends. So nobody is passed over, and one deletion wakes one who waits.
 *
 * Errors of the store and the cluster come with their texts but with code Unknown, as from etcd, whose servers speak here through a
 * client of their own, which loses the code (contract section 9).
 */
import { GRPC_CODES } from '@quorate/proto';
import type { Watcher } from '@quorate/replica';
import {
  type Compare,
  type Key,
  type KeyValue,
  type LeaseId,
  NO_LEASE,
  type Operation,
  type RangeOperation,
  rangeOf,
  type TxnResponse,
} from '@quorate/replica/internal';
import type { EtcdBackend } from './backend.js';
import { etcdFailure, memberFailure, storeFailure } from './errors.js';
import { newLeaseId, ttlSecondsMin } from './lease.js';
import type { RpcFailure } from './service.js';

/** Of the leases that the server makes for callers that bring none. It does not renew them: whoever wants more time does. */
const SESSION_TTL_SECONDS = 60;

export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: RpcFailure };

export type Done<Value> = (outcome: Outcome<Value>) => void;

export function succeeded<Value>(value: Value): Outcome<Value> {
  return { ok: true, value };
}

export function failed(failure: RpcFailure): { readonly ok: false; readonly failure: RpcFailure } {
  return { ok: false, failure: { code: GRPC_CODES.UNKNOWN, message: failure.message } };
}

export function candidatesOf(name: Key): Key {
  return `${name}/`;
}

export function candidateKey(name: Key, lease: LeaseId): Key {
  return candidatesOf(name) + lease.toString(16);
}

/** The oldest candidate: whoever has what the name stands for. */
export function oldestOf(name: Key): RangeOperation {
  return rangeOf(candidatesOf(name), endOf(name), { sortTarget: 'create', sortOrder: 'ascending', limit: 1 });
}

/** The prefix ends in a slash, so its successor ends in what follows the slash. */
export function endOf(name: Key): Key {
  return `${name}0`;
}

/** Holds if the key is there and was created in that revision; 0: if it is not there. */
export function createdAt(key: Key, revision: number): Compare {
  return { key, rangeEnd: undefined, result: 'equal', target: 'create', operand: revision };
}

export class Candidates {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  /** The lease of a caller, or one that is made for it. */
  session(lease: LeaseId, done: Done<LeaseId>): void {
    if (lease !== NO_LEASE) {
      done(succeeded(lease));
      return;
    }
    const { door, settings } = this.#backend;
    const ttlSeconds = Math.max(SESSION_TTL_SECONDS, ttlSecondsMin(settings.electionMs));
    const operation = { kind: 'lease-grant', lease: newLeaseId(), ttlSeconds, timeMs: 0 } as const;
    door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) done(failed(memberFailure(result)));
      else if (result.value.kind === 'error') done(failed(storeFailure(result.value.code)));
      else done(succeeded(operation.lease));
    });
  }

  /** Does `then` if the comparison holds, else `otherwise`. */
  decide(compare: Compare, then: readonly Operation[], otherwise: readonly Operation[], done: Done<TxnResponse>): void {
    const operation = { kind: 'txn', compares: [compare], success: then, failure: otherwise } as const;
    this.#backend.door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) done(failed(memberFailure(result)));
      else if (result.value.kind === 'txn') done(succeeded(result.value));
      else if (result.value.kind === 'error') done(failed(storeFailure(result.value.code)));
    });
  }

  /** The first key-value of a range, in the present state. `done` is called while that state is the store's. */
  first(range: RangeOperation, done: Done<KeyValue | undefined>): void {
    const { door } = this.#backend;
    door.read('linearizable', (result) => {
      if (!result.ok) {
        done(failed(memberFailure(result)));
        return;
      }
      const response = door.store().range(range);
      if (response.kind === 'error') done(failed(storeFailure(response.code)));
      else done(succeeded(response.keyValues[0]));
    });
  }

  /** Waits until no candidate of the name is older than the revision. */
  waitFor(name: Key, revision: number, done: Done<undefined>): Wait {
    return new Wait(this.#backend, this, { name, revision, done });
  }
}

interface WaitOptions {
  readonly name: Key;
  readonly revision: number;
  readonly done: Done<undefined>;
}

/** Somebody who waits for their turn. */
export class Wait {
  readonly #backend: EtcdBackend;
  readonly #candidates: Candidates;
  readonly #options: WaitOptions;
  #endStop: () => void = () => {};
  #watcher: Watcher | undefined;
  #isOver = false;

  constructor(backend: EtcdBackend, candidates: Candidates, options: WaitOptions) {
    this.#backend = backend;
    this.#candidates = candidates;
    this.#options = options;
    this.#endStop = backend.onStop(() => this.#end({ ok: false, failure: etcdFailure('Stopped') }));
    this.#look();
  }

  /** Nobody waits any more: `done` will not be called. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watcher?.close();
    this.#endStop();
  }

  /** Finds the youngest of those who are older, whose end is to be waited for. */
  #look(): void {
    if (this.#isOver) return;
    const { name, revision } = this.#options;
    const older = rangeOf(candidatesOf(name), endOf(name), {
      sortTarget: 'create',
      sortOrder: 'descending',
      limit: 1,
      maxCreateRevision: revision - 1,
    });
    this.#candidates.first(older, (outcome) => {
      if (this.#isOver) return;
      if (!outcome.ok) this.#end(outcome);
      else if (outcome.value === undefined) this.#end(succeeded(undefined));
      else this.#watch(outcome.value.key);
    });
  }

  /** Called while the store is in the state in which the key was seen: its deletion is still to come. */
  #watch(key: Key): void {
    const { door } = this.#backend;
    if (!door.canWatch) {
      this.#end(failed(etcdFailure('TooManyRequests')));
      return;
    }
    const watcher = door.watch(
      { key, rangeEnd: undefined, startRevision: 0, previous: false, noPut: true, noDelete: false },
      {
        events: () => {
          watcher.close();
          this.#look();
          return true;
        },
        // The deletion may have been compacted too: the present state tells.
        compacted: () => {
          this.#look();
        },
      },
    );
    this.#watcher = watcher;
  }

  #end(outcome: Outcome<undefined>): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.done(outcome);
  }
}
