/** A cumulative histogram of durations in seconds. */
import type { HistogramSnapshot } from '../api.js';

/** 1 ms to 8.192 s, doubling: etcd's for its disk metrics. */
const SYNC_BOUNDS_SECONDS: readonly number[] = Array.from({ length: 14 }, (_, i) => 0.001 * 2 ** i);
/** 50 µs to 1.6 s, doubling: a turn under load is a few hundred microseconds. */
export const TURN_BOUNDS_SECONDS: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00005 * 2 ** i);

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[] = SYNC_BOUNDS_SECONDS) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  snapshot(): HistogramSnapshot {
    let total = 0;
    const cumulative = this.#counts.map((count) => {
      total += count;
      return total;
    });
    return { bounds: this.#bounds, cumulative, sum: this.#sum };
  }
}
