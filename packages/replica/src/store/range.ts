/** Reading a range of keys at a revision: contract sections 3.1 to 3.6. */
import { compareBytes, unreachable } from './bytes.js';
import { Cursor, EVERY_KEY_FROM, isBeforeEnd } from './cursor.js';
import type { RecordReader } from './record.js';
import { type Node, rank } from './tree.js';
import type { ErrorResponse, Key, KeyRange, KeyValue, RangeOperation, RangeResponse, SortTarget } from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

/** A state to read: the present one, or the present one in the middle of a transaction. */
export interface ReadView {
  readonly root: Node;
  readonly record: RecordReader;
  /** What the answer names as the store's revision. */
  readonly revision: number;
  readonly compactRevision: number;
}

/** How many live keys are in the range now. O(log n). */
export function countLatest(root: Node, range: KeyRange): number {
  if (range.rangeEnd === EVERY_KEY_FROM) {
    return root.live - rank(root, range.key);
  }
  const end = range.rangeEnd ?? `${range.key}\0`;
  return range.key < end ? rank(root, end) - rank(root, range.key) : 0;
}

/** `future-revision` or `compacted` if a range cannot be read at `revision`; the compacted revision itself can. */
export function checkRevision(revision: number, current: number, compactRevision: number): ErrorResponse | undefined {
  if (revision <= 0) {
    return undefined;
  }
  if (revision > current) {
    return { kind: 'error', code: 'future-revision' };
  }
  return revision < compactRevision ? { kind: 'error', code: 'compacted' } : undefined;
}

export function readRange(view: ReadView, operation: RangeOperation): RangeResponse | ErrorResponse {
  const refusal = checkRevision(operation.revision, view.revision, view.compactRevision);
  if (refusal !== undefined) {
    return refusal;
  }
  const latest = operation.revision <= 0 || operation.revision === view.revision;
  if (operation.countOnly) {
    const count = latest ? countLatest(view.root, operation) : countAt(view, operation);
    return { kind: 'range', revision: view.revision, keyValues: [], more: false, count };
  }
  return readsAll(operation) ? readSorted(view, operation) : readInOrder(view, operation, latest);
}

/** A sort other than by key ascending, or a filter: read, filter, sort, cut (contract section 3.6). */
function readsAll(operation: RangeOperation): boolean {
  return operation.sortTarget !== 'key' || operation.sortOrder === 'descending' || hasFilters(operation);
}

function hasFilters(operation: RangeOperation): boolean {
  return (
    operation.minModRevision !== 0 ||
    operation.maxModRevision !== 0 ||
    operation.minCreateRevision !== 0 ||
    operation.maxCreateRevision !== 0
  );
}

function readInOrder(view: ReadView, operation: RangeOperation, latest: boolean): RangeResponse {
  const { record, revision } = view;
  const { versions } = record;
  const limit = operation.limit > 0 ? operation.limit : Number.POSITIVE_INFINITY;
  const keyValues: KeyValue[] = [];
  let count = 0;
  const cursor = new Cursor(view.root, operation.key);
  for (let key = cursor.key; key !== undefined && isBeforeEnd(key, operation); cursor.next(), key = cursor.key) {
    const version = latest ? cursor.version : versions.at(cursor.version, operation.revision);
    if (version === NO_VERSION || isTombstone(version)) {
      continue;
    }
    count++;
    if (count <= limit) {
      keyValues.push(record.keyValue(key, version, operation.keysOnly));
    } else if (latest) {
      // The rest need not be walked: the tree knows how many there are.
      count = countLatest(view.root, operation);
      break;
    }
  }
  return { kind: 'range', revision, keyValues, more: count > limit, count };
}

function countAt({ root, record }: ReadView, operation: RangeOperation): number {
  const { versions } = record;
  let count = 0;
  const cursor = new Cursor(root, operation.key);
  for (let key = cursor.key; key !== undefined && isBeforeEnd(key, operation); cursor.next(), key = cursor.key) {
    const version = versions.at(cursor.version, operation.revision);
    if (version !== NO_VERSION && !isTombstone(version)) {
      count++;
    }
  }
  return count;
}

/** What sorting needs of a key, without a view of its value as long as nobody asks for that. */
interface Candidate {
  readonly key: Key;
  readonly source: Version;
  readonly rank: number;
  readonly value: Uint8Array | undefined;
}

function readSorted(view: ReadView, operation: RangeOperation): RangeResponse {
  const { record } = view;
  const { versions } = record;
  const readAt = operation.revision <= 0 ? view.revision : operation.revision;
  const candidates: Candidate[] = [];
  // As etcd does it: without an explicit order only the first keys that the limit allows, and one more, are sorted by the target.
  const isCutFirst = operation.sortOrder === 'none' && operation.limit > 0 && !hasFilters(operation);
  const candidatesMax = isCutFirst ? operation.limit + 1 : Number.POSITIVE_INFINITY;
  let count = 0;
  const cursor = new Cursor(view.root, operation.key);
  for (let key = cursor.key; key !== undefined && isBeforeEnd(key, operation); cursor.next(), key = cursor.key) {
    const source = versions.at(cursor.version, readAt);
    if (source === NO_VERSION || isTombstone(source)) {
      continue;
    }
    count++;
    record.read(source);
    if (candidates.length < candidatesMax && passesFilters(operation, record.modRevision, record.createRevision)) {
      const value = operation.sortTarget === 'value' ? record.value(source) : undefined;
      candidates.push({ key, source, rank: rankBy(operation.sortTarget, record), value });
    }
  }
  sortCandidates(candidates, operation);
  const limit = operation.limit > 0 ? operation.limit : candidates.length;
  const keyValues = candidates
    .slice(0, limit)
    .map((candidate) => record.keyValue(candidate.key, candidate.source, operation.keysOnly));
  return { kind: 'range', revision: view.revision, keyValues, more: candidates.length > limit, count };
}

function passesFilters(operation: RangeOperation, modRevision: number, createRevision: number): boolean {
  return (
    (operation.maxModRevision === 0 || modRevision <= operation.maxModRevision) &&
    (operation.minModRevision === 0 || modRevision >= operation.minModRevision) &&
    (operation.maxCreateRevision === 0 || createRevision <= operation.maxCreateRevision) &&
    (operation.minCreateRevision === 0 || createRevision >= operation.minCreateRevision)
  );
}

function rankBy(target: SortTarget, record: RecordReader): number {
  switch (target) {
    case 'version':
      return record.version;
    case 'create':
      return record.createRevision;
    case 'mod':
      return record.modRevision;
    case 'key':
    case 'value':
      return 0;
    default:
      return unreachable(target);
  }
}

/** Stable: what is equal stays in the order of keys. A sort target other than the key without an order ascends (section 3.6). */
function sortCandidates(candidates: Candidate[], operation: RangeOperation): void {
  const sign = operation.sortOrder === 'descending' ? -1 : 1;
  if (operation.sortTarget === 'key') {
    if (sign < 0) {
      candidates.reverse();
    }
  } else if (operation.sortTarget === 'value') {
    candidates.sort((left, right) => {
      return left.value === undefined || right.value === undefined ? 0 : sign * compareBytes(left.value, right.value);
    });
  } else {
    candidates.sort((left, right) => sign * (left.rank - right.rank));
  }
}
