/** The real clock and the real dice. */
import { randomInt } from 'node:crypto';
import type { Clock, Random, RandomStream } from '../seams/index.js';

export const systemClock: Clock = { nowMs: () => performance.now() };

/** crypto.randomInt takes ranges below 2^48. */
const RANDOM_INT_MAX = 2 ** 48 - 1;

const stream: RandomStream = {
  integer: (bound) => {
    // What is no bound is refused there.
    if (!Number.isSafeInteger(bound) || bound <= RANDOM_INT_MAX) return randomInt(bound);
    // A safe integer has 53 bits: draw the upper and the lower part until the number is within the bound.
    for (;;) {
      const drawn = randomInt(2 ** 21) * 2 ** 32 + randomInt(2 ** 32);
      if (drawn < bound) return drawn;
    }
  },
};

export const systemRandom: Random = { stream: () => stream };
