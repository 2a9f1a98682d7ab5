/** Reads one file forward through a window, always into the same memory where the disk can do that. */
import type { Disk } from '../seams/index.js';

/** How much is read at once. */
export const READ_WINDOW_BYTES: number = 1024 * 1024;

export class ReadWindow {
  readonly #disk: Disk;
  readonly #path: string;
  #bytes: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #memory: Uint8Array | undefined;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** The bytes of [offset, offset + length), or fewer at the end of the file; valid until the next call. */
  bytes(offset: number, length: number): Uint8Array {
    if (offset < this.#offset || offset + length > this.#offset + this.#bytes.length) {
      // Nobody keeps a view of what was read before, so its memory can be read into.
      this.#bytes = this.#disk.read(this.#path, offset, Math.max(length, READ_WINDOW_BYTES), this.#memory);
      this.#offset = offset;
      if (this.#bytes.length > (this.#memory?.length ?? 0)) this.#memory = this.#bytes;
    }
    const from = offset - this.#offset;
    return this.#bytes.subarray(from, from + length);
  }
}
