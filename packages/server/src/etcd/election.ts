/** Service Election, package v3electionpb (contract 43): the oldest candidate leads. */
import {
  type CampaignRequest,
  type CampaignResponse,
  type LeaderRequest,
  type LeaderResponse,
  type ProclaimRequest,
  type ProclaimResponse,
  type ResignRequest,
  type ResignResponse,
  SERVICES,
} from '@quorate/proto';
import { type Key, type LeaseId, putOf, rangeOf, type TxnResponse } from '@quorate/replica/internal';
import type { EtcdBackend } from './backend.js';
import { Candidates, candidateKey, createdAt, type Done, failed, oldestOf, type Wait } from './candidates.js';
import { etcdFailure } from './errors.js';
import { Observation } from './observation.js';
import { type CallContext, type Reply, type Served, stream, unary } from './service.js';
import { keyBytes, keyOf, keyValueMessage, safeInteger } from './translate.js';

export class ElectionService {
  readonly #backend: EtcdBackend;
  readonly #candidates: Candidates;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
    this.#candidates = new Candidates(backend);
  }

  methods(): readonly Served[] {
    const methods = SERVICES['v3electionpb.Election'];
    return [
      unary(methods.Campaign, (request, call, reply) => new Campaign(this.#backend, request, call, reply)),
      unary(methods.Proclaim, (request, _call, reply) => this.#proclaim(request, reply)),
      unary(methods.Leader, (request, _call, reply) => this.#leader(request, reply)),
      unary(methods.Resign, (request, _call, reply) => this.#resign(request, reply)),
      stream(methods.Observe, (leaders, call) => new Observation(this.#backend, leaders, call)),
    ];
  }

  #proclaim({ leader, value }: ProclaimRequest, reply: Reply<ProclaimResponse>): void {
    if (leader === undefined) {
      reply.fail(etcdFailure('MissingElectionLeader'));
      return;
    }
    if (leader.key.length === 0) {
      reply.fail(failed(etcdFailure('EmptyKey')).failure);
      return;
    }
    const key = keyOf(leader.key);
    // The session may have to be made first, and the message is not there any more then.
    const copy = Uint8Array.from(value);
    this.#candidates.session(leader.lease, (session) => {
      if (!session.ok) {
        reply.fail(session.failure);
        return;
      }
      const candidate = { key, revision: safeInteger(leader.rev), lease: session.value };
      proclaim(this.#candidates, candidate, copy, (outcome) => {
        if (outcome.ok) reply.ok({ header: this.#backend.headers.now(outcome.value.revision) });
        else reply.fail(outcome.failure);
      });
    });
  }

  #leader(request: LeaderRequest, reply: Reply<LeaderResponse>): void {
    this.#candidates.first(oldestOf(keyOf(request.name)), (outcome) => {
      if (!outcome.ok) reply.fail(outcome.failure);
      else if (outcome.value === undefined) reply.fail(etcdFailure('ElectionNoLeader'));
      else reply.ok({ header: this.#backend.headers.now(), kv: keyValueMessage(outcome.value) });
    });
  }

  /** Whoever does not lead (any more) has nothing to resign: that is no error. */
  #resign({ leader }: ResignRequest, reply: Reply<ResignResponse>): void {
    if (leader === undefined) {
      reply.fail(etcdFailure('MissingElectionLeader'));
      return;
    }
    if (leader.key.length === 0) {
      reply.fail(failed(etcdFailure('EmptyKey')).failure);
      return;
    }
    resign(this.#candidates, { key: keyOf(leader.key), revision: safeInteger(leader.rev) }, (outcome) => {
      if (outcome.ok) reply.ok({ header: this.#backend.headers.now(outcome.value.revision) });
      else reply.fail(outcome.failure);
    });
  }
}

/** A key of an election and the revision that it was created in: another one's key of that name is not meant. */
interface Candidate {
  readonly key: Key;
  readonly revision: number;
}

function proclaim(
  candidates: Candidates,
  { key, revision, lease }: Candidate & { readonly lease: LeaseId },
  value: Uint8Array,
  done: Done<TxnResponse>,
): void {
  candidates.decide(createdAt(key, revision), [putOf(key, value, { lease })], [], (outcome) => {
    if (!outcome.ok || outcome.value.succeeded) done(outcome);
    else done(failed(etcdFailure('ElectionNotLeader')));
  });
}

function resign(candidates: Candidates, { key, revision }: Candidate, done: Done<TxnResponse>): void {
  const deletion = { kind: 'delete', key, rangeEnd: undefined, returnPrevious: false } as const;
  candidates.decide(createdAt(key, revision), [deletion], [], done);
}

/** One call of Campaign. */
class Campaign {
  readonly #backend: EtcdBackend;
  readonly #candidates: Candidates;
  readonly #call: CallContext;
  readonly #reply: Reply<CampaignResponse>;
  readonly #name: Key;
  readonly #value: Uint8Array;
  #wait: Wait | undefined;

  constructor(backend: EtcdBackend, request: CampaignRequest, call: CallContext, reply: Reply<CampaignResponse>) {
    this.#backend = backend;
    this.#candidates = new Candidates(backend);
    this.#call = call;
    this.#reply = reply;
    this.#name = keyOf(request.name);
    this.#value = Uint8Array.from(request.value);
    this.#candidates.session(request.lease, (session) => {
      if (session.ok) this.#stand(session.value);
      else reply.fail(session.failure);
    });
  }

  #stand(lease: LeaseId): void {
    if (this.#call.isCancelled) return;
    const key = candidateKey(this.#name, lease);
    const put = putOf(key, this.#value, { lease });
    this.#candidates.decide(createdAt(key, 0), [put], [rangeOf(key, undefined)], (decision) => {
      if (!decision.ok) {
        this.#reply.fail(decision.failure);
        return;
      }
      const { responses, revision, succeeded } = decision.value;
      const [first] = responses;
      const own = first?.kind === 'range' ? first.keyValues[0] : undefined;
      const candidate = { key, revision: succeeded ? revision : (own?.createRevision ?? revision), lease };
      if (this.#call.isCancelled) {
        if (succeeded) resign(this.#candidates, candidate, () => {});
      } else if (own === undefined || Buffer.compare(own.value, this.#value) === 0) this.#queue(candidate, revision);
      else this.#change(candidate, revision);
    });
  }

  /** A candidate of that session is there already, with another value. */
  #change(candidate: Candidate & { readonly lease: LeaseId }, revision: number): void {
    proclaim(this.#candidates, candidate, this.#value, (outcome) => {
      if (outcome.ok) {
        this.#queue(candidate, revision);
        return;
      }
      resign(this.#candidates, candidate, () => {});
      this.#reply.fail(outcome.failure);
    });
  }

  #queue(candidate: Candidate & { readonly lease: LeaseId }, revision: number): void {
    this.#wait = this.#candidates.waitFor(this.#name, candidate.revision, (outcome) => {
      if (outcome.ok) this.#confirm(candidate, revision);
      else this.#reply.fail(outcome.failure);
    });
    this.#call.onCancel(() => {
      this.#wait?.cancel();
      resign(this.#candidates, candidate, () => {});
    });
  }

  /**
   * The turn has come, unless the session has ended while it waited. etcd does not look again and elects a candidate that is gone;
   * here it is told what etcd tells it when it first proclaims something.
   */
  #confirm({ key, revision: rev, lease }: Candidate & { readonly lease: LeaseId }, revision: number): void {
    this.#candidates.first(rangeOf(key, undefined), (outcome) => {
      if (!outcome.ok) this.#reply.fail(outcome.failure);
      else if (outcome.value?.createRevision !== rev) this.#reply.fail(etcdFailure('ElectionNotLeader'));
      else {
        const header = this.#backend.headers.now(revision);
        this.#reply.ok({ header, leader: { name: keyBytes(this.#name), key: keyBytes(key), rev, lease } });
      }
    });
  }
}
