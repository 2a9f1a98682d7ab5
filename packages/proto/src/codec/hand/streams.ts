/** Codecs by hand for the streams of watches and of leases kept alive; of tags as numbers see pairs.ts. */
import type { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../../messages/lease.js';
import type { WatchResponse } from '../../messages/watch.js';
import { readMessage, writeMessage } from '../nested.js';
import type { MessageCodec } from '../types.js';
import { numbersOf } from './numbers.js';
import { event, eventHintBytes, HEADER_HINT_BYTES, responseHeader } from './pairs.js';

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
