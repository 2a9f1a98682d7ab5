/** A disk that does not answer for some of its files: completions of operations on those wait. */
import type { Schedule } from './schedule.js';

export class Stall {
  readonly #schedule: Schedule;
  #part: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** From now on files whose path has `part` in it, and no others. */
  begin(part: string): void {
    this.end();
    this.#part = part;
  }

  end(): void {
    this.#part = undefined;
    // Not within the call that may be under way.
    for (const run of this.#waiting.splice(0)) this.#schedule.after(0, run);
  }

  /** Of an operation on `path`: runs `completion` now, or when the stall ends. */
  complete(path: string, completion: () => void): void {
    if (this.#part !== undefined && path.includes(this.#part)) this.#waiting.push(completion);
    else completion();
  }
}
