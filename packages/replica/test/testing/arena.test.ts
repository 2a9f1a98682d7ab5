/** Memory that one virtual world leaves to the next: nothing of the former is seen in the latter, and two at once share nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../src/testing/arena.js';
import { MemoryFile } from '../../src/testing/memory-file.js';

const BLOCK_BYTES = 1024 * 1024;

test('what is released is used again, and not before', () => {
  const [first, second] = [new Arena(), new Arena()];
  const bytes = first.allocate(100).fill(1);
  const others = second.allocate(100).fill(2);
  assert.notEqual(bytes.buffer, others.buffer);
  first.release();
  const next = new Arena();
  assert.equal(next.allocate(100).buffer, bytes.buffer);
  assert.notEqual(second.allocate(100).buffer, bytes.buffer);
  assert.ok(others.every((byte) => byte === 2));
});

test('what is allocated does not overlap', () => {
  const arena = new Arena();
  const sizes = [0, 1, 7, 8, 9, 512, BLOCK_BYTES / 4, BLOCK_BYTES / 4 + 1, BLOCK_BYTES / 4, 3 * BLOCK_BYTES, 5];
  const all = sizes.map((size, i) => arena.allocate(size).fill(i));
  for (const [i, bytes] of all.entries()) {
    assert.equal(bytes.length, sizes[i]);
    assert.equal(bytes.byteOffset % 8, 0);
    assert.ok(bytes.every((byte) => byte === i));
  }
});

test('a file reads as zeros where nothing was written, whatever its memory held before', () => {
  const former = new Arena();
  for (let i = 0; i < 8; i += 1) former.allocate(BLOCK_BYTES / 4).fill(0xff);
  former.release();
  const file = new MemoryFile(new Arena().allocate);
  file.resize(4096);
  assert.deepEqual(file.read(0, 4096), new Uint8Array(4096));
  file.write(1000, Uint8Array.of(1, 2, 3));
  const expected = new Uint8Array(4096);
  expected.set([1, 2, 3], 1000);
  assert.deepEqual(file.read(0, 4096), expected);
  file.sync();
  assert.deepEqual(file.read(0, 4096), expected);
  assert.deepEqual(file.read(999, 2), Uint8Array.of(0, 1));
});
