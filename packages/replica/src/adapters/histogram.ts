/** A cumulative histogram of durations in seconds, with the bounds that etcd uses for its disk metrics. */
import type { HistogramSnapshot } from '../api.js';

/** 1 ms to 8.192 s, doubling (etcd's exponential buckets for fsync). */
const BOUNDS_SECONDS: readonly number[] = Array.from({ length: 14 }, (_, i) => 0.001 * 2 ** i);

export class Histogram {
  readonly #counts: number[] = Array.from({ length: BOUNDS_SECONDS.length + 1 }, () => 0);
  #sum = 0;

  observe(seconds: number): void {
    const at = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    const bucket = at < 0 ? BOUNDS_SECONDS.length : at;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  snapshot(): HistogramSnapshot {
    let total = 0;
    const cumulative = this.#counts.map((count) => {
      total += count;
      return total;
    });
    return { bounds: BOUNDS_SECONDS, cumulative, sum: this.#sum };
  }
}
