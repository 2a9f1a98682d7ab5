/** A client's leases: which it has, which it keeps alive, and what it does with one next. */
import type { Command, LeaseId } from '@quorate/replica/internal';
import type { Stream } from '../world/random.js';

const HELD_MAX = 3;
const REVOKE_CHANCE = 0.1;
/** A lease that it had before, and that is gone for all it knows, is renewed once more with this probability, */
const LATE_CHANCE = 0.15;
/** or granted anew under the same id. */
const AGAIN_CHANCE = 0.1;
const FORMER_MAX = 8;
/** Ids of different clients differ. */
const IDS_EACH = 1_000_000;
const SECOND_MS = 1_000;

type LeaseOperation = Extract<Command['operation'], { readonly kind: 'lease-grant' | 'lease-renew' | 'lease-revoke' }>;

interface Held {
  readonly lease: LeaseId;
  /** It is renewed no later than that. */
  readonly keptUntilMs: number;
}

export class LeaseHolder {
  readonly #random: Stream;
  readonly #secondsMax: number;
  #nextId: number;
  #held: Held[] = [];
  #former: LeaseId[] = [];

  constructor(random: Stream, client: number, secondsMax: number) {
    this.#random = random;
    this.#secondsMax = secondsMax;
    this.#nextId = client * IDS_EACH + 1;
  }

  /** Those it has, and some that it had. */
  get known(): readonly LeaseId[] {
    return [...this.#held.map(({ lease }) => lease), ...this.#former.slice(-2)];
  }

  /** What it wants with its leases now. */
  next(nowMs: number): LeaseOperation {
    const random = this.#random;
    for (const { lease } of this.#held.filter(({ keptUntilMs }) => keptUntilMs < nowMs)) this.#leave(lease);
    if (this.#former.length > 0 && random.chance(LATE_CHANCE)) {
      return { kind: 'lease-renew', lease: random.pick(this.#former), timeMs: 0 };
    }
    if (this.#held.length === 0 || (this.#held.length < HELD_MAX && random.chance(0.3))) return this.#grant();
    const { lease } = random.pick(this.#held);
    if (random.chance(REVOKE_CHANCE)) return { kind: 'lease-revoke', lease };
    return { kind: 'lease-renew', lease, timeMs: 0 };
  }

  #grant(): LeaseOperation {
    const random = this.#random;
    let lease = BigInt(this.#nextId);
    if (this.#former.length > 0 && random.chance(AGAIN_CHANCE)) lease = random.pick(this.#former);
    else this.#nextId += 1;
    return { kind: 'lease-grant', lease, ttlSeconds: 1 + random.integer(this.#secondsMax), timeMs: 0 };
  }

  /** `code`: of a refusal by the store. */
  answered(operation: LeaseOperation, code: string | undefined, nowMs: number): void {
    const { lease, kind } = operation;
    if (kind === 'lease-grant' && (code === undefined || code === 'lease-exists')) {
      const keptMs = this.#random.between(0, 3 * this.#secondsMax * SECOND_MS);
      this.#former = this.#former.filter((other) => other !== lease);
      this.#held = [...this.#held.filter((other) => other.lease !== lease), { lease, keptUntilMs: nowMs + keptMs }];
    } else if (kind === 'lease-revoke' || code !== undefined) this.#leave(lease);
  }

  /** What became of an operation on it is not known: it is never touched again, but runs out (questions.ts says why). */
  abandon(lease: LeaseId): void {
    this.#held = this.#held.filter((other) => other.lease !== lease);
    this.#former = this.#former.filter((other) => other !== lease);
  }

  #leave(lease: LeaseId): void {
    this.abandon(lease);
    this.#former = [...this.#former, lease].slice(-FORMER_MAX);
  }
}
