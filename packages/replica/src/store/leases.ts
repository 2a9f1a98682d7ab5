/**
 * The leases of the state: who holds which keys, and which lease ends next.
 *
 * Deadlines are in cluster time (types.ts) and stand in a binary heap, each lease knowing its place in it: a renewal, which is
 * the frequent thing, moves one lease a few levels, O(log n), and the leases that are due are a connected part at the top of
 * the heap, found without looking at the others. The heap's shape is this member's own affair; whatever leaves this class is
 * ordered by content or by the order of grants, which is the same on all members.
 *
 * A key belongs to the lease that its newest version names, so attachments are never stored: keyspace.ts moves them with
 * every change of a key, and the loader makes them again from the keys.
 */
import { type FrozenGrants, GrantOrder, type GrantPlace } from './grant-order.js';
import type { Key, LeaseId, LeaseInfo } from './types.js';
import { NO_LEASE } from './types.js';

/** Contract section 6.27, in seconds. */
export const LEASE_TTL_SECONDS_MAX = 9_000_000_000;
/** Leases at one time. */
export const LEASES_MAX = 1_000_000;

/** Estimates of what the engine spends on a lease and on a key in its set. */
const LEASE_OVERHEAD_BYTES = 320;
const ATTACHMENT_OVERHEAD_BYTES = 24;

class Lease {
  /** Replaced, never changed: frozen views hold on to it. */
  info: LeaseInfo;
  readonly keys: Set<Key> = new Set();
  readonly granted: GrantPlace;
  /** Place in the heap. */
  place: number;

  constructor(info: LeaseInfo, granted: GrantPlace, place: number) {
    this.info = info;
    this.granted = granted;
    this.place = place;
  }
}

export class Leases {
  private readonly byId: Map<LeaseId, Lease> = new Map();
  private readonly order: GrantOrder = new GrantOrder();
  /** heap[i] ends no later than heap[2i+1] and heap[2i+2]. */
  private readonly heap: Lease[] = [];
  private attachments = 0;

  get size(): number {
    return this.heap.length;
  }

  /** Estimate of the memory for leases and attachments. */
  get bytes(): number {
    return this.heap.length * LEASE_OVERHEAD_BYTES + this.attachments * ATTACHMENT_OVERHEAD_BYTES;
  }

  has(lease: LeaseId): boolean {
    return this.byId.has(lease);
  }

  get(lease: LeaseId): LeaseInfo | undefined {
    return this.byId.get(lease)?.info;
  }

  /** The attached keys in ascending order; none for a lease that is not there. */
  keys(lease: LeaseId): Key[] {
    // Without a comparator strings sort by their 16-bit units, which are the keys' bytes.
    return [...(this.byId.get(lease)?.keys ?? [])].toSorted();
  }

  /** All leases as they are now, whatever happens to them later, in the order of their grants. */
  freeze(): FrozenGrants {
    return this.order.freeze();
  }

  /** The earliest deadline. */
  get nextDeadlineMs(): number | undefined {
    return this.heap[0]?.info.deadlineMs;
  }

  /** Leases whose deadline is not after `timeMs`, the earliest first; any `max` of them if there are more. */
  due(timeMs: number, max: number): LeaseId[] {
    const found: LeaseInfo[] = [];
    const places = [0];
    for (let place = places.pop(); place !== undefined && found.length < max; place = places.pop()) {
      const info = this.heap[place]?.info;
      if (info !== undefined && info.deadlineMs <= timeMs) {
        found.push(info);
        places.push(2 * place + 2, 2 * place + 1);
      }
    }
    return found.toSorted(compareByDeadline).map(({ lease }) => lease);
  }

  /** The lease must not be there yet. */
  grant(info: LeaseInfo): void {
    if (this.byId.has(info.lease)) {
      throw new Error(`lease ${info.lease} is granted twice`);
    }
    const lease = new Lease(info, this.order.push(info), this.heap.length);
    this.byId.set(info.lease, lease);
    this.heap.push(lease);
    this.rise(lease);
  }

  /** A new deadline for a lease that is there. */
  renew(info: LeaseInfo): void {
    const lease = this.byId.get(info.lease);
    if (lease === undefined) {
      throw new Error(`lease ${info.lease} is renewed and not there`);
    }
    lease.info = info;
    this.order.replace(lease.granted, info);
    this.rise(lease);
    this.sink(lease);
  }

  /** Removes a lease whose keys are gone. */
  end(id: LeaseId): void {
    const lease = this.byId.get(id);
    if (lease === undefined || lease.keys.size > 0) {
      throw new Error(`lease ${id} cannot end: ${lease?.keys.size ?? 'not there'}`);
    }
    this.byId.delete(id);
    this.order.remove(lease.granted);
    const last = this.heap.pop();
    if (last !== undefined && last !== lease) {
      this.heap[lease.place] = last;
      last.place = lease.place;
      this.rise(last);
      this.sink(last);
    }
  }

  /** `key` changes from one lease to another; either may be NO_LEASE. */
  move(key: Key, from: LeaseId, to: LeaseId): void {
    if (from === to) {
      return;
    }
    if (from !== NO_LEASE && this.byId.get(from)?.keys.delete(key) === true) {
      this.attachments--;
    }
    if (to !== NO_LEASE) {
      const lease = this.byId.get(to);
      if (lease === undefined) {
        throw new Error(`lease ${to} is not there to hold a key`);
      }
      lease.keys.add(key);
      this.attachments++;
    }
  }

  private rise(lease: Lease): void {
    const { heap } = this;
    const { deadlineMs } = lease.info;
    let place = lease.place;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = heap[above] as Lease;
      if (parent.info.deadlineMs <= deadlineMs) {
        break;
      }
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = lease;
    lease.place = place;
  }

  private sink(lease: Lease): void {
    const { heap } = this;
    const { deadlineMs } = lease.info;
    let place = lease.place;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) {
        break;
      }
      const right = heap[below + 1];
      if (right !== undefined && right.info.deadlineMs < (heap[below] as Lease).info.deadlineMs) {
        below++;
      }
      const child = heap[below] as Lease;
      if (child.info.deadlineMs >= deadlineMs) {
        break;
      }
      heap[place] = child;
      child.place = place;
      place = below;
    }
    heap[place] = lease;
    lease.place = place;
  }

  /** Throws if the heap or its places are out of order. */
  check(): void {
    this.heap.forEach((lease, place) => {
      const parent = this.heap[(place - 1) >>> 1];
      if (lease.place !== place || this.byId.get(lease.info.lease) !== lease) {
        throw new Error(`lease ${lease.info.lease} does not know its place`);
      }
      if (place > 0 && parent !== undefined && parent.info.deadlineMs > lease.info.deadlineMs) {
        throw new Error(`lease ${lease.info.lease} is below one that ends later`);
      }
    });
    for (const info of this.order.freeze()) {
      if (this.byId.get(info.lease)?.info !== info) {
        throw new Error(`lease ${info.lease} stands in the order of grants as it was`);
      }
    }
    if (this.order.freeze().size !== this.heap.length) {
      throw new Error('the order of grants has not as many leases as there are');
    }
    if (this.byId.size !== this.heap.length) {
      throw new Error(`${this.byId.size} leases, ${this.heap.length} in the heap`);
    }
  }

  /** For checks: every attachment. */
  attached(): Map<Key, LeaseId> {
    const attached = new Map<Key, LeaseId>();
    for (const { info, keys } of this.byId.values()) {
      for (const key of keys) {
        if (attached.has(key)) {
          throw new Error('a key is attached to two leases');
        }
        attached.set(key, info.lease);
      }
    }
    if (attached.size !== this.attachments) {
      throw new Error(`${attached.size} attachments, ${this.attachments} on the account`);
    }
    return attached;
  }
}

/** Contract section 6.30: by deadline; then by id. */
export function compareByDeadline(left: LeaseInfo, right: LeaseInfo): number {
  if (left.deadlineMs !== right.deadlineMs) {
    return left.deadlineMs - right.deadlineMs;
  }
  return left.lease < right.lease ? -1 : 1;
}
