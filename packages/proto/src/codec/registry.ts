/** Every message's codec, made once when the module loads. */

import { jsonCodecs } from '../json/codec.js';
import type { MessageTypes } from '../messages/types.js';
import { event, keyValue, responseHeader } from './hand/pairs.js';
import {
  deleteRangeRequest,
  deleteRangeResponse,
  putRequest,
  putResponse,
  rangeRequest,
  rangeResponse,
} from './hand/range.js';
import {
  leaseKeepAliveRequest,
  leaseKeepAliveResponse,
  watchCreateRequest,
  watchRequest,
  watchResponse,
} from './hand/streams.js';
import { compare, requestOp, responseOp, txnRequest, txnResponse } from './hand/txn.js';
import { EMPTY_BYTES, Reader } from './reader.js';
import { tableCodecs } from './table.js';
import type { Codec, JsonObject, MessageCodec, MessageInit } from './types.js';
import { Writer } from './writer.js';

/** The codecs by hand, each under the name of its message and of its type. */
const BY_HAND: { readonly [Name in keyof MessageTypes]?: MessageCodec<MessageTypes[Name]> } = {
  'etcdserverpb.Compare': compare,
  'etcdserverpb.DeleteRangeRequest': deleteRangeRequest,
  'etcdserverpb.DeleteRangeResponse': deleteRangeResponse,
  'etcdserverpb.LeaseKeepAliveRequest': leaseKeepAliveRequest,
  'etcdserverpb.LeaseKeepAliveResponse': leaseKeepAliveResponse,
  'etcdserverpb.PutRequest': putRequest,
  'etcdserverpb.PutResponse': putResponse,
  'etcdserverpb.RangeRequest': rangeRequest,
  'etcdserverpb.RangeResponse': rangeResponse,
  'etcdserverpb.RequestOp': requestOp,
  'etcdserverpb.ResponseHeader': responseHeader,
  'etcdserverpb.ResponseOp': responseOp,
  'etcdserverpb.TxnRequest': txnRequest,
  'etcdserverpb.TxnResponse': txnResponse,
  'etcdserverpb.WatchCreateRequest': watchCreateRequest,
  'etcdserverpb.WatchRequest': watchRequest,
  'etcdserverpb.WatchResponse': watchResponse,
  'mvccpb.Event': event,
  'mvccpb.KeyValue': keyValue,
};

/** Memory of its own costs a message more than all the rest of encoding it: so small ones share, as Node's Buffers do. */
const SLAB_BYTES = 16 * 1024;
const IN_SLAB_BYTES_MAX = SLAB_BYTES / 8;

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** A copy that no later call touches. */
function copied(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > IN_SLAB_BYTES_MAX) return bytes.slice();
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const copy = new Uint8Array(slab.buffer, slabUsed, length);
  copy.set(bytes);
  slabUsed += length;
  return copy;
}

/** A single encode that needed more memory than this gives it back. */
const KEPT_WRITER_BYTES_MAX = 1024 * 1024;

/** Decoding is never interleaved with another decoding, nor encoding with encoding: one reader and one writer serve all. */
const reader = new Reader();
let writer = new Writer();

class WholeCodec<T> implements Codec<T> {
  readonly name: string;
  private readonly wire: MessageCodec<T>;
  private readonly json: JsonCodec<T>;

  constructor(name: string, wire: MessageCodec<T>, json: JsonCodec<T>) {
    this.name = name;
    this.wire = wire;
    this.json = json;
  }

  create(): T {
    return this.wire.create();
  }

  encode(message: MessageInit<T>): Uint8Array {
    writer.clear();
    try {
      this.wire.write(writer, message);
      return copied(writer.view());
    } finally {
      if (writer.capacity > KEPT_WRITER_BYTES_MAX) writer = new Writer();
    }
  }

  encodeInto(into: Writer, message: MessageInit<T>): void {
    const { length } = into;
    try {
      this.wire.write(into, message);
    } catch (error) {
      into.truncate(length);
      throw error;
    }
  }

  decode(bytes: Uint8Array): T {
    const message = this.wire.create();
    reader.reset(bytes);
    try {
      this.wire.read(reader, message);
    } finally {
      reader.reset(EMPTY_BYTES);
    }
    return message;
  }

  toJson(message: MessageInit<T>, lengthMax?: number): JsonObject {
    if (lengthMax !== undefined) this.json.checkLength(message, lengthMax);
    return this.json.toJson(message);
  }

  fromJson(json: unknown): T {
    return this.json.fromJson(json);
  }
}

interface JsonCodec<T> {
  toJson(message: MessageInit<T>): JsonObject;
  checkLength(message: MessageInit<T>, lengthMax: number): void;
  fromJson(json: unknown): T;
}

/** Codecs for every message, with those given made by hand; the tests make a second set without any. */
export function wholeCodecs(byHand: Readonly<Record<string, unknown>>): ReadonlyMap<string, Codec<unknown>> {
  const wire = tableCodecs(byHand);
  const json = jsonCodecs(wire);
  const whole = new Map<string, Codec<unknown>>();
  for (const [name, codec] of wire) {
    whole.set(name, new WholeCodec(name, codec, json.get(name) as JsonCodec<unknown>));
  }
  return whole;
}

/** Every message's codec by its full name. */
export const CODECS: ReadonlyMap<string, Codec<unknown>> = wholeCodecs(BY_HAND);

/** The messages whose codecs are written by hand. */
export const NAMES_BY_HAND: readonly string[] = Object.keys(BY_HAND);

/** The codec of the message with this full name. */
export function codecOf<Name extends keyof MessageTypes>(name: Name): Codec<MessageTypes[Name]> {
  const codec = CODECS.get(name);
  if (codec === undefined) throw new RangeError(`there is no message ${name}`);
  return codec as Codec<MessageTypes[Name]>;
}
