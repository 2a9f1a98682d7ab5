/**
 * Ranges of keys that are added to and asked for keys in turns: sorted and merged when asked, so that asking costs a binary search. A
 * transaction may have tens of thousands of deletes and as many puts, each of which must be held against all of them.
 */
import type { Key, KeyRange } from './types.js';

/** All keys from `from` on, before `end`. */
interface Interval {
  readonly from: Key;
  readonly end: Key;
}

export class KeyRanges {
  #intervals: Interval[] = [];
  #isMerged = true;

  /** A range that has an end, or a single key. */
  add({ key, rangeEnd }: KeyRange): void {
    // Behind a key comes, of all keys, the same with a zero byte more.
    this.#push({ from: key, end: rangeEnd ?? `${key}\0` });
  }

  addAll({ intervals }: KeyRanges): void {
    for (const interval of intervals) this.#push(interval);
  }

  get intervals(): readonly Interval[] {
    return this.#intervals;
  }

  has(key: Key): boolean {
    this.#merge();
    let low = 0;
    let high = this.#intervals.length;
    // The first interval that begins behind the key: if any holds the key, the one before does.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#intervals[middle] as Interval).from <= key) low = middle + 1;
      else high = middle;
    }
    const before = this.#intervals[low - 1];
    return before !== undefined && key < before.end;
  }

  #push(interval: Interval): void {
    if (interval.from >= interval.end) return;
    this.#intervals.push(interval);
    this.#isMerged = false;
  }

  #merge(): void {
    if (this.#isMerged) return;
    const sorted = this.#intervals.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
    const merged: Interval[] = [];
    for (const interval of sorted) {
      const last = merged.at(-1);
      if (last === undefined || last.end < interval.from) merged.push(interval);
      else if (last.end < interval.end) merged[merged.length - 1] = { from: last.from, end: interval.end };
    }
    this.#intervals = merged;
    this.#isMerged = true;
  }
}
