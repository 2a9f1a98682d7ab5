/** HPACK: the examples of RFC 7541 Appendix C, and properties. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { BlockCache } from '../src/hpack/block-cache.js';
import { HpackDecoder } from '../src/hpack/decoder.js';
import { literalFields, ResponseEncoder } from '../src/hpack/encoder.js';
import { decodedBytesMax, decodeHuffman } from '../src/hpack/huffman.js';

function decode(decoder: HpackDecoder, hex: string): string[] {
  const block = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return decoder.decode(block, 0, block.length);
}

function huffman(hex: string): string {
  const source = Buffer.from(hex, 'hex');
  const target = Buffer.alloc(decodedBytesMax(source.length));
  return target.toString('latin1', 0, decodeHuffman(source, 0, source.length, target));
}

/** A field that enters the table, as hex. */
function added(name: string, value: string): string {
  const block = Buffer.from(literalFields([[name, value]]));
  block[0] = 0x40;
  return block.toString('hex');
}

const REQUEST = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'];
const SECOND = [...REQUEST, 'cache-control', 'no-cache'];
const THIRD = [
  ':method',
  'GET',
  ':scheme',
  'https',
  ':path',
  '/index.html',
  ':authority',
  'www.example.com',
  'custom-key',
  'custom-value',
];

describe('HPACK', () => {
  it('decodes the requests of C.3', () => {
    const decoder = new HpackDecoder(10_000);
    assert.deepEqual(decode(decoder, '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d'), REQUEST);
    assert.deepEqual(decode(decoder, '8286 84be 5808 6e6f 2d63 6163 6865'), SECOND);
    assert.deepEqual(
      decode(decoder, '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65'),
      THIRD,
    );
  });

  it('decodes the requests of C.4, with Huffman coding', () => {
    const decoder = new HpackDecoder(10_000);
    assert.deepEqual(decode(decoder, '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'), REQUEST);
    assert.deepEqual(decode(decoder, '8286 84be 5886 a8eb 1064 9cbf'), SECOND);
    assert.deepEqual(decode(decoder, '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'), THIRD);
  });

  it('decodes Huffman strings', () => {
    assert.equal(huffman(''), '');
    assert.equal(huffman('f1e3c2e5f23a6ba0ab90f4ff'), 'www.example.com');
    assert.equal(
      huffman('94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007'),
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    );
  });

  it('evicts the oldest entries, and forgets all for one that is too large', () => {
    const decoder = new HpackDecoder(100_000);
    const bytes = 2000;
    decode(decoder, added('a', 'x'.repeat(bytes)) + added('b', 'y'.repeat(bytes)));
    assert.deepEqual(decode(decoder, 'bebf'), ['b', 'y'.repeat(bytes), 'a', 'x'.repeat(bytes)]);
    decode(decoder, added('c', 'z'));
    assert.deepEqual(decode(decoder, 'bebf'), ['c', 'z', 'b', 'y'.repeat(bytes)]);
    assert.throws(() => decode(decoder, 'c0'), /not in the table/);
    decode(decoder, added('d', 'x'.repeat(5000)));
    assert.throws(() => decode(decoder, 'be'), /not in the table/);
  });

  it('keeps what fits into the limit, counts all, and stays in step', () => {
    const decoder = new HpackDecoder(100);
    assert.deepEqual(decode(decoder, '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d'), REQUEST.slice(0, 4));
    assert.equal(decoder.isTooLarge, true);
    assert.equal(decoder.listBytes, 180);
    assert.deepEqual(decode(decoder, 'be'), [':authority', 'www.example.com']);
    assert.equal(decoder.isTooLarge, false);
  });

  it('never fails but by a compression error, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 4 }),
        (blocks) => {
          const decoder = new HpackDecoder(1000);
          for (const block of blocks) {
            try {
              const fields = decoder.decode(Buffer.from(block), 0, block.length);
              assert.equal(fields.length % 2, 0);
            } catch (error) {
              assert.equal((error as Error).name, 'ConnectionError');
              return;
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('decodes what it has encoded as literals', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 300,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (fields) => {
        const block = Buffer.from(literalFields(fields));
        assert.deepEqual(new HpackDecoder(1e6).decode(block, 0, block.length), fields.flat());
      }),
    );
  });

  it('encodes responses that a decoder understands in whatever order they come', () => {
    const step = fc.constantFrom('head', 'ok', 'both', 'fields', 'shrink');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const encoder = new ResponseEncoder();
        const decoder = new HpackDecoder(10_000);
        const check = (block: Uint8Array, expected: readonly string[]): void => {
          assert.deepEqual(decoder.decode(Buffer.from(block), 0, block.length), expected);
        };
        const head = [':status', '200', 'content-type', 'application/grpc'];
        for (const one of steps) {
          if (one === 'head') check(encoder.head(), head);
          else if (one === 'ok') check(encoder.okTrailers(), ['grpc-status', '0']);
          else if (one === 'both')
            check(Buffer.concat([encoder.head(), encoder.okTrailers()]), [...head, 'grpc-status', '0']);
          else if (one === 'fields') check(encoder.fields([['a', 'b']]), ['a', 'b']);
          else encoder.setTableBytesMax(0);
        }
      }),
    );
  });

  it('recognises a block by its bytes only while the table is the same', () => {
    const cache = new BlockCache<string>();
    const block = Buffer.from('xxabcyy');
    assert.equal(cache.find(block, 2, 5, 0), undefined);
    cache.add(block, 2, 5, 0, 'first');
    assert.equal(cache.find(Buffer.from('abc'), 0, 3, 0), 'first');
    assert.equal(cache.find(Buffer.from('abd'), 0, 3, 0), undefined);
    assert.equal(cache.find(Buffer.from('abc'), 0, 3, 1), undefined);
    cache.add(block, 0, 2, 1, 'second');
    assert.equal(cache.find(Buffer.from('abc'), 0, 3, 1), undefined);
    for (let count = 0; count < 8; count++) cache.add(Buffer.of(count), 0, 1, 1, `${count}`);
    assert.equal(cache.find(block, 0, 2, 1), undefined);
    assert.equal(cache.find(Buffer.of(7), 0, 1, 1), '7');
  });
});
