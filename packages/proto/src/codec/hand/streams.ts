/** Codecs by hand for the streams of watches and of leases kept alive; of tags as numbers see pairs.ts. */
import type { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../../messages/lease.js';
import type {
  WatchCancelRequest,
  WatchCreateRequest,
  WatchProgressRequest,
  WatchRequest,
  WatchResponse,
} from '../../messages/watch.js';
import { namesOf } from '../names.js';
import { ambiguous, readMessage, writeMessage } from '../nested.js';
import { EMPTY_BYTES, type Reader } from '../reader.js';
import type { MessageCodec } from '../types.js';
import { numbersOf } from './numbers.js';
import { event, eventHintBytes, HEADER_HINT_BYTES, responseHeader } from './pairs.js';

const FILTER_TYPES = namesOf('etcdserverpb.WatchCreateRequest.FilterType');
const WATCH_CREATE_NUMBERS = numbersOf('etcdserverpb.WatchCreateRequest');

function readFilters(reader: Reader, filters: WatchCreateRequest['filters']): void {
  const outer = reader.enter();
  while (reader.position < reader.end) filters.push(FILTER_TYPES.name(reader.int32()));
  reader.leave(outer);
}

export const watchCreateRequest: MessageCodec<WatchCreateRequest> = {
  create: () => ({
    key: EMPTY_BYTES,
    rangeEnd: EMPTY_BYTES,
    startRevision: 0,
    progressNotify: false,
    filters: [],
    prevKv: false,
    watchId: 0,
    fragment: false,
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
          message.startRevision = reader.int64();
          break;
        case 0x20:
          message.progressNotify = reader.bool();
          break;
        case 0x28:
          message.filters.push(FILTER_TYPES.name(reader.int32()));
          break;
        case 0x2a:
          readFilters(reader, message.filters);
          break;
        case 0x30:
          message.prevKv = reader.bool();
          break;
        case 0x38:
          message.watchId = reader.int64();
          break;
        case 0x40:
          message.fragment = reader.bool();
          break;
        default:
          reader.skip(tag, WATCH_CREATE_NUMBERS);
      }
    }
  },
  write(writer, { key, rangeEnd, startRevision, progressNotify, filters, prevKv, watchId, fragment }) {
    if (key !== undefined && key.length > 0) writer.byteString(0x0a, key);
    if (rangeEnd !== undefined && rangeEnd.length > 0) writer.byteString(0x12, rangeEnd);
    if (startRevision) writer.int64(0x18, startRevision);
    if (progressNotify) writer.bool(0x20);
    if (filters !== undefined && filters.length > 0) {
      const start = writer.open(0x2a, filters.length);
      for (const filter of filters) writer.int32Element(FILTER_TYPES.number(filter));
      writer.close(start, filters.length);
    }
    if (prevKv) writer.bool(0x30);
    if (watchId) writer.int64(0x38, watchId);
    if (fragment) writer.bool(0x40);
  },
};

/** Keys and a revision: mostly, a length of one byte. */
const CREATE_HINT_BYTES = 64;

const WATCH_CANCEL_NUMBERS = numbersOf('etcdserverpb.WatchCancelRequest');

const watchCancelRequest: MessageCodec<WatchCancelRequest> = {
  create: () => ({ watchId: 0 }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x08) message.watchId = reader.int64();
      else reader.skip(tag, WATCH_CANCEL_NUMBERS);
    }
  },
  write(writer, { watchId }) {
    if (watchId) writer.int64(0x08, watchId);
  },
};

const watchProgressRequest: MessageCodec<WatchProgressRequest> = {
  create: () => ({}),
  read(reader) {
    while (reader.position < reader.end) reader.skip(reader.tag(), []);
  },
  write: () => undefined,
};

const WATCH_REQUEST_NUMBERS = numbersOf('etcdserverpb.WatchRequest');

function clearRequest(message: WatchRequest): void {
  message.createRequest = undefined;
  message.cancelRequest = undefined;
  message.progressRequest = undefined;
}

export const watchRequest: MessageCodec<WatchRequest> = {
  create: () => ({ createRequest: undefined, cancelRequest: undefined, progressRequest: undefined }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a: {
          const member = readMessage(reader, watchCreateRequest, message.createRequest);
          clearRequest(message);
          message.createRequest = member;
          break;
        }
        case 0x12: {
          const member = readMessage(reader, watchCancelRequest, message.cancelRequest);
          clearRequest(message);
          message.cancelRequest = member;
          break;
        }
        case 0x1a: {
          const member = readMessage(reader, watchProgressRequest, message.progressRequest);
          clearRequest(message);
          message.progressRequest = member;
          break;
        }
        default:
          reader.skip(tag, WATCH_REQUEST_NUMBERS);
      }
    }
  },
  write(writer, { createRequest, cancelRequest, progressRequest }) {
    let members = 0;
    if (createRequest !== undefined) {
      members += 1;
      writeMessage(writer, 0x0a, watchCreateRequest, createRequest, CREATE_HINT_BYTES);
    }
    if (cancelRequest !== undefined) {
      members += 1;
      writeMessage(writer, 0x12, watchCancelRequest, cancelRequest, 0);
    }
    if (progressRequest !== undefined) {
      members += 1;
      writeMessage(writer, 0x1a, watchProgressRequest, progressRequest, 0);
    }
    if (members > 1) throw ambiguous('etcdserverpb.WatchRequest', 'request_union');
  },
};

const WATCH_RESPONSE_NUMBERS = numbersOf('etcdserverpb.WatchResponse');

export const watchResponse: MessageCodec<WatchResponse> = {
  create: () => ({
    header: undefined,
    watchId: 0,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: '',
    fragment: false,
    events: [],
  }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
          message.header = readMessage(reader, responseHeader, message.header);
          break;
        case 0x10:
          message.watchId = reader.int64();
          break;
        case 0x18:
          message.created = reader.bool();
          break;
        case 0x20:
          message.canceled = reader.bool();
          break;
        case 0x28:
          message.compactRevision = reader.int64();
          break;
        case 0x32:
          message.cancelReason = reader.string();
          break;
        case 0x38:
          message.fragment = reader.bool();
          break;
        case 0x5a:
          message.events.push(readMessage(reader, event, undefined));
          break;
        default:
          reader.skip(tag, WATCH_RESPONSE_NUMBERS);
      }
    }
  },
  write(writer, { header, watchId, created, canceled, compactRevision, cancelReason, fragment, events }) {
    if (header !== undefined) writeMessage(writer, 0x0a, responseHeader, header, HEADER_HINT_BYTES);
    if (watchId) writer.int64(0x10, watchId);
    if (created) writer.bool(0x18);
    if (canceled) writer.bool(0x20);
    if (compactRevision) writer.int64(0x28, compactRevision);
    if (cancelReason) writer.string(0x32, cancelReason);
    if (fragment) writer.bool(0x38);
    if (events !== undefined) for (const each of events) writeMessage(writer, 0x5a, event, each, eventHintBytes(each));
  },
};

const KEEP_ALIVE_REQUEST_NUMBERS = numbersOf('etcdserverpb.LeaseKeepAliveRequest');

export const leaseKeepAliveRequest: MessageCodec<LeaseKeepAliveRequest> = {
  create: () => ({ ID: 0n }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x08) message.ID = reader.int64Bigint();
      else reader.skip(tag, KEEP_ALIVE_REQUEST_NUMBERS);
    }
  },
  write(writer, { ID }) {
    if (ID) writer.int64Bigint(0x08, ID);
  },
};

const KEEP_ALIVE_RESPONSE_NUMBERS = numbersOf('etcdserverpb.LeaseKeepAliveResponse');

export const leaseKeepAliveResponse: MessageCodec<LeaseKeepAliveResponse> = {
  create: () => ({ header: undefined, ID: 0n, TTL: 0 }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) message.header = readMessage(reader, responseHeader, message.header);
      else if (tag === 0x10) message.ID = reader.int64Bigint();
      else if (tag === 0x18) message.TTL = reader.int64();
      else reader.skip(tag, KEEP_ALIVE_RESPONSE_NUMBERS);
    }
  },
  write(writer, { header, ID, TTL }) {
    if (header !== undefined) writeMessage(writer, 0x0a, responseHeader, header, HEADER_HINT_BYTES);
    if (ID) writer.int64Bigint(0x10, ID);
    if (TTL) writer.int64(0x18, TTL);
  },
};
