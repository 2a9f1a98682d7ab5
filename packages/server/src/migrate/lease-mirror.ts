/**
 * The source's leases in the target, under the same ids. A lease is granted there with its whole time, and renewed there only when the
 * source says that it was renewed: so in the target it never ends before it does in the source, and later by no more than the pause
 * between two looks, or, if nobody has renewed it since it was copied, by the part of its time that had gone then.
 * A lease that ends in the source ends its keys there, which the copy follows as deletions; in the target it just is not renewed.
 */
import { type Client, ClientError } from '@quorate/client';
import { persistently } from './target.js';

const LOOK_MIN_MS = 500;
/** Of a lease's time, between two looks at the source. */
const LOOKS_PER_TTL = 6;
const AT_ONCE_MAX = 16;

interface Mirrored {
  readonly id: bigint;
  grantedMs: number;
  /** When it ends in the target, if nobody renews it. */
  endsMs: number;
  lookMs: number;
}

export class LeaseMirror {
  readonly #source: Client;
  readonly #target: Client;
  readonly #leases = new Map<bigint, Mirrored>();
  /** The target lost a lease that the source has: its keys are gone there. */
  #hasLost = false;

  constructor(source: Client, target: Client) {
    this.#source = source;
    this.#target = target;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Whether keys must be compared again, which is asked once. */
  takeLoss(): boolean {
    const hasLost = this.#hasLost;
    this.#hasLost = false;
    return hasLost;
  }

  /** The lease that a copied key is to have: the same, or none if it has ended in the source (whose deletion of the key follows). */
  async leaseFor(id: bigint): Promise<bigint> {
    if (id === 0n || this.#leases.has(id)) return id;
    return (await this.#copy(id)) ? id : 0n;
  }

  /** Grants everything anew where the target has lost something. */
  reset(): void {
    this.#leases.clear();
  }

  /** Copies leases without keys, looks at those whose time has come, renews what was renewed in the source. */
  async look(): Promise<void> {
    const ids = await persistently(() => this.#source.leases.list());
    const nowMs = performance.now();
    const work = [
      ...ids.filter((id) => !this.#leases.has(id)).map((id) => () => this.#copy(id).then(() => undefined)),
      ...[...this.#leases.values()].filter(({ lookMs }) => lookMs <= nowMs).map((one) => () => this.#follow(one)),
    ];
    for (let from = 0; from < work.length; from += AT_ONCE_MAX) {
      await Promise.all(work.slice(from, from + AT_ONCE_MAX).map((step) => step()));
    }
  }

  /** False: the source does not have it any more. */
  async #copy(id: bigint): Promise<boolean> {
    const { remainingSeconds, grantedSeconds } = await persistently(() => this.#source.leases.timeToLive(id));
    if (remainingSeconds < 0) return false;
    const { ttlSeconds, renewedMs } = await this.#grant(id, grantedSeconds);
    const grantedMs = ttlSeconds * 1000;
    this.#leases.set(id, {
      id,
      grantedMs,
      endsMs: renewedMs + grantedMs,
      lookMs: performance.now() + pauseMs(grantedMs),
    });
    return true;
  }

  async #grant(id: bigint, ttl: number): Promise<{ readonly ttlSeconds: number; readonly renewedMs: number }> {
    const renewedMs = performance.now();
    try {
      const lease = await persistently(() => this.#target.leases.grant(ttl, { id, keepAlive: false }));
      return { ttlSeconds: lease.ttlSeconds, renewedMs };
    } catch (error) {
      if (!(error instanceof ClientError) || error.etcdName !== 'LeaseExists') throw error;
    }
    // Of an earlier run, or of an attempt whose answer was lost.
    const ttlSeconds = await persistently(() => this.#target.leases.keepAliveOnce(id));
    return ttlSeconds > 0 ? { ttlSeconds, renewedMs } : this.#grant(id, ttl);
  }

  async #follow(lease: Mirrored): Promise<void> {
    const { id } = lease;
    const askedMs = performance.now();
    lease.lookMs = askedMs + pauseMs(lease.grantedMs);
    const { remainingSeconds } = await persistently(() => this.#source.leases.timeToLive(id));
    if (remainingSeconds < 0) {
      this.#leases.delete(id);
      return;
    }
    // The source rounds down.
    const sourceEndsMs = performance.now() + (remainingSeconds + 1) * 1000;
    if (sourceEndsMs <= lease.endsMs) return;
    const ttlSeconds = await persistently(() => this.#target.leases.keepAliveOnce(id));
    if (ttlSeconds > 0) {
      lease.endsMs = askedMs + ttlSeconds * 1000;
      return;
    }
    this.#leases.delete(id);
    this.#hasLost = true;
  }
}

function pauseMs(grantedMs: number): number {
  return Math.max(LOOK_MIN_MS, grantedMs / LOOKS_PER_TTL);
}
