/**
 * One version of one key, and the record of bytes that holds all of it but its revision.
 *
 * A key's versions are a chain, newest first. To keep a million of them small, a Version has four fields and everything else
 * is in its record, in a slab (slabs.ts), which is also what a snapshot copies:
 *
 *     flags u8 | lease int64, if LEASE | order varint, if ORDER | modRevision - createRevision varint | version varint
 *              | length of the value varint | value
 *
 * `order` is the index of the operation within its transaction, 0 being left out: versions of one revision are told apart,
 * and the events of a revision put back in order, by it (contract section 3.2: "sub-revision orders them internally").
 * A delete leaves a tombstone: a Version without a record, whose order stands in `offset`.
 *
 * A Version is immutable in meaning. Two things may change under a reader: the sweep moves a record (slab and offset, equal
 * bytes), and cuts `previous` behind the last version that any reader, frozen ones included, can still ask for.
 */
import { INT64_BYTES, readInt64, VARINT_BYTES_MAX, view, writeInt64, writeVarint } from './bytes.js';
import { NO_SLAB, type Slab } from './slabs.js';
import { type Key, type KeyValue, type LeaseId, NO_LEASE } from './types.js';

export const RECORD_LEASE = 1;
export const RECORD_ORDER = 2;
/** Only in snapshot streams: a tombstone, which has no more than flags and order. */
export const RECORD_TOMBSTONE = 4;
/** Only in snapshot streams: an older version of the same key follows. */
export const RECORD_MORE = 8;
export const RECORD_HEADER_BYTES_MAX: number = 1 + INT64_BYTES + 4 * VARINT_BYTES_MAX;

export const NO_BYTES: Uint8Array = new Uint8Array(0);

export class Version {
  readonly modRevision: number;
  slab: Slab;
  offset: number;
  previous: Version | undefined;

  constructor(modRevision: number, slab: Slab, offset: number, previous: Version | undefined) {
    this.modRevision = modRevision;
    this.slab = slab;
    this.offset = offset;
    this.previous = previous;
  }

  static tombstone(modRevision: number, order: number, previous: Version | undefined): Version {
    return new Version(modRevision, NO_SLAB, order, previous);
  }

  get isTombstone(): boolean {
    return this.slab === NO_SLAB;
  }
}

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
  createRevision = 0;
  version = 0;
  order = 0;
  /** Where the value begins in the slab, and how long it is. */
  valueOffset = 0;
  valueLength = 0;
  /** Length of the whole record. */
  recordBytes = 0;
  #leaseSlab: Slab = NO_SLAB;
  #leaseOffset = -1;
  #position = 0;

  /** A tombstone reads as zeros and its order. */
  read(version: Version): void {
    const slab = version.slab;
    if (slab === NO_SLAB) {
      this.createRevision = 0;
      this.version = 0;
      this.order = version.offset;
      this.valueOffset = 0;
      this.valueLength = 0;
      this.recordBytes = 0;
      this.#leaseOffset = -1;
      return;
    }
    const bytes = slab.bytes;
    const flags = bytes[version.offset] ?? 0;
    this.#position = version.offset + 1;
    this.#leaseOffset = -1;
    this.order = 0;
    if (flags !== 0) {
      if ((flags & RECORD_LEASE) !== 0) {
        this.#leaseSlab = slab;
        this.#leaseOffset = this.#position;
        this.#position += INT64_BYTES;
      }
      if ((flags & RECORD_ORDER) !== 0) {
        this.order = this.#varint(bytes);
      }
    }
    this.createRevision = version.modRevision - this.#varint(bytes);
    this.version = this.#varint(bytes);
    this.valueLength = this.#varint(bytes);
    this.valueOffset = this.#position;
    this.recordBytes = this.#position + this.valueLength - version.offset;
  }

  get lease(): LeaseId {
    return this.#leaseOffset < 0 ? NO_LEASE : readInt64(this.#leaseSlab.bytes, this.#leaseOffset);
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
    return this.valueLength === 0
      ? NO_BYTES
      : view(version.slab.bytes, this.valueOffset, this.valueOffset + this.valueLength);
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
      modRevision: version.modRevision,
      version: this.version,
      lease: this.lease,
    };
  }
}

/** The version that stands at `revision` (tombstones included): the newest that is not newer. */
export function versionAt(head: Version | undefined, revision: number): Version | undefined {
  let version = head;
  while (version !== undefined && version.modRevision > revision) {
    version = version.previous;
  }
  return version;
}

/**
 * The version after `version` that compaction at `compactRevision` leaves visible, if any. A chain is visible down to the
 * newest version at or below the compacted revision, because that is what a read at that very revision must find; a tombstone
 * there is visible only when it is of that very revision: a watch from the compacted revision must still see the delete (etcd
 * since 3.6; bug 76 of the catalogue: etcd#18089, #19179). All readers of history ask here, so it does not matter to them how
 * far the removal of the rest has come.
 */
export function visibleBelow(version: Version, compactRevision: number): Version | undefined {
  return version.modRevision <= compactRevision ? undefined : visible(version.previous, compactRevision);
}

/** `version`, unless it is a tombstone that compaction at `compactRevision` has dropped. */
export function visible(version: Version | undefined, compactRevision: number): Version | undefined {
  return version !== undefined && version.isTombstone && version.modRevision < compactRevision ? undefined : version;
}
