/** Codecs by hand for Range, Put and DeleteRange; of tags as numbers see pairs.ts. */
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
} from '../../messages/range.js';
import { namesOf } from '../names.js';
import { readMessage, writeMessage } from '../nested.js';
import { EMPTY_BYTES, type Reader } from '../reader.js';
import type { MessageCodec } from '../types.js';
import { numbersOf } from './numbers.js';
import { HEADER_HINT_BYTES, keyValue, keyValueHintBytes, responseHeader } from './pairs.js';

const SORT_ORDERS = namesOf('etcdserverpb.RangeRequest.SortOrder');
const SORT_TARGETS = namesOf('etcdserverpb.RangeRequest.SortTarget');
const RANGE_REQUEST_NUMBERS = numbersOf('etcdserverpb.RangeRequest');

/** The fields that few requests have; they stand apart so that the common ones stay small enough to be inlined. */
function readRareRangeField(reader: Reader, tag: number, message: RangeRequest): void {
  switch (tag) {
    case 0x28:
      message.sortOrder = SORT_ORDERS.name(reader.int32());
      break;
    case 0x30:
      message.sortTarget = SORT_TARGETS.name(reader.int32());
      break;
    case 0x50:
      message.minModRevision = reader.int64();
      break;
    case 0x58:
      message.maxModRevision = reader.int64();
      break;
    case 0x60:
      message.minCreateRevision = reader.int64();
      break;
    case 0x68:
      message.maxCreateRevision = reader.int64();
      break;
    default:
      reader.skip(tag, RANGE_REQUEST_NUMBERS);
  }
}

export const rangeRequest: MessageCodec<RangeRequest> = {
  create: () => ({
    key: EMPTY_BYTES,
    rangeEnd: EMPTY_BYTES,
    limit: 0,
    revision: 0,
    sortOrder: 'NONE',
    sortTarget: 'KEY',
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
          message.key = reader.byteString();
          break;
        case 0x12:
          message.rangeEnd = reader.byteString();
          break;
        case 0x18:
          message.limit = reader.int64();
          break;
        case 0x20:
          message.revision = reader.int64();
          break;
        case 0x38:
          message.serializable = reader.bool();
          break;
        case 0x40:
          message.keysOnly = reader.bool();
          break;
        case 0x48:
          message.countOnly = reader.bool();
          break;
        default:
          readRareRangeField(reader, tag, message);
      }
    }
  },
  write(writer, message) {
    const { key, rangeEnd, sortOrder, sortTarget } = message;
    if (key !== undefined && key.length > 0) writer.byteString(0x0a, key);
    if (rangeEnd !== undefined && rangeEnd.length > 0) writer.byteString(0x12, rangeEnd);
    if (message.limit) writer.int64(0x18, message.limit);
    if (message.revision) writer.int64(0x20, message.revision);
    if (sortOrder && sortOrder !== 'NONE') writer.int32(0x28, SORT_ORDERS.number(sortOrder));
    if (sortTarget && sortTarget !== 'KEY') writer.int32(0x30, SORT_TARGETS.number(sortTarget));
    if (message.serializable) writer.bool(0x38);
    if (message.keysOnly) writer.bool(0x40);
    if (message.countOnly) writer.bool(0x48);
    if (message.minModRevision) writer.int64(0x50, message.minModRevision);
    if (message.maxModRevision) writer.int64(0x58, message.maxModRevision);
    if (message.minCreateRevision) writer.int64(0x60, message.minCreateRevision);
    if (message.maxCreateRevision) writer.int64(0x68, message.maxCreateRevision);
  },
};

const RANGE_RESPONSE_NUMBERS = numbersOf('etcdserverpb.RangeResponse');

export const rangeResponse: MessageCodec<RangeResponse> = {
  create: () => ({ header: undefined, kvs: [], more: false, count: 0 }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
          message.header = readMessage(reader, responseHeader, message.header);
          break;
        case 0x12:
          message.kvs.push(readMessage(reader, keyValue, undefined));
          break;
        case 0x18:
          message.more = reader.bool();
          break;
        case 0x20:
          message.count = reader.int64();
          break;
        default:
          reader.skip(tag, RANGE_RESPONSE_NUMBERS);
      }
    }
  },
  write(writer, { header, kvs, more, count }) {
    if (header !== undefined) writeMessage(writer, 0x0a, responseHeader, header, HEADER_HINT_BYTES);
    if (kvs !== undefined) for (const pair of kvs) writeMessage(writer, 0x12, keyValue, pair, keyValueHintBytes(pair));
    if (more) writer.bool(0x18);
    if (count) writer.int64(0x20, count);
  },
};

const PUT_REQUEST_NUMBERS = numbersOf('etcdserverpb.PutRequest');

export const putRequest: MessageCodec<PutRequest> = {
  create: () => ({
    key: EMPTY_BYTES,
    value: EMPTY_BYTES,
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
          message.key = reader.byteString();
          break;
        case 0x12:
          message.value = reader.byteString();
          break;
        case 0x18:
          message.lease = reader.int64Bigint();
          break;
        case 0x20:
          message.prevKv = reader.bool();
          break;
        case 0x28:
          message.ignoreValue = reader.bool();
          break;
        case 0x30:
          message.ignoreLease = reader.bool();
          break;
        default:
          reader.skip(tag, PUT_REQUEST_NUMBERS);
      }
    }
  },
  write(writer, { key, value, lease, prevKv, ignoreValue, ignoreLease }) {
    if (key !== undefined && key.length > 0) writer.byteString(0x0a, key);
    if (value !== undefined && value.length > 0) writer.byteString(0x12, value);
    if (lease) writer.int64Bigint(0x18, lease);
    if (prevKv) writer.bool(0x20);
    if (ignoreValue) writer.bool(0x28);
    if (ignoreLease) writer.bool(0x30);
  },
};

const PUT_RESPONSE_NUMBERS = numbersOf('etcdserverpb.PutResponse');

export const putResponse: MessageCodec<PutResponse> = {
  create: () => ({ header: undefined, prevKv: undefined }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) message.header = readMessage(reader, responseHeader, message.header);
      else if (tag === 0x12) message.prevKv = readMessage(reader, keyValue, message.prevKv);
      else reader.skip(tag, PUT_RESPONSE_NUMBERS);
    }
  },
  write(writer, { header, prevKv }) {
    if (header !== undefined) writeMessage(writer, 0x0a, responseHeader, header, HEADER_HINT_BYTES);
    if (prevKv !== undefined) writeMessage(writer, 0x12, keyValue, prevKv, keyValueHintBytes(prevKv));
  },
};

const DELETE_RANGE_REQUEST_NUMBERS = numbersOf('etcdserverpb.DeleteRangeRequest');

export const deleteRangeRequest: MessageCodec<DeleteRangeRequest> = {
  create: () => ({ key: EMPTY_BYTES, rangeEnd: EMPTY_BYTES, prevKv: false }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) message.key = reader.byteString();
      else if (tag === 0x12) message.rangeEnd = reader.byteString();
      else if (tag === 0x18) message.prevKv = reader.bool();
      else reader.skip(tag, DELETE_RANGE_REQUEST_NUMBERS);
    }
  },
  write(writer, { key, rangeEnd, prevKv }) {
    if (key !== undefined && key.length > 0) writer.byteString(0x0a, key);
    if (rangeEnd !== undefined && rangeEnd.length > 0) writer.byteString(0x12, rangeEnd);
    if (prevKv) writer.bool(0x18);
  },
};

const DELETE_RANGE_RESPONSE_NUMBERS = numbersOf('etcdserverpb.DeleteRangeResponse');

export const deleteRangeResponse: MessageCodec<DeleteRangeResponse> = {
  create: () => ({ header: undefined, deleted: 0, prevKvs: [] }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) message.header = readMessage(reader, responseHeader, message.header);
      else if (tag === 0x10) message.deleted = reader.int64();
      else if (tag === 0x1a) message.prevKvs.push(readMessage(reader, keyValue, undefined));
      else reader.skip(tag, DELETE_RANGE_RESPONSE_NUMBERS);
    }
  },
  write(writer, { header, deleted, prevKvs }) {
    if (header !== undefined) writeMessage(writer, 0x0a, responseHeader, header, HEADER_HINT_BYTES);
    if (deleted) writer.int64(0x10, deleted);
    if (prevKvs !== undefined)
      for (const pair of prevKvs) writeMessage(writer, 0x1a, keyValue, pair, keyValueHintBytes(pair));
  },
};
