/**
 * The state itself: the tree of keys, the slabs of their values, the leases that hold keys, the index of changes, and the
 * account of memory; with the few changes there are.
 * Revisions, checks and answers are the store's business (store.ts).
 */
import type { Platform } from '../seams/platform.js';
import { Leases } from './leases.js';
import { RECORD_HEADER_BYTES_MAX, RecordReader, writeRecord } from './record.js';
import { RevisionIndex } from './revision-index.js';
import { Slabs } from './slabs.js';
import { Tree } from './tree.js';
import { type Key, type KeyValue, type LeaseId, NO_LEASE } from './types.js';
import { isTombstone, NO_VERSION, ROW_BYTES, type Version, Versions } from './versions.js';

/** Estimates of what the engine spends beside the bytes themselves: a string's header and two slots of a leaf two thirds full ... */
export const KEY_OVERHEAD_BYTES = 40;
/** ... and a version's row. (Rows that are free because others of their page are not cost as much, and are on no account.) */
export const VERSION_OVERHEAD_BYTES: number = ROW_BYTES;

export class Keyspace {
  tree: Tree = new Tree();
  readonly slabs: Slabs;
  readonly versions: Versions;
  readonly leases: Leases = new Leases();
  changes: RevisionIndex = new RevisionIndex();
  /** Shared scratch: valid until the next read. */
  readonly record: RecordReader;
  /** Estimate of memory for keys, values and history. */
  bytes = 0;
  /** The part of it that only history needs: versions that are not the newest of a live key, and keys that are deleted. */
  historyBytes = 0;

  constructor(platform: Platform, slabBytes: number) {
    this.slabs = new Slabs(platform, slabBytes);
    this.versions = new Versions(this.slabs);
    this.record = new RecordReader(this.versions);
  }

  /** Writes the next version of `key`, whose newest version is `head` by the tree's locate() immediately before. */
  put(key: Key, head: Version, value: Uint8Array, lease: LeaseId, revision: number, order: number): Version {
    const record = this.record;
    let createRevision = revision;
    let version = 1;
    let leaseBefore = NO_LEASE;
    if (head !== NO_VERSION && !isTombstone(head)) {
      record.read(head);
      createRevision = record.createRevision;
      version = record.version + 1;
      leaseBefore = record.lease;
      this.historyBytes += VERSION_OVERHEAD_BYTES + record.recordBytes;
    }
    const slabs = this.slabs;
    const slab = slabs.reserve(RECORD_HEADER_BYTES_MAX + value.length);
    const offset = slab.usedBytes;
    const end = writeRecord(slab.bytes, offset, revision - createRevision, version, lease, order, value);
    slabs.commit(slab, end);
    this.bytes += VERSION_OVERHEAD_BYTES + end - offset;
    const next = this.versions.add(revision, slab, offset, head);
    // The tree's own copy of the key if it has one: the command's may then go with the command.
    const heldKey = head === NO_VERSION ? key : this.tree.locatedKey;
    if (head === NO_VERSION) {
      this.bytes += KEY_OVERHEAD_BYTES + key.length;
      this.tree.insert(key, next);
    } else {
      if (isTombstone(head)) {
        this.historyBytes -= KEY_OVERHEAD_BYTES + key.length;
      }
      this.tree.replace(next);
    }
    this.changes.push(heldKey, next, revision);
    if (leaseBefore !== lease) {
      this.leases.move(heldKey, leaseBefore, lease);
    }
    return next;
  }

  /** Deletes `key`, whose newest version is `head`, not a tombstone, by locate() immediately before. */
  delete(key: Key, head: Version, revision: number, order: number): void {
    this.record.read(head);
    this.bytes += VERSION_OVERHEAD_BYTES;
    this.historyBytes += 2 * VERSION_OVERHEAD_BYTES + this.record.recordBytes + KEY_OVERHEAD_BYTES + key.length;
    this.leases.move(key, this.record.lease, NO_LEASE);
    const tombstone = this.versions.addTombstone(revision, order, head);
    this.changes.push(this.tree.locatedKey, tombstone, revision);
    this.tree.replace(tombstone);
  }

  /** Takes back the newest version of `key` so that `head` is again what it was. The caller restores `bytes` and `historyBytes`. */
  restore(key: Key, head: Version): void {
    const undone = this.tree.locate(key);
    if (undone === NO_VERSION) {
      throw new Error('a change to be undone is not there');
    }
    this.leases.move(key, this.leaseOf(undone), this.leaseOf(head));
    this.changes.pop();
    if (head === NO_VERSION) {
      this.tree.remove();
    } else {
      this.tree.replace(head);
    }
    this.releaseRecord(undone);
    this.versions.free(undone);
  }

  private leaseOf(version: Version): LeaseId {
    if (version === NO_VERSION) {
      return NO_LEASE;
    }
    this.record.read(version);
    return this.record.lease;
  }

  /** The record of a version that nobody will read any more. Returns its length. */
  releaseRecord(version: Version): number {
    if (isTombstone(version)) {
      return 0;
    }
    this.record.read(version);
    const bytes = this.record.recordBytes;
    this.slabs.release(this.versions.slab(version), bytes);
    return bytes;
  }

  /** Moves a record into another slab. Whoever holds the version sees equal bytes in the new place. Returns its length. */
  moveRecord(version: Version): number {
    this.record.read(version);
    const bytes = this.record.recordBytes;
    const from = this.versions.slab(version);
    const start = this.versions.offset(version);
    const to = this.slabs.reserve(bytes);
    const offset = to.usedBytes;
    to.bytes.set(from.bytes.subarray(start, start + bytes), offset);
    this.slabs.commit(to, offset + bytes);
    this.versions.setRecord(version, to, offset);
    this.slabs.release(from, bytes);
    return bytes;
  }

  keyValue(key: Key, version: Version): KeyValue {
    return this.record.keyValue(key, version, false);
  }
}
