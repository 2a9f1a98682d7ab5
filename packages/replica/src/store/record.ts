/**
 * The record of bytes that holds all of a version but its revision and its place in the chain (versions.ts).
 *
 * It lies in a slab (slabs.ts), and is also what a snapshot copies:
 *
 *     flags u8 | lease int64, if LEASE | order varint, if ORDER | modRevision - createRevision varint | version varint
 *              | length of the value varint | value
 *
 * `order` is the index of the operation within its transaction, 0 being left out: versions of one revision are told apart,
 * and the events of a revision put back in order, by it (contract section 3.2: "sub-revision orders them internally").
 */
import { INT64_BYTES, readInt64, VARINT_BYTES_MAX, view, writeInt64, writeVarint } from './bytes.js';
import { type Key, type KeyValue, type LeaseId, NO_LEASE } from './types.js';
import { isTombstone, type Version, type Versions } from './versions.js';

export const RECORD_LEASE = 1;
export const RECORD_ORDER = 2;
/** Only in snapshot streams: a tombstone, which has no more than flags and order. */
export const RECORD_TOMBSTONE = 4;
/** Only in snapshot streams: an older version of the same key follows. */
export const RECORD_MORE = 8;
export const RECORD_HEADER_BYTES_MAX: number = 1 + INT64_BYTES + 4 * VARINT_BYTES_MAX;

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Writes a record at `offset`, which has room for RECORD_HEADER_BYTES_MAX and the value; returns the offset after it. */
export function writeRecord(
  bytes: Uint8Array,
  offset: number,
  age: number,
  version: number,
  lease: LeaseId,
  order: number,
  value: Uint8Array,
): number {
  let position = offset + 1;
  let flags = 0;
  if (lease !== NO_LEASE) {
    flags |= RECORD_LEASE;
    position = writeInt64(bytes, position, lease);
  }
  if (order !== 0) {
    flags |= RECORD_ORDER;
    position = writeVarint(bytes, position, order);
  }
  bytes[offset] = flags;
  position = writeVarint(bytes, position, age);
  position = writeVarint(bytes, position, version);
  position = writeVarint(bytes, position, value.length);
  bytes.set(value, position);
  return position + value.length;
}

/** Reads one record's header into its own fields, so that reading allocates nothing. Each read overwrites the one before. */
export class RecordReader {
  readonly versions: Versions;
  modRevision = 0;
  createRevision = 0;
  version = 0;
  order = 0;
  /** Where the value begins in the slab, and how long it is. */
  valueOffset = 0;
  valueLength = 0;
  /** Length of the whole record. */
  recordBytes = 0;
  /** The slab of the record read last. */
  #bytes: Uint8Array = NO_BYTES;
  #leaseOffset = -1;
  #position = 0;

  constructor(versions: Versions) {
    this.versions = versions;
  }

  /** A tombstone reads as its revision, its order and zeros. */
  read(version: Version): void {
    const { versions } = this;
    const start = versions.offset(version);
    const modRevision = versions.modRevision(version);
    this.modRevision = modRevision;
    this.#leaseOffset = -1;
    if (isTombstone(version)) {
      this.createRevision = 0;
      this.version = 0;
      this.order = start;
      this.valueOffset = 0;
      this.valueLength = 0;
      this.recordBytes = 0;
      return;
    }
    const { bytes } = versions.slab(version);
    this.#bytes = bytes;
    const flags = bytes[start] ?? 0;
    this.#position = start + 1;
    this.order = 0;
    if (flags !== 0) {
      if ((flags & RECORD_LEASE) !== 0) {
        this.#leaseOffset = this.#position;
        this.#position += INT64_BYTES;
      }
      if ((flags & RECORD_ORDER) !== 0) {
        this.order = this.#varint(bytes);
      }
    }
    this.createRevision = modRevision - this.#varint(bytes);
    this.version = this.#varint(bytes);
    this.valueLength = this.#varint(bytes);
    this.valueOffset = this.#position;
    this.recordBytes = this.#position + this.valueLength - start;
  }

  get lease(): LeaseId {
    return this.#leaseOffset < 0 ? NO_LEASE : readInt64(this.#bytes, this.#leaseOffset);
  }

  /** Slabs hold only what this room wrote or the loader has checked, so there is nothing to verify here. */
  #varint(bytes: Uint8Array): number {
    const first = bytes[this.#position++] ?? 0;
    if (first < 0x80) {
      return first;
    }
    let value = first & 0x7f;
    let scale = 128;
    for (;;) {
      const byte = bytes[this.#position++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return value;
      }
      scale *= 128;
    }
  }

  /** The value as a view into its slab. */
  value(version: Version): Uint8Array {
    this.read(version);
    return this.valueLength === 0 ? NO_BYTES : view(this.#bytes, this.valueOffset, this.valueOffset + this.valueLength);
  }

  keyValue(key: Key, version: Version, keysOnly: boolean): KeyValue {
    const value = keysOnly ? NO_BYTES : this.value(version);
    if (keysOnly) {
      this.read(version);
    }
    return {
      key,
      value,
      createRevision: this.createRevision,
      modRevision: this.modRevision,
      version: this.version,
      lease: this.lease,
    };
  }
}
