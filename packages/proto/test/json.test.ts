/** JSON as etcd's gateway writes and takes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  AlarmRequest,
  AuthRoleGetResponse,
  Compare,
  HashKVResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  MAX_DEPTH,
  MemberListResponse,
  MessageTooLargeError,
  ProtoError,
  PutRequest,
  PutResponse,
  parseJson,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  UserAddOptions,
  WatchRequest,
  WatchResponse,
} from '../src/index.js';
import { fromBase64, toBase64 } from '../src/json/base64.js';
import { QUOTED_INTEGER } from '../src/json/parse.js';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

const refused = (read: () => unknown, reason: string): void => {
  assert.throws(read, (error) => error instanceof ProtoError && error.message === reason, reason);
};

test('a range reply is written with proto names, strings for 64 bits, base64, and without defaults', () => {
  const header = {
    clusterId: 14_841_639_068_965_178_418n,
    memberId: 10_276_657_743_932_975_437n,
    revision: 6,
    raftTerm: 2,
  };
  const kvs = [{ key: text('foo'), createRevision: 2, modRevision: 6, version: 2, value: text('bar') }];
  assert.equal(
    JSON.stringify(RangeResponse.toJson({ header, kvs, more: false, count: 1 })),
    '{"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"6","raft_term":"2"},' +
      '"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"6","version":"2","value":"YmFy"}],"count":"1"}',
  );
  assert.equal(JSON.stringify(PutResponse.toJson({ header: {} })), '{"header":{}}');
  assert.equal(JSON.stringify(RangeResponse.toJson({ kvs: [] })), '{}');
});

test('a text that would be too long is not made', () => {
  const kvs = Array.from({ length: 100 }, (_, index) => ({
    key: text(`key ${index}`),
    value: new Uint8Array(index * 10),
    createRevision: 10 + index,
    lease: 1_000_000n,
  }));
  const empty = new Uint8Array(0);
  for (const message of [{ kvs }, { kvs: kvs.map((keyValue) => ({ ...keyValue, value: empty })) }]) {
    const { length } = JSON.stringify(RangeResponse.toJson(message));
    assert.doesNotThrow(() => RangeResponse.toJson(message, 1.1 * length));
    assert.throws(() => RangeResponse.toJson(message, 0.9 * length), MessageTooLargeError);
  }
});

test('names keep the spelling of the .proto files', () => {
  assert.deepEqual(LeaseGrantResponse.toJson({ ID: 7_587_848_943_239_472_601n, TTL: 300 }), {
    ID: '7587848943239472601',
    TTL: '300',
  });
  const member = { ID: 1n, peerURLs: ['http://a'], clientURLs: ['http://b'], isLearner: true };
  assert.deepEqual(MemberListResponse.toJson({ members: [member] }), {
    members: [{ ID: '1', peerURLs: ['http://a'], clientURLs: ['http://b'], isLearner: true }],
  });
  assert.deepEqual(
    AuthRoleGetResponse.toJson({ perm: [{ permType: 'READWRITE', key: text('a'), rangeEnd: text('b') }] }),
    {
      perm: [{ permType: 'READWRITE', key: 'YQ==', range_end: 'Yg==' }],
    },
  );
  assert.deepEqual(UserAddOptions.toJson({ noPassword: true }), { no_password: true });
});

test('32-bit integers are numbers, enumerations names or else numbers, members of oneofs written even at 0', () => {
  assert.deepEqual(HashKVResponse.toJson({ hash: 4_294_967_295, hashRevision: 3 }), {
    hash: 4_294_967_295,
    hash_revision: '3',
  });
  assert.deepEqual(WatchResponse.toJson({ events: [{ type: 'DELETE' }, { type: 'PUT' }, { type: 1 }, { type: 9 }] }), {
    events: [{ type: 'DELETE' }, {}, { type: 'DELETE' }, { type: 9 }],
  });
  assert.deepEqual(Compare.toJson({ target: 'CREATE', key: text('k'), createRevision: 0 }), {
    target: 'CREATE',
    key: 'aw==',
    create_revision: '0',
  });
});

test('requests are taken with proto names or camelCase, integers as numbers or strings, enumerations by name or number', () => {
  const expected = {
    ...RangeRequest.create(),
    key: text('a'),
    rangeEnd: text('b'),
    limit: 10,
    sortOrder: 'DESCEND',
    sortTarget: 'MOD',
    minModRevision: -1,
  };
  const snake = {
    key: 'YQ==',
    range_end: 'Yg==',
    limit: '10',
    sort_order: 'DESCEND',
    sort_target: 3,
    min_mod_revision: '-1',
  };
  const camel = { key: 'YQ', rangeEnd: 'Yg', limit: 10, sortOrder: 2, sortTarget: 'MOD', minModRevision: -1 };
  assert.deepEqual(RangeRequest.fromJson(snake), expected);
  assert.deepEqual(RangeRequest.fromJson(camel), expected);
  assert.equal(RangeRequest.fromJson({ sort_order: 7 }).sortOrder, 7);
  assert.equal(RangeRequest.fromJson({ limit: 1e3 }).limit, 1000);
});

test('unknown fields and null are passed over', () => {
  const json = {
    key: 'YQ==',
    value: null,
    unknown: { nested: [1, 2, { x: null }] },
    __proto__: 1,
    constructor: 'x',
    toString: 1,
  };
  assert.deepEqual(PutRequest.fromJson(json), { ...PutRequest.create(), key: text('a') });
});

test('an empty message within a oneof counts', () => {
  assert.notEqual(WatchRequest.fromJson({ create_request: {} }).createRequest, undefined);
  assert.notEqual(WatchRequest.fromJson({ progress_request: {} }).progressRequest, undefined);
});

test('what does not fit is refused with the path of the field and what it may be', () => {
  refused(() => PutRequest.fromJson({ key: 5 }), 'invalid value for bytes field key: 5 (allowed: a base64 string)');
  refused(() => PutRequest.fromJson({ key: 'a' }), 'invalid value for bytes field key: "a" (allowed: a base64 string)');
  refused(
    () => PutRequest.fromJson({ prev_kv: 'true' }),
    'invalid value for bool field prev_kv: "true" (allowed: true or false)',
  );
  refused(
    () => RangeRequest.fromJson({ sortOrder: 'UP' }),
    'invalid value for enum field sort_order: "UP" (allowed: NONE, ASCEND, DESCEND)',
  );
  refused(
    () => TxnRequest.fromJson({ compare: [{}, { mod_revision: 'one' }] }),
    'invalid value for int64 field compare[1].mod_revision: "one" ' +
      '(allowed: an integer from -9223372036854775808 to 9223372036854775807, as a number or a string)',
  );
  refused(
    () => TxnRequest.fromJson({ success: {} }),
    'invalid value for repeated field success: an object (allowed: an array)',
  );
  refused(
    () => TxnRequest.fromJson({ success: [[]] }),
    'invalid value for message field success[0]: an array (allowed: an object)',
  );
  refused(() => TxnRequest.fromJson('x'), 'invalid value for the message: "x" (allowed: an object)');
  refused(() => TxnRequest.fromJson(undefined), 'invalid value for the message: nothing (allowed: an object)');
  refused(
    () => TxnRequest.fromJson({ success: [{ request_put: {}, requestRange: {} }] }),
    'error parsing success[0].request_range: its oneof request is already set',
  );
  refused(
    () => AlarmRequest.fromJson({ memberID: '-1' }),
    'invalid value for uint64 field memberID: "-1" (allowed: an integer from 0 to 18446744073709551615, as a number or a string)',
  );
});

test('an error shows no more than the beginning of a long value', () => {
  const digits = '1'.repeat(100_000);
  for (const json of [`{"TTL":${digits}}`, `{"TTL":"${digits}"}`, `{"TTL":"x${digits}"}`]) {
    assert.throws(
      () => LeaseGrantRequest.fromJson(parseJson(json)),
      (error) => error instanceof ProtoError && /1111\.\.\. /.test(error.message) && error.message.length < 250,
    );
  }
});

test('fractions, exponents of strings and integers out of range are refused', () => {
  for (const TTL of [
    1.5,
    '1.5',
    '1e3',
    '',
    ' 1',
    '0x10',
    '9223372036854775808',
    -9.3e18,
    1e300,
    true,
    [],
    Number.NaN,
  ]) {
    assert.throws(() => LeaseGrantRequest.fromJson({ TTL }), ProtoError, String(TTL));
  }
});

test('integers beyond 2^53 are exact when JSON has them bare', () => {
  const request = LeaseGrantRequest.fromJson(
    parseJson('{"TTL": 10, "ID": 7587862094120235521, "x": 12345678901234567890123}'),
  );
  assert.equal(request.ID, 7_587_862_094_120_235_521n);
  assert.equal(LeaseGrantRequest.fromJson(parseJson('{"ID":-9223372036854775808}')).ID, -(2n ** 63n));
  refused(
    () => LeaseGrantRequest.fromJson(parseJson('{"ID":9223372036854775808}')),
    'invalid value for int64 field ID: 9223372036854775808 (allowed: an integer from -9223372036854775808 to 9223372036854775807, as a number or a string)',
  );
  refused(
    () => PutRequest.fromJson(parseJson('{"key":7587862094120235521}')),
    'invalid value for bytes field key: 7587862094120235521 (allowed: a base64 string)',
  );
});

test('digits within strings, fractions and exponents are left as they are', () => {
  const cases = [
    '{"a":"7587862094120235521","b\\"1234567890123456":"\\\\","c":[1234567890123456.5,1.2345678901234567,1234567890123456e2]}',
    '["\\u0031234567890123456789", 0.12345678901234567890, -1.5e10]',
    '12345678901234567.25',
  ];
  for (const json of cases) assert.deepEqual(parseJson(json), JSON.parse(json));
  fc.assert(
    fc.property(fc.json(), (json) => {
      // A long string of digits somewhere makes the whole text take the slow path.
      const long = `["1234567890123456",${json}]`;
      const unquoted = JSON.stringify(parseJson(long), (_, value: unknown) =>
        typeof value === 'string' && value.startsWith(QUOTED_INTEGER)
          ? Number(value.slice(QUOTED_INTEGER.length))
          : value,
      );
      assert.equal(unquoted, JSON.stringify(JSON.parse(long)));
    }),
  );
});

test('what is no JSON is refused, and no text at all is an empty message', () => {
  assert.throws(() => parseJson('{'), /^ProtoError: syntax error: /);
  assert.throws(() => parseJson('{"a":1234567890123456'), /^ProtoError: syntax error: /);
  assert.deepEqual(parseJson(' \n'), {});
});

test('messages nested too deep are refused', () => {
  let json: object = {};
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) json = { success: [{ request_txn: json }] };
  refused(() => TxnRequest.fromJson(json), `messages are nested deeper than ${MAX_DEPTH}`);
});

test('base64 is written as Buffer does and read in both alphabets, with and without padding and line breaks', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const standard = Buffer.from(bytes).toString('base64');
      const url = Buffer.from(bytes).toString('base64url');
      assert.equal(toBase64(bytes), standard);
      for (const form of [standard, url, standard.replaceAll('=', ''), url.padEnd(standard.length, '=')]) {
        assert.deepEqual(fromBase64(form), bytes);
        const wrapped = form.replaceAll(/.{1,76}/g, '$&\r\n');
        assert.deepEqual([fromBase64(wrapped), fromBase64(`${form}\n`)], [bytes, bytes]);
      }
    }),
  );
  const large = new Uint8Array(100_000).fill(0xab);
  assert.deepEqual(fromBase64(toBase64(large)), large);
  for (const wrong of ['a', 'ab=', 'a===', '====', 'ab c', 'abc\u00e9', 'ab=c', '=', 'YQ=', 'YQ=='.repeat(2)]) {
    assert.equal(fromBase64(wrong), undefined, wrong);
  }
});
