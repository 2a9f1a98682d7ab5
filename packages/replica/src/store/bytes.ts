/**
 * Reading and writing of the store's byte formats: commands, responses, snapshot streams.
 *
 * Integers are little-endian base-128 varints of up to 53 bits and have exactly one accepted form (no padding), so that equal
 * content is equal bytes: the store's hash relies on it. Reading is strict: whatever is malformed throws StoreCodecError, and
 * nothing is allocated for a length before that many bytes are known to be there.
 */
import type { Platform } from '../seams/platform.js';

/** The one error that decoding may throw: the bytes are not what this version of the format allows. */
export class StoreCodecError extends Error {
  override readonly name: string = 'StoreCodecError';
}

/** The bytes end too early, which a reader of a stream that is still arriving takes as "not yet". */
export class StoreTruncatedError extends StoreCodecError {
  /** At least so many bytes more are needed. */
  readonly missingBytes: number;

  constructor(missingBytes: number) {
    super(`truncated: at least ${missingBytes} bytes are missing`);
    this.missingBytes = missingBytes;
  }
}

/** Longest form of a 53-bit varint. */
export const VARINT_BYTES_MAX = 8;
export const INT64_BYTES = 8;

/** Writes `value`, a safe non-negative integer; returns the offset after it. */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let position = offset;
  let rest = value;
  // Shifts work on 32 bits only, so what is larger is divided.
  while (rest > 0x7fffffff) {
    bytes[position++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    bytes[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[position++] = rest;
  return position;
}

/** How many bytes `value`, a safe non-negative integer, takes as a varint. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) {
    bytes++;
  }
  return bytes;
}

export function writeInt64(bytes: Uint8Array, offset: number, value: bigint): number {
  let low = Number(value & 0xffffffffn);
  let high = Number((value >> 32n) & 0xffffffffn);
  for (let index = 0; index < 4; index++) {
    bytes[offset + index] = low & 0xff;
    bytes[offset + 4 + index] = high & 0xff;
    low >>>= 8;
    high >>>= 8;
  }
  return offset + INT64_BYTES;
}

export function readInt64(bytes: Uint8Array, offset: number): bigint {
  let low = 0;
  let high = 0;
  for (let index = 3; index >= 0; index--) {
    low = low * 256 + (bytes[offset + index] ?? 0);
    high = high * 256 + (bytes[offset + 4 + index] ?? 0);
  }
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}

/** Writes a safe non-negative integer as eight bytes, little-endian: for numbers whose place must not depend on their size. */
export function writeUint53(bytes: Uint8Array, offset: number, value: number): number {
  let rest = value;
  for (let index = 0; index < INT64_BYTES; index++) {
    bytes[offset + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + INT64_BYTES;
}

/** Beyond the safe integers it is imprecise but not small: the caller refuses it. */
export function readUint53(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let index = INT64_BYTES - 1; index >= 0; index--) {
    value = value * 256 + (bytes[offset + index] ?? 0);
  }
  return value;
}

/** Lexicographic order of unsigned bytes: negative, 0 or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return left.length - right.length;
}

/** For the arm of a switch that the types exclude: reached only if a caller went around them. */
export function unreachable(value: never): never {
  throw new Error(`not a kind that the store knows: ${String(value)}`);
}

/** A sub-array that is a plain Uint8Array whatever class `bytes` is of, which is also the faster way to make one. */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Appends to an array whose size the caller has bounded beforehand. */
export class ByteWriter {
  readonly #platform: Platform;
  readonly #bytes: Uint8Array;
  #position = 0;

  /** `bytesMax`: an upper bound of all that will be written. */
  constructor(platform: Platform, bytesMax: number) {
    this.#platform = platform;
    this.#bytes = platform.allocate(bytesMax);
  }

  byte(value: number): void {
    this.#bytes[this.#position++] = value;
  }

  varint(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0)) {
      throw new StoreCodecError(`${value} is not a safe non-negative integer`);
    }
    this.#position = writeVarint(this.#bytes, this.#position, value);
  }

  /** A safe integer of either sign: the first byte carries the sign and six bits. */
  signed(value: number): void {
    if (!Number.isSafeInteger(value)) {
      throw new StoreCodecError(`${value} is not a safe integer`);
    }
    const magnitude = Math.abs(value);
    const sign = value < 0 ? 0x40 : 0;
    if (magnitude < 0x40) {
      this.byte(sign | magnitude);
    } else {
      this.byte(0x80 | sign | (magnitude % 64));
      this.#position = writeVarint(this.#bytes, this.#position, Math.floor(magnitude / 64));
    }
  }

  int64(value: bigint): void {
    this.#position = writeInt64(this.#bytes, this.#position, value);
  }

  /** A safe non-negative integer in eight bytes. */
  uint53(value: number): void {
    this.#position = writeUint53(this.#bytes, this.#position, value);
  }

  latin1(text: string): void {
    this.varint(text.length);
    this.#position += this.#platform.writeLatin1(text, this.#bytes, this.#position);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#bytes.set(value, this.#position);
    this.#position += value.length;
  }

  /** What was written, without the slack of the bound. */
  finish(): Uint8Array {
    if (this.#position > this.#bytes.length) {
      throw new Error(`${this.#position} bytes were written where at most ${this.#bytes.length} were expected`);
    }
    return this.#position === this.#bytes.length ? this.#bytes : view(this.#bytes, 0, this.#position);
  }
}

/** Reads forward through [start, end) of an array, strictly. */
export class ByteReader {
  readonly platform: Platform;
  readonly source: Uint8Array;
  position: number;
  readonly end: number;

  constructor(platform: Platform, source: Uint8Array, start: number, end: number) {
    this.platform = platform;
    this.source = source;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  byte(): number {
    if (this.position >= this.end) {
      throw new StoreTruncatedError(1);
    }
    return this.source[this.position++] ?? 0;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && count > 0) {
          throw new StoreCodecError('a padded varint');
        }
        if (value > Number.MAX_SAFE_INTEGER) {
          break;
        }
        return value;
      }
      scale *= 128;
    }
    throw new StoreCodecError('a varint of more than 53 bits');
  }

  signed(): number {
    const first = this.byte();
    let magnitude = first & 0x3f;
    if (first >= 0x80) {
      const rest = this.varint();
      if (rest === 0) {
        throw new StoreCodecError('a padded integer');
      }
      magnitude += rest * 64;
    }
    if (magnitude > Number.MAX_SAFE_INTEGER) {
      throw new StoreCodecError('an integer of more than 53 bits');
    }
    if ((first & 0x40) === 0) {
      return magnitude;
    }
    if (magnitude === 0) {
      throw new StoreCodecError('a negative zero');
    }
    return -magnitude;
  }

  int64(): bigint {
    this.need(INT64_BYTES);
    const value = readInt64(this.source, this.position);
    this.position += INT64_BYTES;
    return value;
  }

  uint53(): number {
    this.need(INT64_BYTES);
    const value = readUint53(this.source, this.position);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new StoreCodecError('an integer of more than 53 bits');
    }
    this.position += INT64_BYTES;
    return value;
  }

  latin1(): string {
    const length = this.varint();
    this.need(length);
    const text = this.platform.latin1(this.source, this.position, this.position + length);
    this.position += length;
    return text;
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    this.need(length);
    const value = view(this.source, this.position, this.position + length);
    this.position += length;
    return value;
  }

  /** A count of items of at least `itemBytesMin` each, refused when the rest cannot hold them: bounds what a caller may allocate. */
  count(itemBytesMin: number): number {
    const count = this.varint();
    if (count * itemBytesMin > this.remaining) {
      throw new StoreCodecError(`${count} items in ${this.remaining} bytes`);
    }
    return count;
  }

  boolean(): boolean {
    const value = this.byte();
    if (value > 1) {
      throw new StoreCodecError(`${value} is not a boolean`);
    }
    return value === 1;
  }

  need(bytes: number): void {
    if (bytes > this.remaining) {
      throw new StoreTruncatedError(bytes - this.remaining);
    }
  }

  finish(): void {
    if (this.position !== this.end) {
      throw new StoreCodecError(`${this.remaining} bytes too many`);
    }
  }
}
