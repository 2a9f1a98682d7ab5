/**
 * The replicated log as the core holds it in memory, and the marks that move along it (Raft paper 5.3).
 *
 *      compacted      applied    handed to apply      commit                  last
 *          |             |              |               |                      |
 *     -----+-------------+--------------+---------------+----------------------+
 *      gone|  entries in memory                                                |
 *          +--------------------------------+-----------------+----------------+
 *                                       persisted       handed to write
 *
 * Invariants, asserted where a mark moves (checkState asserts them all):
 * - compacted <= applied <= handedToApply <= commit <= last, and persisted <= handedToWrite <= last;
 * - indexes are contiguous and terms never decrease;
 * - nothing at or below commit is ever replaced (canonical/raft#355, microsoft/CCF#5674);
 * - commit and applied never go back (openraft eed681d5).
 *
 * `commit` may pass `persisted`: a quorum of others can commit what this member's own disk does not have yet.
 *
 * Entries up to `applied` are packed: columns of numbers and bytes, and objects only for whoever asks (packed-entries.ts). That is
 * safe because they are final: `applied` never goes back, nothing at or below commit is replaced, and compaction takes nothing above
 * it. What the owner was given of them (to write, to apply, to send) it holds itself.
 *
 * Those above `applied` are objects in one array with a head offset. Packing clears the slots behind it at once, so that the objects
 * can be collected, and cuts the array when half of it is dead, so that each entry is moved at most once on average.
 */
import { assert } from './assert.js';
import { PackedEntries } from './packed-entries.js';
import type { Entry, EntryType, HardState, SnapshotMetadata } from './types.js';
import { type Write, WriteQueue } from './writes.js';

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);
const NO_DATA = new Uint8Array(0);
/** Stands in the slots of packed entries. */
const DEAD: Entry = Object.freeze({ index: 0, term: 0, type: 'normal', data: NO_DATA });
/** Fewer dead slots than this are not worth a copy. */
const DEAD_SLOTS_MIN = 1_024;

export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

export class RaftLog {
  readonly writes: WriteQueue = new WriteQueue();
  compactedIndex: number;
  compactedTerm: number;
  lastIndex: number;
  lastTerm: number;
  /** Highest index known to be committed. */
  commit: number;
  /** Everything up to here is applied. */
  applied: number;
  /** Everything up to here was given out as committed entries, or is part of a snapshot that was. */
  handedToApply: number;
  /** Everything up to here was given out to be written. */
  handedToWrite: number;
  /** Everything up to here is durable. May be below compactedIndex while a snapshot's record is being written. */
  persistedIndex: number;
  /** Entries in (compactedIndex, applied]. */
  #packed: PackedEntries;
  /** From `#head` on, the entries in (applied, lastIndex]. */
  #entries: Entry[];
  #head = 0;

  constructor(compacted: LogPosition, entries: readonly Entry[], applied: number, commit: number) {
    this.compactedIndex = compacted.index;
    this.compactedTerm = compacted.term;
    this.#packed = new PackedEntries(compacted.index);
    this.lastIndex = compacted.index + entries.length;
    this.lastTerm = entries.at(-1)?.term ?? compacted.term;
    // A member may have lost entries that it never acknowledged, but not what it applied: a gap between the state and
    // the log must stop it here, not be replayed over (redisraft#43, camunda#3573).
    assert(
      compacted.index <= applied && applied <= this.lastIndex,
      () => `applied ${applied} is outside of the log (${compacted.index}, ${this.lastIndex}]`,
    );
    let previous = compacted;
    for (const entry of entries) {
      assert(
        entry.index === previous.index + 1 && entry.term >= previous.term,
        () => `entry ${entry.index}@${entry.term} follows ${previous.index}@${previous.term}`,
      );
      previous = entry;
      if (entry.index <= applied) this.#packed.push(entry);
    }
    this.#entries = entries.slice(applied - compacted.index);
    this.applied = applied;
    this.handedToApply = applied;
    // The commit index is written without waiting for the entries below it: it may be ahead of what survived.
    this.commit = Math.max(applied, Math.min(commit, this.lastIndex));
    this.handedToWrite = this.lastIndex;
    this.persistedIndex = this.lastIndex;
  }

  get firstIndex(): number {
    return this.compactedIndex + 1;
  }

  /** The entry at `index`, which must be in memory. Of one that is applied the object is made for this call. */
  entry(index: number): Entry {
    return index <= this.#packed.lastIndex ? (this.#packed.entries(index, index)[0] as Entry) : this.#unapplied(index);
  }

  type(index: number): EntryType {
    return index <= this.#packed.lastIndex ? this.#packed.type(index) : this.#unapplied(index).type;
  }

  #dataBytes(index: number): number {
    return index <= this.#packed.lastIndex ? this.#packed.dataBytes(index) : this.#unapplied(index).data.length;
  }

  #unapplied(index: number): Entry {
    const entry = this.#entries[this.#slot(index)];
    assert(entry !== undefined, () => `entry ${index} is outside of (${this.compactedIndex}, ${this.lastIndex}]`);
    return entry;
  }

  #slot(index: number): number {
    return this.#head + index - this.#packed.lastIndex - 1;
  }

  /**
   * The term at `index`; undefined if it is compacted away or was never there. The position right before the first entry
   * still has its term, so an empty log after a snapshot neither looks older nor newer than it is (RedisLabs/raft#39).
   */
  termAt(index: number): number | undefined {
    if (index === this.compactedIndex) return this.compactedTerm;
    if (index < this.compactedIndex || index > this.lastIndex) return undefined;
    return index <= this.#packed.lastIndex ? this.#packed.term(index) : this.#unapplied(index).term;
  }

  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Raft paper 5.4.1: the later last term wins, and only between equal terms the longer log (openraft a48a3282). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** The leader's own append. */
  append(entry: Entry): void {
    assert(
      entry.index === this.lastIndex + 1 && entry.term >= this.lastTerm && Number.isSafeInteger(entry.index),
      () => `append of ${entry.index}@${entry.term} after ${this.lastIndex}@${this.lastTerm}`,
    );
    this.#entries.push(entry);
    this.lastIndex = entry.index;
    this.lastTerm = entry.term;
  }

  /**
   * The follower's append: false if the log does not hold (previousIndex, previousTerm). Entries that the log has already
   * are passed over, so that a late, short append removes nothing (openraft 9540c904); only from the first one on that
   * differs is the log replaced.
   */
  tryAppend(previousIndex: number, previousTerm: number, entries: readonly Entry[]): boolean {
    if (!this.matches(previousIndex, previousTerm)) return false;
    for (let offset = 0; offset < entries.length; offset++) {
      const entry = entries[offset] as Entry;
      if (this.matches(entry.index, entry.term)) continue;
      if (entry.index <= this.lastIndex) this.#truncateAfter(entry.index - 1);
      for (let rest = offset; rest < entries.length; rest++) this.append(entries[rest] as Entry);
      break;
    }
    return true;
  }

  #truncateAfter(index: number): void {
    assert(index >= this.commit, () => `truncation after ${index} would remove committed entries up to ${this.commit}`);
    assert(index >= this.#packed.lastIndex, () => `truncation after ${index} would remove applied entries`);
    this.lastTerm = this.termAt(index) as number;
    this.lastIndex = index;
    this.#entries.length = this.#slot(index + 1);
    this.handedToWrite = Math.min(this.handedToWrite, index);
    this.persistedIndex = Math.min(this.persistedIndex, index);
    this.writes.truncated(index);
  }

  /**
   * The last position at or before `index` whose term is at most `term`: where this log may agree with another one that
   * has `term` at `index` (Raft paper 5.3). Both sides use it, so a mismatch costs one round trip per term and not per
   * entry. Term 0 means that the position is compacted away or before the first entry; it is committed, so it agrees.
   */
  lastPositionAtOrBelowTerm(index: number, term: number): LogPosition {
    let low = this.compactedIndex;
    let high = Math.min(index, this.lastIndex);
    if (high < low) return { index: high, term: 0 };
    if (this.compactedTerm > term) return { index: low - 1, term: 0 };
    // Terms never decrease along the log. Invariant: the term at low is at most `term`; what is after high is above it.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.termAt(middle) as number) <= term) low = middle;
      else high = middle - 1;
    }
    return { index: low, term: this.termAt(low) as number };
  }

  /** Entries from `from` on, as many as fit into `bytesMax` of data, at least one if there is one. */
  slice(from: number, bytesMax: number, to: number = this.lastIndex): readonly Entry[] {
    if (from > to) return NO_ENTRIES;
    let bytes = this.#dataBytes(from);
    let end = from;
    while (end < to) {
      bytes += this.#dataBytes(end + 1);
      if (bytes > bytesMax) break;
      end++;
    }
    const packedTo = this.#packed.lastIndex;
    if (from > packedTo) return this.#entries.slice(this.#slot(from), this.#slot(end + 1));
    if (end <= packedTo) return this.#packed.entries(from, end);
    return this.#packed.entries(from, packedTo).concat(this.#entries.slice(this.#head, this.#slot(end + 1)));
  }

  /** Raises the commit index. It never goes back, and never past what the log holds (ongardie/raft.tla#19). */
  commitTo(index: number): boolean {
    if (index <= this.commit) return false;
    assert(
      index <= this.lastIndex,
      () => `commit ${index} is beyond the last entry ${this.lastIndex}: this member has lost a part of its log`,
    );
    this.commit = index;
    return true;
  }

  /** True if a page of committed entries is due: the page before is applied (etcd-io/raft 2e0653d) and there is more. */
  get hasEntriesToApply(): boolean {
    return this.handedToApply < this.commit && this.applied === this.handedToApply;
  }

  takeEntriesToApply(bytesMax: number): readonly Entry[] {
    if (!this.hasEntriesToApply) return NO_ENTRIES;
    const page = this.slice(this.handedToApply + 1, bytesMax, this.commit);
    this.handedToApply += page.length;
    return page;
  }

  /** An index at or below what is applied is old news: a snapshot overtook the apply (openraft eed681d5). */
  appliedTo(index: number): void {
    if (index <= this.applied) return;
    assert(index <= this.handedToApply, () => `applied ${index} but only ${this.handedToApply} was handed out`);
    this.applied = index;
    this.#packTo(index);
  }

  #packTo(index: number): void {
    const count = index - this.#packed.lastIndex;
    for (let slot = this.#head; slot < this.#head + count; slot++) this.#packed.push(this.#entries[slot] as Entry);
    this.#entries.fill(DEAD, this.#head, this.#head + count);
    this.#head += count;
    if (this.#head >= DEAD_SLOTS_MIN && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  get hasEntriesToWrite(): boolean {
    return this.handedToWrite < this.lastIndex;
  }

  /** The entries that were not given out to be written yet. Call handedOut after it. */
  takeEntriesToWrite(): readonly Entry[] {
    const entries = this.slice(this.handedToWrite + 1, Number.POSITIVE_INFINITY);
    this.handedToWrite = this.lastIndex;
    return entries;
  }

  handedOut(id: number, tick: number, hardState: HardState): void {
    this.writes.push({ id, tick, hardState, attests: this.handedToWrite });
  }

  /** All writes up to `id` are durable. Gives the newest of them. */
  persisted(id: number): Write | undefined {
    const write = this.writes.complete(id);
    if (write !== undefined) this.persistedIndex = Math.max(this.persistedIndex, write.attests);
    return write;
  }

  /**
   * The log becomes empty after `snapshot`. Only for a snapshot that is ahead of the commit index and that the log does
   * not hold: otherwise entries would be lost that count in a quorum (etcd PR#1763, camunda#6092).
   */
  reset(snapshot: SnapshotMetadata): void {
    assert(
      snapshot.index > this.commit && !this.matches(snapshot.index, snapshot.term),
      () => `reset to ${snapshot.index}@${snapshot.term} would drop a matching log`,
    );
    // What was committed is part of the snapshot's history; what was not is gone, and no write in flight proves it.
    this.persistedIndex = Math.min(this.persistedIndex, this.commit);
    this.writes.truncated(this.commit);
    this.#packed = new PackedEntries(snapshot.index);
    this.#entries = [];
    this.#head = 0;
    this.compactedIndex = snapshot.index;
    this.compactedTerm = snapshot.term;
    this.lastIndex = snapshot.index;
    this.lastTerm = snapshot.term;
    this.commit = snapshot.index;
    this.applied = snapshot.index;
    this.handedToApply = snapshot.index;
    this.handedToWrite = snapshot.index;
  }

  /** Drops the entries up to `index` as far as they are applied and durable. The last one's term is kept. */
  compact(index: number): void {
    const target = Math.min(index, this.applied, this.persistedIndex);
    if (target <= this.compactedIndex) return;
    this.compactedTerm = this.termAt(target) as number;
    this.#packed.dropTo(target);
    this.compactedIndex = target;
  }

  /** Bytes of data in (after, to]. */
  bytesBetween(after: number, to: number): number {
    let bytes = 0;
    for (let index = after + 1; index <= to; index++) bytes += this.#dataBytes(index);
    return bytes;
  }

  /** The last configuration entry in (after, to]; 0 if there is none. */
  configEntryBetween(after: number, to: number): number {
    for (let index = to; index > after; index--) {
      if (this.type(index) === 'config') return index;
    }
    return 0;
  }
}
