/**
 * Keeps the history of versions within its memory budget: the leader proposes a compaction when the history outweighs it.
 *
 * Samples remember which revision the store had when its history had grown by another eighth of the budget; compacting at the
 * sample in the middle discards about half of it.
 */
export interface HistoryView {
  readonly revision: number;
  readonly compactRevision: number;
  readonly historyBytes: number;
}

const SAMPLES = 8;

export class HistoryBudget {
  readonly #bytesMax: number;
  #samples: { readonly revision: number; readonly historyBytes: number }[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Called from time to time; returns a revision to compact at, or undefined. */
  check(view: HistoryView): number | undefined {
    this.#samples = this.#samples.filter((sample) => sample.revision > view.compactRevision);
    const last = this.#samples.at(-1);
    if (last === undefined || view.historyBytes - last.historyBytes >= this.#bytesMax / SAMPLES) {
      this.#samples.push({ revision: view.revision, historyBytes: view.historyBytes });
    }
    if (view.historyBytes <= this.#bytesMax) return undefined;
    const middle = this.#samples[Math.floor(this.#samples.length / 2)];
    const revision = middle?.revision ?? view.revision;
    return revision > view.compactRevision ? revision : undefined;
  }
}
