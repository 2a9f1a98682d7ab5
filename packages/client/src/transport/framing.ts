/** gRPC's framing of messages: a byte that says whether it is compressed, four with its length, the message. */
import { type Codec, GRPC_PREFIX_BYTES, type MessageInit, Writer } from '@quorate/proto';

/** The message with its prefix. Throws RangeError if it cannot be encoded. */
export function frameOf<Message>(codec: Codec<Message>, message: MessageInit<Message>): Uint8Array {
  const writer = new Writer(256);
  const start = writer.beginFrame();
  codec.encodeInto(writer, message);
  writer.endFrame(start);
  return writer.take();
}

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Cuts what arrives into messages; what it gives are pieces of memory of their own. */
export class FrameReader {
  readonly #bytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Length of the message that is awaited; undefined: its prefix is. */
  #length: number | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Nothing of a message is waiting for the rest. */
  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#length === undefined;
  }

  /** Throws FrameError for a message that is compressed (nobody asked for that) or too long. */
  push(chunk: Uint8Array, take: (message: Uint8Array) => void): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#length === undefined) {
        if (this.#bytes < GRPC_PREFIX_BYTES) return;
        this.#length = this.#lengthOf(this.#cut(GRPC_PREFIX_BYTES));
      }
      if (this.#bytes < this.#length) return;
      const message = this.#cut(this.#length);
      this.#length = undefined;
      take(message);
    }
  }

  #lengthOf(prefix: Uint8Array): number {
    const [compressed = 0, a = 0, b = 0, c = 0, d = 0] = prefix;
    if (compressed !== 0) throw new FrameError('the answer is compressed, which was not asked for');
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (length > this.#bytesMax) throw new FrameError(`an answer of ${length} bytes is beyond ${this.#bytesMax}`);
    return length;
  }

  /** The next bytes, copied only if they lie in several chunks. */
  #cut(length: number): Uint8Array {
    this.#bytes -= length;
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    let used = 0;
    while (at < length) {
      const chunk = this.#chunks[used] as Uint8Array;
      const part = chunk.subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      if (part.length === chunk.length) used += 1;
      else this.#chunks[used] = chunk.subarray(part.length);
    }
    this.#chunks = this.#chunks.slice(used);
    return bytes;
  }
}
