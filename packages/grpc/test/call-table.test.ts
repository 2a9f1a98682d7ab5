import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ServerCall } from '../src/grpc/call.js';
import { CallQueue } from '../src/http2/call-queue.js';
import { CallTable } from '../src/http2/call-table.js';

/** What the table and the queue look at. */
function callOf(id: number): ServerCall {
  return { id, isReady: false, readyPrevious: undefined, readyNext: undefined } as ServerCall;
}

const streamId = fc.integer({ min: 0, max: 40 }).map((n) => 2 * n + 1);

describe('the table of calls', () => {
  it('holds what a Map would hold, whichever calls begin and end', () => {
    // Multiples of the table's size share a place.
    const id = fc.oneof(
      streamId,
      streamId.map((n) => n * 16 + 1),
    );
    const step = fc.record({ isEnd: fc.boolean(), id });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const table = new CallTable();
        const model = new Map<number, ServerCall>();
        for (const { isEnd, id: at } of steps) {
          if (isEnd) {
            table.delete(at);
            model.delete(at);
          } else if (!model.has(at)) {
            const call = callOf(at);
            table.add(call);
            model.set(at, call);
          }
          assert.equal(table.size, model.size);
          for (const { id: other } of steps) assert.equal(table.get(other), model.get(other));
        }
        assert.deepEqual(
          table.all().map((call) => call.id),
          [...model.keys()].toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

describe('the queue of calls', () => {
  it('is a Set: first come, first served, and what has left is linked to nothing', () => {
    const step = fc.record({ isEnd: fc.boolean(), at: fc.integer({ min: 0, max: 7 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const calls = Array.from({ length: 8 }, (_, n) => callOf(2 * n + 1));
        const queue = new CallQueue();
        const model = new Set<ServerCall>();
        for (const { isEnd, at } of steps) {
          const call = calls[at] as ServerCall;
          if (isEnd) {
            queue.delete(call);
            model.delete(call);
            assert.deepEqual([call.isReady, call.readyPrevious, call.readyNext], [false, undefined, undefined]);
          } else {
            queue.add(call);
            model.add(call);
          }
          const found: ServerCall[] = [];
          for (let next = queue.first; next !== undefined; next = next.readyNext) found.push(next);
          assert.deepEqual(
            found.map(({ id }) => id),
            [...model].map(({ id }) => id),
          );
        }
      }),
    );
  });
});
