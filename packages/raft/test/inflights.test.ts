/** The in-flight window against a plain list of messages. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Inflights } from '../src/inflights.js';

type Step =
  | { readonly kind: 'add'; readonly gap: number; readonly bytes: number }
  | { readonly kind: 'free'; readonly back: number }
  | { readonly kind: 'reset' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('add' as const), gap: fc.integer({ min: 1, max: 3 }), bytes: fc.nat(40) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('free' as const), back: fc.integer({ min: -2, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
);

/** The window as a list that forgets nothing it should keep. */
class NaiveInflights {
  messages: { readonly lastIndex: number; readonly bytes: number }[] = [];
  readonly messagesMax: number;
  readonly bytesMax: number;

  constructor(messagesMax: number, bytesMax: number) {
    this.messagesMax = messagesMax;
    this.bytesMax = bytesMax;
  }

  bytes(): number {
    return this.messages.reduce((sum, message) => sum + message.bytes, 0);
  }

  full(): boolean {
    return this.messages.length >= this.messagesMax || this.bytes() >= this.bytesMax;
  }
}

describe('Inflights', () => {
  it('behaves as a list of messages does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(Number.POSITIVE_INFINITY)),
        fc.array(step, { maxLength: 120 }),
        (messagesMax, bytesMax, steps) => {
          const window = new Inflights(messagesMax, bytesMax);
          const naive = new NaiveInflights(messagesMax, bytesMax);
          let last = 0;
          for (const step of steps) {
            if (step.kind === 'reset') {
              window.reset();
              naive.messages = [];
            } else if (step.kind === 'free') {
              window.freeUpTo(last - step.back);
              naive.messages = naive.messages.filter((message) => message.lastIndex > last - step.back);
            } else if (naive.full()) {
              assert.throws(() => window.add(last + 1, 1), /full window/);
            } else {
              last += step.gap;
              window.add(last, step.bytes);
              naive.messages.push({ lastIndex: last, bytes: step.bytes });
            }
            assert.deepEqual(
              [window.count, window.bytes, window.full()],
              [naive.messages.length, naive.bytes(), naive.full()],
            );
          }
        },
      ),
    );
  });

  it('lets one message cross the byte limit and then is full', () => {
    const window = new Inflights(10, 100);
    window.add(1, 1_000);
    assert.ok(window.full());
    window.freeUpTo(1);
    window.add(2, 99);
    assert.ok(!window.full());
    window.add(3, 50);
    assert.ok(window.full());
    assert.equal(window.bytes, 149);
  });

  it('gives back all bytes when acknowledgements are late, doubled and out of order (bug 57)', () => {
    const window = new Inflights(3, 30);
    for (let round = 0; round < 1_000; round++) {
      const base = round * 3;
      for (const offset of [1, 2, 3]) window.add(base + offset, 10);
      assert.ok(window.full());
      window.freeUpTo(base);
      window.freeUpTo(base + 2);
      window.freeUpTo(base + 1);
      window.freeUpTo(base + 2);
      assert.deepEqual([window.count, window.bytes], [1, 10]);
      window.freeUpTo(base + 3);
      assert.deepEqual([window.count, window.bytes], [0, 0]);
    }
  });

  it('keeps its order when it grows while it goes round the ring', () => {
    for (let turned = 1; turned < 8; turned++) {
      const window = new Inflights(100, Number.POSITIVE_INFINITY);
      for (let index = 1; index <= 8; index++) window.add(index, index);
      window.freeUpTo(turned);
      for (let index = 9; index <= 40; index++) window.add(index, index);
      let bytes = window.bytes;
      for (let index = turned + 1; index <= 40; index++) {
        window.freeUpTo(index);
        bytes -= index;
        assert.deepEqual([window.count, window.bytes], [40 - index, bytes]);
      }
      assert.equal(bytes, 0);
    }
  });

  it('counts a message of no bytes', () => {
    const window = new Inflights(1, 10);
    window.add(5, 0);
    assert.ok(window.full());
    window.freeUpTo(4);
    assert.equal(window.count, 1);
    window.freeUpTo(5);
    assert.equal(window.count, 0);
  });

  it('refuses indexes out of order and limits that let nothing through', () => {
    const window = new Inflights(4, 10);
    window.add(5, 1);
    assert.throws(() => window.add(5, 1), /assertion failed/);
    assert.throws(() => window.add(4, 1), /assertion failed/);
    assert.throws(() => window.add(6, -1), /assertion failed/);
    assert.throws(() => new Inflights(0, 10), /assertion failed/);
    assert.throws(() => new Inflights(10, 0), /assertion failed/);
  });
});
