/**
 * How long a client waits for one answer at a time. Most answers come in time: so one event waits for the next limit, whichever that
 * is by then, and not one for each question, which would be left in the schedule long after its answer.
 */
import type { Schedule } from '../world/schedule.js';

export class TimeLimit {
  readonly #schedule: Schedule;
  readonly #limitMs: number;
  #dueMs = 0;
  #late: (() => void) | undefined;
  #isWatched = false;

  constructor(schedule: Schedule, limitMs: number) {
    this.#schedule = schedule;
    this.#limitMs = limitMs;
  }

  /** Calls `late` when the time is up, unless the wait is over before. */
  begin(late: () => void): void {
    this.#late = late;
    this.#dueMs = this.#schedule.nowMs + this.#limitMs;
    this.#watch();
  }

  over(): void {
    this.#late = undefined;
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#schedule.at(this.#dueMs, this.#look);
  }

  readonly #look = (): void => {
    this.#isWatched = false;
    if (this.#late === undefined) return;
    if (this.#dueMs > this.#schedule.nowMs) this.#watch();
    else this.#late();
  };
}
