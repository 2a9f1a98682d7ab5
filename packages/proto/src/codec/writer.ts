/**
 * Writes the protobuf wire format, and gRPC's framing around it, into one growing piece of memory.
 *
 * A nested message's length stands before it and is known only after it. So `open` leaves room for a length of the hinted size,
 * and `close` writes it; only when the guess was wrong is the message moved, by memmove.
 */

import { MessageTooLargeError } from '../error.js';
import { UTF8_ENCODER } from '../platform.js';
import { MAX_DEPTH } from './reader.js';

/** Compressed flag and length in front of each gRPC message. */
export const GRPC_PREFIX_BYTES = 5;

const INITIAL_BYTES = 4096;
/** No implementation of Protocol Buffers takes a larger message, nor sends one. */
const MESSAGE_BYTES_MAX = 2 ** 31 - 1;
const VARINT_BYTES_MAX = 10;

/** Shorter byte strings are copied by a loop, which is faster than a call. */
const COPY_BY_LOOP_BYTES_MAX = 24;

const TWO_TO_32 = 4_294_967_296;
const TWO_TO_63 = 2 ** 63;
const TWO_TO_64 = 2 ** 64;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Bytes of `value` as a varint; only for 32 bits. */
function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  return 5;
}

export class Writer {
  private memory: Uint8Array;
  private position = 0;
  /** Messages that are open, one within the other. */
  private depth = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.memory = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.position;
  }

  /** Bytes of memory behind the writer. */
  get capacity(): number {
    return this.memory.length;
  }

  /** What was written, as a view that lives until the writer is written to or cleared. */
  view(): Uint8Array {
    return this.memory.subarray(0, this.position);
  }

  /** What was written from `start` on, as a copy. */
  copy(start: number = 0): Uint8Array {
    return this.memory.slice(start, this.position);
  }

  /** What was written, without copying: its memory goes to the caller, and the writer starts anew. */
  take(): Uint8Array {
    const taken = this.view();
    this.memory = new Uint8Array(Math.max(this.position, INITIAL_BYTES));
    this.position = 0;
    return taken;
  }

  clear(): void {
    this.truncate(0);
  }

  /** Forgets what was written after `length`, and which messages were open. */
  truncate(length: number): void {
    if (length > this.position) throw new RangeError('a writer cannot be truncated to more than it holds');
    this.position = length;
    this.depth = 0;
  }

  /** Leaves room for gRPC's prefix; gives what `endFrame` needs. */
  beginFrame(): number {
    this.reserve(GRPC_PREFIX_BYTES);
    this.position += GRPC_PREFIX_BYTES;
    return this.position;
  }

  /** Writes gRPC's prefix for the uncompressed message that was written since `beginFrame` gave `start`. */
  endFrame(start: number): void {
    const { memory } = this;
    const length = this.position - start;
    memory[start - 5] = 0;
    memory[start - 4] = length >>> 24;
    memory[start - 3] = length >>> 16;
    memory[start - 2] = length >>> 8;
    memory[start - 1] = length;
  }

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.copyIn(bytes);
  }

  bool(tag: number): void {
    this.reserve(2 * VARINT_BYTES_MAX);
    this.smallVarint(tag);
    this.memory[this.position] = 1;
    this.position += 1;
  }

  /** A bool that is written even when it is false: a member of a oneof. */
  boolValue(tag: number, value: boolean): void {
    this.uint32(tag, value ? 1 : 0);
  }

  uint32(tag: number, value: number): void {
    if (value >>> 0 !== value) throw new RangeError(`${value} is not a uint32`);
    this.reserve(2 * VARINT_BYTES_MAX);
    this.smallVarint(tag);
    this.smallVarint(value);
  }

  int32(tag: number, value: number): void {
    if ((value | 0) !== value) throw new RangeError(`${value} is not an int32`);
    this.int64(tag, value);
  }

  /** An element of a packed field: an int32 without a tag. */
  int32Element(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`${value} is not an int32`);
    this.reserve(VARINT_BYTES_MAX);
    if (value >= 0) this.smallVarint(value);
    else this.halves(value >>> 0, 0xffff_ffff);
  }

  /** A number as int64; 2^63, which the largest int64 is as a number, becomes that again. */
  int64(tag: number, value: number): void {
    this.reserve(2 * VARINT_BYTES_MAX);
    this.smallVarint(tag);
    if (value >>> 0 === value) {
      this.smallVarint(value);
      return;
    }
    if (!Number.isInteger(value) || value > TWO_TO_63 || value < -TWO_TO_63)
      throw new RangeError(`${value} is not an int64`);
    if (value === TWO_TO_63) this.halves(0xffff_ffff, 0x7fff_ffff);
    else this.halves(value >>> 0, Math.floor(value / TWO_TO_32) >>> 0);
  }

  /** A number as uint64; 2^64, which the largest uint64 is as a number, becomes that again. */
  uint64(tag: number, value: number): void {
    this.reserve(2 * VARINT_BYTES_MAX);
    this.smallVarint(tag);
    if (value >>> 0 === value) {
      this.smallVarint(value);
      return;
    }
    if (!Number.isInteger(value) || value > TWO_TO_64 || value < 0) throw new RangeError(`${value} is not a uint64`);
    if (value === TWO_TO_64) this.halves(0xffff_ffff, 0xffff_ffff);
    else this.halves(value >>> 0, Math.floor(value / TWO_TO_32));
  }

  int64Bigint(tag: number, value: bigint): void {
    if (value > INT64_MAX || value < INT64_MIN) throw new RangeError(`${value} is not an int64`);
    SCRATCH.setBigInt64(0, value, true);
    this.scratch(tag);
  }

  uint64Bigint(tag: number, value: bigint): void {
    if (value > UINT64_MAX || value < 0n) throw new RangeError(`${value} is not a uint64`);
    SCRATCH.setBigUint64(0, value, true);
    this.scratch(tag);
  }

  byteString(tag: number, value: Uint8Array): void {
    this.reserve(2 * VARINT_BYTES_MAX + value.length);
    this.smallVarint(tag);
    this.smallVarint(value.length);
    this.copyIn(value);
  }

  string(tag: number, value: string): void {
    // UTF-8 takes at most three bytes for each of JavaScript's two-byte units.
    const most = value.length * 3;
    const start = this.leaveRoom(tag, value.length);
    this.reserve(most);
    this.position += UTF8_ENCODER.encodeInto(value, this.memory.subarray(this.position, this.position + most)).written;
    this.fillRoom(start, value.length);
  }

  /** Begins a nested message of about `hintBytes`; `close` needs the result and the hint. */
  open(tag: number, hintBytes: number): number {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new RangeError(`messages are nested deeper than ${MAX_DEPTH}`);
    return this.leaveRoom(tag, hintBytes);
  }

  close(start: number, hintBytes: number): void {
    this.depth -= 1;
    this.fillRoom(start, hintBytes);
  }

  private leaveRoom(tag: number, hintBytes: number): number {
    this.reserve(2 * VARINT_BYTES_MAX);
    this.smallVarint(tag);
    this.position += varintBytes(hintBytes);
    return this.position;
  }

  private fillRoom(start: number, hintBytes: number): void {
    const length = this.position - start;
    const room = varintBytes(hintBytes);
    const needed = varintBytes(length);
    if (needed !== room) {
      this.reserve(VARINT_BYTES_MAX);
      this.memory.copyWithin(start - room + needed, start, this.position);
    }
    this.position = start - room;
    this.smallVarint(length);
    this.position += length;
  }

  /** The next `count` bytes can be written after this; it is the only place that grows the memory. */
  private reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.memory.length) return;
    if (needed > MESSAGE_BYTES_MAX) throw new MessageTooLargeError(needed, MESSAGE_BYTES_MAX);
    const grown = new Uint8Array(Math.min(Math.max(this.memory.length * 2, needed), MESSAGE_BYTES_MAX));
    grown.set(this.memory.subarray(0, this.position));
    this.memory = grown;
  }

  /** A uint32 as varint, into reserved memory. */
  private smallVarint(value: number): void {
    const { memory } = this;
    let position = this.position;
    let rest = value;
    while (rest > 0x7f) {
      memory[position] = (rest & 0x7f) | 0x80;
      position += 1;
      rest >>>= 7;
    }
    memory[position] = rest;
    this.position = position + 1;
  }

  /** 64 bits as varint, into reserved memory; both halves are uint32. */
  private halves(low: number, high: number): void {
    if (high === 0) {
      this.smallVarint(low);
      return;
    }
    const { memory } = this;
    let position = this.position;
    for (let shift = 0; shift < 28; shift += 7) {
      memory[position] = ((low >>> shift) & 0x7f) | 0x80;
      position += 1;
    }
    // The fifth byte has four bits of the low half and three of the high one.
    const middle = (low >>> 28) | ((high & 0x07) << 4);
    const rest = high >>> 3;
    memory[position] = rest === 0 ? middle : middle | 0x80;
    this.position = position + 1;
    if (rest !== 0) this.smallVarint(rest);
  }

  private scratch(tag: number): void {
    this.reserve(2 * VARINT_BYTES_MAX);
    this.smallVarint(tag);
    this.halves(SCRATCH.getUint32(0, true), SCRATCH.getUint32(4, true));
  }

  private copyIn(bytes: Uint8Array): void {
    const { memory, position } = this;
    const { length } = bytes;
    if (length <= COPY_BY_LOOP_BYTES_MAX) {
      for (let index = 0; index < length; index += 1) memory[position + index] = bytes[index] as number;
    } else memory.set(bytes, position);
    this.position = position + length;
  }
}
