/** Leases: granted, kept alive by themselves, given back. */
import { SERVICES } from '@quorate/proto';
import { bufferOf } from './bytes.js';
import type { CallOptions, Calls } from './calls.js';
import { LeaseKeeper } from './lease-keeper.js';

export interface GrantOptions extends CallOptions {
  /** Default: the server's choice. */
  readonly id?: bigint;
  /** Default true: renewed at a third of its time, until it is revoked or the client closed. */
  readonly keepAlive?: boolean;
}

export interface TimeToLive {
  /** Seconds that remain; -1: there is no such lease. */
  readonly remainingSeconds: number;
  readonly grantedSeconds: number;
  /** Only if they were asked for. */
  readonly keys: readonly Buffer[];
}

/** A lease that this client was granted. */
export interface Lease {
  readonly id: bigint;
  /** What the server made of the wish. */
  readonly ttlSeconds: number;
  /**
   * Aborted with a ClientError once the lease is known or must be taken to be gone: the server said so, or no renewal has succeeded for its whole time. Hand
   * it to whatever must not go on without the lease. Not aborted by revoke() and close().
   */
  readonly signal: AbortSignal;
  timeToLive(options?: CallOptions & { readonly keys?: boolean }): Promise<TimeToLive>;
  /** Ends the lease and deletes its keys. */
  revoke(options?: CallOptions): Promise<void>;
  /** Lets it run out. */
  stopKeepAlive(): void;
}

export class Leases {
  readonly #calls: Calls;
  readonly #keeper: LeaseKeeper;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#keeper = new LeaseKeeper(calls);
  }

  /** `ttlSeconds` is raised to the server's minimum. */
  async grant(ttlSeconds: number, options: GrantOptions = {}): Promise<Lease> {
    const { id: wanted, keepAlive = true, ...call } = options;
    // From before the request on: the server's count begins later, so here the lease never seems to live longer than there.
    const grantedAtMs = performance.now();
    const request = { TTL: ttlSeconds, ID: wanted };
    const { ID: id, TTL: ttl } = await this.#calls.call(SERVICES['etcdserverpb.Lease'].LeaseGrant, request, call);
    const lost = new AbortController();
    if (keepAlive) this.#keeper.keep(id, ttl, grantedAtMs, lost);
    return {
      id,
      ttlSeconds: ttl,
      signal: lost.signal,
      timeToLive: (ttlOptions) => this.timeToLive(id, ttlOptions),
      revoke: (revokeOptions) => this.revoke(id, revokeOptions),
      stopKeepAlive: () => this.#keeper.forget(id),
    };
  }

  async revoke(id: bigint, options?: CallOptions): Promise<void> {
    this.#keeper.forget(id);
    await this.#calls.call(SERVICES['etcdserverpb.Lease'].LeaseRevoke, { ID: id }, options);
  }

  async timeToLive(id: bigint, options: CallOptions & { readonly keys?: boolean } = {}): Promise<TimeToLive> {
    const { keys, ...call } = options;
    const method = SERVICES['etcdserverpb.Lease'].LeaseTimeToLive;
    const answer = await this.#calls.call(method, { ID: id, keys }, call);
    return { remainingSeconds: answer.TTL, grantedSeconds: answer.grantedTTL, keys: answer.keys.map(bufferOf) };
  }

  /** Ids of all leases, those that end soonest first. */
  async list(options?: CallOptions): Promise<readonly bigint[]> {
    const { leases } = await this.#calls.call(SERVICES['etcdserverpb.Lease'].LeaseLeases, {}, options);
    return leases.map(({ ID }) => ID);
  }

  /** Renews once; the seconds that it then has, 0 if there is no such lease. */
  async keepAliveOnce(id: bigint, options: CallOptions = {}): Promise<number> {
    const { callTimeoutMs: deadlineMs } = this.#calls.settings;
    const stream = await this.#calls.stream(SERVICES['etcdserverpb.Lease'].LeaseKeepAlive, { deadlineMs, ...options });
    try {
      await stream.send({ ID: id });
      const { value } = await stream.next();
      return value?.TTL ?? 0;
    } finally {
      stream.cancel();
    }
  }
}
