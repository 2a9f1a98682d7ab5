/** Values that clients write are kept once; what is found is told as it is, written or not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Values } from '../src/checks/values.js';

const encoder = new TextEncoder();

test('a text stands for what was written', () => {
  const values = new Values();
  const texts = [values.make(1, 1, 0), values.make(1, 2, 40), values.make(12, 345, 200)];
  const written = ['1.1.', `1.2.${'x'.repeat(36)}`, `12.345.${'x'.repeat(193)}`];
  assert.deepEqual(texts, ['1.1.', '1.2.(36)', '12.345.(193)']);
  for (const [i, text] of texts.entries()) {
    assert.deepEqual(values.bytesOf(text), encoder.encode(written[i]));
    assert.equal(values.textOf(encoder.encode(written[i])), text);
  }
});

test('what nobody has written is told as it is', () => {
  const values = new Values();
  const written = new TextDecoder().decode(values.bytesOf(values.make(3, 7, 30)));
  for (const other of [
    '',
    '.',
    '3',
    '3.',
    '3.7',
    '3.7.',
    '3.7.y',
    written.slice(1),
    `${written}x`,
    written.replace(/x$/, 'y'),
    '33333333.7.',
  ]) {
    assert.equal(values.textOf(encoder.encode(other)), other);
    assert.deepEqual(values.bytesOf(other), encoder.encode(other));
  }
});
