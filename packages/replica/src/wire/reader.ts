/**
 * Reads the fields of one frame, strictly: every read is checked against the frame's end, an integer has exactly one accepted
 * encoding, a flag is 0 or 1, and whoever is done says so (`end`), so that trailing bytes are an error too. Strictness makes
 * damage and version skew visible where they arrive instead of somewhere in the core.
 *
 * Nothing here allocates by a number that was read: byte ranges are views into the frame, and counts are checked against
 * the bytes that are left before anybody makes an array of them.
 */
import type { Platform } from '../seams/platform.js';
import { WireError } from './error.js';

/** 2 ** 49: what the eighth byte of a varint is multiplied by. */
const VARINT_LAST_FACTOR = 562_949_953_421_312;
/** The eighth byte of the greatest safe integer, 2 ** 53 - 1, holds its upper 4 bits. */
const VARINT_LAST_MAX = 0x0f;
const VARINT_BYTES_MAX = 8;

export class ByteReader {
  private readonly bytes: Uint8Array;
  private offset: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.offset = 0;
  }

  get remainingBytes(): number {
    return this.bytes.length - this.offset;
  }

  u8(): number {
    const value = this.bytes[this.offset];
    if (value === undefined) throw new WireError('frame ends early');
    this.offset += 1;
    return value;
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new WireError(`flag is ${value}`);
    return value === 1;
  }

  /** Unsigned, little-endian. */
  u32(): number {
    const low = this.u8() + this.u8() * 0x100 + this.u8() * 0x10000;
    return low + this.u8() * 0x1000000;
  }

  /** A safe integer from 0, seven bits a byte, least significant first, in its shortest form. */
  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let factor = 0x80;
    for (let position = 2; position <= VARINT_BYTES_MAX; position += 1) {
      const byte = this.u8();
      if (byte < 0x80) {
        if (byte === 0) throw new WireError('integer is not in its shortest form');
        if (factor === VARINT_LAST_FACTOR && byte > VARINT_LAST_MAX) break;
        return value + byte * factor;
      }
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    }
    throw new WireError('integer is not a safe one');
  }

  /** A varint that must not exceed `max`; `what` names it in the error. */
  varintAtMost(max: number, what: string): number {
    const value = this.varint();
    if (value > max) throw new WireError(`${what} is ${value}, at most ${max} is allowed`);
    return value;
  }

  /** The number of items that follow, each of which takes at least `itemBytesMin` bytes: a count that cannot be true is refused. */
  count(itemBytesMin: number, what: string): number {
    const count = this.varint();
    if (count * itemBytesMin > this.remainingBytes) {
      throw new WireError(`${count} ${what} do not fit into ${this.remainingBytes} bytes`);
    }
    return count;
  }

  /** A view of the next `length` bytes. */
  view(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A view of everything that is left. */
  rest(): Uint8Array {
    return this.view(this.remainingBytes);
  }

  /** A length (varint) of at most `bytesMax`, and so many chars of one byte each. */
  shortString(platform: Platform, bytesMax: number, what: string): string {
    const length = this.varintAtMost(bytesMax, `length of ${what}`);
    const start = this.#advance(length);
    return length === 0 ? '' : platform.latin1(this.bytes, start, start + length);
  }

  /** Everything must have been read. */
  end(): void {
    if (this.offset !== this.bytes.length) throw new WireError(`${this.remainingBytes} bytes too many in the frame`);
  }

  #advance(length: number): number {
    const start = this.offset;
    if (length > this.bytes.length - start) throw new WireError('frame ends early');
    this.offset = start + length;
    return start;
  }
}
