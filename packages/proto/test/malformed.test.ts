/** Bytes that are no message: each is refused with a ProtoError that says why, at once and without taking memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  CODECS,
  type Codec,
  KeyValue,
  LeaseKeepAliveRequest,
  MAX_DEPTH,
  MemberAddRequest,
  ProtoError,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
  WatchCreateRequest,
} from '../src/index.js';
import { MESSAGE_NAMES, message } from './arbitrary.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

const refused = (codec: Codec<unknown>, hex: string, reason: RegExp): void => {
  assert.throws(
    () => codec.decode(bytes(hex)),
    (error) => error instanceof ProtoError && reason.test(error.message),
    hex,
  );
};

test('a message that ends within a field is refused', () => {
  for (const hex of ['0a', '0a 05 61', '18', '18 80', '0a ff ff ff ff 0f 61', '80', '39 00 00', '3d 00', '3a 7f']) {
    refused(PutRequest, hex, /^the message ends at byte \d+, within a field$/);
  }
});

test('a nested message that reaches beyond its outer one is refused', () => {
  // success { request_put { key: 5 bytes } }, of which the middle one says that it is shorter.
  refused(TxnRequest, '12 04 12 05 0a 03 61 62 63', /ends at byte 6/);
  refused(TxnRequest, '12 03 12 03 0a', /ends/);
});

test('a varint of more than ten bytes or 64 bits is refused', () => {
  refused(PutRequest, '18 ff ff ff ff ff ff ff ff ff ff 01', /longer than/);
  refused(PutRequest, '18 ff ff ff ff ff ff ff ff ff 02', /longer than 64 bits/);
  refused(PutRequest, '18 80 80 80 80 80 80 80 80 80 80 00', /longer than 64 bits/);
});

test('varints longer than they need be are read', () => {
  assert.equal(PutRequest.decode(bytes('18 81 80 80 80 80 80 80 80 80 00')).lease, 1n);
  assert.equal(RangeRequest.decode(bytes('98 00 81 00')).limit, 1);
  assert.equal(RangeRequest.decode(bytes('18 ff ff ff ff ff ff ff ff ff 01')).limit, -1);
});

test('a field with a wire type that is not its own is refused', () => {
  refused(PutRequest, '08 01', /^field 1 has wire type 0, which is not its own$/);
  refused(PutRequest, '1a 00', /^field 3 has wire type 2, which is not its own$/);
  refused(RequestOp, '08 01', /^field 1 has wire type 0/);
});

test('groups, the wire types that are none, and the number 0 are refused', () => {
  refused(PutRequest, '3b 3c', /^field 7 has wire type 3, which is a group or none at all$/);
  refused(PutRequest, '3c', /wire type 4/);
  refused(PutRequest, '3e', /wire type 6/);
  refused(PutRequest, '3f', /wire type 7/);
  refused(PutRequest, '02 00', /number 0/);
  refused(PutRequest, '80 80 80 80 10 00', /field number is above/);
});

test('a string that is not UTF-8 is refused', () => {
  refused(MemberAddRequest, '0a 01 ff', /not valid UTF-8/);
  refused(MemberAddRequest, '0a 03 ed a0 80', /not valid UTF-8/);
});

test('unknown fields of every wire type are passed over', () => {
  const known = PutRequest.encode({ key: Uint8Array.of(1) });
  for (const unknown of ['38 96 01', '39 0000000000000000', '3a 03 616263', '3d 00000000', 'fa ff ff ff 0f 00']) {
    assert.deepEqual(PutRequest.decode(Uint8Array.of(...bytes(unknown), ...known)), PutRequest.decode(known));
  }
});

/** A field of up to 16 KiB with its length in front. */
const field = (tag: number, inner: Uint8Array): Uint8Array => {
  const length = inner.length < 128 ? [inner.length] : [(inner.length & 127) | 128, inner.length >>> 7];
  return Uint8Array.of(tag, ...length, ...inner);
};

test('transactions nested up to the limit are read, deeper ones are refused', () => {
  let levels = TxnRequest.encode({});
  // Each level takes two messages, a TxnRequest in a RequestOp.
  for (let depth = 0; depth < MAX_DEPTH; depth += 2)
    levels = TxnRequest.encode({ success: [{ requestTxn: TxnRequest.decode(levels) }] });
  assert.doesNotThrow(() => TxnRequest.decode(levels));
  const writerRefuses = { success: [{ requestTxn: TxnRequest.decode(levels) }] };
  assert.throws(() => TxnRequest.encode(writerRefuses), RangeError);
  assert.throws(() => TxnRequest.toJson(writerRefuses), RangeError);
  assert.throws(() => TxnRequest.toJson(writerRefuses), new RegExp(`nested deeper than ${MAX_DEPTH}`));
  const deeper = field(0x12, field(0x22, levels));
  assert.throws(
    () => TxnRequest.decode(deeper),
    new RegExp(`^ProtoError: messages are nested deeper than ${MAX_DEPTH}$`),
  );
});

test('after a refusal the next message is read as ever', () => {
  refused(TxnRequest, '12 03 12 03 0a', /ends/);
  assert.throws(() => TxnRequest.encode({ success: [{ requestPut: { lease: 2n ** 64n } }] }), RangeError);
  assert.equal(LeaseKeepAliveRequest.decode(LeaseKeepAliveRequest.encode({ ID: 5n })).ID, 5n);
});

test('packed and single enumerations are read alike', () => {
  assert.deepEqual(WatchCreateRequest.decode(bytes('28 01 28 00 2a 02 01 05')).filters, [
    'NODELETE',
    'NOPUT',
    'NODELETE',
    5,
  ]);
  assert.deepEqual(
    WatchCreateRequest.encode({ filters: ['NODELETE', -1] }),
    bytes('2a 0b 01 ff ff ff ff ff ff ff ff ff 01'),
  );
  refused(WatchCreateRequest, '2a 01 80', /ends/);
});

test('the last member of a oneof wins, and the same member twice is merged', () => {
  const put = RequestOp.encode({ requestPut: { key: Uint8Array.of(1), lease: 3n } });
  const range = RequestOp.encode({ requestRange: { limit: 2 } });
  const again = RequestOp.encode({ requestPut: { lease: 4n } });
  assert.equal(RequestOp.decode(Uint8Array.of(...put, ...range)).requestPut, undefined);
  assert.equal(RequestOp.decode(Uint8Array.of(...put, ...range)).requestRange?.limit, 2);
  assert.deepEqual(RequestOp.decode(Uint8Array.of(...put, ...again)).requestPut, {
    ...PutRequest.create(),
    key: Uint8Array.of(1),
    lease: 4n,
  });
});

test('byte fields are views into the input, also when it is a part of a Buffer', () => {
  const input = Buffer.from([99, ...PutRequest.encode({ key: Uint8Array.of(1, 2) })]).subarray(1);
  const { key } = PutRequest.decode(input);
  assert.equal(key.buffer, input.buffer);
  assert.equal(Object.getPrototypeOf(key), Uint8Array.prototype);
  assert.deepEqual(key, Uint8Array.of(1, 2));
});

test('integers beyond 2^53 are rounded where they are numbers and exact where they are identifiers', () => {
  const most = bytes('10 ff ff ff ff ff ff ff ff 7f 30 ff ff ff ff ff ff ff ff 7f');
  const pair = KeyValue.decode(most);
  assert.equal(pair.createRevision, 2 ** 63);
  assert.equal(pair.lease, 2n ** 63n - 1n);
  assert.deepEqual(KeyValue.encode(pair), most, 'the largest int64 is written as it came');
  assert.equal(KeyValue.toJson(pair)['create_revision'], '9223372036854775807');
  const least = bytes('10 80 80 80 80 80 80 80 80 80 01');
  assert.equal(KeyValue.decode(least).createRevision, -(2 ** 63));
  assert.deepEqual(KeyValue.encode(KeyValue.decode(least)), least);
});

/** Reads the input or sees it refused as it should be. */
function attempt(codec: Codec<unknown>, input: Uint8Array): void {
  try {
    codec.decode(input);
  } catch (error) {
    assert.ok(error instanceof ProtoError, String(error));
  }
}

for (const name of MESSAGE_NAMES) {
  const codec = CODECS.get(name) as Codec<unknown>;
  test(`${name}: any bytes are read or refused with a ProtoError`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (input) => attempt(codec, input)),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(message(name), fc.nat(), fc.nat({ max: 255 }), (original, at, value) => {
        const input = codec.encode(original);
        if (input.length > 0) input[at % input.length] = value;
        attempt(codec, input);
      }),
      { numRuns: 30 },
    );
  });
}

test('a megabyte of the smallest nested messages is read in time that grows with its length', () => {
  const input = new Uint8Array(1_048_576);
  for (let at = 0; at < input.length; at += 2) input[at] = 0x12;
  assert.equal(TxnRequest.decode(input).success.length, input.length / 2);
});
