/** Service Lease (contract section 6). */
import { randomBytes } from 'node:crypto';
import {
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  type LeaseLeasesResponse,
  type LeaseRevokeRequest,
  type LeaseRevokeResponse,
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
  SERVICES,
} from '@quorate/proto';
import type { LeaseId } from '@quorate/replica/internal';
import type { EtcdBackend } from './backend.js';
import { etcdFailure, memberFailure, storeFailure } from './errors.js';
import { type CallContext, type Duplex, type Reply, type RpcFailure, type Served, stream, unary } from './service.js';
import { keyBytes } from './translate.js';

/** Contract 27. */
const TTL_SECONDS_MAX = 9_000_000_000;

/** The shortest lease: one and a half election timeouts, or no leader could be there in time to renew it (contract 27). */
export function ttlSecondsMin(electionMs: number): number {
  return Math.ceil((1.5 * electionMs) / 1000);
}

/** A positive int64 at random: what a request without an id gets. */
export function newLeaseId(): LeaseId {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}

export class LeaseService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    const methods = SERVICES['etcdserverpb.Lease'];
    return [
      unary(methods.LeaseGrant, (request, _call, reply) => this.#grant(request, reply)),
      unary(methods.LeaseRevoke, (request, _call, reply) => this.#revoke(request, reply)),
      unary(methods.LeaseTimeToLive, (request, _call, reply) => this.#timeToLive(request, reply)),
      unary(methods.LeaseLeases, (_request, _call, reply) => this.#leases(reply)),
      stream(methods.LeaseKeepAlive, (renewals, call) => new KeepAlive(this.#backend, renewals, call)),
    ];
  }

  #grant(request: LeaseGrantRequest, reply: Reply<LeaseGrantResponse>): void {
    const { door, headers, settings } = this.#backend;
    if (request.TTL > TTL_SECONDS_MAX) {
      reply.fail(etcdFailure('LeaseTtlTooLarge'));
      return;
    }
    const lease = request.ID === 0n ? newLeaseId() : request.ID;
    const ttlSeconds = Math.max(request.TTL, ttlSecondsMin(settings.electionMs));
    // The leader writes the time when it proposes this.
    const operation = { kind: 'lease-grant', lease, ttlSeconds, timeMs: 0 } as const;
    door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (result.value.kind === 'error') reply.fail(storeFailure(result.value.code));
      else reply.ok({ header: headers.now(), ID: lease, TTL: ttlSeconds, error: '' });
    });
  }

  #revoke(request: LeaseRevokeRequest, reply: Reply<LeaseRevokeResponse>): void {
    const { door, headers } = this.#backend;
    const operation = { kind: 'lease-revoke', lease: request.ID } as const;
    door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (result.value.kind === 'error') reply.fail(storeFailure(result.value.code));
      else reply.ok({ header: headers.now(result.value.revision) });
    });
  }

  /** The deadline is replicated, so any member that is up to date can tell. */
  #timeToLive(request: LeaseTimeToLiveRequest, reply: Reply<LeaseTimeToLiveResponse>): void {
    const { door, headers } = this.#backend;
    door.read('linearizable', (result) => {
      if (!result.ok) {
        reply.fail(memberFailure(result));
        return;
      }
      const { ID } = request;
      const header = headers.now();
      const lease = door.store().lease(ID);
      const leftMs = lease === undefined ? 0 : lease.deadlineMs - door.timeMs();
      // One that is about to be ended is as good as gone (contract 30).
      if (lease === undefined || leftMs <= 0) {
        reply.ok({ header, ID, TTL: -1, grantedTTL: 0, keys: [] });
        return;
      }
      const keys = request.keys ? door.store().leaseKeys(ID).map(keyBytes) : [];
      reply.ok({ header, ID, TTL: Math.floor(leftMs / 1000), grantedTTL: lease.ttlSeconds, keys });
    });
  }

  #leases(reply: Reply<LeaseLeasesResponse>): void {
    const { door, headers } = this.#backend;
    door.read('linearizable', (result) => {
      if (!result.ok) {
        reply.fail(memberFailure(result));
        return;
      }
      const leases = door.store().leases();
      reply.ok({ header: headers.now(), leases: leases.map(({ lease }) => ({ ID: lease })) });
    });
  }
}

/** Renewals of one stream under way at once; more wait with the client. */
const RENEWALS_MAX = 1024;

/**
 * One client's stream of renewals: answered in the order in which they came. It takes no more of them than it may have under way, and
 * none while its client does not read the answers: so what it holds is bounded whatever the client does.
 */
class KeepAlive {
  readonly #backend: EtcdBackend;
  readonly #stream: Duplex<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;
  #endStop: () => void = () => {};
  /** Answers by the number of their request; what is missing is still under way. */
  readonly #answers = new Map<number, LeaseKeepAliveResponse>();
  #received = 0;
  #answered = 0;
  #isFull = false;
  #isPaused = false;
  #isHalfClosed = false;
  #isOver = false;

  constructor(
    backend: EtcdBackend,
    renewals: Duplex<LeaseKeepAliveRequest, LeaseKeepAliveResponse>,
    call: CallContext,
  ) {
    this.#backend = backend;
    this.#stream = renewals;
    this.#endStop = backend.onStop(() => this.#end(etcdFailure('Stopped')));
    call.onCancel(() => this.#close());
    renewals.onMessage((request) => this.#renew(request.ID));
    renewals.onDrain(() => {
      this.#isFull = false;
      this.#regulate();
    });
    renewals.onHalfClose(() => {
      this.#isHalfClosed = true;
      this.#send();
    });
  }

  #renew(ID: LeaseId): void {
    if (this.#isOver) return;
    const number = this.#received++;
    this.#regulate();
    const operation = { kind: 'lease-renew', lease: ID, timeMs: 0 } as const;
    this.#backend.door.execute({ operation, limits: undefined }, (result) => {
      if (this.#isOver) return;
      if (!result.ok) {
        this.#end(memberFailure(result));
        return;
      }
      // A lease that is not there is no error: its time to live is 0 (contract 29).
      const TTL = result.value.kind === 'lease' ? result.value.ttlSeconds : 0;
      this.#answers.set(number, { header: this.#backend.headers.now(), ID, TTL });
      this.#send();
    });
  }

  #send(): void {
    for (
      let answer = this.#answers.get(this.#answered);
      answer !== undefined;
      answer = this.#answers.get(this.#answered)
    ) {
      this.#answers.delete(this.#answered);
      this.#answered += 1;
      if (!this.#stream.send(answer)) this.#isFull = true;
    }
    if (this.#isHalfClosed && this.#answered === this.#received) this.#end(undefined);
    else this.#regulate();
  }

  #regulate(): void {
    if (this.#isOver) return;
    const mustPause = this.#isFull || this.#received - this.#answered >= RENEWALS_MAX;
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#stream.pause();
    else this.#stream.resume();
  }

  #end(failure: RpcFailure | undefined): void {
    if (this.#isOver) return;
    this.#close();
    this.#stream.end(failure);
  }

  #close(): void {
    this.#isOver = true;
    this.#answers.clear();
    this.#endStop();
  }
}
