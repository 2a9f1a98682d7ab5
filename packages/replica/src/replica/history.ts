/**
 * How much of the past is kept: decides when the leader proposes a compaction, and where.
 *
 * By time (`periodic`): a revision stays readable for at least the retention after it was superseded, and for at most a tenth longer. By
 * count (`revision`): the last so many revisions stay. Either way what a watch that is behind still needs stays as well. Above all that there
 * is a budget of memory, which also holds when the mode is `off`: history that outweighs it goes, first what no watch needs, and
 * then what one does.
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

  /** The revision to compact at now, if any. `needed`: the lowest revision that a watch still needs. */
  due(view: HistoryView, nowMs: number, needed: number): number | undefined {
    const forced = this.#overBudget(view);
    if (forced !== undefined) {
      const spared = Math.min(forced, needed);
      return spared > view.compactRevision ? spared : forced;
    }
    const revision = Math.min(this.#outOfRetention(view, nowMs), needed);
    return revision > view.compactRevision ? revision : undefined;
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

  /** Where about half of the history goes, if it outweighs the budget. */
  #overBudget(view: HistoryView): number | undefined {
    const { historyBytesMax } = this.#options;
    if (view.historyBytes <= historyBytesMax) {
      this.#forcedAtBytes = 0;
      return undefined;
    }
    // The sweep takes a while to give memory back: until it has, another compaction would only discard more than is needed.
    this.#forcedAtBytes = Math.min(this.#forcedAtBytes, view.historyBytes);
    if (view.historyBytes < this.#forcedAtBytes + historyBytesMax / WEIGHT_SAMPLES) return undefined;
    const middle = this.#weights[Math.floor(this.#weights.length / 2)];
    const revision = middle?.revision ?? view.revision;
    if (revision <= view.compactRevision) return undefined;
    this.#forcedAtBytes = view.historyBytes;
    return revision;
  }
}
