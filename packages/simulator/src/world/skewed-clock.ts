/** A member's clock: virtual time, as much faster or slower as the member's ticks are. */
import type { Clock } from '@quorate/replica/internal';
import type { Schedule } from './schedule.js';

export class SkewedClock implements Clock {
  readonly #schedule: Schedule;
  readonly #tickMs: number;
  readonly #ownTickMs: number;

  /** `ownTickMs`: what a tick of `tickMs` takes at this member, in true time. */
  constructor(schedule: Schedule, tickMs: number, ownTickMs: number) {
    this.#schedule = schedule;
    this.#tickMs = tickMs;
    this.#ownTickMs = ownTickMs;
  }

  nowMs(): number {
    return (this.#schedule.nowMs * this.#tickMs) / this.#ownTickMs;
  }
}
