/**
 * Codecs by hand for what every reply and every event carries. A tag stands as the byte that it is on the wire: the field's
 * number times eight, plus 2 for bytes and messages and 0 for numbers.
 */
import type { Event, KeyValue } from '../../messages/kv.js';
import type { ResponseHeader } from '../../messages/range.js';
import { namesOf } from '../names.js';
import { readMessage, writeMessage } from '../nested.js';
import { EMPTY_BYTES } from '../reader.js';
import type { MessageCodec, MessageInit } from '../types.js';
import { numbersOf } from './numbers.js';

const HEADER_NUMBERS = numbersOf('etcdserverpb.ResponseHeader');

export const responseHeader: MessageCodec<ResponseHeader> = {
  create: () => ({ clusterId: 0n, memberId: 0n, revision: 0, raftTerm: 0 }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x08:
          message.clusterId = reader.uint64Bigint();
          break;
        case 0x10:
          message.memberId = reader.uint64Bigint();
          break;
        case 0x18:
          message.revision = reader.int64();
          break;
        case 0x20:
          message.raftTerm = reader.uint64();
          break;
        default:
          reader.skip(tag, HEADER_NUMBERS);
      }
    }
  },
  write(writer, { clusterId, memberId, revision, raftTerm }) {
    if (clusterId) writer.uint64Bigint(0x08, clusterId);
    if (memberId) writer.uint64Bigint(0x10, memberId);
    if (revision) writer.int64(0x18, revision);
    if (raftTerm) writer.uint64(0x20, raftTerm);
  },
};

/** Two IDs of ten bytes at most, and two small numbers: its length takes one byte. */
export const HEADER_HINT_BYTES = 32;

const KEY_VALUE_NUMBERS = numbersOf('mvccpb.KeyValue');

export const keyValue: MessageCodec<KeyValue> = {
  create: () => ({ key: EMPTY_BYTES, createRevision: 0, modRevision: 0, version: 0, value: EMPTY_BYTES, lease: 0n }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
          message.key = reader.byteString();
          break;
        case 0x10:
          message.createRevision = reader.int64();
          break;
        case 0x18:
          message.modRevision = reader.int64();
          break;
        case 0x20:
          message.version = reader.int64();
          break;
        case 0x2a:
          message.value = reader.byteString();
          break;
        case 0x30:
          message.lease = reader.int64Bigint();
          break;
        default:
          reader.skip(tag, KEY_VALUE_NUMBERS);
      }
    }
  },
  write(writer, { key, createRevision, modRevision, version, value, lease }) {
    if (key !== undefined && key.length > 0) writer.byteString(0x0a, key);
    if (createRevision) writer.int64(0x10, createRevision);
    if (modRevision) writer.int64(0x18, modRevision);
    if (version) writer.int64(0x20, version);
    if (value !== undefined && value.length > 0) writer.byteString(0x2a, value);
    if (lease) writer.int64Bigint(0x30, lease);
  },
};

/** The rest of a pair besides key and value, about: only a length close to 128 or 16,384 is guessed wrong by it. */
const KEY_VALUE_REST_BYTES = 16;

export function keyValueHintBytes(pair: MessageInit<KeyValue>): number {
  return (pair.key?.length ?? 0) + (pair.value?.length ?? 0) + KEY_VALUE_REST_BYTES;
}

const EVENT_TYPES = namesOf('mvccpb.Event.EventType');
const EVENT_NUMBERS = numbersOf('mvccpb.Event');

export const event: MessageCodec<Event> = {
  create: () => ({ type: 'PUT', kv: undefined, prevKv: undefined }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x08:
          message.type = EVENT_TYPES.name(reader.int32());
          break;
        case 0x12:
          message.kv = readMessage(reader, keyValue, message.kv);
          break;
        case 0x1a:
          message.prevKv = readMessage(reader, keyValue, message.prevKv);
          break;
        default:
          reader.skip(tag, EVENT_NUMBERS);
      }
    }
  },
  write(writer, { type, kv, prevKv }) {
    if (type && type !== 'PUT') writer.int32(0x08, EVENT_TYPES.number(type));
    if (kv !== undefined) writeMessage(writer, 0x12, keyValue, kv, keyValueHintBytes(kv));
    if (prevKv !== undefined) writeMessage(writer, 0x1a, keyValue, prevKv, keyValueHintBytes(prevKv));
  },
};

export function eventHintBytes(message: MessageInit<Event>): number {
  const { kv, prevKv } = message;
  return (
    (kv === undefined ? 0 : keyValueHintBytes(kv) + 4) + (prevKv === undefined ? 0 : keyValueHintBytes(prevKv) + 3)
  );
}
