/**
 * Runs the operations of one command against the keyspace, all at one revision: puts, deletes, and the ranges between them,
 * which see the writes before them (contract section 4.12).
 *
 * All refusals but two are found before the first write. `too-many-keys`, and `key-not-found` for a key that the same transaction
 * has deleted, depend on the operations before; where they can happen the writer keeps a list of what to take back.
 */
import { unreachable } from './bytes.js';
import { Cursor, isBeforeEnd } from './cursor.js';
import type { Keyspace } from './keyspace.js';
import { checkRevision, readRange } from './range.js';
import {
  type DeleteOperation,
  type DeleteResponse,
  deletedKeyValue,
  type ErrorResponse,
  type Key,
  type KeyValue,
  NO_LEASE,
  type Operation,
  type PutOperation,
  type PutResponse,
  type RangeOperation,
  type RangeResponse,
  type Response,
  type StoreErrorCode,
  type StoreEvent,
  type TxnOperation,
  type WriteLimits,
} from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

export const NO_EVENTS: readonly StoreEvent[] = Object.freeze([]);

export function refusal(code: StoreErrorCode): ErrorResponse {
  return { kind: 'error', code };
}

interface Undo {
  readonly key: Key;
  readonly head: Version;
}

export class Writer {
  private readonly keyspace: Keyspace;
  private readonly collectEvents: boolean;
  private readonly limits: WriteLimits | undefined;
  /** The store's revision before the command. */
  private readonly revision: number;
  private readonly compactRevision: number;
  /** Keys changed so far. */
  private changes = 0;
  /** Index of the operation that runs, among all that run. */
  private order = 0;
  private readonly events: StoreEvent[] = [];
  private undo: Undo[] | undefined;
  /** The checked operations include a put that needs the key to be there. */
  private needsKey = false;

  constructor(
    keyspace: Keyspace,
    revision: number,
    compactRevision: number,
    limits: WriteLimits | undefined,
    collectEvents: boolean,
  ) {
    this.keyspace = keyspace;
    this.revision = revision;
    this.compactRevision = compactRevision;
    this.limits = limits;
    this.collectEvents = collectEvents;
  }

  /** The store's revision as it would be if the command ended here: one more than before as soon as anything has changed. */
  get revisionNow(): number {
    return this.changes === 0 ? this.revision : this.revision + 1;
  }

  /** What has changed so far, in order. */
  get changedEvents(): readonly StoreEvent[] {
    return this.events.length === 0 ? NO_EVENTS : this.events;
  }

  /** Runs a checked transaction; `path` as of choosePath(). */
  transaction(txn: TxnOperation, path: readonly boolean[]): Response {
    const { bytes, historyBytes } = this.keyspace;
    this.undo = this.limits === undefined && !this.needsKey ? undefined : [];
    const response = this.branch(txn, path.values(), 0);
    if (response.kind === 'error') {
      for (const { key, head } of this.undo?.toReversed() ?? []) {
        this.keyspace.restore(key, head);
      }
      this.keyspace.bytes = bytes;
      this.keyspace.historyBytes = historyBytes;
      this.changes = 0;
      this.events.length = 0;
    }
    return response;
  }

  /**
   * Refuses the operations that a transaction would run, as far as the state before it tells; so that no member can fail in the
   * middle where another does not (bug 77 of the catalogue: etcd#18667, a compacted read inside a transaction). As in etcd (3.4
   * to 3.6) puts are looked at before ranges, whatever their order.
   */
  checkTransaction(txn: TxnOperation, path: readonly boolean[]): ErrorResponse | undefined {
    return this.checkBranch(txn, path.values(), 'put') ?? this.checkBranch(txn, path.values(), 'range');
  }

  private checkBranch(
    txn: TxnOperation,
    path: IterableIterator<boolean>,
    kind: 'put' | 'range',
  ): ErrorResponse | undefined {
    for (const operation of taken(txn, path.next().value)) {
      let refused: ErrorResponse | undefined;
      if (operation.kind === 'txn') {
        refused = this.checkBranch(operation, path, kind);
      } else if (operation.kind === kind) {
        refused = operation.kind === 'put' ? this.checkNestedPut(operation) : this.checkRange(operation);
      }
      if (refused !== undefined) {
        return refused;
      }
    }
    return undefined;
  }

  private checkRange(operation: RangeOperation): ErrorResponse | undefined {
    if (isBelowAll(operation.revision, this.compactRevision)) {
      return refusal('compacted');
    }
    // A read at the revision that this very transaction makes is a read of the future (bug 81: 3.7 PR#21432).
    return checkRevision(operation.revision, this.revision, this.compactRevision);
  }

  /** Section 4.9, and the limits of the command before it: bytes of the key, bytes of the value. A missing lease before a missing key ... */
  checkPut(operation: PutOperation): ErrorResponse | undefined {
    return this.checkBytes(operation) ?? this.checkLease(operation) ?? this.checkKey(operation);
  }

  /** ... but in a transaction the other way round, as in etcd. */
  private checkNestedPut(operation: PutOperation): ErrorResponse | undefined {
    return this.checkBytes(operation) ?? this.checkKey(operation) ?? this.checkLease(operation);
  }

  private checkBytes(operation: PutOperation): ErrorResponse | undefined {
    const limits = this.limits;
    if (limits === undefined) {
      return undefined;
    }
    if (operation.key.length > limits.keyBytesMax) {
      return refusal('key-too-long');
    }
    return operation.value.length > limits.valueBytesMax ? refusal('value-too-long') : undefined;
  }

  private checkLease(operation: PutOperation): ErrorResponse | undefined {
    const { lease } = operation;
    return lease === NO_LEASE || this.keyspace.leases.has(lease) ? undefined : refusal('lease-not-found');
  }

  private checkKey(operation: PutOperation): ErrorResponse | undefined {
    if (!operation.ignoreValue && !operation.ignoreLease) {
      return undefined;
    }
    this.needsKey = true;
    const head = this.keyspace.tree.find(operation.key);
    return head === NO_VERSION || isTombstone(head) ? refusal('key-not-found') : undefined;
  }

  private branch(txn: TxnOperation, path: IterableIterator<boolean>, depth: number): Response {
    const succeeded = path.next().value;
    const responses: Response[] = [];
    for (const operation of taken(txn, succeeded)) {
      const response = operation.kind === 'txn' ? this.branch(operation, path, depth + 1) : this.run(operation);
      if (response.kind === 'error') {
        return response;
      }
      responses.push(response);
    }
    // The header of a nested transaction is empty in etcd, its revision 0; those of the operations in it are not.
    const revision = depth === 0 ? this.revisionNow : 0;
    return { kind: 'txn', revision, succeeded: succeeded === true, responses };
  }

  private run(operation: PutOperation | DeleteOperation | RangeOperation): Response {
    switch (operation.kind) {
      case 'put': {
        const response = this.put(operation);
        this.order++;
        return response;
      }
      case 'delete': {
        const response = this.delete(operation);
        this.order++;
        return response;
      }
      case 'range':
        return this.range(operation);
      default:
        return unreachable(operation);
    }
  }

  private range(operation: RangeOperation): RangeResponse | ErrorResponse {
    const { tree, record } = this.keyspace;
    const { compactRevision } = this;
    return readRange({ root: tree.root, record, revision: this.revisionNow, compactRevision }, operation);
  }

  put(operation: PutOperation): PutResponse | ErrorResponse {
    const keyspace = this.keyspace;
    const { key } = operation;
    const head = keyspace.tree.locate(key);
    let { value, lease } = operation;
    let previous: KeyValue | undefined;
    if (head === NO_VERSION || isTombstone(head)) {
      if (operation.ignoreValue || operation.ignoreLease) {
        // It was there before the transaction, which has deleted it since. (etcd panics.)
        return refusal('key-not-found');
      }
      if (this.limits !== undefined && keyspace.tree.liveCount >= this.limits.keysMax) {
        return refusal('too-many-keys');
      }
    } else if (operation.returnPrevious || operation.ignoreValue || operation.ignoreLease) {
      const present = keyspace.keyValue(key, head);
      previous = operation.returnPrevious ? present : undefined;
      value = operation.ignoreValue ? present.value : value;
      lease = operation.ignoreLease ? present.lease : lease;
    }
    this.changes++;
    this.undo?.push({ key, head });
    const revision = this.revision + 1;
    const version = keyspace.put(key, head, value, lease, revision, this.order);
    if (this.collectEvents) {
      this.events.push({ type: 'put', keyValue: keyspace.keyValue(key, version), previous: this.before(key, head) });
    }
    return { kind: 'put', revision, previous };
  }

  delete(operation: DeleteOperation): DeleteResponse {
    const { tree } = this.keyspace;
    const previous: KeyValue[] = [];
    let deleted = 0;
    for (const key of this.liveKeys(operation)) {
      const head = tree.locate(key);
      if (head === NO_VERSION || isTombstone(head)) {
        continue;
      }
      if (operation.returnPrevious) {
        previous.push(this.keyspace.keyValue(key, head));
      }
      this.deleteKey(key, head);
      deleted++;
    }
    return { kind: 'delete', revision: this.revisionNow, deleted, previous };
  }

  /** The keys of a lease that ends, as they come: section 6.28. */
  deleteKeys(keys: readonly Key[]): void {
    for (const key of keys) {
      const head = this.keyspace.tree.locate(key);
      if (head === NO_VERSION || isTombstone(head)) {
        throw new Error('a lease holds a key that is not there');
      }
      this.deleteKey(key, head);
    }
  }

  private deleteKey(key: Key, head: Version): void {
    this.changes++;
    this.undo?.push({ key, head });
    const revision = this.revision + 1;
    this.keyspace.delete(key, head, revision, this.order);
    if (this.collectEvents) {
      this.events.push({
        type: 'delete',
        keyValue: deletedKeyValue(key, revision),
        previous: this.before(key, head),
      });
    }
  }

  /** The keys are gathered first: deleting moves the tree under a cursor. */
  private liveKeys(operation: DeleteOperation): readonly Key[] {
    if (operation.rangeEnd === undefined) {
      return [operation.key];
    }
    const keys: Key[] = [];
    const cursor = new Cursor(this.keyspace.tree.root, operation.key);
    for (let key = cursor.key; key !== undefined && isBeforeEnd(key, operation); cursor.next(), key = cursor.key) {
      if (!isTombstone(cursor.version)) {
        keys.push(key);
      }
    }
    return keys;
  }

  /** What the key was before this revision, as watchers are told it: section 5.21. */
  private before(key: Key, head: Version): KeyValue | undefined {
    const version = this.keyspace.versions.at(head, this.revision);
    return version === NO_VERSION || isTombstone(version) ? undefined : this.keyspace.keyValue(key, version);
  }
}

function taken(txn: TxnOperation, succeeded: boolean | undefined): readonly Operation[] {
  if (succeeded === undefined) {
    throw new Error('the path of a transaction is too short');
  }
  return succeeded ? txn.success : txn.failure;
}

/**
 * In a transaction, unlike outside one, etcd takes a negative revision for what it is: below what compaction has left. Before
 * the first compaction that is -1, which therefore passes and reads the latest.
 */
function isBelowAll(revision: number, compactRevision: number): boolean {
  return revision < 0 && (compactRevision > 0 || revision < -1);
}
