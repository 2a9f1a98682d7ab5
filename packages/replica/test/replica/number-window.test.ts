/** A window of numbers against a Map. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { NumberWindow } from '../../src/replica/number-window.js';

function contents(window: NumberWindow<string>): [number, string][] {
  const found: [number, string][] = [];
  window.forEach((value, key) => void found.push([key, value]));
  return found;
}

describe('a window of numbers', () => {
  it('holds what a Map would hold, whatever comes and goes, and tells it in order', () => {
    const key = fc.integer({ min: 0, max: 200 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key }),
      fc.record({ kind: fc.constant('take' as const), key }),
      fc.record({ kind: fc.constant('take up to' as const), key }),
    );
    const base = fc.constantFrom(0, 1, 2 ** 31 - 100, 2 ** 52);
    fc.assert(
      fc.property(base, fc.array(step, { maxLength: 200 }), (from, steps) => {
        const window = new NumberWindow<string>();
        const model = new Map<number, string>();
        for (const [i, { kind, key: offset }] of steps.entries()) {
          const at = from + offset;
          if (kind === 'set') {
            window.set(at, `${i}`);
            model.set(at, `${i}`);
          } else if (kind === 'take') {
            assert.equal(window.take(at), model.get(at));
            model.delete(at);
          } else {
            const due = [...model.keys()].filter((present) => present <= at).toSorted((a, b) => a - b);
            const expected = due.map((present) => model.get(present));
            assert.deepEqual(
              window.takeIf((_, present) => present <= at),
              expected,
            );
            for (const present of due) model.delete(present);
          }
          assert.equal(window.size, model.size);
          assert.deepEqual(
            contents(window),
            [...model].toSorted(([a], [b]) => a - b),
          );
        }
      }),
    );
  });

  it('takes no more slots for a million numbers that pass through than for those that are there at once', () => {
    const window = new NumberWindow<number>();
    for (let key = 1; key <= 1_000_000; key += 1) {
      window.set(key, key);
      if (key > 10) assert.equal(window.take(key - 10), key - 10);
    }
    assert.equal(window.size, 10);
  });

  it('refuses numbers that are too far apart', () => {
    const window = new NumberWindow<number>();
    window.set(1, 1);
    assert.throws(() => window.set(2 ** 40, 2), /numbers \d+ apart in one window/);
    assert.equal(window.take(1), 1);
  });
});
