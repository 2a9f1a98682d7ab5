/** What every Clock must do, as tests that run against any implementation of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../seams/clock.js';

export interface ContractClock {
  readonly clock: Clock;
  /** Lets some time pass. */
  readonly pass: () => Promise<void>;
}

const LOOKS = 1000;

export function clockContract(name: string, open: () => ContractClock): void {
  describe(`clock contract: ${name}`, () => {
    test('it tells finite milliseconds that never go back', () => {
      const { clock } = open();
      let before = clock.nowMs();
      for (let i = 0; i < LOOKS; i += 1) {
        const nowMs = clock.nowMs();
        assert.ok(Number.isFinite(nowMs) && nowMs >= before, `${nowMs} after ${before}`);
        before = nowMs;
      }
    });

    test('it goes on when time passes', async () => {
      const { clock, pass } = open();
      for (let i = 0; i < 3; i += 1) {
        const before = clock.nowMs();
        await pass();
        assert.ok(clock.nowMs() > before);
      }
    });
  });
}
