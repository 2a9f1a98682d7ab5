/**
 * What a transaction must satisfy before it may run, and which way it goes: contract sections 4.10 to 4.12.
 *
 * All of it looks only at the request or at the state before the transaction, so that a refusal changes nothing.
 */
import { compareBytes, unreachable } from './bytes.js';
import { Cursor, EVERY_KEY_FROM, isBeforeEnd } from './cursor.js';
import { KeyRanges } from './key-ranges.js';
import type { RecordReader } from './record.js';
import type { Node } from './tree.js';
import type { Compare, CompareResult, Key, Operation, StoreErrorCode, TxnOperation } from './types.js';
import { isTombstone, type Version } from './versions.js';

/**
 * Most compares, or operations of a branch, of a transaction; what is nested shares the budget of what it is nested in. It bounds what one
 * entry of the log may cost. It is no setting: members must agree on what is refused, and a log must be replayed as it was applied. Doors
 * have lower limits, which may differ.
 */
export const TXN_OPERATIONS_MAX = 16_384;

/**
 * What is wrong with an operation whatever the state: empty keys, a value or lease beside its ignore flag, too many operations,
 * a key written twice. Doors call it too, to refuse early.
 */
export function validateOperation(operation: Operation, txnOperationsMax: number): StoreErrorCode | undefined {
  if (operation.kind !== 'txn') {
    return validateShape(operation, txnOperationsMax);
  }
  return validateShape(operation, txnOperationsMax) ?? validateWrites(operation);
}

function validateShape(operation: Operation, operationsMax: number): StoreErrorCode | undefined {
  if (operation.kind === 'txn') {
    return validateTxnShape(operation, operationsMax);
  }
  if (operation.key === '') {
    return 'key-empty';
  }
  if (operation.kind === 'put') {
    if (operation.ignoreValue && operation.value.length > 0) {
      return 'value-provided';
    }
    if (operation.ignoreLease && operation.lease !== 0n) {
      return 'lease-provided';
    }
  }
  return undefined;
}

/** Section 4.10: the largest of the three lists counts, and is taken off the budget of the transactions inside. */
function validateTxnShape(txn: TxnOperation, operationsMax: number): StoreErrorCode | undefined {
  const operations = Math.max(txn.compares.length, txn.success.length, txn.failure.length);
  if (operations > operationsMax) {
    return 'too-many-operations';
  }
  if (txn.compares.some((compare) => compare.key === '')) {
    return 'key-empty';
  }
  for (const branch of [txn.success, txn.failure]) {
    for (const operation of branch) {
      const refusal = validateShape(operation, operationsMax - operations);
      if (refusal !== undefined) {
        return refusal;
      }
    }
  }
  return undefined;
}

function validateWrites({ success, failure }: TxnOperation): StoreErrorCode | undefined {
  return overlaps(success) || overlaps(failure) ? 'duplicate-key' : undefined;
}

function overlaps(branch: readonly Operation[]): boolean {
  // Nothing that is alone overlaps, and most branches have one operation or none.
  return (branch.length > 1 || branch[0]?.kind === 'txn') && writesOf(branch) === undefined;
}

/** What a branch may write, whichever way the transactions inside it go. */
interface Writes {
  readonly puts: Set<Key>;
  readonly deletes: KeyRanges;
}

/**
 * Section 4.11: no key may be put twice in a branch, nor put where the same branch deletes, nested branches included; the two
 * branches of one transaction exclude each other and may overlap. Undefined if the rule is broken. As in etcd the rule is
 * applied in the order this level's deletes, nested transactions, this level's puts; so a put in a nested transaction is let
 * through before a delete in a *later* nested one. And as in etcd, a delete without an end (rangeEnd '\0') does not count: its
 * checker takes that end for a key, before which there is nothing. In these two ways a key comes to have several versions of one
 * revision, puts and deletes in turns.
 */
function writesOf(branch: readonly Operation[]): Writes | undefined {
  const puts = new Set<Key>();
  const deletes = new KeyRanges();
  for (const operation of branch) {
    if (operation.kind === 'delete' && operation.rangeEnd !== EVERY_KEY_FROM) {
      deletes.add(operation);
    }
  }
  for (const operation of branch) {
    if (operation.kind !== 'txn') {
      continue;
    }
    const success = writesOf(operation.success);
    const failure = writesOf(operation.failure);
    if (success === undefined || failure === undefined) {
      return undefined;
    }
    const nested = new Set([...success.puts, ...failure.puts]);
    for (const key of nested) {
      if (puts.has(key) || deletes.has(key)) {
        return undefined;
      }
      puts.add(key);
    }
    deletes.addAll(success.deletes);
    deletes.addAll(failure.deletes);
  }
  for (const operation of branch) {
    if (operation.kind === 'put') {
      if (puts.has(operation.key) || deletes.has(operation.key)) {
        return undefined;
      }
      puts.add(operation.key);
    }
  }
  return { puts, deletes };
}

/** Whether it only reads, whichever way it goes: then it needs no command (section 4.14). */
export function isReadOnly(txn: TxnOperation): boolean {
  const onlyReads = (operation: Operation): boolean =>
    operation.kind === 'range' || (operation.kind === 'txn' && isReadOnly(operation));
  return txn.success.every(onlyReads) && txn.failure.every(onlyReads);
}

/**
 * Which branch each transaction takes, the outer one first and nested ones in the order in which they run. All compares are
 * evaluated on the state before the transaction (section 4.12).
 */
export function choosePath(txn: TxnOperation, root: Node, record: RecordReader): boolean[] {
  const path: boolean[] = [];
  const visit = (nested: TxnOperation): void => {
    const succeeded = nested.compares.every((compare) => holds(compare, root, record));
    path.push(succeeded);
    for (const operation of succeeded ? nested.success : nested.failure) {
      if (operation.kind === 'txn') {
        visit(operation);
      }
    }
  };
  visit(txn);
  return path;
}

/** Every key of the range must satisfy it. No key: zeros are compared, except that a value compare is then false (section 4.12). */
function holds(compare: Compare, root: Node, record: RecordReader): boolean {
  let isEmpty = true;
  const cursor = new Cursor(root, compare.key);
  for (let key = cursor.key; key !== undefined && isBeforeEnd(key, compare); cursor.next(), key = cursor.key) {
    const version = cursor.version;
    if (!isTombstone(version)) {
      isEmpty = false;
      if (!satisfies(compare.result, compareVersion(compare, version, record))) {
        return false;
      }
    }
  }
  return isEmpty ? compare.target !== 'value' && satisfies(compare.result, compareZero(compare)) : true;
}

/** Negative, zero or positive: how the version's field stands to the operand. */
function compareVersion(compare: Compare, version: Version, record: RecordReader): number {
  record.read(version);
  switch (compare.target) {
    case 'version':
      return record.version - compare.operand;
    case 'create':
      return record.createRevision - compare.operand;
    case 'mod':
      return record.modRevision - compare.operand;
    case 'value':
      return compareBytes(record.value(version), compare.operand);
    case 'lease':
      return compareIntegers(record.lease, compare.operand);
    default:
      return unreachable(compare);
  }
}

function compareZero(compare: Compare): number {
  switch (compare.target) {
    case 'version':
    case 'create':
    case 'mod':
      return -compare.operand;
    case 'lease':
      return compareIntegers(0n, compare.operand);
    case 'value':
      throw new Error('a value compare of nothing is false before it comes here');
    default:
      return unreachable(compare);
  }
}

function compareIntegers(left: bigint, right: bigint): number {
  if (left === right) {
    return 0;
  }
  return left < right ? -1 : 1;
}

function satisfies(result: CompareResult, order: number): boolean {
  switch (result) {
    case 'equal':
      return order === 0;
    case 'not-equal':
      return order !== 0;
    case 'greater':
      return order > 0;
    case 'less':
      return order < 0;
    default:
      return unreachable(result);
  }
}
