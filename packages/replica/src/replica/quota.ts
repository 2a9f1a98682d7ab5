/**
 * The quota of the store: how much memory keys, values and history may need before writes that add are refused (contract 38).
 *
 * Asked at the leader before a command is proposed: a put, a transaction with one in any branch, or a new lease, for which there is no
 * room is refused as no-space, and the leader raises the alarm, which every member's state machine then holds to. Whatever frees space or
 * keeps what is there always passes: deletes, compaction, renewed and revoked leases, alarms. Several writes may be under way at once, so the store may outgrow the
 * quota by what may be uncommitted (UNCOMMITTED_BYTES_MAX).
 *
 * The alarm clears by itself when the store needs less than QUOTA_CLEAR of the quota: not at once below it, or the next put would
 * raise it again. An alarm that somebody else raised while there was space is somebody else's to clear.
 */
import type { Platform } from '../seams/index.js';
import { type Alarm, type Command, decodeCommand, type ErrorResponse, mayPut, type Store } from '../store/index.js';
import { QUOTA_CLEAR, QUOTA_PUT_OVERHEAD_BYTES } from './limits.js';

const NO_SPACE: ErrorResponse = { kind: 'error', code: 'no-space' };

export class Quota {
  readonly #platform: Platform;
  readonly #bytesMax: number;
  #hasRefused = false;
  /** Whose alarms this leader clears by itself: those that it found when it began to lead, and those that stood while there was no space. */
  #mine = new Set<number>();

  /** `bytesMax` negative: no quota. */
  constructor(platform: Platform, bytesMax: number) {
    this.#platform = platform;
    this.#bytesMax = bytesMax;
  }

  /** The refusal of an encoded command for which there is no room; undefined if it may be proposed. */
  admit(store: Store, data: Uint8Array): ErrorResponse | undefined {
    if (this.#bytesMax < 0) return undefined;
    const isFull = store.bytes + data.length + QUOTA_PUT_OVERHEAD_BYTES > this.#bytesMax;
    if (!isFull && noSpaceAlarms(store).length === 0) return undefined;
    if (!adds(decodeCommand(this.#platform, data).operation)) return undefined;
    this.#hasRefused ||= isFull;
    return NO_SPACE;
  }

  /** What should change about the alarms; for a leader, each tick. `isNew`: it has just begun to lead. */
  review(store: Store, isNew: boolean): { readonly action: 'activate' } | { readonly clear: Alarm } | undefined {
    const standing = noSpaceAlarms(store);
    if (standing.length === 0) {
      this.#mine.clear();
      const raise = this.#hasRefused;
      this.#hasRefused = false;
      return raise ? { action: 'activate' } : undefined;
    }
    this.#hasRefused = false;
    const isRoomy = this.#bytesMax < 0 || store.bytes < this.#bytesMax * QUOTA_CLEAR;
    if (isNew || !isRoomy) for (const { member } of standing) this.#mine.add(member);
    const clear = isRoomy ? standing.find(({ member }) => this.#mine.has(member)) : undefined;
    return clear && { clear };
  }
}

function noSpaceAlarms(store: Store): readonly Alarm[] {
  const alarms = store.alarms();
  // Asked with every write.
  return alarms.length === 0 ? alarms : alarms.filter(({ alarm }) => alarm === 'no-space');
}

/** Whether it grants a lease, or puts, whichever way its comparisons turn out. */
function adds(operation: Command['operation']): boolean {
  const { kind } = operation;
  return kind === 'lease-grant' || ((kind === 'put' || kind === 'txn') && mayPut(operation));
}
