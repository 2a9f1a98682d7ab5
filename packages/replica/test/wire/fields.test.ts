/** The reader and the writer of single fields. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ByteReader, ByteWriter, WireError } from '../../src/wire/index.js';
import { platform } from './platform.js';

const safeInteger = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.nat({ max: 53 }).map((bit) => Math.min(2 ** bit, Number.MAX_SAFE_INTEGER)),
  fc.nat({ max: 53 }).map((bit) => 2 ** bit - 1),
);

const read = (bytes: readonly number[]): number => new ByteReader(Uint8Array.from(bytes)).varint();

describe('fields', () => {
  test('a safe integer reads back, and takes the bytes that seven bits a byte need', () => {
    fc.assert(
      fc.property(safeInteger, (value) => {
        const writer = new ByteWriter(platform);
        writer.varint(value);
        const bytes = writer.take();
        assert.equal(bytes.length, Math.max(1, Math.ceil(value.toString(2).length / 7)));
        const reader = new ByteReader(bytes);
        assert.equal(reader.varint(), value);
        reader.end();
      }),
    );
  });

  test('what is written one after the other reads back, across slabs', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            integer: safeInteger,
            word: fc.nat(2 ** 32 - 1),
            flag: fc.boolean(),
            text: fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 40 }),
            bytes: fc.uint8Array({ maxLength: 5000 }),
          }),
          { maxLength: 20 },
        ),
        (records) => {
          const writer = new ByteWriter(platform);
          const taken = records.map((record) => {
            writer.varint(record.integer);
            writer.u32(record.word);
            writer.flag(record.flag);
            writer.shortString(record.text, 40);
            writer.bytes(record.bytes);
            return writer.take();
          });
          for (const [position, record] of records.entries()) {
            const reader = new ByteReader(taken[position] as Uint8Array);
            assert.equal(reader.varint(), record.integer);
            assert.equal(reader.u32(), record.word);
            assert.equal(reader.flag(), record.flag);
            assert.equal(reader.shortString(platform, 40, 'text'), record.text);
            assert.deepEqual(Buffer.from(reader.rest()), Buffer.from(record.bytes));
          }
        },
      ),
    );
  });

  test('an integer has one encoding: longer ones and unsafe ones are refused', () => {
    assert.equal(read([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]), Number.MAX_SAFE_INTEGER);
    for (const bytes of [
      [0x80, 0x00],
      [0xff, 0x80, 0x00],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x8f, 0x01],
      [0x80],
      [],
    ]) {
      assert.throws(() => read(bytes), WireError, JSON.stringify(bytes));
    }
  });

  test('a count that cannot be true is refused before anything is made of it', () => {
    const writer = new ByteWriter(platform);
    writer.varint(Number.MAX_SAFE_INTEGER);
    assert.throws(() => new ByteReader(writer.take()).count(1, 'things'), WireError);
  });

  test('what cannot be written is the programmer’s error and leaves no trace in the next frame', () => {
    const writer = new ByteWriter(platform);
    writer.u8(7);
    for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => writer.varint(value), RangeError);
    assert.throws(() => writer.u32(2 ** 32), RangeError);
    assert.throws(() => writer.shortString('abc', 2), RangeError);
    assert.throws(() => writer.shortString('€', 2), RangeError);
    writer.discard();
    writer.u8(9);
    assert.deepEqual([...writer.take()], [9]);
  });
});
