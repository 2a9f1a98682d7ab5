/**
 * Pieces of a body put together. A list of pieces would let a client that sends a byte at a time take a hundred bytes of memory for
 * each; here they are copied into one buffer that doubles as it grows. A body that comes in one piece, as most do, is not copied.
 */
export class GatheredBytes {
  #only: Uint8Array | undefined;
  #buffer: Buffer = NOTHING;
  #bytes = 0;

  get length(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    const bytes = this.#bytes + piece.length;
    if (this.#bytes === 0) this.#only = piece;
    else {
      if (bytes > this.#buffer.length) this.#grow(bytes);
      this.#buffer.set(piece, this.#bytes);
    }
    this.#bytes = bytes;
  }

  /** Everything so far, as a view that nothing writes to any more; begins anew. */
  take(): Buffer {
    const whole = this.#only ?? this.#buffer;
    const taken = Buffer.from(whole.buffer, whole.byteOffset, this.#bytes);
    this.#only = undefined;
    this.#buffer = NOTHING;
    this.#bytes = 0;
    return taken;
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#bytes, LEAST_BYTES));
    grown.set(this.#only ?? this.#buffer.subarray(0, this.#bytes));
    this.#only = undefined;
    this.#buffer = grown;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
const LEAST_BYTES = 1024;
