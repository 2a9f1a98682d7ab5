/**
 * Reads the protobuf wire format from bytes that nobody vouches for: every read is checked against the end of the message that
 * it belongs to, and nesting is bounded. A tag is a field's number shifted left by three, with the wire type below.
 */
import { ProtoError } from '../error.js';
import { UTF8_DECODER } from '../platform.js';

/** Messages within messages, at most: what bounds the recursion of every decoder. Transactions may nest 128 deep, two messages each. */
export const MAX_DEPTH = 300;

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

const TWO_TO_32 = 4_294_967_296;

/** For 64 bits as two halves and as a bigint: through memory this costs a tenth of what shifting bigints does. */
const SCRATCH = new DataView(new ArrayBuffer(8));

/** The bigint of two halves, of which the low one may be any int32 or uint32. */
function signedBigint(low: number, high: number): bigint {
  SCRATCH.setInt32(0, low, true);
  SCRATCH.setInt32(4, high, true);
  return SCRATCH.getBigInt64(0, true);
}

function unsignedBigint(low: number, high: number): bigint {
  SCRATCH.setInt32(0, low, true);
  SCRATCH.setInt32(4, high, true);
  return SCRATCH.getBigUint64(0, true);
}

export class Reader {
  private bytes: Uint8Array = EMPTY_BYTES;
  /** Where the next byte is read. */
  position = 0;
  /** Where the message that is being read ends. */
  end = 0;
  private depth = 0;
  /** The halves of the varint read last, as int32. */
  private low = 0;
  private high = 0;

  /** Starts to read `bytes`, which must be given back by a reset to nothing so that they are not kept alive. */
  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
    this.depth = 0;
  }

  /** The next field's tag; only before the end. */
  tag(): number {
    const byte = this.bytes[this.position] as number;
    if (byte < 0x80 && byte > 7) {
      this.position += 1;
      return byte;
    }
    this.varint();
    if (this.high !== 0) throw new ProtoError('a field number is above 536870911');
    if (this.low >>> 3 === 0) throw new ProtoError('a field has the number 0');
    return this.low >>> 0;
  }

  bool(): boolean {
    this.varint();
    return this.low !== 0 || this.high !== 0;
  }

  int32(): number {
    this.varint();
    return this.low;
  }

  uint32(): number {
    this.varint();
    return this.low >>> 0;
  }

  /** An int64 as a number: beyond 2^53 it is the nearest that there is. */
  int64(): number {
    const byte = this.bytes[this.position] as number;
    if (byte < 0x80 && this.position < this.end) {
      this.position += 1;
      return byte;
    }
    this.varint();
    return this.high * TWO_TO_32 + (this.low >>> 0);
  }

  /** A uint64 as a number: beyond 2^53 it is the nearest that there is. */
  uint64(): number {
    this.varint();
    return (this.high >>> 0) * TWO_TO_32 + (this.low >>> 0);
  }

  int64Bigint(): bigint {
    this.varint();
    return signedBigint(this.low, this.high);
  }

  uint64Bigint(): bigint {
    this.varint();
    return unsignedBigint(this.low, this.high);
  }

  /** A view into what is read. */
  byteString(): Uint8Array {
    const length = this.length();
    if (length === 0) return EMPTY_BYTES;
    const { bytes, position } = this;
    this.position = position + length;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + position, length);
  }

  string(): string {
    const bytes = this.byteString();
    if (bytes.length === 0) return '';
    try {
      return UTF8_DECODER.decode(bytes);
    } catch {
      throw new ProtoError('a string is not valid UTF-8');
    }
  }

  /** Narrows the reader to the message that begins here; gives the outer end, to be handed to `leave`. */
  enter(): number {
    const length = this.length();
    const outer = this.end;
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new ProtoError(`messages are nested deeper than ${MAX_DEPTH}`);
    this.end = this.position + length;
    return outer;
  }

  /** Widens the reader again after the inner message has been read to its end. */
  leave(outer: number): void {
    this.depth -= 1;
    this.end = outer;
  }

  /**
   * Skips the field behind `tag`, which the decoder took for unknown. When its number is among `known`, only its wire type is
   * not the one of that field: that is malformed, as it is for etcd.
   */
  skip(tag: number, known: readonly number[]): void {
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (known.includes(number)) throw new ProtoError(`field ${number} has wire type ${wireType}, which is not its own`);
    if (wireType === WIRE_VARINT) this.varint();
    else if (wireType === WIRE_BYTES) {
      const length = this.length();
      this.position += length;
    } else if (wireType === WIRE_FIXED64) this.advance(8);
    else if (wireType === WIRE_FIXED32) this.advance(4);
    else throw new ProtoError(`field ${number} has wire type ${wireType}, which is a group or none at all`);
  }

  /** The length of what follows, which is surely there. */
  private length(): number {
    const byte = this.bytes[this.position] as number;
    let length: number;
    if (byte < 0x80 && this.position < this.end) {
      this.position += 1;
      length = byte;
    } else {
      this.varint();
      // A length beyond 2^32 is refused like any other that is beyond the end.
      length = this.high === 0 ? this.low >>> 0 : Number.POSITIVE_INFINITY;
    }
    if (length > this.end - this.position) throw this.truncated();
    return length;
  }

  private advance(count: number): void {
    if (count > this.end - this.position) throw this.truncated();
    this.position += count;
  }

  /** Reads 1 to 10 bytes of 7 bits each, the low ones first, into the halves. */
  private varint(): void {
    const { bytes, end } = this;
    let position = this.position;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (position >= end) throw this.truncated();
      const byte = bytes[position] as number;
      position += 1;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.low = low;
        this.high = 0;
        this.position = position;
        return;
      }
    }
    this.position = position;
    this.varintTail(low);
  }

  /** The fifth byte gives four bits to the low half and three to the high one; the tenth may only be 0 or 1. */
  private varintTail(low: number): void {
    const { bytes, end } = this;
    let position = this.position;
    if (position >= end) throw this.truncated();
    let byte = bytes[position] as number;
    position += 1;
    this.low = low | (byte << 28);
    let high = (byte & 0x7f) >>> 4;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (position >= end) throw this.truncated();
      byte = bytes[position] as number;
      position += 1;
      if (shift === 31 && byte > 1) throw new ProtoError('a varint is longer than 64 bits, which take 10 bytes');
      high |= (byte & 0x7f) << shift;
    }
    this.high = high;
    this.position = position;
  }

  private truncated(): ProtoError {
    return new ProtoError(`the message ends at byte ${this.end}, within a field`);
  }
}
