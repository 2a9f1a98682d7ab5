/**
 * Lease and alarm operations as bytes: the part of the command codec (command-codec.ts) beside the keys.
 *
 *     lease-grant   kind u8 | time u64 | lease int64 | ttl signed
 *     lease-renew   kind u8 | time u64 | lease int64
 *     lease-expire  kind u8 | time u64 | count varint | leases int64
 *     lease-revoke  kind u8 | lease int64
 *     alarm         kind u8 | 0 activate, 1 deactivate | 1 no-space, 2 corrupt | member varint
 *
 * These commands carry no limits, so the time of the first three always stands at TIME_OFFSET of the command: the leader that
 * proposes a command which another member has encoded writes its own time over it (stampTime) without decoding anything.
 */
import {
  type ByteReader,
  type ByteWriter,
  INT64_BYTES,
  StoreCodecError,
  unreachable,
  VARINT_BYTES_MAX,
  writeUint53,
} from './bytes.js';
import type { Alarm, AlarmKind, AlarmOperation, Command, LeaseId, LeaseOperation } from './types.js';

export type ControlOperation = LeaseOperation | AlarmOperation;

export const COMMAND_FORMAT_VERSION = 1;

const KIND_LEASE_GRANT = 6;
const KIND_LEASE_RENEW = 7;
const KIND_LEASE_EXPIRE = 8;
const KIND_LEASE_REVOKE = 9;
const KIND_ALARM = 10;

/** Behind format version, "no limits" and the kind. */
const TIME_OFFSET = 3;

/**
 * The latest cluster time, in milliseconds: a year far away, and early enough for any deadline (time and the longest TTL) to be
 * a safe integer.
 */
export const TIME_MS_MAX: number = 2 ** 52;

const ALARM_ACTIONS: readonly AlarmOperation['action'][] = ['activate', 'deactivate'];
/** etcd's numbers (contract section 2). */
const ALARM_NUMBERS: Readonly<Record<AlarmKind, number>> = { 'no-space': 1, corrupt: 2 };

/**
 * Writes the leader's cluster time into an encoded command, in place. False, and nothing happens, if the command carries no
 * time. `timeMs`: an integer from 0 to TIME_MS_MAX.
 */
export function stampTime(data: Uint8Array, timeMs: number): boolean {
  if (!isTime(timeMs)) {
    throw new Error(`${timeMs} is not a time`);
  }
  if (!carriesTime(data)) {
    return false;
  }
  writeUint53(data, TIME_OFFSET, timeMs);
  return true;
}

/** Whether an encoded command is one that is to be stamped. */
export function carriesTime(data: Uint8Array): boolean {
  const kind = data[TIME_OFFSET - 1] ?? 0;
  const isTimed = kind >= KIND_LEASE_GRANT && kind <= KIND_LEASE_EXPIRE;
  return isTimed && data[0] === COMMAND_FORMAT_VERSION && data[1] === 0 && data.length >= TIME_OFFSET + INT64_BYTES;
}

export function isTime(timeMs: number): boolean {
  return Number.isSafeInteger(timeMs) && timeMs >= 0 && timeMs <= TIME_MS_MAX;
}

export function isControlKind(kind: number): boolean {
  return kind >= KIND_LEASE_GRANT && kind <= KIND_ALARM;
}

export function isControl(operation: Command['operation']): operation is ControlOperation {
  switch (operation.kind) {
    case 'put':
    case 'delete':
    case 'txn':
    case 'compact':
      return false;
    case 'lease-grant':
    case 'lease-renew':
    case 'lease-revoke':
    case 'lease-expire':
    case 'alarm':
      return true;
    default:
      return unreachable(operation);
  }
}

export function controlBytesMax(operation: ControlOperation): number {
  const fixed = 1 + 2 * INT64_BYTES + 2 * (VARINT_BYTES_MAX + 1);
  return operation.kind === 'lease-expire' ? fixed + operation.leases.length * INT64_BYTES : fixed;
}

export function writeControl(writer: ByteWriter, operation: ControlOperation): void {
  switch (operation.kind) {
    case 'lease-grant':
      writeTimed(writer, KIND_LEASE_GRANT, operation.timeMs);
      writer.int64(operation.lease);
      writer.signed(operation.ttlSeconds);
      break;
    case 'lease-renew':
      writeTimed(writer, KIND_LEASE_RENEW, operation.timeMs);
      writer.int64(operation.lease);
      break;
    case 'lease-expire':
      writeTimed(writer, KIND_LEASE_EXPIRE, operation.timeMs);
      writeLeases(writer, operation.leases);
      break;
    case 'lease-revoke':
      writer.byte(KIND_LEASE_REVOKE);
      writer.int64(operation.lease);
      break;
    case 'alarm':
      writer.byte(KIND_ALARM);
      writer.byte(ALARM_ACTIONS.indexOf(operation.action));
      writeAlarm(writer, operation);
      break;
    default:
      unreachable(operation);
  }
}

function writeTimed(writer: ByteWriter, kind: number, timeMs: number): void {
  if (!isTime(timeMs)) {
    throw new StoreCodecError(`${timeMs} is not a time`);
  }
  writer.byte(kind);
  writer.uint53(timeMs);
}

export function readControl(reader: ByteReader, kind: number): ControlOperation {
  switch (kind) {
    case KIND_LEASE_GRANT:
      return { kind: 'lease-grant', timeMs: readTime(reader), lease: reader.int64(), ttlSeconds: reader.signed() };
    case KIND_LEASE_RENEW:
      return { kind: 'lease-renew', timeMs: readTime(reader), lease: reader.int64() };
    case KIND_LEASE_EXPIRE:
      return { kind: 'lease-expire', timeMs: readTime(reader), leases: readLeases(reader) };
    case KIND_LEASE_REVOKE:
      return { kind: 'lease-revoke', lease: reader.int64() };
    case KIND_ALARM: {
      const action = ALARM_ACTIONS[reader.byte()];
      if (action === undefined) {
        throw new StoreCodecError('unknown action of an alarm');
      }
      return { kind: 'alarm', action, ...readAlarm(reader) };
    }
    default:
      throw new StoreCodecError(`unknown kind of operation ${kind}`);
  }
}

function readTime(reader: ByteReader): number {
  const timeMs = reader.uint53();
  if (timeMs > TIME_MS_MAX) {
    throw new StoreCodecError(`${timeMs} is not a time`);
  }
  return timeMs;
}

export function writeLeases(writer: ByteWriter, leases: readonly LeaseId[]): void {
  writer.varint(leases.length);
  for (const lease of leases) {
    writer.int64(lease);
  }
}

export function readLeases(reader: ByteReader): LeaseId[] {
  const count = reader.count(INT64_BYTES);
  const leases: LeaseId[] = [];
  for (let index = 0; index < count; index++) {
    leases.push(reader.int64());
  }
  return leases;
}

/** At most so many bytes: see writeAlarm(). */
export const ALARM_BYTES_MAX: number = 1 + VARINT_BYTES_MAX;
export const ALARM_BYTES_MIN = 2;

export function writeAlarm(writer: ByteWriter, alarm: Alarm): void {
  writer.byte(ALARM_NUMBERS[alarm.alarm]);
  writer.varint(alarm.member);
}

export function readAlarm(reader: ByteReader): Alarm {
  const number = reader.byte();
  if (number !== ALARM_NUMBERS['no-space'] && number !== ALARM_NUMBERS.corrupt) {
    throw new StoreCodecError(`unknown alarm ${number}`);
  }
  return { alarm: number === ALARM_NUMBERS.corrupt ? 'corrupt' : 'no-space', member: reader.varint() };
}

/** The alarms as bytes; for a snapshot's header. */
export function alarmsBytesMax(alarms: readonly Alarm[]): number {
  return VARINT_BYTES_MAX + alarms.length * ALARM_BYTES_MAX;
}

export function writeAlarms(writer: ByteWriter, alarms: readonly Alarm[]): void {
  writer.varint(alarms.length);
  for (const alarm of alarms) {
    writeAlarm(writer, alarm);
  }
}

/** `count`: as the caller has read and bounded it. */
export function readAlarms(reader: ByteReader, count: number): Alarm[] {
  const alarms: Alarm[] = [];
  for (let index = 0; index < count; index++) {
    alarms.push(readAlarm(reader));
  }
  return alarms;
}
