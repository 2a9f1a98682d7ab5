/** The table of errors against etcd's own texts and codes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ETCD_ERRORS, etcdErrorNameOf, GRPC_CODES, httpStatusOf } from '../src/index.js';

test('every error has a text of its own, by which it is found', () => {
  for (const [name, { text }] of Object.entries(ETCD_ERRORS)) assert.equal(etcdErrorNameOf(text), name);
  assert.equal(etcdErrorNameOf('etcdserver: no such error'), undefined);
});

test('errors that clients act upon have the text and the code of etcd', () => {
  assert.deepEqual(ETCD_ERRORS.Compacted, {
    grpcCode: 11,
    text: 'etcdserver: mvcc: required revision has been compacted',
  });
  assert.deepEqual(ETCD_ERRORS.NoSpace, { grpcCode: 8, text: 'etcdserver: mvcc: database space exceeded' });
  assert.deepEqual(ETCD_ERRORS.LeaseNotFound, { grpcCode: 5, text: 'etcdserver: requested lease not found' });
  assert.deepEqual(ETCD_ERRORS.NoLeader, { grpcCode: 14, text: 'etcdserver: no leader' });
  assert.deepEqual(ETCD_ERRORS.InvalidAuthToken, { grpcCode: 16, text: 'etcdserver: invalid auth token' });
  assert.deepEqual(ETCD_ERRORS.AuthOldRevision, { grpcCode: 3, text: 'etcdserver: revision of auth store is old' });
});

test('errors that etcd hands to gRPC without a code arrive as Unknown', () => {
  assert.equal(ETCD_ERRORS.TooManyRequests.grpcCode, GRPC_CODES.UNKNOWN);
  assert.equal(ETCD_ERRORS.MemberNotEnoughStarted.grpcCode, GRPC_CODES.UNKNOWN);
  assert.deepEqual(ETCD_ERRORS.ElectionNotLeader, { grpcCode: 2, text: 'election: not leader' });
});

test("the texts have etcd's prefix, but for those that come from its libraries", () => {
  const bare = Object.values(ETCD_ERRORS).filter(({ text }) => !text.startsWith('etcdserver: '));
  assert.deepEqual(
    bare.map(({ text }) => text.replace(/[: ].*/, '')),
    ['RangeStream', 'RangeStream', 'auth', 'mutex', 'election', 'election', '"leader"'],
  );
});

test('each gRPC code has the HTTP status of the gateway', () => {
  const statuses = Object.fromEntries(Object.entries(GRPC_CODES).map(([name, code]) => [name, httpStatusOf(code)]));
  assert.deepEqual(statuses, {
    OK: 200,
    CANCELED: 499,
    UNKNOWN: 500,
    INVALID_ARGUMENT: 400,
    DEADLINE_EXCEEDED: 504,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    PERMISSION_DENIED: 403,
    RESOURCE_EXHAUSTED: 429,
    FAILED_PRECONDITION: 400,
    ABORTED: 409,
    OUT_OF_RANGE: 400,
    UNIMPLEMENTED: 501,
    INTERNAL: 500,
    UNAVAILABLE: 503,
    DATA_LOSS: 500,
    UNAUTHENTICATED: 401,
  });
  assert.equal(httpStatusOf(99), 500);
});
