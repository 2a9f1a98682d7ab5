/**
 * A frozen view of the store and its form as a stream of bytes, cut into chunks on demand.
 *
 *     header    "QSTR" | format version u8 | revision varint | compacted revision varint | cluster time varint
 *               | alarms: count varint, each as in control-codec.ts | number of leases varint
 *     leases    in the order of their grants, each: id int64 | TTL in seconds varint | deadline varint
 *     entries   in ascending order of keys: length of the key varint, not 0 | key | its visible versions, newest first,
 *               each: modRevision varint | record as in version.ts, flags with TOMBSTONE and MORE set as they apply
 *     trailer   0 | entries varint | live keys varint | CRC-32 of all bytes before, u32
 *
 * Only what compaction has left visible is written, and every number has one form; so equal state is equal bytes, however the
 * state came about and however far the sweep is. (The order of grants is part of the state.) Which keys a lease holds follows from the
 * keys' newest versions. The hash of the data, which clients see, is the CRC-32 of the entries; that of the state is the
 * checksum of the trailer.
 *
 * A record is copied as it is from its slab. The stream stands between two items (a key, a version), visible or not, so neither a key with
 * a long history, nor a large value, nor a long run of keys that compaction has dropped makes a slice long.
 */
import type { Platform } from '../seams/platform.js';
import { ByteWriter, INT64_BYTES, VARINT_BYTES_MAX, view, writeVarint } from './bytes.js';
import type { ControlState } from './control.js';
import { alarmsBytesMax, writeAlarms } from './control-codec.js';
import { Cursor } from './cursor.js';
import { readRange } from './range.js';
import { RECORD_MORE, RECORD_ORDER, RECORD_TOMBSTONE, RecordReader } from './record.js';
import type { Node } from './tree.js';
import type { ErrorResponse, Key, LeaseInfo, RangeOperation, RangeResponse } from './types.js';
import { isTombstone, NO_VERSION, type Version, type Versions } from './versions.js';

/** "QSTR" */
export const SNAPSHOT_MAGIC: readonly number[] = [0x51, 0x53, 0x54, 0x52];
export const SNAPSHOT_FORMAT_VERSION = 2;
export const CRC_BYTES = 4;
const HEADER_BYTES_MAX = SNAPSHOT_MAGIC.length + 1 + 4 * VARINT_BYTES_MAX;
const LEASE_BYTES_MAX = INT64_BYTES + 2 * VARINT_BYTES_MAX;
const TRAILER_BYTES_MAX = 1 + 2 * VARINT_BYTES_MAX;
/** What a version costs beside its record: revision, and flags and order of a tombstone. */
const VERSION_BYTES_MAX = 1 + 2 * VARINT_BYTES_MAX;
/** What one slice of a hash reads: about half a millisecond. */
const HASH_SLICE_BYTES = 256 * 1024;
/** Keys and versions that one slice writes or goes past: one to two milliseconds, however small or invisible they are. */
const SLICE_STEPS_MAX = 8192;

/** The state that a frozen view or a hash reads. */
export interface FrozenState {
  readonly root: Node;
  readonly versions: Versions;
  readonly revision: number;
  readonly compactRevision: number;
  /** Then its versions may be others by now: nothing of it must be read. */
  readonly isReleased: () => boolean;
}

/** What a snapshot has, too. */
export interface SnapshotState extends FrozenState {
  readonly control: ControlState;
}

/** Writes the entries of a state, item by item, into arrays that the caller gives. */
class EntryStream {
  readonly #platform: Platform;
  readonly #state: FrozenState;
  readonly #record: RecordReader;
  readonly #cursor: Cursor;
  /** The key to write next, or undefined in the middle of a chain or while the next one is searched for. */
  #key: Key | undefined;
  /** The version to write next; none while it is searched for, and at the end. */
  #version: Version = NO_VERSION;
  /** While searching: the version of the cursor's key to look at, if it is not the newest. */
  #older: Version = NO_VERSION;
  isDone = false;
  entries = 0;
  live = 0;

  constructor(platform: Platform, state: FrozenState) {
    this.#platform = platform;
    this.#state = state;
    this.#record = new RecordReader(state.versions);
    this.#cursor = new Cursor(state.root, '');
  }

  /** An upper bound of the item that is due; 0 if it has to be searched for, which fill() does. */
  nextItemBytesMax(): number {
    if (this.#key !== undefined) {
      return VARINT_BYTES_MAX + this.#key.length;
    }
    const version = this.#version;
    if (version === NO_VERSION) {
      return 0;
    }
    this.#record.read(version);
    return VERSION_BYTES_MAX + this.#record.recordBytes;
  }

  /** Writes items that surely fit from `offset` on, but no more than one slice's worth of work; returns the offset after them. */
  fill(into: Uint8Array, offset: number): number {
    let position = offset;
    for (let steps = 0; steps < SLICE_STEPS_MAX && !this.isDone; steps++) {
      const version = this.#version;
      if (version === NO_VERSION) {
        this.#search();
      } else if (position + this.nextItemBytesMax() <= into.length) {
        position = this.#writeItem(into, position, version);
      } else {
        break;
      }
    }
    return position;
  }

  #writeItem(into: Uint8Array, offset: number, version: Version): number {
    const key = this.#key;
    if (key !== undefined) {
      this.#key = undefined;
      const position = writeVarint(into, offset, key.length);
      return position + this.#platform.writeLatin1(key, into, position);
    }
    const { versions, compactRevision } = this.#state;
    const next = versions.visibleBelow(version, compactRevision);
    const more = next === NO_VERSION ? 0 : RECORD_MORE;
    // nextItemBytesMax() has just read this version's record.
    const { modRevision, order, recordBytes } = this.#record;
    let position = writeVarint(into, offset, modRevision);
    if (isTombstone(version)) {
      into[position++] = RECORD_TOMBSTONE | more | (order === 0 ? 0 : RECORD_ORDER);
      position = order === 0 ? position : writeVarint(into, position, order);
    } else {
      const { bytes } = versions.slab(version);
      const start = versions.offset(version);
      into.set(view(bytes, start, start + recordBytes), position);
      into[position] = (into[position] ?? 0) | more;
      position += recordBytes;
    }
    this.#version = next;
    if (next === NO_VERSION) {
      this.#cursor.next();
    }
    return position;
  }

  /** One step towards the next key that has anything to show: past a key that has not, or past a version that is too new. */
  #search(): void {
    const { versions, revision, compactRevision } = this.#state;
    const key = this.#cursor.key;
    if (key === undefined) {
      this.isDone = true;
      return;
    }
    const candidate = this.#older === NO_VERSION ? this.#cursor.version : this.#older;
    this.#older = NO_VERSION;
    let version = NO_VERSION;
    if (versions.modRevision(candidate) <= revision) {
      version = versions.visible(candidate, compactRevision);
    } else {
      this.#older = versions.previous(candidate);
      if (this.#older !== NO_VERSION) {
        return;
      }
    }
    if (version === NO_VERSION) {
      this.#cursor.next();
      return;
    }
    this.#key = key;
    this.#version = version;
    this.entries++;
    this.live += isTombstone(version) ? 0 : 1;
  }
}

function refuseReleased(state: FrozenState): void {
  if (state.isReleased()) {
    throw new Error('a released view of the store was read');
  }
}

/** The stream of a frozen view, a slice at a time. */
export class SnapshotChunks {
  readonly #platform: Platform;
  readonly #state: SnapshotState;
  readonly #entries: EntryStream;
  /** Those that have not gone out. */
  readonly #leases: Iterator<LeaseInfo, undefined>;
  /** An item larger than a chunk, and how much of it has gone out. */
  #large: Uint8Array | undefined;
  #largeOffset = 0;
  #phase: 'header' | 'leases' | 'entries' | 'done' = 'header';
  #checksum = 0;

  constructor(platform: Platform, state: SnapshotState) {
    this.#platform = platform;
    this.#state = state;
    this.#leases = state.control.leases[Symbol.iterator]();
    this.#entries = new EntryStream(platform, state);
  }

  /** CRC-32 of what has gone out, without the trailer's own. */
  get checksum(): number {
    return this.#checksum;
  }

  /**
   * The next part of the stream, of up to `maxBytes` bytes; undefined at the end. Empty where one slice's work has found nothing that is
   * visible. The caller owns it. `into`, of `maxBytes` or more, is where it may be made: then it is valid until that is used again.
   */
  next(maxBytes: number, into?: Uint8Array): Uint8Array | undefined {
    if (!(Number.isSafeInteger(maxBytes) && maxBytes > 0)) {
      throw new Error(`a chunk of ${maxBytes} bytes`);
    }
    for (;;) {
      if (this.#large !== undefined) {
        return this.#nextOfLarge(this.#large, maxBytes);
      }
      switch (this.#phase) {
        case 'done':
          return undefined;
        case 'header':
          this.#phase = 'leases';
          this.#large = this.#header();
          break;
        case 'leases':
          this.#large = this.#nextLeases(maxBytes);
          if (this.#large === undefined) {
            this.#phase = 'entries';
          }
          break;
        case 'entries': {
          const chunk = this.#nextOfEntries(maxBytes, into);
          if (chunk !== undefined) {
            return chunk;
          }
        }
      }
    }
  }

  #nextOfLarge(large: Uint8Array, maxBytes: number): Uint8Array {
    const end = Math.min(large.length, this.#largeOffset + maxBytes);
    const chunk = view(large, this.#largeOffset, end);
    this.#largeOffset = end;
    if (end === large.length) {
      this.#large = undefined;
      this.#largeOffset = 0;
    }
    return chunk;
  }

  /** Undefined if the next thing to send is in `large`. */
  #nextOfEntries(maxBytes: number, into: Uint8Array | undefined): Uint8Array | undefined {
    refuseReleased(this.#state);
    if (this.#entries.isDone) {
      this.#phase = 'done';
      this.#large = this.#trailer();
      return undefined;
    }
    const itemBytesMax = this.#entries.nextItemBytesMax();
    if (itemBytesMax > maxBytes) {
      const item = this.#platform.allocate(itemBytesMax);
      this.#large = this.#summed(view(item, 0, this.#entries.fill(item, 0)));
      return undefined;
    }
    const chunk = view(into ?? this.#platform.allocate(maxBytes), 0, maxBytes);
    return this.#summed(view(chunk, 0, this.#entries.fill(chunk, 0)));
  }

  #summed(bytes: Uint8Array): Uint8Array {
    this.#checksum = this.#platform.crc32(bytes, this.#checksum);
    return bytes;
  }

  #header(): Uint8Array {
    const { revision, compactRevision, control } = this.#state;
    const writer = new ByteWriter(this.#platform, HEADER_BYTES_MAX + alarmsBytesMax(control.alarms));
    for (const byte of SNAPSHOT_MAGIC) {
      writer.byte(byte);
    }
    writer.byte(SNAPSHOT_FORMAT_VERSION);
    writer.varint(revision);
    writer.varint(compactRevision);
    writer.varint(control.timeMs);
    writeAlarms(writer, control.alarms);
    writer.varint(control.leases.size);
    return this.#summed(writer.finish());
  }

  /** As many leases as fit into `maxBytes`, but at least one; undefined when all have gone out. */
  #nextLeases(maxBytes: number): Uint8Array | undefined {
    let next = this.#leases.next();
    if (next.done === true) {
      return undefined;
    }
    const count = Math.max(1, Math.floor(maxBytes / LEASE_BYTES_MAX));
    const writer = new ByteWriter(this.#platform, count * LEASE_BYTES_MAX);
    for (let left = count; next.done !== true; next = this.#leases.next()) {
      const { lease, ttlSeconds, deadlineMs } = next.value;
      writer.int64(lease);
      writer.varint(ttlSeconds);
      writer.varint(deadlineMs);
      left--;
      if (left === 0) {
        break;
      }
    }
    return this.#summed(writer.finish());
  }

  #trailer(): Uint8Array {
    const bytes = this.#platform.allocate(TRAILER_BYTES_MAX + CRC_BYTES);
    bytes[0] = 0;
    let position = writeVarint(bytes, 1, this.#entries.entries);
    position = writeVarint(bytes, position, this.#entries.live);
    this.#summed(view(bytes, 0, position));
    for (let shift = 0; shift < 8 * CRC_BYTES; shift += 8) {
      bytes[position++] = (this.#checksum >>> shift) & 0xff;
    }
    return view(bytes, 0, position);
  }
}

/**
 * CRC-32 of all entries that are visible at `state.revision` with `state.compactRevision`, a slice at a time. Equal on all members
 * whose data is equal. The state must not change meanwhile: it is a frozen one, or all slices are taken in one go.
 */
export class StateHasher {
  readonly #platform: Platform;
  readonly #state: FrozenState;
  readonly #entries: EntryStream;
  #slice: Uint8Array;
  #checksum = 0;

  constructor(platform: Platform, state: FrozenState) {
    this.#platform = platform;
    this.#state = state;
    this.#entries = new EntryStream(platform, state);
    this.#slice = platform.allocate(HASH_SLICE_BYTES);
  }

  /** Of what has been hashed so far. */
  get checksum(): number {
    return this.#checksum;
  }

  /** Hashes about HASH_SLICE_BYTES more, or one item; true while there is more. */
  step(): boolean {
    refuseReleased(this.#state);
    const entries = this.#entries;
    if (entries.isDone) {
      return false;
    }
    if (entries.nextItemBytesMax() > this.#slice.length) {
      this.#slice = this.#platform.allocate(entries.nextItemBytesMax());
    }
    const end = entries.fill(this.#slice, 0);
    this.#checksum = this.#platform.crc32(view(this.#slice, 0, end), this.#checksum);
    return !entries.isDone;
  }
}

/** The same in one go. */
export function hashState(platform: Platform, state: FrozenState): number {
  const hasher = new StateHasher(platform, state);
  while (hasher.step());
  return hasher.checksum;
}

/** The checksum of the whole state: of its snapshot, without the trailer's own. Linear in the data, in one go. */
export function hashSnapshot(platform: Platform, state: SnapshotState): number {
  const chunks = new SnapshotChunks(platform, state);
  let checksum = 0;
  for (let chunk = chunks.next(HASH_SLICE_BYTES); chunk !== undefined; chunk = chunks.next(HASH_SLICE_BYTES)) {
    checksum = chunks.checksum;
  }
  return checksum;
}

/**
 * The state at one moment, which later writes do not change. Holds on to the versions of then; so release() it when done:
 * until then what compaction drops in the meantime keeps its memory.
 */
export class FrozenStore {
  readonly revision: number;
  readonly compactRevision: number;
  /** Live keys. */
  readonly keyCount: number;
  /** Estimate of the memory of keys, values and history. */
  readonly bytes: number;
  /** How often the tree had been frozen then, this time included. */
  readonly freezes: number;
  readonly #platform: Platform;
  readonly #onRelease: (view: FrozenStore) => void;
  #held: SnapshotState | undefined;

  constructor(
    platform: Platform,
    state: Omit<SnapshotState, 'isReleased'>,
    bytes: number,
    freezes: number,
    onRelease: (view: FrozenStore) => void,
  ) {
    this.revision = state.revision;
    this.compactRevision = state.compactRevision;
    this.keyCount = state.root.live;
    this.bytes = bytes;
    this.freezes = freezes;
    this.#platform = platform;
    this.#held = { ...state, isReleased: () => this.#held === undefined };
    this.#onRelease = onRelease;
  }

  /** A stream of the whole state from its beginning. Several may be read at once. */
  chunks(): SnapshotChunks {
    return new SnapshotChunks(this.#platform, this.#state());
  }

  range(operation: RangeOperation): RangeResponse | ErrorResponse {
    const state = this.#state();
    return readRange({ ...state, record: new RecordReader(state.versions) }, operation);
  }

  hash(): number {
    return hashState(this.#platform, this.#state());
  }

  /** The hash as of `revision`, which is none that this view refuses to read, in slices. Not to be used after the release. */
  hasher(revision: number): StateHasher {
    return new StateHasher(this.#platform, { ...this.#state(), revision });
  }

  /** Lets go of the state. Again: nothing happens. Streams begun before must not be read any more. */
  release(): void {
    if (this.#held !== undefined) {
      this.#held = undefined;
      this.#onRelease(this);
    }
  }

  /** The checksum of the whole state, as Store.stateHash(). */
  stateHash(): number {
    return hashSnapshot(this.#platform, this.#state());
  }

  #state(): SnapshotState {
    if (this.#held === undefined) {
      throw new Error('a released view of the store was read');
    }
    return this.#held;
  }
}
