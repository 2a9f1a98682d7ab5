/**
 * Writes fields one after the other into memory that it takes in slabs and hands out in pieces: `take` returns what was written
 * since the last `take`, as a view that nobody writes to again. Control frames are a few dozen bytes each; one allocation
 * serves hundreds of them.
 *
 * What cannot be written (an integer that is not safe, a string that is too long or beyond latin1) is a programmer's error and
 * throws a RangeError.
 */
import type { Platform } from '../seams/platform.js';

/** Memory is taken in pieces of this size, unless one frame's fields need more. */
const SLAB_BYTES = 16 * 1024;
const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  private readonly platform: Platform;
  private slab: Uint8Array;
  /** Where the fields begin that were written since the last `take`. */
  private start = 0;
  private offset = 0;

  constructor(platform: Platform) {
    this.platform = platform;
    this.slab = new Uint8Array(0);
  }

  u8(value: number): void {
    this.reserve(1);
    this.slab[this.offset] = value;
    this.offset += 1;
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** Unsigned, little-endian. */
  u32(value: number): void {
    if (value >>> 0 !== value) throw new RangeError(`${value} is not an unsigned 32-bit integer`);
    this.reserve(4);
    const { slab, offset } = this;
    slab[offset] = value & 0xff;
    slab[offset + 1] = (value >>> 8) & 0xff;
    slab[offset + 2] = (value >>> 16) & 0xff;
    slab[offset + 3] = value >>> 24;
    this.offset = offset + 4;
  }

  /** A safe integer from 0, seven bits a byte, least significant first. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a safe integer from 0`);
    this.reserve(VARINT_BYTES_MAX);
    const slab = this.slab;
    let offset = this.offset;
    let rest = value;
    // Bit operations see 32 bits only: the upper part goes by division.
    while (rest > 0x7fffffff) {
      slab[offset] = (rest % 0x80) | 0x80;
      offset += 1;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      slab[offset] = (rest & 0x7f) | 0x80;
      offset += 1;
      rest >>>= 7;
    }
    slab[offset] = rest;
    this.offset = offset + 1;
  }

  /** Copies `bytes`, without their length. */
  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.slab.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  /** The length as varint, and one byte a char. */
  shortString(text: string, bytesMax: number): void {
    if (text.length > bytesMax)
      throw new RangeError(`a string of ${text.length} chars, at most ${bytesMax} are allowed`);
    for (let index = 0; index < text.length; index += 1) {
      if (text.charCodeAt(index) > 0xff)
        throw new RangeError(`char ${index} of ${JSON.stringify(text)} is beyond latin1`);
    }
    this.varint(text.length);
    this.reserve(text.length);
    if (text.length > 0) this.platform.writeLatin1(text, this.slab, this.offset);
    this.offset += text.length;
  }

  /** What was written since the last `take`. */
  take(): Uint8Array {
    const taken = this.slab.subarray(this.start, this.offset);
    this.start = this.offset;
    return taken;
  }

  /** Forgets what was written since the last `take`: a frame whose encoding threw must not leak into the next. */
  discard(): void {
    this.offset = this.start;
  }

  private reserve(bytes: number): void {
    if (bytes <= this.slab.length - this.offset) return;
    const written = this.offset - this.start;
    const slab = this.platform.allocate(Math.max(SLAB_BYTES, 2 * (written + bytes)));
    slab.set(this.slab.subarray(this.start, this.offset));
    this.slab = slab;
    this.start = 0;
    this.offset = written;
  }
}
