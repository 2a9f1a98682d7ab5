/**
 * Memory for bytes that live as long as a virtual world: cut from blocks that the next world uses again.
 *
 * One by one they would be allocations outside of the heap, which V8 frees and counts with the objects that hold them: after every
 * 64 MB of them it collects the whole heap, and with it the optimized code of whatever function nobody holds at that moment.
 */
const BLOCK_BYTES = 1024 * 1024;
/** What is larger has memory of its own: little would be left of a block. */
const CUT_BYTES_MAX: number = BLOCK_BYTES / 4;
/** Kept for the next world. */
const FREE_BLOCKS_MAX = 64;
const freeBlocks: ArrayBuffer[] = [];
/** So that views of numbers fit as well. */
const ALIGNMENT_BYTES = 8;

export class Arena {
  readonly #blocks: ArrayBuffer[] = [];
  #usedBytes = BLOCK_BYTES;

  /** Bytes that may hold anything. */
  readonly allocate = (bytes: number): Uint8Array => {
    if (bytes > CUT_BYTES_MAX) return new Uint8Array(bytes);
    if (this.#usedBytes + bytes > BLOCK_BYTES) {
      this.#blocks.push(freeBlocks.pop() ?? new ArrayBuffer(BLOCK_BYTES));
      this.#usedBytes = 0;
    }
    const cut = new Uint8Array(this.#blocks.at(-1) as ArrayBuffer, this.#usedBytes, bytes);
    this.#usedBytes += Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return cut;
  };

  /** The world is over: nobody reads what was allocated any more, another arena writes over it. */
  release(): void {
    for (const block of this.#blocks.splice(0)) if (freeBlocks.length < FREE_BLOCKS_MAX) freeBlocks.push(block);
    this.#usedBytes = BLOCK_BYTES;
  }
}
