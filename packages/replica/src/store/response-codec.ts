/**
 * Responses as bytes: how the leader's answer travels back to the member that forwarded a command.
 *
 *     format version u8 | response
 *     put      kind u8 | revision | 0 or 1: previous follows
 *     delete   kind u8 | revision | deleted | count of previous | previous
 *     range    kind u8 | revision | more u8 | count | number of key-values | key-values
 *     txn      kind u8 | revision | succeeded u8 | number of responses | responses
 *     compact  kind u8 | revision
 *     lease    kind u8 | revision | lease int64 | ttl
 *     lease-end  kind u8 | revision | count | leases int64
 *     alarm    kind u8 | revision | count | alarms, each: number u8 | member
 *     error    kind u8 | code u8
 *     key-value  key | value | createRevision | modRevision | version | 0 or 1: lease int64 follows
 */
import type { Platform } from '../seams/platform.js';
import { ByteReader, ByteWriter, INT64_BYTES, StoreCodecError, unreachable, VARINT_BYTES_MAX } from './bytes.js';
import { ALARM_BYTES_MIN, alarmsBytesMax, readAlarms, readLeases, writeAlarms, writeLeases } from './control-codec.js';
import { type KeyValue, NO_LEASE, type Response, type StoreErrorCode } from './types.js';

const RESPONSE_FORMAT_VERSION = 1;
const RESPONSE_DEPTH_MAX = 256;

const KIND_PUT = 1;
const KIND_DELETE = 2;
const KIND_RANGE = 3;
const KIND_TXN = 4;
const KIND_COMPACT = 5;
const KIND_ERROR = 6;
const KIND_LEASE = 7;
const KIND_LEASE_END = 8;
const KIND_ALARM = 9;

/** Bytes of a response beside what is in it, and of a key-value beside key and value. */
const RESPONSE_BYTES_MAX = 2 + 3 * VARINT_BYTES_MAX;
const KEY_VALUE_BYTES_MAX = 1 + 5 * VARINT_BYTES_MAX + INT64_BYTES;
const KEY_VALUE_BYTES_MIN = 6;
const RESPONSE_BYTES_MIN = 2;

/** The number of each code in the format. Numbers are for ever; a new code takes the next one, or this does not compile. */
const ERROR_NUMBERS = {
  'key-not-found': 1,
  'key-empty': 2,
  'value-provided': 3,
  'lease-provided': 4,
  'lease-not-found': 5,
  compacted: 6,
  'future-revision': 7,
  'duplicate-key': 8,
  'too-many-operations': 9,
  'key-too-long': 10,
  'value-too-long': 11,
  'too-many-keys': 12,
  'lease-exists': 13,
  'lease-ttl-too-large': 14,
  'no-space': 15,
  corrupt: 16,
} as const satisfies Record<StoreErrorCode, number>;

const ERROR_CODES: ReadonlyMap<number, StoreErrorCode> = new Map(
  Object.entries(ERROR_NUMBERS).map(([code, number]) => [number, code as StoreErrorCode]),
);

export function encodeResponse(platform: Platform, response: Response): Uint8Array {
  const writer = new ByteWriter(platform, 1 + responseBytesMax(response));
  writer.byte(RESPONSE_FORMAT_VERSION);
  writeResponse(writer, response, 0);
  return writer.finish();
}

/** Throws StoreCodecError for anything that encodeResponse() does not write. Values are views into `bytes`. */
export function decodeResponse(platform: Platform, bytes: Uint8Array): Response {
  const reader = new ByteReader(platform, bytes, 0, bytes.length);
  const version = reader.byte();
  if (version !== RESPONSE_FORMAT_VERSION) {
    throw new StoreCodecError(`response format ${version}, known is ${RESPONSE_FORMAT_VERSION}`);
  }
  const response = readResponse(reader, 0);
  reader.finish();
  return response;
}

function keyValueBytesMax(keyValue: KeyValue | undefined): number {
  return keyValue === undefined ? 0 : KEY_VALUE_BYTES_MAX + keyValue.key.length + keyValue.value.length;
}

function responseBytesMax(response: Response): number {
  switch (response.kind) {
    case 'put':
      return RESPONSE_BYTES_MAX + keyValueBytesMax(response.previous);
    case 'delete':
      return response.previous.reduce((bytes, keyValue) => bytes + keyValueBytesMax(keyValue), RESPONSE_BYTES_MAX);
    case 'range':
      return response.keyValues.reduce((bytes, keyValue) => bytes + keyValueBytesMax(keyValue), RESPONSE_BYTES_MAX);
    case 'txn':
      return response.responses.reduce((bytes, nested) => bytes + responseBytesMax(nested), RESPONSE_BYTES_MAX);
    case 'compact':
    case 'error':
      return RESPONSE_BYTES_MAX;
    case 'lease':
      return RESPONSE_BYTES_MAX + INT64_BYTES;
    case 'lease-end':
      return RESPONSE_BYTES_MAX + response.ended.length * INT64_BYTES;
    case 'alarm':
      return RESPONSE_BYTES_MAX + alarmsBytesMax(response.alarms);
    default:
      return unreachable(response);
  }
}

function writeKeyValue(writer: ByteWriter, keyValue: KeyValue): void {
  writer.latin1(keyValue.key);
  writer.bytes(keyValue.value);
  writer.varint(keyValue.createRevision);
  writer.varint(keyValue.modRevision);
  writer.varint(keyValue.version);
  writer.byte(keyValue.lease === NO_LEASE ? 0 : 1);
  if (keyValue.lease !== NO_LEASE) {
    writer.int64(keyValue.lease);
  }
}

function writeKeyValues(writer: ByteWriter, keyValues: readonly KeyValue[]): void {
  writer.varint(keyValues.length);
  for (const keyValue of keyValues) {
    writeKeyValue(writer, keyValue);
  }
}

function writeResponse(writer: ByteWriter, response: Response, depth: number): void {
  switch (response.kind) {
    case 'put':
      writer.byte(KIND_PUT);
      writer.varint(response.revision);
      writer.byte(response.previous === undefined ? 0 : 1);
      if (response.previous !== undefined) {
        writeKeyValue(writer, response.previous);
      }
      break;
    case 'delete':
      writer.byte(KIND_DELETE);
      writer.varint(response.revision);
      writer.varint(response.deleted);
      writeKeyValues(writer, response.previous);
      break;
    case 'range':
      writer.byte(KIND_RANGE);
      writer.varint(response.revision);
      writer.byte(response.more ? 1 : 0);
      writer.varint(response.count);
      writeKeyValues(writer, response.keyValues);
      break;
    case 'txn':
      checkDepth(depth);
      writer.byte(KIND_TXN);
      writer.varint(response.revision);
      writer.byte(response.succeeded ? 1 : 0);
      writer.varint(response.responses.length);
      for (const nested of response.responses) {
        writeResponse(writer, nested, depth + 1);
      }
      break;
    case 'compact':
      writer.byte(KIND_COMPACT);
      writer.varint(response.revision);
      break;
    case 'lease':
      writer.byte(KIND_LEASE);
      writer.varint(response.revision);
      writer.int64(response.lease);
      writer.varint(response.ttlSeconds);
      break;
    case 'lease-end':
      writer.byte(KIND_LEASE_END);
      writer.varint(response.revision);
      writeLeases(writer, response.ended);
      break;
    case 'alarm':
      writer.byte(KIND_ALARM);
      writer.varint(response.revision);
      writeAlarms(writer, response.alarms);
      break;
    case 'error':
      writer.byte(KIND_ERROR);
      writer.byte(ERROR_NUMBERS[response.code]);
      break;
    default:
      unreachable(response);
  }
}

function checkDepth(depth: number): void {
  if (depth >= RESPONSE_DEPTH_MAX) {
    throw new StoreCodecError(`responses nested more than ${RESPONSE_DEPTH_MAX} deep`);
  }
}

function readKeyValue(reader: ByteReader): KeyValue {
  const key = reader.latin1();
  const value = reader.bytes();
  const createRevision = reader.varint();
  const modRevision = reader.varint();
  const version = reader.varint();
  const lease = reader.boolean() ? reader.int64() : undefined;
  if (lease === NO_LEASE) {
    throw new StoreCodecError('a lease of 0 is not written');
  }
  return { key, value, createRevision, modRevision, version, lease: lease ?? NO_LEASE };
}

function readKeyValues(reader: ByteReader): KeyValue[] {
  const count = reader.count(KEY_VALUE_BYTES_MIN);
  const keyValues: KeyValue[] = [];
  for (let index = 0; index < count; index++) {
    keyValues.push(readKeyValue(reader));
  }
  return keyValues;
}

function readResponse(reader: ByteReader, depth: number): Response {
  const kind = reader.byte();
  switch (kind) {
    case KIND_PUT: {
      const revision = reader.varint();
      return { kind: 'put', revision, previous: reader.boolean() ? readKeyValue(reader) : undefined };
    }
    case KIND_DELETE:
      return { kind: 'delete', revision: reader.varint(), deleted: reader.varint(), previous: readKeyValues(reader) };
    case KIND_RANGE: {
      const revision = reader.varint();
      const more = reader.boolean();
      const count = reader.varint();
      return { kind: 'range', revision, keyValues: readKeyValues(reader), more, count };
    }
    case KIND_TXN:
      return readTxn(reader, depth);
    case KIND_COMPACT:
      return { kind: 'compact', revision: reader.varint() };
    case KIND_LEASE:
      return { kind: 'lease', revision: reader.varint(), lease: reader.int64(), ttlSeconds: reader.varint() };
    case KIND_LEASE_END:
      return { kind: 'lease-end', revision: reader.varint(), ended: readLeases(reader) };
    case KIND_ALARM:
      return { kind: 'alarm', revision: reader.varint(), alarms: readAlarms(reader, reader.count(ALARM_BYTES_MIN)) };
    case KIND_ERROR: {
      const number = reader.byte();
      const code = ERROR_CODES.get(number);
      if (code === undefined) {
        throw new StoreCodecError(`unknown error number ${number}`);
      }
      return { kind: 'error', code };
    }
    default:
      throw new StoreCodecError(`unknown kind of response ${kind}`);
  }
}

function readTxn(reader: ByteReader, depth: number): Response {
  checkDepth(depth);
  const revision = reader.varint();
  const succeeded = reader.boolean();
  const count = reader.count(RESPONSE_BYTES_MIN);
  const responses: Response[] = [];
  for (let index = 0; index < count; index++) {
    responses.push(readResponse(reader, depth + 1));
  }
  return { kind: 'txn', revision, succeeded, responses };
}
