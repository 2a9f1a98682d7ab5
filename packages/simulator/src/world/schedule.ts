/** Virtual time: what is to happen, ordered by its time and then by when it was scheduled. Nothing happens at any other time. */
interface Scheduled {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

export class Schedule {
  /** A binary heap: the parent of i is at (i - 1) >> 1. */
  readonly #heap: Scheduled[] = [];
  #nowMs = 0;
  #sequence = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have happened. */
  happened = 0;

  get pending(): number {
    return this.#heap.length;
  }

  readonly after = (delayMs: number, run: () => void): void => this.at(this.#nowMs + Math.max(0, delayMs), run);

  /** Not before now. */
  at(atMs: number, run: () => void): void {
    this.#sequence += 1;
    this.#insert({ atMs, sequence: this.#sequence, run });
  }

  /** Lets the next event happen; false if there is none up to `untilMs`, and it is that time now. */
  next(untilMs: number): boolean {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    this.#removeFirst();
    this.#nowMs = first.atMs;
    this.happened += 1;
    first.run();
    return true;
  }

  #insert(scheduled: Scheduled): void {
    const heap = this.#heap;
    let position = heap.length;
    heap.push(scheduled);
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = heap[parent] as Scheduled;
      if (isBefore(above, scheduled)) break;
      heap[position] = above;
      position = parent;
    }
    heap[position] = scheduled;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return;
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Scheduled)) child += 1;
      const below = heap[child] as Scheduled;
      if (isBefore(last, below)) break;
      heap[position] = below;
      position = child;
    }
    heap[position] = last;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
