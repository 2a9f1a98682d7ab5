/**
 * Commands as bytes, for the log and for forwarding.
 *
 *     format version u8 | 0 or 1: limits follow (three varints) | operation
 *     put      kind u8 | flags u8 | key | value | lease int64, if LEASE
 *     delete   kind u8 | flags u8 | key | rangeEnd, if RANGE_END
 *     range    kind u8 | flags u8 | key | rangeEnd, if RANGE_END | sort u8 | six signed integers, if BOUNDS
 *     txn      kind u8 | three counts | compares | operations of success | operations of failure
 *     compact  kind u8 | revision signed
 *     lease and alarm operations: control-codec.ts
 *     compare  flags u8 | key | rangeEnd, if RANGE_END | operand
 *
 * Keys and values are a length varint and bytes. Decoding is strict, and its values are views into the bytes. Encoding refuses
 * what decoding would refuse, so that nothing gets into the log that cannot be read back.
 */
import type { Platform } from '../seams/platform.js';
import {
  ByteReader,
  ByteWriter,
  INT64_BYTES,
  StoreCodecError,
  unreachable,
  VARINT_BYTES_MAX,
  varintBytes,
} from './bytes.js';
import {
  COMMAND_FORMAT_VERSION,
  type ControlOperation,
  controlBytesMax,
  isControl,
  isControlKind,
  readControl,
  writeControl,
} from './control-codec.js';
import { NO_BYTES } from './record.js';
import {
  type Command,
  type CompactOperation,
  type Compare,
  type CompareResult,
  type DeleteOperation,
  type Key,
  type KeyRange,
  NO_LEASE,
  type Operation,
  type PutOperation,
  type RangeOperation,
  type SortOrder,
  type SortTarget,
  type TxnOperation,
  type WriteLimits,
} from './types.js';

/** Transactions within transactions: more than the messages of any protocol nest. */
const TXN_DEPTH_MAX = 256;

const KIND_PUT = 1;
const KIND_DELETE = 2;
const KIND_RANGE = 3;
const KIND_TXN = 4;
const KIND_COMPACT = 5;

// Flags of operations and compares.
const RETURN_PREVIOUS = 1;
const IGNORE_VALUE = 2;
const IGNORE_LEASE = 4;
const LEASE = 8;
const RANGE_END = 16;
const KEYS_ONLY = 32;
const COUNT_ONLY = 64;
const BOUNDS = 128;
// A compare's flags: RANGE_END, two bits of result, three of target.
const COMPARE_TARGET_FACTOR = 32;

const SORT_ORDERS: readonly SortOrder[] = ['none', 'ascending', 'descending'];
const SORT_TARGETS: readonly SortTarget[] = ['key', 'version', 'create', 'mod', 'value'];
const COMPARE_RESULTS: readonly CompareResult[] = ['equal', 'greater', 'less', 'not-equal'];
const COMPARE_TARGETS: readonly Compare['target'][] = ['version', 'create', 'mod', 'value', 'lease'];

/** Bytes of an operation beside its keys and values, and the fewest that one takes. */
const OPERATION_BYTES_MAX = 2 + 3 * VARINT_BYTES_MAX + 1 + 6 * (VARINT_BYTES_MAX + 1) + INT64_BYTES;
/** Version, and whether limits follow. */
const COMMAND_HEAD_BYTES = 2;
const LIMITS_BYTES_MAX = 3 * VARINT_BYTES_MAX;
const ITEM_BYTES_MIN = 2;

/**
 * The command's bytes. Throws StoreCodecError for numbers that are not safe integers, for transactions nested too deeply, and
 * for limits where they bind nothing: on lease and alarm operations, whose time stands at a fixed place.
 */
export function encodeCommand(platform: Platform, command: Command): Uint8Array {
  const { operation, limits } = command;
  if (isControl(operation)) {
    return encodeControl(platform, operation, limits);
  }
  const commandBytesMax = limits === undefined ? COMMAND_HEAD_BYTES : COMMAND_HEAD_BYTES + LIMITS_BYTES_MAX;
  const writer = new ByteWriter(platform, commandBytesMax + operationBytesMax(operation));
  writer.byte(COMMAND_FORMAT_VERSION);
  if (limits === undefined) {
    writer.byte(0);
  } else {
    writer.byte(1);
    writer.varint(limits.keyBytesMax);
    writer.varint(limits.valueBytesMax);
    writer.varint(limits.keysMax);
  }
  writeOperation(writer, operation, 0);
  return writer.finish();
}

function encodeControl(platform: Platform, operation: ControlOperation, limits: WriteLimits | undefined): Uint8Array {
  if (limits !== undefined) {
    throw new StoreCodecError(`limits on a ${operation.kind}`);
  }
  const writer = new ByteWriter(platform, COMMAND_HEAD_BYTES + controlBytesMax(operation));
  writer.byte(COMMAND_FORMAT_VERSION);
  writer.byte(0);
  writeControl(writer, operation);
  return writer.finish();
}

/** Throws StoreCodecError for anything that encodeCommand() does not write. Values are views into `bytes`. */
export function decodeCommand(platform: Platform, bytes: Uint8Array): Command {
  const reader = new ByteReader(platform, bytes, 0, bytes.length);
  const version = reader.byte();
  if (version !== COMMAND_FORMAT_VERSION) {
    throw new StoreCodecError(`command format ${version}, known is ${COMMAND_FORMAT_VERSION}`);
  }
  const limits: WriteLimits | undefined = reader.boolean()
    ? { keyBytesMax: reader.varint(), valueBytesMax: reader.varint(), keysMax: reader.varint() }
    : undefined;
  const operation = readTopOperation(reader, limits);
  reader.finish();
  return { operation, limits };
}

/**
 * A command that is a put of a key and a value and nothing else, which is what most logs mostly consist of, read without an object for it.
 * Each read overwrites the one before.
 */
export class PlainPutReader {
  readonly #platform: Platform;
  #position = 0;
  key: Key = '';
  valueStart = 0;
  valueEnd = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** False for everything else, what is malformed included: decodeCommand() says what it is, or what is wrong with it. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const isPlainPut =
      end - start > PLAIN_PUT_BYTES &&
      bytes[start] === COMMAND_FORMAT_VERSION &&
      bytes[start + 1] === 0 &&
      bytes[start + 2] === KIND_PUT &&
      bytes[start + 3] === 0;
    if (!isPlainPut) {
      return false;
    }
    this.#position = start + PLAIN_PUT_BYTES;
    const keyLength = this.#length(bytes, end);
    const keyStart = this.#position;
    if (keyLength < 0 || keyStart + keyLength > end) {
      return false;
    }
    this.#position = keyStart + keyLength;
    const valueLength = this.#length(bytes, end);
    if (valueLength < 0 || this.#position + valueLength !== end) {
      return false;
    }
    this.key = this.#platform.latin1(bytes, keyStart, keyStart + keyLength);
    this.valueStart = this.#position;
    this.valueEnd = end;
    return true;
  }

  /** A length of up to three bytes, as all that fit a request are; -1 for any other. */
  #length(bytes: Uint8Array, end: number): number {
    let value = 0;
    for (let count = 0; count < 3 && this.#position < end; count++) {
      const byte = bytes[this.#position++] as number;
      value |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) {
        return byte === 0 && count > 0 ? -1 : value;
      }
    }
    return -1;
  }
}

/** What a command begins with that is a put of a key and a value and nothing else: version, no limits, kind, no flags. Both follow. */
export const PLAIN_PUT_HEAD: readonly number[] = [COMMAND_FORMAT_VERSION, 0, KIND_PUT, 0];
const PLAIN_PUT_BYTES: number = PLAIN_PUT_HEAD.length;

function readTopOperation(reader: ByteReader, limits: WriteLimits | undefined): Command['operation'] {
  const kind = reader.byte();
  if (isControlKind(kind) && limits === undefined) {
    return readControl(reader, kind);
  }
  const operation = readOperation(reader, kind, 0);
  if (operation.kind === 'range') {
    throw new StoreCodecError('a range is not a command');
  }
  return operation;
}

function operationBytesMax(operation: Operation | CompactOperation): number {
  switch (operation.kind) {
    case 'put':
      return putBytes(operation);
    case 'delete':
    case 'range':
      return OPERATION_BYTES_MAX + rangeBytes(operation);
    case 'compact':
      return OPERATION_BYTES_MAX;
    case 'txn': {
      let bytes = OPERATION_BYTES_MAX;
      for (const compare of operation.compares) {
        const operandBytes = compare.target === 'value' ? compare.operand.length : 0;
        bytes += OPERATION_BYTES_MAX + rangeBytes(compare) + operandBytes;
      }
      for (const branch of [operation.success, operation.failure]) {
        for (const nested of branch) {
          bytes += operationBytesMax(nested);
        }
      }
      return bytes;
    }
    default:
      return unreachable(operation);
  }
}

/** Exactly: puts are most of most logs, and stay in memory as they are allocated here. */
function putBytes({ key, value, lease }: PutOperation): number {
  const leaseBytes = lease === NO_LEASE ? 0 : INT64_BYTES;
  return 2 + varintBytes(key.length) + key.length + varintBytes(value.length) + value.length + leaseBytes;
}

function rangeBytes(range: KeyRange): number {
  return range.key.length + (range.rangeEnd === undefined ? 0 : range.rangeEnd.length);
}

function writeOperation(writer: ByteWriter, operation: Operation | CompactOperation, depth: number): void {
  switch (operation.kind) {
    case 'put':
      writePut(writer, operation);
      break;
    case 'delete':
      writer.byte(KIND_DELETE);
      writer.byte((operation.returnPrevious ? RETURN_PREVIOUS : 0) | rangeFlag(operation));
      writeRangeKeys(writer, operation);
      break;
    case 'range':
      writeRange(writer, operation);
      break;
    case 'txn':
      writeTxn(writer, operation, depth);
      break;
    case 'compact':
      writer.byte(KIND_COMPACT);
      writer.signed(operation.revision);
      break;
  }
}

function writePut(writer: ByteWriter, operation: PutOperation): void {
  const { lease } = operation;
  writer.byte(KIND_PUT);
  writer.byte(
    (operation.returnPrevious ? RETURN_PREVIOUS : 0) |
      (operation.ignoreValue ? IGNORE_VALUE : 0) |
      (operation.ignoreLease ? IGNORE_LEASE : 0) |
      (lease === NO_LEASE ? 0 : LEASE),
  );
  writer.latin1(operation.key);
  writer.bytes(operation.value);
  if (lease !== NO_LEASE) {
    writer.int64(lease);
  }
}

function rangeFlag(range: KeyRange): number {
  return range.rangeEnd === undefined ? 0 : RANGE_END;
}

function writeRangeKeys(writer: ByteWriter, range: KeyRange): void {
  writer.latin1(range.key);
  if (range.rangeEnd !== undefined) {
    writer.latin1(range.rangeEnd);
  }
}

function boundsOf(operation: RangeOperation): readonly number[] {
  return [
    operation.limit,
    operation.revision,
    operation.minModRevision,
    operation.maxModRevision,
    operation.minCreateRevision,
    operation.maxCreateRevision,
  ];
}

function writeRange(writer: ByteWriter, operation: RangeOperation): void {
  const bounds = boundsOf(operation);
  const hasBounds = bounds.some((bound) => bound !== 0);
  writer.byte(KIND_RANGE);
  writer.byte(
    rangeFlag(operation) |
      (operation.keysOnly ? KEYS_ONLY : 0) |
      (operation.countOnly ? COUNT_ONLY : 0) |
      (hasBounds ? BOUNDS : 0),
  );
  writeRangeKeys(writer, operation);
  const order = SORT_ORDERS.indexOf(operation.sortOrder);
  writer.byte(order + SORT_ORDERS.length * SORT_TARGETS.indexOf(operation.sortTarget));
  if (hasBounds) {
    for (const bound of bounds) {
      writer.signed(bound);
    }
  }
}

function writeTxn(writer: ByteWriter, operation: TxnOperation, depth: number): void {
  checkDepth(depth);
  writer.byte(KIND_TXN);
  writer.varint(operation.compares.length);
  writer.varint(operation.success.length);
  writer.varint(operation.failure.length);
  for (const compare of operation.compares) {
    writeCompare(writer, compare);
  }
  for (const branch of [operation.success, operation.failure]) {
    for (const nested of branch) {
      writeOperation(writer, nested, depth + 1);
    }
  }
}

function checkDepth(depth: number): void {
  if (depth >= TXN_DEPTH_MAX) {
    throw new StoreCodecError(`transactions nested more than ${TXN_DEPTH_MAX} deep`);
  }
}

function writeCompare(writer: ByteWriter, compare: Compare): void {
  const result = COMPARE_RESULTS.indexOf(compare.result);
  const target = COMPARE_TARGETS.indexOf(compare.target);
  writer.byte(rangeFlag(compare) | result | (target * COMPARE_TARGET_FACTOR));
  writeRangeKeys(writer, compare);
  switch (compare.target) {
    case 'version':
    case 'create':
    case 'mod':
      writer.signed(compare.operand);
      break;
    case 'value':
      writer.bytes(compare.operand);
      break;
    case 'lease':
      writer.int64(compare.operand);
      break;
  }
}

function readOperation(reader: ByteReader, kind: number, depth: number): Operation | CompactOperation {
  switch (kind) {
    case KIND_PUT:
      return readPut(reader);
    case KIND_DELETE:
      return readDelete(reader);
    case KIND_RANGE:
      return readRange(reader);
    case KIND_TXN:
      return readTxn(reader, depth);
    case KIND_COMPACT:
      if (depth > 0) {
        throw new StoreCodecError('a compaction inside a transaction');
      }
      return { kind: 'compact', revision: reader.signed() };
    default:
      throw new StoreCodecError(`unknown kind of operation ${kind}`);
  }
}

function readFlags(reader: ByteReader, known: number): number {
  const flags = reader.byte();
  if ((flags & ~known) !== 0) {
    throw new StoreCodecError(`unknown flags ${flags}`);
  }
  return flags;
}

function readPut(reader: ByteReader): PutOperation {
  const flags = readFlags(reader, RETURN_PREVIOUS | IGNORE_VALUE | IGNORE_LEASE | LEASE);
  const key = reader.latin1();
  const value = reader.bytes();
  let lease = NO_LEASE;
  if ((flags & LEASE) !== 0) {
    lease = reader.int64();
    if (lease === NO_LEASE) {
      throw new StoreCodecError('a lease of 0 is not written');
    }
  }
  return {
    kind: 'put',
    key,
    value,
    lease,
    returnPrevious: (flags & RETURN_PREVIOUS) !== 0,
    ignoreValue: (flags & IGNORE_VALUE) !== 0,
    ignoreLease: (flags & IGNORE_LEASE) !== 0,
  };
}

function readRangeEnd(reader: ByteReader, flags: number): string | undefined {
  return (flags & RANGE_END) === 0 ? undefined : reader.latin1();
}

function readDelete(reader: ByteReader): DeleteOperation {
  const flags = readFlags(reader, RETURN_PREVIOUS | RANGE_END);
  const key = reader.latin1();
  const rangeEnd = readRangeEnd(reader, flags);
  return { kind: 'delete', key, rangeEnd, returnPrevious: (flags & RETURN_PREVIOUS) !== 0 };
}

function readRange(reader: ByteReader): RangeOperation {
  const flags = readFlags(reader, RANGE_END | KEYS_ONLY | COUNT_ONLY | BOUNDS);
  const key = reader.latin1();
  const rangeEnd = readRangeEnd(reader, flags);
  const sort = reader.byte();
  const sortOrder = SORT_ORDERS[sort % SORT_ORDERS.length];
  const sortTarget = SORT_TARGETS[Math.floor(sort / SORT_ORDERS.length)];
  if (sortOrder === undefined || sortTarget === undefined) {
    throw new StoreCodecError(`unknown sort ${sort}`);
  }
  const hasBounds = (flags & BOUNDS) !== 0;
  const bound = (): number => (hasBounds ? reader.signed() : 0);
  const operation: RangeOperation = {
    kind: 'range',
    key,
    rangeEnd,
    limit: bound(),
    revision: bound(),
    sortOrder,
    sortTarget,
    keysOnly: (flags & KEYS_ONLY) !== 0,
    countOnly: (flags & COUNT_ONLY) !== 0,
    minModRevision: bound(),
    maxModRevision: bound(),
    minCreateRevision: bound(),
    maxCreateRevision: bound(),
  };
  if (hasBounds && boundsOf(operation).every((value) => value === 0)) {
    throw new StoreCodecError('bounds of 0 are not written');
  }
  return operation;
}

function readTxn(reader: ByteReader, depth: number): TxnOperation {
  checkDepth(depth);
  const compareCount = reader.count(ITEM_BYTES_MIN);
  const successCount = reader.count(ITEM_BYTES_MIN);
  const failureCount = reader.count(ITEM_BYTES_MIN);
  const compares: Compare[] = [];
  for (let index = 0; index < compareCount; index++) {
    compares.push(readCompare(reader));
  }
  return {
    kind: 'txn',
    compares,
    success: readBranch(reader, successCount, depth),
    failure: readBranch(reader, failureCount, depth),
  };
}

function readBranch(reader: ByteReader, count: number, depth: number): Operation[] {
  const operations: Operation[] = [];
  for (let index = 0; index < count; index++) {
    const operation = readOperation(reader, reader.byte(), depth + 1);
    if (operation.kind === 'compact') {
      throw new StoreCodecError('a compaction inside a transaction');
    }
    operations.push(operation);
  }
  return operations;
}

function readCompare(reader: ByteReader): Compare {
  const flags = reader.byte();
  const result = COMPARE_RESULTS[flags & 3];
  const target = COMPARE_TARGETS[Math.floor(flags / COMPARE_TARGET_FACTOR)];
  if (result === undefined || target === undefined || (flags & 12) !== 0) {
    throw new StoreCodecError(`unknown compare ${flags}`);
  }
  const key = reader.latin1();
  const rangeEnd = readRangeEnd(reader, flags);
  switch (target) {
    case 'version':
    case 'create':
    case 'mod':
      return { key, rangeEnd, result, target, operand: reader.signed() };
    case 'value': {
      const operand = reader.bytes();
      return { key, rangeEnd, result, target, operand: operand.length === 0 ? NO_BYTES : operand };
    }
    case 'lease':
      return { key, rangeEnd, result, target, operand: reader.int64() };
    default:
      return unreachable(target);
  }
}
