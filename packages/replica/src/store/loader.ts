/**
 * Reads a snapshot stream (snapshot.ts), cut into chunks anywhere, into a new state. Strict: every entry is checked for what
 * the store itself could have written, and the trailer for count and checksum; anything else throws StoreCodecError, after
 * which the loader is of no more use.
 */
import type { Platform } from '../seams/platform.js';
import { ByteReader, StoreCodecError, StoreTruncatedError, VARINT_BYTES_MAX, view } from './bytes.js';
import { ALARMS_MAX, compareAlarms } from './control.js';
import { isTime, readAlarms } from './control-codec.js';
import { KEY_OVERHEAD_BYTES, Keyspace, VERSION_OVERHEAD_BYTES } from './keyspace.js';
import { LEASE_TTL_SECONDS_MAX, LEASES_MAX } from './leases.js';
import { RECORD_LEASE, RECORD_MORE, RECORD_ORDER, RECORD_TOMBSTONE } from './record.js';
import { RevisionIndexBuilder } from './revision-index.js';
import { CRC_BYTES, SNAPSHOT_FORMAT_VERSION, SNAPSHOT_MAGIC } from './snapshot.js';
import { Tree, type TreeBuilder } from './tree.js';
import { type Alarm, type Key, NO_LEASE } from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

export interface LoadedState {
  /** With its leases and the index of changes. */
  readonly keyspace: Keyspace;
  readonly timeMs: number;
  readonly alarms: readonly Alarm[];
  readonly revision: number;
  readonly compactRevision: number;
}

/** What the next bytes of the stream are. */
type Expectation = 'header' | 'lease' | 'key' | 'newest-version' | 'older-version' | 'nothing';

const EMPTY: Uint8Array = new Uint8Array(0);
/** Revisions whose changes one slice puts in order: below a millisecond where each has changed one key, a few where they have many. */
const SETTLED_REVISIONS = 16 * 1024;

/** Reads varints forward as ByteReader does, but says -1 of one that is cut off or not as it is written, instead of throwing. */
class PlainVarints {
  position = 0;

  read(bytes: Uint8Array, end: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX && this.position < end; count++) {
      const byte = bytes[this.position++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return (byte === 0 && count > 0) || value > Number.MAX_SAFE_INTEGER ? -1 : value;
      }
      scale *= 128;
    }
    return -1;
  }
}

export class StoreLoader<Store> {
  readonly #platform: Platform;
  readonly #open: (state: LoadedState) => Store;
  readonly #keyspace: Keyspace;
  readonly #builder: TreeBuilder = Tree.builder();
  #revision = 1;
  #compactRevision = 0;
  #timeMs = 0;
  #alarms: readonly Alarm[] = [];
  /** Leases that are still to come. */
  #leases = 0;
  #changes: RevisionIndexBuilder;
  #expected: Expectation = 'header';
  #key: Key = '';
  /** The version read last, its revisions, version number (0 for a tombstone) and order. */
  #newer: Version = NO_VERSION;
  #newerModRevision = 0;
  #newerCreateRevision = 0;
  #newerNumber = 0;
  #newerOrder = 0;
  readonly #fields = new PlainVarints();
  #entries = 0;
  #live = 0;
  #checksum = 0;
  /** The beginning of an item that has not arrived whole: [0, restEnd) of `rest`; its length is at least `neededBytes`. */
  #rest: Uint8Array = EMPTY;
  #restEnd = 0;
  #neededBytes = 0;

  constructor(platform: Platform, slabBytes: number, open: (state: LoadedState) => Store) {
    this.#platform = platform;
    this.#open = open;
    this.#keyspace = new Keyspace(platform, slabBytes);
    this.#changes = new RevisionIndexBuilder(this.#keyspace.record, 0);
  }

  /** The next bytes of the stream. The array may be reused afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#restEnd === 0) {
      this.#keepRest(chunk, this.#parse(chunk, chunk.length));
      return;
    }
    this.#appendRest(chunk);
    if (this.#restEnd >= this.#neededBytes) {
      const rest = this.#rest;
      const end = this.#restEnd;
      this.#restEnd = 0;
      const parsed = this.#parse(rest, end);
      rest.copyWithin(0, parsed, end);
      this.#restEnd = end - parsed;
    }
  }

  /** A slice of what finish() would otherwise do in one go, once the whole stream has been pushed; true while there is more of it. */
  settle(): boolean {
    return this.#changes.settle(SETTLED_REVISIONS);
  }

  /** The store, once the whole stream has been pushed. */
  finish(): Store {
    if (this.#expected !== 'nothing') {
      throw new StoreCodecError(`the snapshot ends where a ${this.#expected} should follow`);
    }
    this.#keyspace.tree = this.#builder.finish();
    this.#keyspace.changes = this.#changes.finish();
    return this.#open({
      keyspace: this.#keyspace,
      revision: this.#revision,
      compactRevision: this.#compactRevision,
      timeMs: this.#timeMs,
      alarms: this.#alarms,
    });
  }

  #keepRest(chunk: Uint8Array, from: number): void {
    if (from < chunk.length) {
      this.#appendRest(view(chunk, from, chunk.length));
    }
  }

  /** Grows by doubling as bytes really arrive, so a false length cannot make it allocate. */
  #appendRest(bytes: Uint8Array): void {
    const end = this.#restEnd + bytes.length;
    if (end > this.#rest.length) {
      const grown = this.#platform.allocate(Math.max(end, 2 * this.#rest.length));
      grown.set(view(this.#rest, 0, this.#restEnd));
      this.#rest = grown;
    }
    this.#rest.set(bytes, this.#restEnd);
    this.#restEnd = end;
  }

  /** Takes all whole items of [0, end); returns where the first one begins that is not whole. */
  #parse(bytes: Uint8Array, end: number): number {
    const reader = new ByteReader(this.#platform, bytes, 0, end);
    let parsed = 0;
    let summed = 0;
    try {
      while (parsed < end) {
        if (this.#expected === 'key' && bytes[parsed] === 0) {
          this.#checksum = this.#platform.crc32(view(bytes, summed, parsed), this.#checksum);
          summed = parsed;
        }
        const plain = this.#expected === 'key' ? this.#plainEntry(bytes, parsed, end) : -1;
        if (plain >= 0) {
          parsed = plain;
          continue;
        }
        reader.position = parsed;
        this.#item(reader);
        parsed = reader.position;
      }
    } catch (error) {
      if (!(error instanceof StoreTruncatedError)) {
        throw error;
      }
      this.#neededBytes = end - parsed + error.missingBytes;
    }
    this.#checksum = this.#platform.crc32(view(bytes, summed, parsed), this.#checksum);
    return parsed;
  }

  /** Throws StoreTruncatedError before it has changed anything. */
  #item(reader: ByteReader): void {
    switch (this.#expected) {
      case 'header':
        this.#header(reader);
        break;
      case 'lease':
        this.#lease(reader);
        break;
      case 'key':
        if (reader.source[reader.position] === 0) {
          this.#trailer(reader);
        } else {
          this.#entry(reader);
        }
        break;
      case 'newest-version':
      case 'older-version':
        this.#version(reader, this.#expected === 'newest-version');
        break;
      case 'nothing':
        throw new StoreCodecError('bytes after the end of the snapshot');
    }
  }

  #header(reader: ByteReader): void {
    for (const byte of SNAPSHOT_MAGIC) {
      if (reader.byte() !== byte) {
        throw new StoreCodecError('not a snapshot of a store');
      }
    }
    const version = reader.byte();
    if (version !== SNAPSHOT_FORMAT_VERSION) {
      throw new StoreCodecError(`snapshot format ${version}, known is ${SNAPSHOT_FORMAT_VERSION}`);
    }
    const revision = reader.varint();
    const compactRevision = reader.varint();
    if (revision < 1 || compactRevision > revision) {
      throw new StoreCodecError(`revision ${revision}, compacted at ${compactRevision}`);
    }
    const timeMs = reader.varint();
    const alarmCount = reader.varint();
    if (alarmCount > ALARMS_MAX) {
      throw new StoreCodecError(`${alarmCount} alarms`);
    }
    const alarms = readAlarms(reader, alarmCount);
    const leases = reader.varint();
    const isOrdered = alarms.every(
      (alarm, index) => index === 0 || compareAlarms(alarms[index - 1] as Alarm, alarm) < 0,
    );
    if (!isTime(timeMs) || !isOrdered || leases > LEASES_MAX) {
      throw new StoreCodecError(`time ${timeMs}, alarms out of order, or ${leases} leases`);
    }
    this.#revision = revision;
    this.#compactRevision = compactRevision;
    this.#timeMs = timeMs;
    this.#alarms = alarms;
    this.#leases = leases;
    this.#changes = new RevisionIndexBuilder(this.#keyspace.record, compactRevision);
    this.#expected = leases > 0 ? 'lease' : 'key';
  }

  #lease(reader: ByteReader): void {
    const lease = reader.int64();
    const ttlSeconds = reader.varint();
    const deadlineMs = reader.varint();
    const wholeMs = 1000 * ttlSeconds;
    const isLasting = ttlSeconds >= 1 && ttlSeconds <= LEASE_TTL_SECONDS_MAX;
    if (lease === NO_LEASE || !isLasting || deadlineMs < wholeMs || deadlineMs > this.#timeMs + wholeMs) {
      throw new StoreCodecError(`lease ${lease} of ${ttlSeconds} s that ends at ${deadlineMs}`);
    }
    if (this.#keyspace.leases.has(lease)) {
      throw new StoreCodecError(`lease ${lease} is there twice`);
    }
    this.#keyspace.leases.grant({ lease, ttlSeconds, deadlineMs });
    this.#leases--;
    this.#expected = this.#leases > 0 ? 'lease' : 'key';
  }

  #entry(reader: ByteReader): void {
    const key = reader.latin1();
    if (key <= this.#key) {
      throw new StoreCodecError('the keys of the snapshot are not in order');
    }
    this.#key = key;
    this.#entries++;
    this.#expected = 'newest-version';
  }

  /**
   * A key with one version that has neither lease nor order, all of it in [at, end), as nearly all are: in one go. Returns where it ends,
   * or -1 if it is anything else, what is wrong included; then nothing has changed, and #item() looks at it part by part.
   */
  #plainEntry(bytes: Uint8Array, at: number, end: number): number {
    const fields = this.#fields;
    fields.position = at;
    const keyLength = fields.read(bytes, end);
    const keyStart = fields.position;
    if (keyLength <= 0 || keyStart + keyLength >= end) {
      return -1;
    }
    fields.position = keyStart + keyLength;
    const modRevision = fields.read(bytes, end);
    const start = fields.position;
    if (bytes[start] !== 0) {
      return -1;
    }
    fields.position = start + 1;
    const age = fields.read(bytes, end);
    const number = fields.read(bytes, end);
    const valueLength = fields.read(bytes, end);
    const valueEnd = fields.position + valueLength;
    if (modRevision < 0 || age < 0 || number < 1 || valueLength < 0 || valueEnd > end) {
      return -1;
    }
    const isPossible =
      modRevision <= this.#revision && modRevision - age >= 2 && number - 1 <= age && (number === 1) === (age === 0);
    const key = this.#platform.latin1(bytes, keyStart, keyStart + keyLength);
    if (!isPossible || key <= this.#key) {
      return -1;
    }
    this.#key = key;
    this.#entries++;
    const version = this.#store(modRevision, bytes, start, valueEnd);
    this.#link(version, true, valueEnd - start);
    this.#newerModRevision = modRevision;
    this.#newerCreateRevision = modRevision - age;
    this.#newerNumber = number;
    this.#newerOrder = 0;
    this.#changes.push(key, version, modRevision);
    return valueEnd;
  }

  #trailer(reader: ByteReader): void {
    const start = reader.position;
    reader.byte();
    const entries = reader.varint();
    const live = reader.varint();
    const sumEnd = reader.position;
    reader.need(CRC_BYTES);
    let checksum = 0;
    for (let scale = 1; scale < 2 ** (8 * CRC_BYTES); scale *= 256) {
      checksum += reader.byte() * scale;
    }
    if (checksum !== this.#platform.crc32(view(reader.source, start, sumEnd), this.#checksum)) {
      throw new StoreCodecError('the checksum of the snapshot is wrong');
    }
    if (entries !== this.#entries || live !== this.#live) {
      throw new StoreCodecError(
        `the snapshot has ${this.#entries} entries, ${this.#live} live; it says ${entries}, ${live}`,
      );
    }
    this.#expected = 'nothing';
  }

  #version(reader: ByteReader, isNewest: boolean): void {
    const modRevision = reader.varint();
    const start = reader.position;
    const flags = reader.byte();
    const isDelete = (flags & RECORD_TOMBSTONE) !== 0;
    if (flags >= RECORD_MORE * 2 || (isDelete && (flags & RECORD_LEASE) !== 0)) {
      throw new StoreCodecError(`unknown flags ${flags}`);
    }
    const lease = (flags & RECORD_LEASE) === 0 ? NO_LEASE : reader.int64();
    if (lease === NO_LEASE && (flags & RECORD_LEASE) !== 0) {
      throw new StoreCodecError('a lease of 0 is not written');
    }
    const order = (flags & RECORD_ORDER) === 0 ? 0 : reader.varint();
    if (order === 0 && (flags & RECORD_ORDER) !== 0) {
      throw new StoreCodecError('an order of 0 is not written');
    }
    let age = 0;
    let number = 0;
    if (!isDelete) {
      age = reader.varint();
      number = reader.varint();
      const length = reader.varint();
      reader.need(length);
      reader.position += length;
      if (number < 1 || number - 1 > age || (number === 1) !== (age === 0)) {
        throw new StoreCodecError(`version ${number} at ${age} revisions after the creation`);
      }
    }
    this.#checkPlace(modRevision, modRevision - age, number, order, isNewest);
    this.#checkVisible(modRevision, isDelete, (flags & RECORD_MORE) !== 0);
    if (isNewest && lease !== NO_LEASE && !this.#keyspace.leases.has(lease)) {
      throw new StoreCodecError(`a key of lease ${lease}, which is not there`);
    }
    const version = isDelete
      ? this.#keyspace.versions.addTombstone(modRevision, order, NO_VERSION)
      : this.#store(modRevision, reader.source, start, reader.position);
    this.#link(version, isNewest, isDelete ? 0 : reader.position - start);
    this.#newerModRevision = modRevision;
    this.#newerCreateRevision = modRevision - age;
    this.#newerNumber = number;
    this.#newerOrder = order;
    this.#changes.push(this.#key, version, modRevision);
    if (isNewest) {
      this.#keyspace.leases.move(this.#key, NO_LEASE, lease);
    }
    this.#expected = (flags & RECORD_MORE) === 0 ? 'key' : 'older-version';
  }

  /** Does a version fit below the newer one? In one revision puts and deletes take turns, in the order of their operations. */
  #checkPlace(modRevision: number, createRevision: number, number: number, order: number, isNewest: boolean): void {
    if (modRevision > this.#revision || createRevision < 2) {
      throw new StoreCodecError(`a version of ${createRevision} to ${modRevision} at revision ${this.#revision}`);
    }
    if (isNewest) {
      return;
    }
    const newerModRevision = this.#newerModRevision;
    const isBelow =
      modRevision < newerModRevision ||
      (modRevision === newerModRevision && order < this.#newerOrder && (number === 0) !== (this.#newerNumber === 0));
    const isContinuous = this.#newerNumber === 0 ? number > 0 : number === this.#newerNumber - 1;
    if (!isBelow || !isContinuous || (this.#newerNumber > 1 && createRevision !== this.#newerCreateRevision)) {
      throw new StoreCodecError(
        `version ${number} of ${modRevision} below ${this.#newerNumber} of ${newerModRevision}`,
      );
    }
  }

  /** A snapshot holds exactly what compaction has left; see visibleBelow(). */
  #checkVisible(modRevision: number, isDelete: boolean, more: boolean): void {
    if ((isDelete && modRevision < this.#compactRevision) || (more && modRevision <= this.#compactRevision)) {
      throw new StoreCodecError(`a version that compaction at ${this.#compactRevision} has dropped`);
    }
  }

  #store(modRevision: number, source: Uint8Array, start: number, end: number): Version {
    const { slabs } = this.#keyspace;
    const slab = slabs.reserve(end - start);
    const offset = slab.usedBytes;
    slab.bytes.set(view(source, start, end), offset);
    slab.bytes[offset] = (source[start] ?? 0) & ~RECORD_MORE;
    slabs.commit(slab, offset + end - start);
    return this.#keyspace.versions.add(modRevision, slab, offset, NO_VERSION);
  }

  #link(version: Version, isNewest: boolean, recordBytes: number): void {
    const keyspace = this.#keyspace;
    keyspace.bytes += VERSION_OVERHEAD_BYTES + recordBytes;
    if (isNewest) {
      const keyBytes = KEY_OVERHEAD_BYTES + this.#key.length;
      keyspace.bytes += keyBytes;
      if (isTombstone(version)) {
        keyspace.historyBytes += keyBytes + VERSION_OVERHEAD_BYTES;
      } else {
        this.#live++;
      }
      this.#builder.push(this.#key, version);
    } else {
      keyspace.historyBytes += VERSION_OVERHEAD_BYTES + recordBytes;
      keyspace.versions.setPrevious(this.#newer, version);
    }
    this.#newer = version;
  }
}
