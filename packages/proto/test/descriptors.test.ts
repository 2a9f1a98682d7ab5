/** The tables against etcd's .proto files as protobufjs reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import type { MessageDescriptor } from '../src/descriptors/shape.js';
import {
  CODECS,
  METHODS_BY_HTTP_PATH,
  METHODS_BY_PATH,
  type Method,
  RangeRequest,
  RangeResponse,
  type RequestOf,
  type ResponseOf,
  SERVICES,
  type Services,
} from '../src/index.js';
import { ENUM_TABLE, FOREIGN, MESSAGE_NAMES, MESSAGE_TABLE } from './arbitrary.js';

function foreign<T>(kind: abstract new (...options: never[]) => T): Map<string, T> {
  const found = new Map<string, T>();
  const walk = (namespace: protobuf.NamespaceBase): void => {
    for (const nested of namespace.nestedArray) {
      if (nested instanceof kind) found.set(nested.fullName.slice(1), nested);
      if (nested instanceof protobuf.Namespace) walk(nested);
    }
  };
  walk(FOREIGN);
  return found;
}

test('the tables have the messages of the .proto files, with the same fields and numbers, and no others', () => {
  const types = foreign(protobuf.Type);
  assert.deepEqual([...types.keys()].toSorted(), MESSAGE_NAMES.toSorted());
  for (const [name, type] of types) {
    const theirs = type.fieldsArray.map((field) => [
      field.name,
      field.id,
      field.resolvedType?.fullName.slice(1) ?? field.type,
      field.repeated,
      field.partOf?.name,
    ]);
    const ours = Object.entries(MESSAGE_TABLE[name] as MessageDescriptor).map(([field, descriptor]) => [
      field,
      descriptor.number,
      descriptor.type,
      descriptor.repeated === true,
      descriptor.oneof,
    ]);
    assert.deepEqual(ours, theirs, name);
  }
});

test('the tables have the enumerations of the .proto files', () => {
  const theirs = [...foreign(protobuf.Enum)].map(([name, { values }]) => [name, { ...values }]);
  assert.deepEqual(Object.fromEntries(theirs), ENUM_TABLE);
});

const byPath = (a: readonly unknown[], b: readonly unknown[]): number => String(a[0]).localeCompare(String(b[0]));

test('the tables have the methods of the .proto files, streaming as they do', () => {
  const theirs = [...foreign(protobuf.Service).values()].flatMap((service) =>
    service.methodsArray.map((method) => [
      `/${service.fullName.slice(1)}/${method.name}`,
      method.resolvedRequestType?.fullName.slice(1),
      method.resolvedResponseType?.fullName.slice(1),
      method.requestStream === true ? 'duplex' : method.responseStream === true ? 'server-stream' : 'unary',
    ]),
  );
  const ours = [...METHODS_BY_PATH.values()].map((method) => [
    method.path,
    method.request.name,
    method.response.name,
    method.kind,
  ]);
  assert.deepEqual(ours.toSorted(byPath), theirs.toSorted(byPath));
});

test('fields stand in the order of their numbers, which is the order on the wire', () => {
  for (const [name, fields] of Object.entries(MESSAGE_TABLE)) {
    const numbers = Object.values(fields).map(({ number }) => number);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
      name,
    );
    assert.equal(new Set(numbers).size, numbers.length, name);
  }
});

test('the gateway has every method but RangeStream and the health service, and second paths for leases', () => {
  const without = [...METHODS_BY_PATH.values()]
    .filter(({ httpPaths }) => httpPaths.length === 0)
    .map(({ path }) => path);
  assert.deepEqual(without, [
    '/etcdserverpb.KV/RangeStream',
    '/grpc.health.v1.Health/Check',
    '/grpc.health.v1.Health/Watch',
  ]);
  const revoke = SERVICES['etcdserverpb.Lease'].LeaseRevoke;
  assert.equal(METHODS_BY_HTTP_PATH.get('/v3/lease/revoke'), revoke);
  assert.equal(METHODS_BY_HTTP_PATH.get('/v3/kv/lease/revoke'), revoke);
  const paths = [...METHODS_BY_PATH.values()].flatMap(({ httpPaths }) => httpPaths);
  assert.equal(paths.length, METHODS_BY_HTTP_PATH.size, 'no path is given twice');
  for (const path of paths) assert.match(path, /^\/v3\/[a-z/-]+$/);
});

test('every message has a codec under its name', () => {
  for (const name of MESSAGE_NAMES) assert.equal(CODECS.get(name)?.name, name);
});

test('the compiler knows the messages and the streaming of a method', () => {
  const range: Method<RangeRequest, RangeResponse, 'unary'> = SERVICES['etcdserverpb.KV'].Range;
  assert.equal(range.request, RangeRequest);
  assert.equal(range.response, RangeResponse);
  const request: RequestOf<Services['etcdserverpb.KV']['Range']> = RangeRequest.create();
  const response: ResponseOf<Services['etcdserverpb.KV']['Range']> = RangeResponse.create();
  assert.equal(request.limit, 0);
  assert.deepEqual(response.kvs, []);
});
