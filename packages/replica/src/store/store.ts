/**
 * The key-value state machine: commands in, responses and events out; revisions as etcd counts them.
 *
 *     apply(command) -> txn.ts validates and takes the path -> writer.ts runs it -> keyspace.ts changes tree, slabs, account
 *     range(operation) -> range.ts                             compaction.ts sweeps behind it
 *     freeze() -> snapshot.ts -> bytes -> loader.ts -> another store
 *
 * Deterministic: equal commands in equal order give equal revisions, responses, events and hashes on every member, whatever
 * the physical history of each (slabs, shape of the tree, progress of the sweep, loads from snapshots).
 */
import type { Platform } from '../seams/platform.js';
import { unreachable, view } from './bytes.js';
import { PlainPutReader } from './command-codec.js';
import { Sweeper } from './compaction.js';
import { Control, mayPut } from './control.js';
import type { ControlOperation } from './control-codec.js';
import { checkKeyspace } from './invariants.js';
import { KEY_OVERHEAD_BYTES, Keyspace, VERSION_OVERHEAD_BYTES } from './keyspace.js';
import { compareByDeadline } from './leases.js';
import { type LoadedState, StoreLoader } from './loader.js';
import { checkRevision, readRange } from './range.js';
import { type ChangeCursor, isCurrentAt } from './revision-index.js';
import { SLAB_BYTES_DEFAULT } from './slabs.js';
import { type FrozenState, FrozenStore, hashSnapshot, hashState } from './snapshot.js';
import type { Node } from './tree.js';
import { choosePath, isReadOnly, TXN_OPERATIONS_MAX, validateOperation } from './txn.js';
import {
  type Alarm,
  type Command,
  type CompactOperation,
  type DeleteOperation,
  type ErrorResponse,
  type Key,
  type KeyValue,
  type LeaseId,
  type LeaseInfo,
  NO_LEASE,
  type PutOperation,
  type RangeOperation,
  type RangeResponse,
  type Response,
  type StoreErrorCode,
  type StoreEvent,
  type TxnOperation,
  type WriteLimits,
} from './types.js';
import { isTombstone, NO_VERSION, type Versions } from './versions.js';
import { NO_EVENTS, refusal, Writer } from './writer.js';

export interface StoreOptions {
  /** Size of a slab of values, in bytes; default 1 MiB. Changes no behaviour. */
  readonly slabBytes?: number;
  /** Contract section 4.10; default TXN_OPERATIONS_MAX, which all members have. Another one is for tests. */
  readonly txnOperationsMax?: number;
  /** Whether apply() returns events; default true. Without watchers they are waste. */
  readonly collectEvents?: boolean;
}

export interface Applied {
  readonly response: Response;
  /** The changes of this revision in order; empty if nothing changed or events are not collected. */
  readonly events: readonly StoreEvent[];
}

/** Contract section 4.17. Equal hashes at equal revision and compactRevision: equal data. */
export interface StoreHash {
  readonly kind: 'hash';
  /** Unsigned 32 bits. */
  readonly hash: number;
  readonly revision: number;
  readonly compactRevision: number;
}

/** What a live key has in memory and not in a stream, where its length and its revision take a few bytes. */
const OBJECT_BYTES = KEY_OVERHEAD_BYTES + VERSION_OVERHEAD_BYTES - 5;

/** A hash that is being made of a frozen view. */
export interface HashInSlices {
  /** One slice; true while there is more. */
  step(): boolean;
  /** Once step() has said false. */
  finish(): StoreHash;
  giveUp(): void;
}

/** The revision of an empty store (contract section 3.2). */
const FIRST_REVISION = 1;

export class Store {
  readonly #platform: Platform;
  readonly #keyspace: Keyspace;
  readonly #control: Control;
  readonly #sweeper: Sweeper;
  readonly #txnOperationsMax: number;
  readonly #frozen: Set<FrozenStore> = new Set();
  readonly #plainPut: PlainPutReader;
  #revision: number;
  #compactRevision: number;
  /** May be switched at any time between commands. */
  collectEvents: boolean;

  /** `loaded` is for the loader: see Store.loader(). */
  constructor(platform: Platform, options: StoreOptions = {}, loaded?: LoadedState) {
    this.#platform = platform;
    this.#plainPut = new PlainPutReader(platform);
    this.#keyspace = loaded?.keyspace ?? new Keyspace(platform, options.slabBytes ?? SLAB_BYTES_DEFAULT);
    this.#revision = loaded?.revision ?? FIRST_REVISION;
    this.#compactRevision = loaded?.compactRevision ?? 0;
    this.#control = new Control(this.#keyspace.leases, loaded?.timeMs ?? 0, loaded?.alarms ?? []);
    // A snapshot has nothing in it that compaction has dropped.
    this.#sweeper = new Sweeper(this.#keyspace, this.#compactRevision);
    this.#txnOperationsMax = options.txnOperationsMax ?? TXN_OPERATIONS_MAX;
    this.collectEvents = options.collectEvents ?? true;
  }

  /** A loader for the stream of FrozenStore.chunks(), cut anywhere. */
  static loader(platform: Platform, options: StoreOptions = {}): StoreLoader<Store> {
    const slabBytes = options.slabBytes ?? SLAB_BYTES_DEFAULT;
    return new StoreLoader(platform, slabBytes, (loaded) => new Store(platform, options, loaded));
  }

  /** The revision of the last change; 1 when empty. */
  get revision(): number {
    return this.#revision;
  }

  /** The revision of the last compaction, the oldest that can be read; 0 before the first. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  /** Live keys. */
  get keyCount(): number {
    return this.#keyspace.tree.liveCount;
  }

  /** Estimate of the memory that keys, values, leases and history need, in bytes. Depends on the progress of the sweep. */
  get bytes(): number {
    const { bytes, leases, changes } = this.#keyspace;
    return bytes + leases.bytes + changes.bytes;
  }

  /** The part of `bytes` that only history needs: what a compaction at the current revision would give back, about. */
  get historyBytes(): number {
    return this.#keyspace.historyBytes + this.#keyspace.changes.bytes;
  }

  /** About the length of a snapshot's stream: what is in `bytes` but for the objects of live keys, so too much where there is history. */
  get streamBytes(): number {
    const { bytes, leases, slabs, tree } = this.#keyspace;
    return leases.bytes + Math.max(slabs.liveBytes, bytes - tree.liveCount * OBJECT_BYTES);
  }

  /** Memory of the slabs, in bytes: records that are needed and room that the sweep has not yet given back. */
  get slabBytes(): number {
    return this.#keyspace.slabs.allocatedBytes;
  }

  /** Cluster time, in milliseconds: the latest stamp of an applied command. */
  get timeMs(): number {
    return this.#control.timeMs;
  }

  /** The alarms that stand, by member. */
  alarms(): readonly Alarm[] {
    return this.#control.alarms;
  }

  lease(lease: LeaseId): LeaseInfo | undefined {
    return this.#control.leases.get(lease);
  }

  get leaseCount(): number {
    return this.#control.leases.size;
  }

  /** All leases by deadline, then by id (section 6.30). O(n log n). */
  leases(): LeaseInfo[] {
    return [...this.#control.leases.freeze()].toSorted(compareByDeadline);
  }

  /** The keys of a lease, sorted; none if there is no such lease. */
  leaseKeys(lease: LeaseId): Key[] {
    return this.#control.leases.keys(lease);
  }

  /** In cluster time; undefined without leases. O(1). */
  nextLeaseDeadline(): number | undefined {
    return this.#control.leases.nextDeadlineMs;
  }

  /** Leases whose deadline is not after `timeMs`, at most `max` of them (not always the earliest), by deadline. O(their number). */
  leasesDue(timeMs: number, max: number): LeaseId[] {
    return this.#control.leases.due(timeMs, max);
  }

  /** All changes from `revision` on, which is not compacted, if they are current: for history-scan.ts. */
  changesFrom(revision: number): ChangeCursor {
    return this.#keyspace.changes.cursor(revision);
  }

  /** What they and their like refer to. */
  get versions(): Versions {
    return this.#keyspace.versions;
  }

  /** Can the change be seen? See isCurrentAt(). */
  isCurrent(change: ChangeCursor): boolean {
    const { tree, versions } = this.#keyspace;
    return isCurrentAt(tree, versions, change, this.#compactRevision);
  }

  /** Runs a command. A refusal is a response too and has changed nothing. */
  apply(command: Command): Applied {
    const { operation } = command;
    switch (operation.kind) {
      case 'put':
      case 'delete':
      case 'txn':
        return this.#write(operation, command.limits);
      case 'compact':
        return { response: this.#compact(operation), events: NO_EVENTS };
      case 'lease-grant':
      case 'lease-renew':
      case 'lease-revoke':
      case 'lease-expire':
      case 'alarm':
        return this.#applyControl(operation);
      default:
        return unreachable(operation);
    }
  }

  /**
   * Applies the command in bytes[start, end) if it is a plain put that nothing refuses, exactly as apply() would (the revision is the
   * response), but without an object on the way: most entries of most logs are such puts, and most members only follow them. False: it is
   * something else, or events are collected, and nothing was done.
   */
  applyPlainPut(bytes: Uint8Array, start: number, end: number): boolean {
    const put = this.#plainPut;
    if (this.collectEvents || this.#control.alarms.length > 0 || !put.read(bytes, start, end) || put.key === '') {
      return false;
    }
    const keyspace = this.#keyspace;
    const head = keyspace.tree.locate(put.key);
    this.#revision += 1;
    keyspace.put(put.key, head, view(bytes, put.valueStart, put.valueEnd), NO_LEASE, this.#revision, 0);
    return true;
  }

  #write(operation: PutOperation | DeleteOperation | TxnOperation, limits: WriteLimits | undefined): Applied {
    const invalid = validateOperation(operation, this.#txnOperationsMax) ?? this.#alarmed(operation);
    if (invalid !== undefined) {
      return refused(invalid);
    }
    const writer = this.#writer(limits);
    let response: Response;
    switch (operation.kind) {
      case 'put':
        response = writer.checkPut(operation) ?? writer.put(operation);
        break;
      case 'delete':
        response = writer.delete(operation);
        break;
      case 'txn':
        response = this.#transaction(writer, operation);
        break;
    }
    this.#revision = writer.revisionNow;
    return { response, events: writer.changedEvents };
  }

  #writer(limits: WriteLimits | undefined): Writer {
    return new Writer(this.#keyspace, this.#revision, this.#compactRevision, limits, this.collectEvents);
  }

  /** Section 7.38: which alarm forbids it. */
  #alarmed(operation: PutOperation | DeleteOperation | TxnOperation): StoreErrorCode | undefined {
    const control = this.#control;
    if (control.alarms.length === 0) {
      return undefined;
    }
    if (control.hasAlarm('corrupt')) {
      return 'corrupt';
    }
    return control.hasAlarm('no-space') && mayPut(operation) ? 'no-space' : undefined;
  }

  /** What is corrupt is not changed any further, but leases are still renewed, as in etcd, where renewal is not replicated. */
  #applyControl(operation: ControlOperation): Applied {
    const control = this.#control;
    control.advance(operation);
    if (operation.kind === 'alarm') {
      const alarms = control.setAlarm(operation);
      return { response: { kind: 'alarm', revision: this.#revision, alarms }, events: NO_EVENTS };
    }
    if (operation.kind === 'lease-renew') {
      return this.#leaseResponse(control.renew(operation.lease));
    }
    if (control.hasAlarm('corrupt')) {
      return refused('corrupt');
    }
    switch (operation.kind) {
      case 'lease-grant':
        return control.hasAlarm('no-space') ? refused('no-space') : this.#leaseResponse(control.grant(operation));
      case 'lease-revoke': {
        const { lease } = operation;
        return control.leases.has(lease)
          ? this.#endLeases([lease], () => control.leases.keys(lease))
          : refused('lease-not-found');
      }
      case 'lease-expire':
        return this.#endLeases(operation.leases, (lease) => control.expiredKeys(lease));
      default:
        return unreachable(operation);
    }
  }

  #leaseResponse(outcome: LeaseInfo | StoreErrorCode): Applied {
    if (typeof outcome === 'string') {
      return refused(outcome);
    }
    const { lease, ttlSeconds } = outcome;
    return { response: { kind: 'lease', revision: this.#revision, lease, ttlSeconds }, events: NO_EVENTS };
  }

  /** Each lease for which `keysOf` knows the keys ends, in a revision of its own if there are any (section 6.28). */
  #endLeases(leases: readonly LeaseId[], keysOf: (lease: LeaseId) => readonly Key[] | undefined): Applied {
    const ended: LeaseId[] = [];
    const events: StoreEvent[] = [];
    for (const lease of leases) {
      const keys = keysOf(lease);
      if (keys === undefined) {
        continue;
      }
      const writer = this.#writer(undefined);
      writer.deleteKeys(keys);
      this.#revision = writer.revisionNow;
      this.#control.leases.end(lease);
      ended.push(lease);
      for (const event of writer.changedEvents) {
        events.push(event);
      }
    }
    return { response: { kind: 'lease-end', revision: this.#revision, ended }, events };
  }

  #transaction(writer: Writer, operation: TxnOperation): Response {
    const path = choosePath(operation, this.#keyspace.tree.root, this.#keyspace.record);
    return writer.checkTransaction(operation, path) ?? writer.transaction(operation, path);
  }

  /** Contract section 4.16. Nearly O(1): what is dropped can no longer be read; sweep() gives its memory back. */
  #compact(operation: CompactOperation): Response {
    const { revision } = operation;
    if (this.#control.hasAlarm('corrupt')) {
      return refusal('corrupt');
    }
    if (revision <= this.#compactRevision) {
      return refusal('compacted');
    }
    if (revision > this.#revision) {
      return refusal('future-revision');
    }
    this.#compactRevision = revision;
    this.#keyspace.changes.trim(revision);
    return { kind: 'compact', revision: this.#revision };
  }

  /**
   * For a store that is restored into a new cluster, before it serves anybody: revisions go on `by` higher, and everything before counts
   * as compacted, so that whoever watched the former cluster notices that he has missed something (etcd's --bump-revision, --mark-compacted).
   */
  raiseRevision(by: number): void {
    this.#revision += by;
    this.#compactRevision = this.#revision;
    this.#keyspace.changes.trim(this.#revision);
  }

  /** Reads at the latest or an older revision. */
  range(operation: RangeOperation): RangeResponse | ErrorResponse {
    if (operation.key === '') {
      return refusal('key-empty');
    }
    const { tree, record } = this.#keyspace;
    return readRange(
      { root: tree.root, record, revision: this.#revision, compactRevision: this.#compactRevision },
      operation,
    );
  }

  /** Runs a transaction that only reads (isReadOnly()), at the present state. Alarms do not matter to it. */
  query(operation: TxnOperation): Response {
    if (!isReadOnly(operation)) {
      throw new Error('a transaction that may write is a command');
    }
    const invalid = validateOperation(operation, this.#txnOperationsMax);
    return invalid === undefined ? this.#transaction(this.#writer(undefined), operation) : refusal(invalid);
  }

  /** The key as it stands now. */
  get(key: Key): KeyValue | undefined {
    const version = this.#keyspace.tree.find(key);
    return version === NO_VERSION || isTombstone(version) ? undefined : this.#keyspace.keyValue(key, version);
  }

  #state(root: Node): FrozenState {
    return {
      root,
      versions: this.#keyspace.versions,
      revision: this.#revision,
      compactRevision: this.#compactRevision,
      isReleased: () => false,
    };
  }

  /** A view of the present state that later commands do not change. Nearly O(1). Release it when done. */
  freeze(): FrozenStore {
    const { tree } = this.#keyspace;
    const state = { ...this.#state(tree.freeze()), control: this.#control.state };
    const release = (view: FrozenStore): boolean => this.#frozen.delete(view);
    const frozen = new FrozenStore(this.#platform, state, this.bytes, tree.freezes, release);
    this.#frozen.add(frozen);
    return frozen;
  }

  /**
   * One slice of the work that gives memory back, of about `keysMax` keys. True if there is more to do at once. After false it
   * is worth calling again when there have been writes, a compaction, or the release of a frozen view, for which removal waits.
   */
  sweep(keysMax: number): boolean {
    let trimRevision = this.#compactRevision;
    let oldestView = Number.POSITIVE_INFINITY;
    for (const frozen of this.#frozen) {
      trimRevision = Math.min(trimRevision, frozen.compactRevision);
      oldestView = Math.min(oldestView, frozen.freezes);
    }
    return this.#sweeper.sweep(keysMax, trimRevision, oldestView);
  }

  /** The hash of all key-values and history as of `revision` (default: now). Linear in the data, in one go. */
  hash(revision: number = this.#revision): StoreHash | ErrorResponse {
    const refusedRevision = checkRevision(revision, this.#revision, this.#compactRevision);
    if (refusedRevision !== undefined) {
      return refusedRevision;
    }
    const readAt = revision <= 0 ? this.#revision : revision;
    const state = { ...this.#state(this.#keyspace.tree.root), revision: readAt };
    return {
      kind: 'hash',
      hash: hashState(this.#platform, state),
      revision: readAt,
      compactRevision: this.#compactRevision,
    };
  }

  /** The same a slice at a time, while the store goes on to change. To be finished or given up: until then its memory is held. */
  hashInSlices(revision: number = this.#revision): HashInSlices | ErrorResponse {
    const refusedRevision = checkRevision(revision, this.#revision, this.#compactRevision);
    if (refusedRevision !== undefined) {
      return refusedRevision;
    }
    const frozen = this.freeze();
    const readAt = revision <= 0 ? frozen.revision : revision;
    const hasher = frozen.hasher(readAt);
    return {
      step: () => hasher.step(),
      finish: () => {
        frozen.release();
        return { kind: 'hash', hash: hasher.checksum, revision: readAt, compactRevision: frozen.compactRevision };
      },
      giveUp: () => frozen.release(),
    };
  }

  /** The checksum of the whole state: keys, history, leases, alarms and time. Linear in the data, in one go. */
  stateHash(): number {
    const state = { ...this.#state(this.#keyspace.tree.root), control: this.#control.state };
    return hashSnapshot(this.#platform, state);
  }

  /** Throws if the inner accounts and orders do not agree. Linear; for tests. */
  checkInvariants(): void {
    checkKeyspace(this.#keyspace, this.#revision, this.#compactRevision, this.#sweeper.detached);
  }
}

function refused(code: StoreErrorCode): Applied {
  return { response: refusal(code), events: NO_EVENTS };
}
