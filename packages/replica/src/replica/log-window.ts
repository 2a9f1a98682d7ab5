/**
 * Decides how much of the log stays in memory: a window of recent bytes for followers that lag a little. The log on disk
 * is another matter: it stays until a snapshot has made it superfluous.
 */
import type { Entry } from '@quorate/raft';
import { LOG_MEMORY_BYTES, LOG_MEMORY_BYTES_MAX, LOG_MEMORY_STEP_BYTES } from './limits.js';

export class LogWindow {
  /** The last index of each full step, oldest first. */
  readonly #steps: number[] = [];
  #stepBytes = 0;
  readonly #stepBytesMax: number;

  constructor(stepBytesMax: number = LOG_MEMORY_STEP_BYTES) {
    this.#stepBytesMax = stepBytesMax;
  }

  appendedAll(entries: readonly Entry[]): void {
    // By index: see Replica.#apply.
    for (let at = 0; at < entries.length; at += 1) {
      const { index, data } = entries[at] as Entry;
      this.appended(index, data.length);
    }
  }

  /** Accounts for an appended entry. Entries that replace others only make the estimate too high. */
  appended(index: number, bytes: number): void {
    this.#stepBytes += bytes;
    if (this.#stepBytes < this.#stepBytesMax) return;
    this.#stepBytes = 0;
    this.#steps.push(index);
  }

  /**
   * The index up to which the log in memory may go, or 0 for nothing to do.
   *
   * @param neededFrom the lowest index whose successors somebody is being brought up to date with; honoured up to a bound
   */
  compactTo(neededFrom: number): number {
    const stepsKept = LOG_MEMORY_BYTES / LOG_MEMORY_STEP_BYTES;
    const stepsMax = LOG_MEMORY_BYTES_MAX / LOG_MEMORY_STEP_BYTES;
    let compactTo = 0;
    while (this.#steps.length > stepsKept) {
      const [oldest = 0] = this.#steps;
      if (oldest > neededFrom && this.#steps.length <= stepsMax) break;
      this.#steps.shift();
      compactTo = oldest;
    }
    return compactTo;
  }

  /** The log was replaced by a snapshot. */
  reset(): void {
    this.#steps.length = 0;
    this.#stepBytes = 0;
  }
}
