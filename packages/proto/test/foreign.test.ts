/** Random messages of every type, to protobufjs and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CODECS, type Codec } from '../src/index.js';
import { FOREIGN, MESSAGE_NAMES, message } from './arbitrary.js';

const RUNS = 40;

for (const name of MESSAGE_NAMES) {
  test(`${name}: protobufjs writes the same bytes, and each reads the other's`, () => {
    const codec = CODECS.get(name) as Codec<unknown>;
    const type = FOREIGN.lookupType(name);
    fc.assert(
      fc.property(message(name), (original) => {
        const bytes = codec.encode(original);
        const json = codec.toJson(original);
        const theirs = type.encode(type.fromObject(json)).finish();
        assert.deepEqual(bytes, Uint8Array.from(theirs));
        const read = type.toObject(type.decode(bytes), { longs: String, enums: String, bytes: String });
        assert.deepEqual(read, json);
        const message = codec.decode(bytes);
        assert.deepEqual(codec.encode(message as object), bytes);
        assert.deepEqual(codec.toJson(message as object), json);
        assert.deepEqual(codec.fromJson(JSON.parse(JSON.stringify(json))), message);
      }),
      { numRuns: RUNS },
    );
  });
}
