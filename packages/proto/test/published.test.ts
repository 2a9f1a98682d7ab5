/**
 * The tables against .proto files that come from etcd itself: those that etcd's client for Node carries. They are of an older
 * etcd, so what they have must be the same here, and there may be more here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import type { EnumDescriptor, MessageDescriptor } from '../src/descriptors/shape.js';
import { METHODS_BY_PATH } from '../src/index.js';
import { ENUM_TABLE, MESSAGE_TABLE } from './arbitrary.js';

function published(): protobuf.Root {
  const folder = path.join(path.dirname(createRequire(import.meta.url).resolve('etcd3/package.json')), 'proto');
  const root = new protobuf.Root();
  for (const file of ['kv.proto', 'auth.proto', 'rpc.proto']) {
    protobuf.parse(readFileSync(path.join(folder, file), 'utf8'), root, { keepCase: true });
  }
  root.resolveAll();
  return root;
}

function* within(namespace: protobuf.NamespaceBase): Generator<protobuf.ReflectionObject> {
  for (const nested of namespace.nestedArray) {
    yield nested;
    if (nested instanceof protobuf.Namespace) yield* within(nested);
  }
}

test('every message, enumeration and method of the published files is here, with the same numbers', () => {
  const counts = { messages: 0, enums: 0, methods: 0 };
  for (const found of within(published())) {
    const name = found.fullName.slice(1);
    if (found instanceof protobuf.Type) {
      counts.messages += 1;
      for (const field of found.fieldsArray) {
        const ours = (MESSAGE_TABLE[name] as MessageDescriptor)[field.name];
        assert.equal(ours?.number, field.id, `${name}.${field.name}`);
        assert.equal(ours.type, field.resolvedType?.fullName.slice(1) ?? field.type, `${name}.${field.name}`);
        assert.equal(ours.repeated === true, field.repeated, `${name}.${field.name}`);
        assert.equal(ours.oneof, field.partOf?.name, `${name}.${field.name}`);
      }
    } else if (found instanceof protobuf.Enum) {
      counts.enums += 1;
      // That client spells the names in its own way: NotEqual for NOT_EQUAL.
      const theirs = Object.entries(found.values).map(([value, number]) => [value.toUpperCase(), number]);
      const ours = Object.entries(ENUM_TABLE[name] as EnumDescriptor).map(([value, number]) => [
        value.replaceAll('_', ''),
        number,
      ]);
      assert.deepEqual(ours.slice(0, theirs.length), theirs, name);
    } else if (found instanceof protobuf.Service) {
      for (const method of found.methodsArray) {
        counts.methods += 1;
        const ours = METHODS_BY_PATH.get(`/${name}/${method.name}`);
        assert.equal(ours?.request.name, method.resolvedRequestType?.fullName.slice(1), method.fullName);
        assert.equal(ours?.response.name, method.resolvedResponseType?.fullName.slice(1), method.fullName);
        // Of old, HashKV had the path of Hash; etcd has since given it one of its own.
        const httpPath =
          method.name === 'HashKV' ? '/v3/maintenance/hashkv' : method.options?.['(google.api.http).post'];
        assert.equal(ours?.httpPaths[0], httpPath, method.fullName);
        assert.equal(ours?.kind === 'duplex', method.requestStream === true, method.fullName);
        assert.equal(ours?.kind !== 'unary', method.responseStream === true, method.fullName);
      }
    }
  }
  assert.ok(counts.messages > 80 && counts.enums > 5 && counts.methods > 35, JSON.stringify(counts));
});
