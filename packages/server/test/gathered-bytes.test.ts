/** Pieces of a body put together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GatheredBytes } from '../src/http/gathered-bytes.js';

test('whatever the pieces, they come out in their order, and the next body begins anew', () => {
  const bodies = fc.array(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 20 }), { maxLength: 4 });
  fc.assert(
    fc.property(bodies, (all) => {
      const gathered = new GatheredBytes();
      const taken = all.map((pieces) => {
        for (const piece of pieces) gathered.push(piece);
        assert.equal(
          gathered.length,
          pieces.reduce((sum, piece) => sum + piece.length, 0),
        );
        return gathered.take();
      });
      for (const [index, pieces] of all.entries()) assert.deepEqual(taken[index], Buffer.concat(pieces));
    }),
  );
});

test('one piece is not copied', () => {
  const piece = Buffer.from('abc');
  const gathered = new GatheredBytes();
  gathered.push(piece);
  assert.equal(gathered.take().buffer, piece.buffer);
});
