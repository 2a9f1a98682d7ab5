/** What every Random must do, as tests that run against any implementation of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Random } from '../seams/random.js';

const BOUNDS: readonly number[] = [1, 2, 7, 2 ** 16, 2 ** 32, 2 ** 32 + 1, 2 ** 48, Number.MAX_SAFE_INTEGER];
const NO_BOUNDS: readonly number[] = [0, -1, 1.5, Number.NaN];
/** That one of six faces does not turn up in so many throws is as good as impossible. */
const THROWS = 1000;
const FACES = 6;

export function randomContract(name: string, open: () => Random): void {
  describe(`random contract: ${name}`, () => {
    test('the same name gives the same stream', () => {
      const random = open();
      assert.equal(random.stream('a'), random.stream('a'));
    });

    test('draws are integers from 0 up to the bound, and not the bound', () => {
      const stream = open().stream('a');
      for (const bound of BOUNDS) {
        for (let i = 0; i < 100; i += 1) {
          const drawn = stream.integer(bound);
          assert.ok(Number.isSafeInteger(drawn) && drawn >= 0 && drawn < bound, `${drawn} of ${bound}`);
        }
      }
    });

    test('every number below the bound is drawn', () => {
      const stream = open().stream('a');
      const drawn = new Set(Array.from({ length: THROWS }, () => stream.integer(FACES)));
      assert.equal(drawn.size, FACES);
    });

    test('a draw above 32 bits uses all of them', () => {
      const stream = open().stream('a');
      const drawn = Array.from({ length: THROWS }, () => stream.integer(Number.MAX_SAFE_INTEGER));
      assert.ok(drawn.some((number) => number > 2 ** 52));
      assert.ok(drawn.some((number) => number % 2 === 1) && drawn.some((number) => number % 2 === 0));
      assert.equal(new Set(drawn).size, THROWS);
    });

    test('what is no bound is refused', () => {
      const stream = open().stream('a');
      for (const bound of NO_BOUNDS) assert.throws(() => stream.integer(bound));
    });
  });
}
