/**
 * Where values live: records bump-allocated in slabs of 1 MiB (smaller ones in a small store), so that a million values are a few hundred objects to the
 * garbage collector instead of a million.
 *
 * A byte once written is never written again while anyone may read it: responses, events and frozen views hold views into
 * slabs for as long as they like, and the collector frees a slab's memory when the last of them is gone. What this class keeps
 * is an account, per slab, of the bytes that the present state and its history still need. A slab whose account falls to
 * nothing is forgotten at once. A slab that is mostly dead is *sparse*: the sweep (compaction.ts) moves what is left in it into
 * fresh slabs, a few records at a time, until its account is at nothing too. So space comes back with no stop, and the memory
 * of the slabs stays below twice the live bytes plus RECLAIM_SHARE of all.
 */
import type { Platform } from '../seams/platform.js';

export const SLAB_BYTES_DEFAULT: number = 1024 * 1024;
/** A store begins with a small slab; each further one is as large as all before it together, up to the full size. */
const FIRST_SLAB_BYTES = 64 * 1024;
/** A record larger than this part of a slab gets a slab of its own, so that the end of a slab wastes little. */
const DEDICATED_PART = 8;
/** Evacuation begins when sparse slabs hold this share (1/n) of all slab memory as dead bytes ... */
const RECLAIM_SHARE = 8;
/** ... and no less than so many slabs' worth. */
const RECLAIM_SLABS_MIN = 2;

export class Slab {
  readonly bytes: Uint8Array;
  /** Bump pointer: where the next record goes. */
  usedBytes = 0;
  /** Bytes of records that the present state or its history still refers to. */
  liveBytes = 0;
  /** What versions refer to it by: its place in Slabs' list. */
  readonly number: number;
  /** The sweep is moving its records out; nothing new goes in. */
  evacuating = false;

  constructor(bytes: Uint8Array, number: number) {
    this.bytes = bytes;
    this.number = number;
  }
}

/** What tombstones refer to: they have no record. Never allocated from. Also in place of slabs that were forgotten. */
export const NO_SLAB: Slab = new Slab(new Uint8Array(0), 0);

export class Slabs {
  readonly #platform: Platform;
  readonly slabBytes: number;
  /**
   * A number is used again when its slab is forgotten, which is when no version refers to it: each record that a version has is on
   * its slab's account, and none is empty.
   */
  readonly byNumber: Slab[] = [NO_SLAB];
  readonly #freeNumbers: number[] = [];
  #current: Slab = NO_SLAB;
  /** Memory of all slabs that are still needed. */
  allocatedBytes = 0;
  /** Bytes of records that are still needed. */
  liveBytes = 0;

  constructor(platform: Platform, slabBytes: number) {
    if (!(Number.isSafeInteger(slabBytes) && slabBytes >= 64)) {
      throw new Error(`a slab of ${slabBytes} bytes`);
    }
    this.#platform = platform;
    this.slabBytes = slabBytes;
  }

  /** A slab with room for `bytesMax` at its `usedBytes`; to be followed by commit(). */
  reserve(bytesMax: number): Slab {
    const current = this.#current;
    if (current.usedBytes + bytesMax <= current.bytes.length) {
      return current;
    }
    const slabBytes = Math.min(this.slabBytes, Math.max(FIRST_SLAB_BYTES, this.allocatedBytes));
    if (bytesMax > slabBytes / DEDICATED_PART) {
      return this.#add(bytesMax);
    }
    const slab = this.#add(slabBytes);
    this.#current = slab;
    if (current !== NO_SLAB && current.liveBytes === 0) {
      this.#forget(current);
    }
    return slab;
  }

  /** The record written at the slab's `usedBytes` ends at `end`. */
  commit(slab: Slab, end: number): void {
    const bytes = end - slab.usedBytes;
    slab.usedBytes = end;
    slab.liveBytes += bytes;
    this.liveBytes += bytes;
  }

  /** A record of that many bytes is no longer needed. */
  release(slab: Slab, bytes: number): void {
    slab.liveBytes -= bytes;
    this.liveBytes -= bytes;
    if (slab.liveBytes === 0 && slab !== this.#current) {
      this.#forget(slab);
    }
  }

  /** Is there enough dead memory in sparse slabs to be worth a pass over the keys? Linear in the slabs, not in the keys. */
  worthEvacuating(): boolean {
    let deadBytes = 0;
    for (const slab of this.byNumber) {
      if (this.#isSparse(slab)) {
        deadBytes += slab.bytes.length - slab.liveBytes;
      }
    }
    return deadBytes >= Math.max(RECLAIM_SLABS_MIN * this.slabBytes, this.allocatedBytes / RECLAIM_SHARE);
  }

  /** Marks every sparse slab: the pass that begins now moves all of their records. */
  beginEvacuation(): void {
    for (const slab of this.byNumber) {
      slab.evacuating = this.#isSparse(slab);
    }
  }

  /** All slabs, for checks. */
  all(): readonly Slab[] {
    return this.byNumber.filter((slab) => slab !== NO_SLAB);
  }

  #isSparse(slab: Slab): boolean {
    return slab !== this.#current && slab !== NO_SLAB && slab.liveBytes * 2 <= slab.bytes.length;
  }

  #add(bytes: number): Slab {
    const number = this.#freeNumbers.pop() ?? this.byNumber.length;
    const slab = new Slab(this.#platform.allocate(bytes), number);
    this.byNumber[number] = slab;
    this.allocatedBytes += bytes;
    return slab;
  }

  #forget(slab: Slab): void {
    if (this.byNumber[slab.number] !== slab) {
      throw new Error('a slab was forgotten twice');
    }
    this.byNumber[slab.number] = NO_SLAB;
    this.#freeNumbers.push(slab.number);
    this.allocatedBytes -= slab.bytes.length;
  }
}
