/** The sector layer: what is put into sectors is found in them, with a marker at the end of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  advance,
  copyStream,
  SECTOR_BYTES,
  SECTOR_DATA_BYTES,
  SECTOR_MARKER,
  SectorWriter,
} from '../../src/wal/sectors.js';

const piece = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 60 }),
  fc.integer({ min: 1, max: 3 * SECTOR_BYTES }).map((size) => new Uint8Array(size).fill(size)),
  fc.constantFrom(SECTOR_DATA_BYTES - 1, SECTOR_DATA_BYTES, SECTOR_BYTES).map((size) => new Uint8Array(size).fill(7)),
);
/** Pieces that are laid out together, and what is then written over the beginning of it. */
const run = fc.record({ pieces: fc.array(piece, { maxLength: 6 }), patch: fc.uint8Array({ maxLength: 40 }) });

test('what is put lies in sectors, wherever they begin and however it comes', () => {
  const writer = new SectorWriter();
  fc.assert(
    fc.property(fc.nat(3 * SECTOR_DATA_BYTES), fc.array(run, { maxLength: 5 }), (start, runs) => {
      const base = advance(0, start);
      const stream = Buffer.concat(runs.flatMap(({ pieces }) => pieces));
      writer.begin(base, stream.length, (bytes) => new Uint8Array(bytes));
      let laid = 0;
      for (const { pieces, patch } of runs) {
        const at = writer.position;
        assert.equal(at, advance(base, laid));
        for (const bytes of pieces) writer.put(bytes, bytes.length);
        writer.lay();
        const length = pieces.reduce((sum, bytes) => sum + bytes.length, 0);
        const patched = patch.subarray(0, length);
        writer.patch(at, patched, patched.length);
        stream.set(patched, laid);
        laid += length;
      }
      assert.equal(writer.position, advance(base, stream.length));
      const found = new Uint8Array(stream.length);
      copyStream(writer.bytes, base, base, found, 0, stream.length);
      assert.deepEqual(Buffer.from(found), stream);
      for (let at = base; at < writer.position; at++) {
        if (at % SECTOR_BYTES === SECTOR_DATA_BYTES) assert.equal(writer.bytes[at - base], SECTOR_MARKER);
      }
    }),
    { numRuns: 1_000 },
  );
});
