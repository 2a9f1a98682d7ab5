/**
 * Recognises header blocks by their bytes. Clients send the same few blocks again and again; a block that did not change the dynamic
 * table decodes to the same fields as long as nothing else changes the table, so that its decoded form can be used again.
 */

const ENTRIES_MAX = 8;
const BLOCK_BYTES_MAX = 512;

interface Entry<T> {
  readonly block: Uint8Array;
  readonly value: T;
}

export class BlockCache<T> {
  private entries: Entry<T>[] = [];
  private next = 0;
  private generation = 0;

  /** The value kept for these bytes while the decoder's table had this generation. */
  find(block: Uint8Array, start: number, end: number, generation: number): T | undefined {
    if (generation !== this.generation) return undefined;
    const length = end - start;
    for (const entry of this.entries) {
      if (entry.block.length === length && isSame(entry.block, block, start)) return entry.value;
    }
    return undefined;
  }

  /** Only for a block whose decoding left the table as it was. */
  add(block: Uint8Array, start: number, end: number, generation: number, value: T): void {
    if (end - start > BLOCK_BYTES_MAX) return;
    if (generation !== this.generation) {
      this.entries = [];
      this.next = 0;
      this.generation = generation;
    }
    this.entries[this.next] = { block: Uint8Array.prototype.slice.call(block, start, end), value };
    this.next = (this.next + 1) % ENTRIES_MAX;
  }
}

function isSame(kept: Uint8Array, block: Uint8Array, start: number): boolean {
  for (let at = 0; at < kept.length; at++) if (kept[at] !== block[start + at]) return false;
  return true;
}
