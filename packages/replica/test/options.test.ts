/** The settings that an embedder gives: what they become, and what is refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuorateError } from '../src/index.js';
import { type OpenOptions, settle } from '../src/options.js';

function settled(options: Partial<OpenOptions>): ReturnType<typeof settle> {
  return settle({ dir: 'unused', ...options });
}

describe('settings', () => {
  it('cut time into ticks of whole milliseconds, since timers drop fractions', () => {
    for (let heartbeatMs = 5; heartbeatMs <= 120; heartbeatMs += 1) {
      const electionMs = 5 * heartbeatMs + 3;
      const { tickMs, heartbeatTicks, electionTicks } = settled({ heartbeatMs, electionMs });
      assert.ok(Number.isSafeInteger(tickMs) && tickMs >= 1, `${tickMs} ms for ${heartbeatMs}`);
      assert.ok(heartbeatTicks >= 5);
      assert.ok(Math.abs(heartbeatTicks * tickMs - heartbeatMs) <= tickMs / 2);
      assert.ok(Math.abs(electionTicks * tickMs - electionMs) <= tickMs / 2);
    }
  });

  it('are integers', () => {
    const numbers = ['heartbeatMs', 'electionMs', 'requestTimeoutMs', 'priority', 'historyRetentionRevisions'] as const;
    for (const name of numbers) {
      for (const value of [1000.5, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
        assert.throws(
          () => settled({ [name]: value }),
          (error) =>
            error instanceof QuorateError &&
            error.message.includes(`${name} is`) &&
            error.message.includes('an integer from'),
          `${name}: ${value}`,
        );
      }
    }
  });

  it('are one of those that there are', () => {
    const wrong = [{ reads: 'fast' }, { historyMode: 'never' }] as unknown as readonly Partial<OpenOptions>[];
    for (const options of wrong) {
      assert.throws(() => settled(options), { name: 'QuorateError', code: 'invalid-argument' });
    }
  });
});
