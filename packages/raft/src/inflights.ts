/**
 * The window of append messages that are under way to one follower (Raft thesis 10.2.1, pipelining).
 *
 * A ring of (last index, bytes) pairs in the order of sending. The window is full when it holds `messagesMax` messages or
 * at least `bytesMax` bytes; nothing more may be sent then. The byte limit is looked at before a message is added and not
 * after, so the message that crosses it still goes: one that is larger than the whole limit can always be sent alone.
 *
 *     add(4) add(6) add(9)    [4 6 9]    an acknowledgement up to 6 frees the first two: [9]
 *
 * The byte count is derived from nothing else, so whatever leaves the ring must leave the count: a leak there stalls the
 * follower for ever (etcd-io/raft PR#54). Both are therefore only changed together, and an empty ring must count 0 bytes.
 */
import { assert } from './assert.js';

/** Slots allocated by the first message. The ring doubles from there, so idle followers cost nothing. */
const SLOTS_MIN = 4;

export class Inflights {
  readonly messagesMax: number;
  readonly bytesMax: number;
  #lastIndexes: Float64Array = new Float64Array(0);
  #sizes: Float64Array = new Float64Array(0);
  #start = 0;
  #count = 0;
  #bytes = 0;

  /** @param bytesMax Infinity for no limit in bytes. */
  constructor(messagesMax: number, bytesMax: number) {
    assert(Number.isSafeInteger(messagesMax) && messagesMax > 0, () => `messagesMax is ${messagesMax}`);
    assert(bytesMax > 0, () => `bytesMax is ${bytesMax}`);
    this.messagesMax = messagesMax;
    this.bytesMax = bytesMax;
  }

  /** Messages under way. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of entries under way. */
  get bytes(): number {
    return this.#bytes;
  }

  full(): boolean {
    return this.#count === this.messagesMax || this.#bytes >= this.bytesMax;
  }

  /** Notes a message whose last entry is `lastIndex`. The window must not be full, and indexes must ascend. */
  add(lastIndex: number, bytes: number): void {
    assert(!this.full(), () => 'add to a full window');
    assert(Number.isSafeInteger(bytes) && bytes >= 0, () => `message of ${bytes} bytes`);
    if (this.#count > 0) {
      const previous = this.#lastIndexes[this.#slot(this.#count - 1)] as number;
      assert(lastIndex > previous, () => `index ${lastIndex} added after ${previous}`);
    }
    if (this.#count === this.#lastIndexes.length) this.#grow();
    const slot = this.#slot(this.#count);
    this.#lastIndexes[slot] = lastIndex;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Frees every message whose last entry is at or before `index`. An index from before the window frees nothing. */
  freeUpTo(index: number): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] as number) <= index) {
      this.#bytes -= this.#sizes[this.#start] as number;
      this.#count--;
      this.#start = this.#slot(1);
    }
    assert(this.#count > 0 || this.#bytes === 0, () => `empty window counts ${this.#bytes} bytes`);
  }

  /** Forgets everything, as if the connection were new. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  /** The place in the ring of the message at `offset` from the oldest. */
  #slot(offset: number): number {
    const slot = this.#start + offset;
    const slots = this.#lastIndexes.length;
    return slot < slots ? slot : slot - slots;
  }

  #grow(): void {
    const slots = this.#lastIndexes.length;
    const slotsNew = Math.min(this.messagesMax, Math.max(SLOTS_MIN, slots * 2));
    const lastIndexes = new Float64Array(slotsNew);
    const sizes = new Float64Array(slotsNew);
    for (let offset = 0; offset < this.#count; offset++) {
      const slot = this.#slot(offset);
      lastIndexes[offset] = this.#lastIndexes[slot] as number;
      sizes[offset] = this.#sizes[slot] as number;
    }
    this.#lastIndexes = lastIndexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
