/** Service Lock, package v3lockpb (contract 42): locks that last as long as a key. */
import { type LockRequest, type LockResponse, SERVICES, type UnlockRequest, type UnlockResponse } from '@quorate/proto';
import { type Key, type LeaseId, putOf, rangeOf, type TxnResponse } from '@quorate/replica/internal';
import type { EtcdBackend } from './backend.js';
import { Candidates, candidateKey, createdAt, failed, oldestOf, type Wait } from './candidates.js';
import { etcdFailure, memberFailure, storeFailure } from './errors.js';
import { type CallContext, type Reply, type Served, unary } from './service.js';
import { keyBytes, keyOf } from './translate.js';

const NO_VALUE = new Uint8Array(0);

export class LockService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    const methods = SERVICES['v3lockpb.Lock'];
    return [
      unary(methods.Lock, (request, call, reply) => new Locking(this.#backend, request, call, reply)),
      unary(methods.Unlock, (request, _call, reply) => this.#unlock(request, reply)),
    ];
  }

  #unlock(request: UnlockRequest, reply: Reply<UnlockResponse>): void {
    const { door, headers } = this.#backend;
    if (request.key.length === 0) {
      reply.fail(failed(etcdFailure('EmptyKey')).failure);
      return;
    }
    const operation = deletionOf(keyOf(request.key));
    door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) reply.fail(failed(memberFailure(result)).failure);
      else if (result.value.kind === 'error') reply.fail(failed(storeFailure(result.value.code)).failure);
      else reply.ok({ header: headers.now(result.value.revision) });
    });
  }
}

function deletionOf(key: Key) {
  return { kind: 'delete', key, rangeEnd: undefined, returnPrevious: false } as const;
}

/** One call of Lock. */
class Locking {
  readonly #backend: EtcdBackend;
  readonly #candidates: Candidates;
  readonly #call: CallContext;
  readonly #reply: Reply<LockResponse>;
  readonly #name: Key;
  #wait: Wait | undefined;

  constructor(backend: EtcdBackend, request: LockRequest, call: CallContext, reply: Reply<LockResponse>) {
    this.#backend = backend;
    this.#candidates = new Candidates(backend);
    this.#call = call;
    this.#reply = reply;
    this.#name = keyOf(request.name);
    this.#candidates.session(request.lease, (session) => {
      if (session.ok) this.#queue(session.value);
      else reply.fail(session.failure);
    });
  }

  #queue(lease: LeaseId): void {
    if (this.#call.isCancelled) return;
    const key = candidateKey(this.#name, lease);
    const oldest = oldestOf(this.#name);
    const put = putOf(key, NO_VALUE, { lease });
    this.#candidates.decide(createdAt(key, 0), [put, oldest], [rangeOf(key, undefined), oldest], (decision) => {
      if (decision.ok) this.#queued(key, decision.value);
      else this.#reply.fail(decision.failure);
    });
  }

  #queued(key: Key, { responses, revision, succeeded }: TxnResponse): void {
    const [own, oldest] = responses.map((one) => (one.kind === 'range' ? one.keyValues[0] : undefined));
    // A session that has the key already goes on in its old place.
    const ownRevision = succeeded ? revision : (own?.createRevision ?? revision);
    if (this.#call.isCancelled) {
      // Nobody will ever hear of it.
      if (succeeded) this.#release(key);
      return;
    }
    if (oldest === undefined || oldest.createRevision === ownRevision) {
      this.#reply.ok({ header: this.#backend.headers.now(revision), key: keyBytes(key) });
      return;
    }
    this.#wait = this.#candidates.waitFor(this.#name, ownRevision, (outcome) => {
      if (outcome.ok) this.#confirm(key);
      else {
        this.#release(key);
        this.#reply.fail(outcome.failure);
      }
    });
    this.#call.onCancel(() => {
      this.#wait?.cancel();
      this.#release(key);
    });
  }

  /** The turn has come: unless the session has ended while it waited. */
  #confirm(key: Key): void {
    this.#candidates.first(rangeOf(key, undefined), (outcome) => {
      if (!outcome.ok) {
        this.#release(key);
        this.#reply.fail(outcome.failure);
      } else if (outcome.value === undefined) this.#reply.fail(etcdFailure('SessionExpired'));
      else this.#reply.ok({ header: this.#backend.headers.now(), key: keyBytes(key) });
    });
  }

  /** Gives up the place in the queue. Should this fail, the lease ends it. */
  #release(key: Key): void {
    this.#backend.door.execute({ operation: deletionOf(key), limits: undefined }, () => {});
  }
}
