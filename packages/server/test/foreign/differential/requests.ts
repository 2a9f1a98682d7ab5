/**
 * Draws requests: every option of ranges, puts, deletes, transactions (nested ones too), compactions and leases, and requests that are
 * wrong in every way that etcd has words for. Keys, values and leases are few, so that they collide.
 */
import {
  type CompactionRequest,
  type Compare,
  type DeleteRangeRequest,
  type LeaseGrantRequest,
  type MessageInit,
  type Method,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  SERVICES,
  type TxnRequest,
} from '@quorate/proto';
import type { Random } from '../support/random.js';

/** What later requests are drawn by; both systems have told the same. */
export interface Known {
  revision: number;
  compactRevision: number;
}

/** A call with its request; `path` and `bytes` go out as they are. */
export interface Call {
  readonly method: Method<unknown, unknown>;
  readonly request: MessageInit<unknown>;
  /** What is sent instead of the request. */
  readonly bytes?: Uint8Array;
  /** What is called instead of the method. */
  readonly path?: string;
}

const KV = SERVICES['etcdserverpb.KV'];
const LEASE = SERVICES['etcdserverpb.Lease'];

const TEXT = new TextEncoder();
const NO_BYTES = new Uint8Array(0);
const ZERO = new Uint8Array([0]);
const KEYS: readonly Uint8Array[] = [
  ...['a', 'b', 'c', 'd', 'aa', 'ab', 'abc', 'b/1', 'b/2', 'z'].map((key) => TEXT.encode(key)),
  new Uint8Array([0x61, 0]),
  new Uint8Array([0xff]),
  new Uint8Array([0xff, 0xff]),
  ZERO,
];
const VALUES: readonly Uint8Array[] = [
  NO_BYTES,
  ...['0', '1', '2', 'ten bytes.'].map((value) => TEXT.encode(value)),
  new Uint8Array([0, 0xff, 0x80]),
];
/** Leases are asked for by these; the last one is never granted. */
const LEASES: readonly bigint[] = [1n, 2n, 3n, 4n, 2n ** 62n, -5n];
const UNKNOWN_LEASE = 999n;
/** No lease that stays ends during a run, and no two end so near each other that the order in which they do is left to chance. */
const TTL_BASE_SECONDS = 1_000_000;
const TTL_STEP_SECONDS = 10_000;
const TTL_STEPS = 1_000;
const TTL_TOO_LARGE_SECONDS = 9_000_000_001;
const TXN_OPERATIONS_MAX = 128;
/** Just above and below the limits on requests. */
const LARGE_BYTES: readonly number[] = [1_500_000, 1_572_860, 1_600_000, 2_097_000, 2_200_000];
/** Deeper than any budget of operations needs, shallow enough to stay small. */
const NESTING_MAX = 3;

type Bytes = Uint8Array;
type Init<T> = MessageInit<T>;

export class RequestSource {
  readonly #random: Random;
  readonly #known: Known;
  #ttls = 0;
  /**
   * Allowed difference: a put that keeps what an earlier operation of the same transaction has deleted makes etcd panic, on every member
   * and at every restart; here it is refused. So a transaction has such puts or deletes.
   */
  #mayIgnore = true;
  #mayDelete = true;

  constructor(random: Random, known: Known) {
    this.#random = random;
    this.#known = known;
  }

  next(): Call {
    const draw = this.#random.below(1_000);
    if (draw < 300) return call(KV.Range, this.range());
    if (draw < 550) return call(KV.Put, this.put());
    if (draw < 650) return call(KV.DeleteRange, this.#delete());
    if (draw < 850) return call(KV.Txn, this.#outerTxn());
    if (draw < 880) return call(KV.Compact, this.#compact());
    if (draw < 990) return this.#lease();
    return this.#odd();
  }

  key(): Bytes {
    return this.#random.oneIn(100) ? NO_BYTES : this.#random.pick(KEYS);
  }

  rangeEnd(): Bytes {
    const draw = this.#random.below(10);
    if (draw < 4) return NO_BYTES;
    return draw < 6 ? ZERO : this.#random.pick(KEYS);
  }

  /** Mostly one that can be read, sometimes what is compacted or to come, or makes no sense. */
  revision(): number {
    const { revision, compactRevision } = this.#known;
    const draw = this.#random.below(20);
    if (draw === 0) return revision + 1 + this.#random.below(3);
    if (draw === 1) return -1 - this.#random.below(3);
    if (draw === 2) return Math.max(0, compactRevision - this.#random.below(3));
    return compactRevision + this.#random.below(revision - compactRevision + 1);
  }

  range(): Init<RangeRequest> {
    const random = this.#random;
    const optional = (isRare: number, draw: () => number): number => (random.oneIn(isRare) ? draw() : 0);
    const rangeEnd = this.rangeEnd();
    // Allowed difference: etcd's sort keeps the order of equal keys only up to a dozen of them (docs/store.md).
    const isWide = rangeEnd.length === 1 && rangeEnd[0] === 0;
    return {
      key: this.key(),
      rangeEnd,
      limit: optional(3, () => random.pick([1, 2, 3, 5, 100, -1, 2 ** 40])),
      revision: optional(3, () => this.revision()),
      // Allowed difference: 3.4 ignores orders and targets that it does not know, since 3.5 they are refused (contract 6).
      sortOrder: random.pick(['NONE', 'NONE', 'ASCEND', 'DESCEND']),
      sortTarget: isWide ? 'KEY' : random.pick(['KEY', 'KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE']),
      serializable: random.oneIn(3),
      keysOnly: random.oneIn(6),
      countOnly: random.oneIn(8),
      minModRevision: optional(10, () => this.revision()),
      maxModRevision: optional(10, () => this.revision()),
      minCreateRevision: optional(10, () => this.revision()),
      maxCreateRevision: optional(10, () => this.revision()),
    };
  }

  put(): Init<PutRequest> {
    const random = this.#random;
    const ignoreValue = this.#mayIgnore && random.oneIn(8);
    const ignoreLease = this.#mayIgnore && random.oneIn(8);
    return {
      key: this.key(),
      value: ignoreValue && !random.oneIn(4) ? NO_BYTES : random.pick(VALUES),
      lease: ignoreLease && !random.oneIn(4) ? 0n : this.#leaseOfPut(),
      prevKv: random.oneIn(3),
      ignoreValue,
      ignoreLease,
    };
  }

  #leaseOfPut(): bigint {
    if (!this.#random.oneIn(3)) return 0n;
    return this.#random.oneIn(10) ? UNKNOWN_LEASE : this.#random.pick(LEASES);
  }

  #delete(): Init<DeleteRangeRequest> {
    // Most deletes are of one key, or there would never be much to read.
    const isWide = this.#random.oneIn(4);
    return { key: this.key(), rangeEnd: isWide ? this.rangeEnd() : NO_BYTES, prevKv: this.#random.oneIn(2) };
  }

  #outerTxn(): Init<TxnRequest> {
    this.#mayDelete = this.#random.oneIn(2);
    this.#mayIgnore = !this.#mayDelete;
    const txn = this.#txn(NESTING_MAX);
    this.#mayIgnore = true;
    return txn;
  }

  #txn(nesting: number): Init<TxnRequest> {
    const random = this.#random;
    const list = <T>(max: number, draw: () => T): T[] => Array.from({ length: random.below(max + 1) }, draw);
    if (random.oneIn(150)) return this.#fullTxn();
    if (random.oneIn(10)) {
      return {
        compare: list(2, () => this.#compare()),
        success: list(3, () => ({ requestRange: this.range() })),
        failure: list(3, () => ({ requestRange: this.range() })),
      };
    }
    return {
      compare: list(3, () => this.#compare()),
      success: list(4, () => this.#operation(nesting)),
      failure: list(4, () => this.#operation(nesting)),
    };
  }

  /** About as many operations as are allowed, which is where the limit shows. */
  #fullTxn(): Init<TxnRequest> {
    const count = TXN_OPERATIONS_MAX - 1 + this.#random.below(3);
    const gets = Array.from({ length: count }, () => ({ requestRange: { key: this.#random.pick(KEYS) } }));
    if (this.#random.oneIn(2)) return { success: gets };
    const outer = Array.from({ length: 1 + this.#random.below(3) }, () => ({ requestRange: this.range() }));
    return { success: [...outer, { requestTxn: { success: gets.slice(1), compare: [] } }] };
  }

  #operation(nesting: number): Init<RequestOp> {
    const draw = this.#random.below(20);
    if (draw < 7) return { requestRange: this.range() };
    if (draw < 14) return { requestPut: this.put() };
    if (draw < 17 && this.#mayDelete) return { requestDeleteRange: this.#delete() };
    if (draw < 19 || !this.#random.oneIn(4)) {
      return nesting > 0 ? { requestTxn: this.#txn(nesting - 1) } : { requestPut: this.put() };
    }
    return {};
  }

  #compare(): Init<Compare> {
    const random = this.#random;
    const target = random.pick(['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE'] as const);
    const shown = {
      result: random.oneIn(60) ? 9 : random.pick(['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'] as const),
      target: random.oneIn(60) ? 9 : target,
      key: this.key(),
      rangeEnd: random.oneIn(3) ? this.rangeEnd() : NO_BYTES,
    };
    // An operand that is missing, or belongs to another target, counts as nothing.
    switch (random.oneIn(15) ? random.pick(['VERSION', 'VALUE', undefined] as const) : target) {
      case 'VERSION':
        return { ...shown, version: random.below(4) - (random.oneIn(20) ? 2 : 0) };
      case 'CREATE':
        return { ...shown, createRevision: random.oneIn(3) ? 0 : this.revision() };
      case 'MOD':
        return { ...shown, modRevision: random.oneIn(3) ? 0 : this.revision() };
      case 'VALUE':
        return { ...shown, value: random.pick(VALUES) };
      case 'LEASE':
        return { ...shown, lease: random.oneIn(2) ? 0n : random.pick(LEASES) };
      case undefined:
        return shown;
      default:
        throw new Error('no other target');
    }
  }

  #compact(): Init<CompactionRequest> {
    const { revision, compactRevision } = this.#known;
    const isUsual = !this.#random.oneIn(4);
    // History is left, or there would be none to read.
    const usual = compactRevision + this.#random.below(Math.max(1, revision - compactRevision - 20));
    const drawn = isUsual ? usual : this.revision();
    // Allowed difference: etcd's compacted revision begins at -1, so the first compaction may be one of revision 0, which changes nothing.
    const first = compactRevision === 0 && drawn === 0 ? 1 : drawn;
    return { revision: first, physical: this.#random.oneIn(2) };
  }

  #lease(): Call {
    const random = this.#random;
    const ID = random.oneIn(12) ? UNKNOWN_LEASE : random.pick(LEASES);
    const draw = random.below(20);
    if (draw < 6) return call(LEASE.LeaseGrant, this.#grant());
    if (draw < 9) return call(LEASE.LeaseRevoke, { ID });
    if (draw < 12) return call(LEASE.LeaseKeepAlive, { ID: random.oneIn(20) ? 0n : ID });
    if (draw < 18) return call(LEASE.LeaseTimeToLive, { ID, keys: random.oneIn(2) });
    return call(LEASE.LeaseLeases, {});
  }

  #grant(): Init<LeaseGrantRequest> {
    const random = this.#random;
    const ID = random.pick(LEASES);
    if (random.oneIn(15)) return { ID, TTL: TTL_TOO_LARGE_SECONDS };
    // What the least time to live is made of would end during the run: the pair asks for a free one and gives it back at once.
    if (random.oneIn(6)) return { ID: 0n, TTL: random.pick([0, -1, 1, 2, 3]) };
    this.#ttls += 1;
    return { ID, TTL: TTL_BASE_SECONDS + (this.#ttls % TTL_STEPS) * TTL_STEP_SECONDS };
  }

  /** What no client sends. */
  #odd(): Call {
    const random = this.#random;
    const draw = random.below(6);
    if (draw === 0) {
      const value = new Uint8Array(random.pick(LARGE_BYTES));
      return call(KV.Put, { key: random.pick(KEYS), value });
    }
    if (draw === 1) return { ...call(KV.Range, {}), path: '/etcdserverpb.KV/Nothing' };
    if (draw === 2) return { ...call(KV.Range, {}), path: '/etcdserverpb.Nothing/Range' };
    if (draw === 3) return { ...call(KV.Put, {}), bytes: new Uint8Array([0x0a, 0x05, 0x61]) };
    if (draw === 4) return { ...call(KV.Txn, {}), bytes: new Uint8Array([0x12, 0x02, 0x0a, 0x07]) };
    // Fields that nobody knows are skipped.
    return { ...call(KV.Put, {}), bytes: new Uint8Array([0x0a, 0x01, 0x61, 0x12, 0x01, 0x62, 0xfa, 0x06, 0x01, 0x63]) };
  }
}

function call<Request, Response>(method: Method<Request, Response>, request: MessageInit<Request>): Call {
  return { method, request };
}
