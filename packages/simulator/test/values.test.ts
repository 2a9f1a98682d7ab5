/** Values that clients write are kept once; what is found is told as it is, written or not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Values } from '../src/checks/values.js';

const encoder = new TextEncoder();

test('what was written is told by the same text', () => {
  const values = new Values();
  const texts = [values.make(1, 1, 0), values.make(1, 2, 40), values.make(12, 345, 200)];
  assert.deepEqual(texts.slice(0, 2), ['1.1.', `1.2.${'x'.repeat(36)}`]);
  for (const text of texts) {
    assert.equal(values.textOf(values.bytesOf(text)), text);
    assert.equal(values.textOf(encoder.encode(text)), text);
  }
});

test('what nobody has written is told as it is', () => {
  const values = new Values();
  const text = values.make(3, 7, 30);
  values.bytesOf(text);
  for (const other of [
    '',
    '.',
    '3',
    '3.',
    '3.7',
    '3.7.',
    '3.7.y',
    text.slice(1),
    `${text}x`,
    text.replace(/x$/, 'y'),
    '33333333.7.',
  ]) {
    assert.equal(values.textOf(encoder.encode(other)), other);
  }
});
