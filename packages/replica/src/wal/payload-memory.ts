/**
 * Memory for what a start reads from the log. Nearly all of it is looked at once: a log of hundreds of megabytes needs no more than what
 * is kept of its end. Memory that is used again is not collected, and fresh memory costs the system a fault for each page.
 */
import type { Platform } from '../seams/index.js';

const FIRST_BLOCK_BYTES = 4 * 1024;
const BLOCK_BYTES_MAX = 1024 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  /** No entry in it has a higher index. */
  lastIndex: number;
}

export class PayloadMemory {
  readonly #platform: Platform;
  /** In the order in which they were filled; the last one has what was taken last. */
  readonly #filled: Block[] = [];
  readonly #free: Block[] = [];
  #usedBytes = 0;
  #blockBytes = FIRST_BLOCK_BYTES;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  take(length: number): Uint8Array {
    let block = this.#filled.at(-1);
    if (block === undefined || this.#usedBytes + length > block.bytes.length) {
      block = this.#next(length);
      this.#filled.push(block);
      this.#usedBytes = 0;
    }
    const start = this.#usedBytes;
    this.#usedBytes += length;
    return block.bytes.subarray(start, start + length);
  }

  /** What was taken last has entries up to this index. */
  holds(lastIndex: number): void {
    const block = this.#filled.at(-1);
    if (block !== undefined && lastIndex > block.lastIndex) block.lastIndex = lastIndex;
  }

  /** Nobody needs entries up to this index any more. */
  release(index: number): void {
    while (this.#filled.length > 1 && (this.#filled[0] as Block).lastIndex <= index) {
      const block = this.#filled.shift() as Block;
      block.lastIndex = 0;
      if (block.bytes.length <= BLOCK_BYTES_MAX) this.#free.push(block);
    }
  }

  #next(length: number): Block {
    if (length > BLOCK_BYTES_MAX) return { bytes: this.#platform.allocate(length), lastIndex: 0 };
    // One that is too small is from the beginning, and is let go.
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.bytes.length >= length) return free;
    }
    this.#blockBytes = Math.max(this.#blockBytes, length);
    const block = { bytes: this.#platform.allocate(this.#blockBytes), lastIndex: 0 };
    this.#blockBytes = Math.min(2 * this.#blockBytes, BLOCK_BYTES_MAX);
    return block;
  }
}
