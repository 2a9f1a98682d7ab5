/** The writer: several messages, gRPC's framing, growth, and what happens when a message cannot be encoded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  Compare,
  KeyValue,
  MessageTooLargeError,
  PutRequest,
  PutResponse,
  RangeResponse,
  RequestOp,
  TxnResponse,
  WatchResponse,
  Writer,
} from '../src/index.js';
import { message } from './arbitrary.js';

test('a message of more than 2^31 - 1 bytes is refused before there is memory for it', () => {
  const value = { length: 2 ** 31 } as Uint8Array;
  const writer = new Writer();
  KeyValue.encodeInto(writer, { version: 1 });
  const before = writer.copy();
  assert.throws(() => KeyValue.encodeInto(writer, { version: 2, value }), MessageTooLargeError);
  assert.deepEqual(writer.copy(), before);
  assert.throws(() => RangeResponse.encode({ kvs: [{ value }] }), MessageTooLargeError);
  assert.deepEqual(KeyValue.decode(KeyValue.encode({ version: 3 })).version, 3);
});

test('messages stand in one buffer, each behind its gRPC prefix', () => {
  fc.assert(
    fc.property(fc.array(message('etcdserverpb.TxnResponse'), { maxLength: 5 }), (messages) => {
      const writer = new Writer(1);
      for (const each of messages) {
        const start = writer.beginFrame();
        TxnResponse.encodeInto(writer, each);
        writer.endFrame(start);
      }
      const bytes = writer.take();
      assert.equal(writer.length, 0);
      let at = 0;
      for (const each of messages) {
        const view = new DataView(bytes.buffer, bytes.byteOffset + at);
        const length = view.getUint32(1);
        assert.equal(view.getUint8(0), 0);
        assert.deepEqual(bytes.slice(at + 5, at + 5 + length), TxnResponse.encode(each));
        at += 5 + length;
      }
      assert.equal(at, bytes.length);
    }),
  );
});

test('a nested message is right at every length at which its own length grows', () => {
  for (const around of [0, 100, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    for (let length = Math.max(0, around - 24); length < around + 4; length += 1) {
      const value = new Uint8Array(length).fill(length);
      const bytes = RangeResponse.encode({ kvs: [{ value, version: 1 }], count: 1 });
      const { kvs, count } = RangeResponse.decode(bytes);
      assert.equal(count, 1);
      assert.ok(Buffer.from(value).equals(kvs[0]?.value ?? new Uint8Array(1)), String(length));
    }
  }
});

test('what taken bytes hold is not touched by later writing', () => {
  const writer = new Writer();
  PutRequest.encodeInto(writer, { key: Uint8Array.of(1) });
  const taken = writer.take();
  PutRequest.encodeInto(writer, { key: Uint8Array.of(2) });
  assert.deepEqual(PutRequest.decode(taken).key, Uint8Array.of(1));
  assert.deepEqual(PutRequest.decode(writer.view()).key, Uint8Array.of(2));
  writer.clear();
  writer.raw(Uint8Array.of(7));
  assert.deepEqual(writer.copy(), Uint8Array.of(7));
});

test('a message that cannot be encoded leaves the writer as it was', () => {
  const writer = new Writer();
  PutRequest.encodeInto(writer, { key: Uint8Array.of(1) });
  const before = writer.copy();
  const impossible: (() => void)[] = [
    () => PutRequest.encodeInto(writer, { key: Uint8Array.of(2), lease: 2n ** 63n }),
    () => PutResponse.encodeInto(writer, { header: { clusterId: -1n } }),
    () => KeyValue.encodeInto(writer, { version: 1.5 }),
    () => KeyValue.encodeInto(writer, { version: 2 ** 64 }),
    () => PutResponse.encodeInto(writer, { header: { raftTerm: -1 } }),
    () => RequestOp.encodeInto(writer, { requestPut: {}, requestRange: {} }),
    () => Compare.encodeInto(writer, { version: 0, modRevision: 0 }),
    () => WatchResponse.encodeInto(writer, { events: [{ type: 2 ** 31 }] }),
  ];
  for (const encode of impossible) {
    assert.throws(encode, RangeError);
    assert.deepEqual(writer.copy(), before);
  }
  assert.throws(() => writer.truncate(before.length + 1), RangeError);
});
