import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutRequest } from '../src/index.js';

test('a put request survives the wire', () => {
  const key = Uint8Array.of(1, 2, 3);
  const message = PutRequest.decode(PutRequest.encode({ key, lease: -1n }));
  assert.deepEqual(message, { ...PutRequest.create(), key, lease: -1n });
});
