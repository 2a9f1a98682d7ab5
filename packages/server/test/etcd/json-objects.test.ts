/** Cutting a stream into JSON objects. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JsonObjects } from '../../src/etcd/json-objects.js';

const cut = (chunks: readonly Uint8Array[], bytesMax = 1e6): { objects: unknown[]; results: string[] } => {
  const objects: unknown[] = [];
  const cutter = new JsonObjects(bytesMax, (text) => objects.push(JSON.parse(text)));
  const results: string[] = [];
  for (const chunk of chunks) {
    const result = cutter.push(chunk);
    results.push(result);
    if (result !== 'ok') break;
  }
  return { objects, results };
};

test('whatever the objects and wherever the stream is cut, the objects come out', () => {
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
  const stream = fc.array(fc.tuple(object, space, fc.boolean()), { maxLength: 8 });
  fc.assert(
    fc.property(stream, fc.array(fc.nat(3000), { maxLength: 20 }), (items, cuts) => {
      const text = items.map(([value, gap, isWide]) => JSON.stringify(value, undefined, isWide ? 2 : 0) + gap).join('');
      const bytes = Buffer.from(text);
      const places = [...cuts.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
      const chunks = places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
      const { objects, results } = cut(chunks);
      assert.ok(results.every((result) => result === 'ok'));
      const expected = items.map(([value]) => JSON.parse(JSON.stringify(value)) as unknown);
      assert.deepEqual(objects, expected);
    }),
  );
});

test('what is no object is told, after the objects before it', () => {
  for (const junk of ['x', '[', '"', '1', '}', 'null']) {
    const { objects, results } = cut([Buffer.from(`{"a":"}{"} ${junk}`)]);
    assert.deepEqual([objects, results], [[{ a: '}{' }], ['not-an-object']]);
  }
});

test('an object that is too large is told before it is whole, wherever it is cut', () => {
  const object = Buffer.from(JSON.stringify({ a: 'x'.repeat(100) }));
  assert.deepEqual(cut([object], object.length).results, ['ok']);
  assert.deepEqual(cut([object], object.length - 1).results, ['too-large']);
  assert.deepEqual(cut([object.subarray(0, 60), object.subarray(60)], 59).results, ['too-large']);
});
