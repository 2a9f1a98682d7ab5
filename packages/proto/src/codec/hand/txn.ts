/** Codecs by hand for transactions, whose operations may be transactions again; of tags as numbers see pairs.ts. */
import type { Compare, RequestOp, ResponseOp, TxnRequest, TxnResponse } from '../../messages/txn.js';
import { namesOf } from '../names.js';
import { ambiguous, readMessage, writeMessage } from '../nested.js';
import { EMPTY_BYTES, type Reader } from '../reader.js';
import type { MessageCodec } from '../types.js';
import { numbersOf } from './numbers.js';
import { HEADER_HINT_BYTES, responseHeader } from './pairs.js';
import {
  deleteRangeRequest,
  deleteRangeResponse,
  putRequest,
  putResponse,
  rangeRequest,
  rangeResponse,
} from './range.js';

const COMPARE_RESULTS = namesOf('etcdserverpb.Compare.CompareResult');
const COMPARE_TARGETS = namesOf('etcdserverpb.Compare.CompareTarget');
const COMPARE_NUMBERS = numbersOf('etcdserverpb.Compare');

/** A later member of the oneof takes the place of an earlier one. */
function clearTarget(message: Compare): void {
  message.version = undefined;
  message.createRevision = undefined;
  message.modRevision = undefined;
  message.value = undefined;
  message.lease = undefined;
}

function readCompareTarget(reader: Reader, tag: number, message: Compare): void {
  if (tag < 0x20 || tag > 0x40) {
    reader.skip(tag, COMPARE_NUMBERS);
    return;
  }
  clearTarget(message);
  switch (tag) {
    case 0x20:
      message.version = reader.int64();
      break;
    case 0x28:
      message.createRevision = reader.int64();
      break;
    case 0x30:
      message.modRevision = reader.int64();
      break;
    case 0x3a:
      message.value = reader.byteString();
      break;
    case 0x40:
      message.lease = reader.int64Bigint();
      break;
    default:
      // A known number with a wire type not its own: this throws.
      reader.skip(tag, COMPARE_NUMBERS);
  }
}

export const compare: MessageCodec<Compare> = {
  create: () => ({
    result: 'EQUAL',
    target: 'VERSION',
    key: EMPTY_BYTES,
    version: undefined,
    createRevision: undefined,
    modRevision: undefined,
    value: undefined,
    lease: undefined,
    rangeEnd: EMPTY_BYTES,
  }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x08) message.result = COMPARE_RESULTS.name(reader.int32());
      else if (tag === 0x10) message.target = COMPARE_TARGETS.name(reader.int32());
      else if (tag === 0x1a) message.key = reader.byteString();
      else if (tag === 0x202) message.rangeEnd = reader.byteString();
      else readCompareTarget(reader, tag, message);
    }
  },
  write(writer, { result, target, key, version, createRevision, modRevision, value, lease, rangeEnd }) {
    if (result && result !== 'EQUAL') writer.int32(0x08, COMPARE_RESULTS.number(result));
    if (target && target !== 'VERSION') writer.int32(0x10, COMPARE_TARGETS.number(target));
    if (key !== undefined && key.length > 0) writer.byteString(0x1a, key);
    let members = 0;
    if (version !== undefined) {
      members += 1;
      writer.int64(0x20, version);
    }
    if (createRevision !== undefined) {
      members += 1;
      writer.int64(0x28, createRevision);
    }
    if (modRevision !== undefined) {
      members += 1;
      writer.int64(0x30, modRevision);
    }
    if (value !== undefined) {
      members += 1;
      writer.byteString(0x3a, value);
    }
    if (lease !== undefined) {
      members += 1;
      writer.int64Bigint(0x40, lease);
    }
    if (members > 1) throw ambiguous('etcdserverpb.Compare', 'target_union');
    if (rangeEnd !== undefined && rangeEnd.length > 0) writer.byteString(0x202, rangeEnd);
  },
};

const REQUEST_OP_NUMBERS = numbersOf('etcdserverpb.RequestOp');

/** An operation is mostly one put or range of a short key: its length takes one byte. */
const OPERATION_HINT_BYTES = 64;

function clearRequest(message: RequestOp): void {
  message.requestRange = undefined;
  message.requestPut = undefined;
  message.requestDeleteRange = undefined;
  message.requestTxn = undefined;
}

export const requestOp: MessageCodec<RequestOp> = {
  create: () => ({
    requestRange: undefined,
    requestPut: undefined,
    requestDeleteRange: undefined,
    requestTxn: undefined,
  }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a: {
          const member = readMessage(reader, rangeRequest, message.requestRange);
          clearRequest(message);
          message.requestRange = member;
          break;
        }
        case 0x12: {
          const member = readMessage(reader, putRequest, message.requestPut);
          clearRequest(message);
          message.requestPut = member;
          break;
        }
        case 0x1a: {
          const member = readMessage(reader, deleteRangeRequest, message.requestDeleteRange);
          clearRequest(message);
          message.requestDeleteRange = member;
          break;
        }
        case 0x22: {
          const member = readMessage(reader, txnRequest, message.requestTxn);
          clearRequest(message);
          message.requestTxn = member;
          break;
        }
        default:
          reader.skip(tag, REQUEST_OP_NUMBERS);
      }
    }
  },
  write(writer, { requestRange, requestPut, requestDeleteRange, requestTxn }) {
    let members = 0;
    if (requestRange !== undefined) {
      members += 1;
      writeMessage(writer, 0x0a, rangeRequest, requestRange, OPERATION_HINT_BYTES);
    }
    if (requestPut !== undefined) {
      members += 1;
      const hintBytes = (requestPut.key?.length ?? 0) + (requestPut.value?.length ?? 0) + 6;
      writeMessage(writer, 0x12, putRequest, requestPut, hintBytes);
    }
    if (requestDeleteRange !== undefined) {
      members += 1;
      writeMessage(writer, 0x1a, deleteRangeRequest, requestDeleteRange, OPERATION_HINT_BYTES);
    }
    if (requestTxn !== undefined) {
      members += 1;
      writeMessage(writer, 0x22, txnRequest, requestTxn, OPERATION_HINT_BYTES);
    }
    if (members > 1) throw ambiguous('etcdserverpb.RequestOp', 'request');
  },
};

const RESPONSE_OP_NUMBERS = numbersOf('etcdserverpb.ResponseOp');

function clearResponse(message: ResponseOp): void {
  message.responseRange = undefined;
  message.responsePut = undefined;
  message.responseDeleteRange = undefined;
  message.responseTxn = undefined;
}

export const responseOp: MessageCodec<ResponseOp> = {
  create: () => ({
    responseRange: undefined,
    responsePut: undefined,
    responseDeleteRange: undefined,
    responseTxn: undefined,
  }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a: {
          const member = readMessage(reader, rangeResponse, message.responseRange);
          clearResponse(message);
          message.responseRange = member;
          break;
        }
        case 0x12: {
          const member = readMessage(reader, putResponse, message.responsePut);
          clearResponse(message);
          message.responsePut = member;
          break;
        }
        case 0x1a: {
          const member = readMessage(reader, deleteRangeResponse, message.responseDeleteRange);
          clearResponse(message);
          message.responseDeleteRange = member;
          break;
        }
        case 0x22: {
          const member = readMessage(reader, txnResponse, message.responseTxn);
          clearResponse(message);
          message.responseTxn = member;
          break;
        }
        default:
          reader.skip(tag, RESPONSE_OP_NUMBERS);
      }
    }
  },
  write(writer, { responseRange, responsePut, responseDeleteRange, responseTxn }) {
    let members = 0;
    if (responseRange !== undefined) {
      members += 1;
      writeMessage(writer, 0x0a, rangeResponse, responseRange, OPERATION_HINT_BYTES);
    }
    if (responsePut !== undefined) {
      members += 1;
      writeMessage(writer, 0x12, putResponse, responsePut, OPERATION_HINT_BYTES);
    }
    if (responseDeleteRange !== undefined) {
      members += 1;
      writeMessage(writer, 0x1a, deleteRangeResponse, responseDeleteRange, OPERATION_HINT_BYTES);
    }
    if (responseTxn !== undefined) {
      members += 1;
      writeMessage(writer, 0x22, txnResponse, responseTxn, OPERATION_HINT_BYTES);
    }
    if (members > 1) throw ambiguous('etcdserverpb.ResponseOp', 'response');
  },
};

const TXN_REQUEST_NUMBERS = numbersOf('etcdserverpb.TxnRequest');

export const txnRequest: MessageCodec<TxnRequest> = {
  create: () => ({ compare: [], success: [], failure: [] }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) message.compare.push(readMessage(reader, compare, undefined));
      else if (tag === 0x12) message.success.push(readMessage(reader, requestOp, undefined));
      else if (tag === 0x1a) message.failure.push(readMessage(reader, requestOp, undefined));
      else reader.skip(tag, TXN_REQUEST_NUMBERS);
    }
  },
  write(writer, message) {
    const { compare: comparisons, success, failure } = message;
    if (comparisons !== undefined) {
      for (const each of comparisons) writeMessage(writer, 0x0a, compare, each, OPERATION_HINT_BYTES);
    }
    if (success !== undefined) {
      for (const each of success) writeMessage(writer, 0x12, requestOp, each, OPERATION_HINT_BYTES);
    }
    if (failure !== undefined) {
      for (const each of failure) writeMessage(writer, 0x1a, requestOp, each, OPERATION_HINT_BYTES);
    }
  },
};

const TXN_RESPONSE_NUMBERS = numbersOf('etcdserverpb.TxnResponse');

export const txnResponse: MessageCodec<TxnResponse> = {
  create: () => ({ header: undefined, succeeded: false, responses: [] }),
  read(reader, message) {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x0a) message.header = readMessage(reader, responseHeader, message.header);
      else if (tag === 0x10) message.succeeded = reader.bool();
      else if (tag === 0x1a) message.responses.push(readMessage(reader, responseOp, undefined));
      else reader.skip(tag, TXN_RESPONSE_NUMBERS);
    }
  },
  write(writer, { header, succeeded, responses }) {
    if (header !== undefined) writeMessage(writer, 0x0a, responseHeader, header, HEADER_HINT_BYTES);
    if (succeeded) writer.bool(0x10);
    if (responses !== undefined) {
      for (const each of responses) writeMessage(writer, 0x1a, responseOp, each, OPERATION_HINT_BYTES);
    }
  },
};
