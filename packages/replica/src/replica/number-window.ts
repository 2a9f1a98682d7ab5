/**
 * Values by number, for numbers that lie close together and move upwards: log indexes, numbers of requests. A ring over the span from the
 * lowest to the highest that is present.
 *
 * Not a Map, for the garbage collector's sake. A Map whose entries come and go is copied to a new table every so often, and V8 leaves in
 * the old table, and from it to the next one, references that count until the old generation is collected. One table that has ever been
 * promoted then keeps all later tables alive, and with them every value that was ever in them: at 20,000 puts a second each young
 * collection copied some 3 MB of dead requests (docs/decisions/0011-tables-without-trails.md).
 */
import { assert } from './assert.js';

/** A power of two, as every later number of slots. */
const SLOTS_MIN = 16;
/** Numbers further apart than this do not belong into one window: 2^26 slots would be half a gigabyte. */
const SPAN_MAX: number = 2 ** 26;

export class NumberWindow<Value> {
  #slots: (Value | undefined)[] = emptySlots(SLOTS_MIN);
  /** Everything present lies in [from, to); neither end is empty. Both are 0 while nothing is present. */
  #from = 0;
  #to = 0;
  /** The slot of `from`. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): Value | undefined {
    return key >= this.#from && key < this.#to ? this.#slots[this.#slot(key)] : undefined;
  }

  /** In place of what was there. */
  set(key: number, value: Value): void {
    if (this.#size === 0) {
      this.#from = key;
      this.#to = key + 1;
    } else {
      const from = Math.min(key, this.#from);
      this.#fit(Math.max(key + 1, this.#to) - from);
      this.#head = (this.#head - (this.#from - from)) & (this.#slots.length - 1);
      this.#from = from;
      this.#to = Math.max(key + 1, this.#to);
    }
    const slot = this.#slot(key);
    if (this.#slots[slot] === undefined) this.#size += 1;
    this.#slots[slot] = value;
  }

  /** Takes what is there. */
  take(key: number): Value | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    this.#slots[this.#slot(key)] = undefined;
    this.#size -= 1;
    if (this.#size === 0) this.#from = this.#to = 0;
    else this.#trim();
    return value;
  }

  /** Takes all for which it is so, lowest numbers first. */
  takeIf(matches: (value: Value, key: number) => boolean): Value[] {
    const taken: Value[] = [];
    for (let key = this.#from, end = this.#to; key < end; key += 1) {
      const value = this.get(key);
      if (value === undefined || !matches(value, key)) continue;
      this.take(key);
      taken.push(value);
    }
    return taken;
  }

  forEach(use: (value: Value, key: number) => void): void {
    for (let key = this.#from, end = this.#to; key < end; key += 1) {
      const value = this.get(key);
      if (value !== undefined) use(value, key);
    }
  }

  #slot(key: number): number {
    return (this.#head + (key - this.#from)) & (this.#slots.length - 1);
  }

  /** Neither end is empty, so that the span is no longer than it must be. */
  #trim(): void {
    while (this.#slots[this.#head] === undefined) {
      this.#head = (this.#head + 1) & (this.#slots.length - 1);
      this.#from += 1;
    }
    while (this.#slots[this.#slot(this.#to - 1)] === undefined) this.#to -= 1;
  }

  #fit(span: number): void {
    if (span <= this.#slots.length) return;
    assert(span <= SPAN_MAX, () => `numbers ${span} apart in one window`);
    let length = this.#slots.length;
    while (length < span) length *= 2;
    const slots = emptySlots<Value>(length);
    for (let i = 0; i < this.#to - this.#from; i += 1) slots[i] = this.#slots[this.#slot(this.#from + i)];
    this.#slots = slots;
    this.#head = 0;
  }
}

function emptySlots<Value>(length: number): (Value | undefined)[] {
  return Array.from<undefined>({ length }).fill(undefined);
}
