/**
 * How much of the past is kept: decides when the leader proposes a compaction, and where.
 *
 * By time (`periodic`): a revision stays readable for at least the retention after it was superseded, and for at most a tenth longer. By
 * count (`revision`): the last so many revisions stay. Either way what a watch that is catching up still needs stays as well. Above all that
 * there is a budget of memory, which also holds when the mode is `off`: history that outweighs it goes, but what a watch needs not before it
 * outweighs WATCH_BUDGETS of them: a client that does not read for a moment must not lose its watch to a burst of writes.
 *
 * Samples remember which revision the store had at a time and at a weight of its history. All members take them, so that a new
 * leader knows the past.
 */
export interface HistoryOptions {
  readonly historyMode: 'periodic' | 'revision' | 'off';
  readonly historyRetentionMs: number;
  readonly historyRetentionRevisions: number;
  readonly historyBytesMax: number;
}

/** The lowest revisions that watches still need. Undefined: none. */
export interface NeededRevisions {
  /** Of those that are catching up. */
  readonly revision?: number | undefined;
  /** Of those whose clients do not read. They may never do again: what they need is kept within its budget, and not beyond the retention. */
  readonly pausedRevision?: number | undefined;
}

export interface HistoryView {
  readonly revision: number;
  readonly compactRevision: number;
  readonly historyBytes: number;
}

interface TimeSample {
  readonly atMs: number;
  readonly revision: number;
}

interface WeightSample {
  readonly revision: number;
  readonly historyBytes: number;
}

/** The retention, or the budget, is cut into so many steps. */
const TIME_SAMPLES = 10;
const WEIGHT_SAMPLES = 8;
const WATCH_BUDGETS = 4;

export class HistoryKeeper {
  readonly #options: HistoryOptions;
  #times: TimeSample[] = [];
  #weights: WeightSample[] = [];
  /** The history's weight when the budget forced the last compaction, or less, as the sweep goes on; 0 if none did. */
  #forcedAtBytes = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** On every member, from time to time. */
  sample(view: HistoryView, nowMs: number): void {
    const { historyMode, historyRetentionMs, historyBytesMax } = this.#options;
    const last = this.#times.at(-1);
    const isDue = last === undefined || nowMs - last.atMs >= historyRetentionMs / TIME_SAMPLES;
    if (historyMode === 'periodic' && isDue && last?.revision !== view.revision) {
      this.#times.push({ atMs: nowMs, revision: view.revision });
    }
    while (this.#times[1] !== undefined && this.#times[1].atMs <= nowMs - historyRetentionMs) this.#times.shift();
    if (this.#weights.some((sample) => sample.revision <= view.compactRevision)) {
      this.#weights = this.#weights.filter((sample) => sample.revision > view.compactRevision);
    }
    const heaviest = this.#weights.at(-1);
    if (heaviest === undefined || view.historyBytes - heaviest.historyBytes >= historyBytesMax / WEIGHT_SAMPLES) {
      this.#weights.push({ revision: view.revision, historyBytes: view.historyBytes });
    }
  }

  /** The revision to compact at now, if any. */
  due(view: HistoryView, nowMs: number, needs: () => NeededRevisions): number | undefined {
    const forced = this.#overBudget(view);
    if (forced !== undefined) return this.#sparing(view, forced, needs());
    const old = this.#outOfRetention(view, nowMs);
    if (old <= view.compactRevision) return undefined;
    const { revision: needed = Number.POSITIVE_INFINITY } = needs();
    return needed > view.compactRevision ? Math.min(old, needed) : undefined;
  }

  /** What the budget forces, but not what a watch needs as long as the history does not outweigh too many budgets. */
  #sparing(view: HistoryView, forced: number, needs: NeededRevisions): number | undefined {
    const { revision: needed = Number.POSITIVE_INFINITY, pausedRevision: paused = Number.POSITIVE_INFINITY } = needs;
    const spared = Math.min(forced, needed, paused);
    const isFar = view.historyBytes > WATCH_BUDGETS * this.#options.historyBytesMax;
    if (spared <= view.compactRevision && !isFar) return undefined;
    this.#forcedAtBytes = view.historyBytes;
    return spared > view.compactRevision ? spared : forced;
  }

  #outOfRetention(view: HistoryView, nowMs: number): number {
    const { historyMode, historyRetentionMs, historyRetentionRevisions } = this.#options;
    if (historyMode === 'periodic') {
      const [oldest] = this.#times;
      return oldest !== undefined && oldest.atMs <= nowMs - historyRetentionMs ? oldest.revision : 0;
    }
    if (historyMode === 'off') return 0;
    const revision = view.revision - historyRetentionRevisions;
    // Not one by one: each compaction costs a walk over all keys.
    return revision - view.compactRevision >= Math.max(1, historyRetentionRevisions / TIME_SAMPLES) ? revision : 0;
  }

  /** Where so much of the history goes that about half of the budget is left, if it outweighs that. */
  #overBudget(view: HistoryView): number | undefined {
    const { historyBytesMax } = this.#options;
    if (view.historyBytes <= historyBytesMax) {
      this.#forcedAtBytes = 0;
      return undefined;
    }
    // The sweep takes a while to give memory back: until it has, another compaction would only discard more than is needed.
    this.#forcedAtBytes = Math.min(this.#forcedAtBytes, view.historyBytes);
    if (view.historyBytes < this.#forcedAtBytes + historyBytesMax / WEIGHT_SAMPLES) return undefined;
    const share = 1 - historyBytesMax / 2 / view.historyBytes;
    const sample = this.#weights[Math.floor(this.#weights.length * share)];
    const revision = sample?.revision ?? view.revision;
    return revision > view.compactRevision ? revision : undefined;
  }
}
