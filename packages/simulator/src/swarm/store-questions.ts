/** What a client of the whole store may ask: transactions of any shape, deletes of ranges, reads of the past, puts with leases. */
import {
  type Compare,
  type KeyRange,
  type LeaseId,
  NO_LEASE,
  type Operation,
  putOf,
  type RangeOperation,
  rangeOf,
  type TxnOperation,
} from '@quorate/replica/internal';
import type { Stream } from '../world/random.js';

/** Every key that these clients write begins with it, and no other does. */
const KEYS = 'e';
const KEYS_END = 'f';
/** How far back a read of the past goes, and forward. */
const REVISIONS_BACK = 12;
const REVISIONS_AHEAD = 2;
const OPERATIONS_MAX = 3;
const NESTING_MAX = 2;

const RESULTS = ['equal', 'greater', 'less', 'not-equal'] as const;
const encoder = new TextEncoder();

/** What a client knows that helps it to ask what makes sense. */
export interface Known {
  readonly keys: number;
  /** The last revision that it was told. */
  readonly revision: number;
  /** Leases that are there, for all it knows, and some that are not. */
  readonly leases: readonly LeaseId[];
  /** A value that nobody has written yet. */
  fresh(): string;
}

export class QuestionDrawer {
  readonly #random: Stream;
  readonly #known: Known;

  constructor(random: Stream, known: Known) {
    this.#random = random;
    this.#known = known;
  }

  /** A key, several, all of the kind, or everything from a key on: that is only for those who look. */
  range(maySeeAll: boolean): KeyRange {
    const random = this.#random;
    const key = this.#key();
    switch (random.integer(maySeeAll ? 5 : 4)) {
      case 0:
      case 1:
        return { key, rangeEnd: undefined };
      case 2: {
        const other = this.#key();
        return { key: key < other ? key : other, rangeEnd: `${key < other ? other : key}\0` };
      }
      case 3:
        return { key: KEYS, rangeEnd: KEYS_END };
      default:
        return { key, rangeEnd: '\0' };
    }
  }

  put(): Operation {
    const random = this.#random;
    const key = this.#key();
    const lease = this.#lease();
    const returnPrevious = random.chance(0.3);
    if (random.chance(0.1)) return putOf(key, new Uint8Array(0), { ignoreValue: true, lease, returnPrevious });
    const value = encoder.encode(this.#known.fresh());
    if (random.chance(0.1)) return putOf(key, value, { ignoreLease: true, returnPrevious });
    return putOf(key, value, { lease, returnPrevious });
  }

  delete(): Operation {
    return { kind: 'delete', ...this.range(false), returnPrevious: this.#random.chance(0.5) };
  }

  read(): RangeOperation {
    const random = this.#random;
    const { key, rangeEnd } = this.range(true);
    const revision = random.chance(0.3) ? this.#revision() : 0;
    if (random.chance(0.6)) return rangeOf(key, rangeEnd, { revision });
    return rangeOf(key, rangeEnd, {
      revision,
      limit: random.integer(4),
      sortOrder: random.pick(['none', 'ascending', 'descending']),
      sortTarget: random.pick(['key', 'version', 'create', 'mod', 'value']),
      keysOnly: random.chance(0.2),
      countOnly: random.chance(0.2),
      minModRevision: random.chance(0.2) ? this.#revision() : 0,
      maxModRevision: random.chance(0.2) ? this.#revision() : 0,
      minCreateRevision: random.chance(0.2) ? this.#revision() : 0,
      maxCreateRevision: random.chance(0.2) ? this.#revision() : 0,
    });
  }

  txn(depth = 0): TxnOperation {
    const compares = Array.from({ length: this.#random.integer(OPERATIONS_MAX) }, () => this.#compare());
    return { kind: 'txn', compares, success: this.#branch(depth), failure: this.#branch(depth) };
  }

  #branch(depth: number): readonly Operation[] {
    return Array.from({ length: this.#random.integer(OPERATIONS_MAX + 1) }, () => this.#nested(depth));
  }

  #nested(depth: number): Operation {
    const draw = this.#random.integer(10);
    if (draw < 5) return this.put();
    if (draw < 6) return this.delete();
    return draw < 7 && depth < NESTING_MAX ? this.txn(depth + 1) : this.read();
  }

  #compare(): Compare {
    const random = this.#random;
    const { key, rangeEnd } = this.range(false);
    const result = random.pick(RESULTS);
    const target = random.pick(['version', 'create', 'mod', 'value', 'lease'] as const);
    if (target === 'value') return { key, rangeEnd, result, target, operand: encoder.encode(`${random.integer(9)}`) };
    if (target === 'lease') return { key, rangeEnd, result, target, operand: this.#lease() };
    return { key, rangeEnd, result, target, operand: target === 'version' ? random.integer(4) : this.#revision() };
  }

  #revision(): number {
    const back = this.#random.integer(REVISIONS_BACK + REVISIONS_AHEAD) - REVISIONS_AHEAD;
    return Math.max(0, this.#known.revision - back);
  }

  #key(): string {
    return `${KEYS}${this.#random.integer(this.#known.keys)}`;
  }

  #lease(): LeaseId {
    const { leases } = this.#known;
    return leases.length > 0 && this.#random.chance(0.5) ? this.#random.pick(leases) : NO_LEASE;
  }
}
