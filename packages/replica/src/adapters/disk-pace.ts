/**
 * How quick a disk has been of late, to tell whether a short write is worth waiting for (docs/decisions/0021).
 *
 * An average in which each write counts a sixteenth: one that took 100 ms is forgotten after some fifty quick ones. A disk in trouble is
 * mostly slow before it hangs, and then nobody waits for it any more.
 */

/** Milliseconds. Leaving a write to another thread and hearing of its end takes about a fifth of it. */
const QUICK_WRITE_MS = 0.4;

/** A disk of which nothing is known yet. */
const UNKNOWN_MS = 10;
const WEIGHT: number = 1 / 16;

export interface Pace {
  /** A write has taken so long. */
  add(milliseconds: number): void;
  readonly isQuick: boolean;
}

export class DiskPace implements Pace {
  #averageMs = UNKNOWN_MS;

  add(milliseconds: number): void {
    this.#averageMs += (milliseconds - this.#averageMs) * WEIGHT;
  }

  get isQuick(): boolean {
    return this.#averageMs < QUICK_WRITE_MS;
  }
}
