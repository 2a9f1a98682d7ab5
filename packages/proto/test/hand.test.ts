/** The codecs by hand against the ones made from the tables: they must not differ in anything, whatever the bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NAMES_BY_HAND, wholeCodecs } from '../src/codec/registry.js';
import { CODECS, type Codec, ProtoError } from '../src/index.js';
import { message } from './arbitrary.js';

const TABLE_CODECS = wholeCodecs({});

/** The message, or the text of the error with which it was refused. */
function outcome(codec: Codec<unknown>, bytes: Uint8Array): unknown {
  try {
    return codec.decode(bytes);
  } catch (error) {
    assert.ok(error instanceof ProtoError);
    return error.message;
  }
}

for (const name of NAMES_BY_HAND) {
  const hand = CODECS.get(name) as Codec<unknown>;
  const table = TABLE_CODECS.get(name) as Codec<unknown>;

  test(`${name} by hand is the same as from the table`, () => {
    assert.deepEqual(hand.create(), table.create());
    assert.deepEqual(Object.keys(hand.create() as object), Object.keys(table.create() as object));
    fc.assert(
      fc.property(message(name), (original) => {
        const bytes = hand.encode(original);
        assert.deepEqual(bytes, table.encode(original));
        assert.deepEqual(hand.decode(bytes), table.decode(bytes));
      }),
      { numRuns: 60 },
    );
  });

  test(`${name} by hand is the same as from the table for damaged and joined bytes too`, () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(message(name), message(name), damage, fc.nat(), (one, other, changes, cut) => {
        // Two messages one behind the other are one message whose fields are merged.
        const joined = Uint8Array.of(...hand.encode(one), ...hand.encode(other));
        assert.deepEqual(hand.decode(joined), table.decode(joined));
        const damaged = joined.slice(0, joined.length - (cut % 3));
        for (const [at, value] of changes) if (damaged.length > 0) damaged[at % damaged.length] = value;
        assert.deepEqual(outcome(hand, damaged), outcome(table, damaged));
      }),
      { numRuns: 120 },
    );
  });
}
