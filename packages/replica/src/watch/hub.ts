/**
 * The watch hub of a member: what happens in the store, told to those who watch (contract section 5).
 *
 *     apply -> publish(events)  the synced set: who is concerned is found by an index and called at once
 *              poll()           the cohorts that are behind read the store's history, a slice at a time (catch-up.ts)
 *     watch()                   synced if it starts after the frontier, else behind
 *     a sink says "no more"     its watcher leaves its set and remembers where it stood; resume() puts it behind there
 *
 * The hub buffers nothing for anybody: what a slow sink has not taken is in the store's history until it is compacted. So a
 * slow or dead client costs neither memory nor the others' time, and loses nothing but by compaction, of which it is told.
 *
 * Everything is counted from the *frontier*, the last revision that was published, and not from the store's, which may be ahead
 * by the commands whose events are still on their way here.
 */
import { EVERY_KEY_FROM, type Store, type StoreEvent } from '../store/index.js';
import { assert } from './assert.js';
import { CatchUp } from './catch-up.js';
import {
  WATCH_LIMITS,
  type Watcher,
  type WatchHost,
  type WatchLimits,
  type WatchOptions,
  type WatchSink,
  type WatchStats,
} from './types.js';
import { HubWatcher, type Match, type WatcherOwner, WatcherSet } from './watcher-set.js';

interface Publication {
  readonly events: readonly StoreEvent[];
  readonly revision: number;
}

export class WatchHub {
  readonly limits: WatchLimits;
  readonly #source: () => Store;
  readonly #host: WatchHost;
  readonly #catchUp: CatchUp;
  readonly #owner: WatcherOwner;
  #synced: WatcherSet;
  #frontier: number;
  #watchers = 0;
  /** Those whose sinks want no more for now. */
  readonly #paused = new Set<HubWatcher>();
  #eventsDelivered = 0;
  /** More than one when a sink's call has led to another command: its events come after those that are being handed out. */
  readonly #publications: Publication[] = [];
  #isPublishing = false;
  #isPolling = false;

  /** `source`: the present store. */
  constructor(source: () => Store, host: WatchHost, limits: Partial<WatchLimits> = {}) {
    this.limits = { ...WATCH_LIMITS, ...limits };
    for (const [name, limit] of Object.entries(this.limits)) {
      assert(Number.isSafeInteger(limit) && limit > 0, () => `a limit ${name} of ${limit}`);
    }
    this.#source = source;
    this.#host = host;
    this.#frontier = source().revision;
    this.#synced = new WatcherSet(this.#frontier + 1, true);
    this.#catchUp = new CatchUp({
      limits: this.limits,
      store: source,
      frontier: () => this.#frontier,
      synced: () => this.#synced,
      hand: (watcher, match, through) => this.#hand(watcher, match, through),
      endCompacted: (watcher) => this.#endCompacted(watcher),
    });
    this.#owner = {
      revision: () => this.revision,
      frontier: () => this.#frontier,
      resume: (watcher) => this.#resume(watcher),
      close: (watcher) => this.#close(watcher),
    };
  }

  /** Everything up to here has been handed to all watchers that are synced. */
  get revision(): number {
    return this.#synced.position - 1;
  }

  /** There is no room for one more watcher. */
  get isFull(): boolean {
    return this.#watchers >= this.limits.watchersMax;
  }

  /** poll() has something to do. */
  get hasWork(): boolean {
    return this.#catchUp.hasWork;
  }

  /** Events handed to watchers so far. */
  get eventsDelivered(): number {
    return this.#eventsDelivered;
  }

  get stats(): WatchStats {
    return {
      watchers: this.#watchers,
      slowWatchers: this.#watchers - this.#synced.size,
      pendingWatchers: this.#catchUp.pending,
      eventsDelivered: this.#eventsDelivered,
    };
  }

  /**
   * The earliest revision that watchers which are catching up still need, or up to WatchLimits.cohortRevisions less; those whose
   * sinks want no more do not count. Undefined: none.
   */
  get lowestRevisionNeeded(): number | undefined {
    return this.#catchUp.lowestRevision;
  }

  /** The earliest revision that watchers whose sinks want no more will need when they do again. Undefined: none. */
  get lowestRevisionPaused(): number | undefined {
    let lowest: number | undefined;
    for (const { next } of this.#paused) lowest = Math.min(next, lowest ?? next);
    return lowest;
  }

  /**
   * A new watcher. Its sink is called later, never from within this call. The range must not be empty, the start a revision or
   * 0, and the hub not full: whoever takes this from a client checks it first.
   */
  watch(options: WatchOptions, sink: WatchSink): Watcher {
    const { key, rangeEnd, startRevision } = options;
    assert(!this.isFull, () => `more than ${this.limits.watchersMax} watchers`);
    assert(rangeEnd === undefined || rangeEnd === EVERY_KEY_FROM || key < rangeEnd, () => 'a watch of an empty range');
    assert(Number.isSafeInteger(startRevision) && startRevision >= 0, () => `a watch from ${startRevision}`);
    const store = this.#source();
    if (this.#watchers === 0) {
      // What has happened without anybody watching has not been published.
      this.#skipTo(store.revision);
      store.collectEvents = true;
    }
    // Published later than it was applied, a revision may be current for the client and not here yet: it is not wanted.
    const next = startRevision === 0 ? Math.max(store.revision, this.#frontier) + 1 : startRevision;
    const watcher = new HubWatcher(this.#owner, options, next, sink);
    this.#watchers++;
    this.#place(watcher);
    return watcher;
  }

  /**
   * The events of one command, all of them in order, and the store's revision after it: once for every command that has changed
   * something, in order, and best before the next one is applied. What the hub has skipped because nobody watched is ignored.
   */
  publish(events: readonly StoreEvent[], revision: number): void {
    this.#publications.push({ events, revision });
    if (this.#isPublishing) {
      return;
    }
    this.#isPublishing = true;
    try {
      for (let next = this.#publications.shift(); next !== undefined; next = this.#publications.shift()) {
        if (next.revision > this.#frontier) {
          this.#handOut(next);
        }
      }
    } finally {
      this.#isPublishing = false;
    }
  }

  /**
   * The store was replaced by one that has come from a snapshot. Every watcher goes on with the first revision that it has not
   * seen, from the new store's history (bug 73 of the catalogue: etcd#15271, where all of them began again): the synced set
   * becomes a cohort as it is, with its position, and so do those silent until a start in the future (bug 80: etcd#20221), who
   * keep theirs. What a cohort has read from the old store is what happened, and is handed out still.
   */
  replaced(): void {
    assert(!this.#isPublishing && !this.#isPolling, () => 'the store is replaced from within a sink');
    const store = this.#source();
    assert(
      store.revision >= this.#frontier,
      () => `the revision goes back from ${this.#frontier} to ${store.revision}`,
    );
    store.collectEvents = this.#watchers > 0;
    if (store.revision === this.#frontier) {
      return;
    }
    const set = this.#synced;
    this.#frontier = store.revision;
    this.#synced = new WatcherSet(this.#frontier + 1, true);
    if (set.size > 0) {
      set.isSynced = false;
      this.#wakeUnless(this.#catchUp.hasWork);
      this.#catchUp.enterSet(set);
    }
  }

  /**
   * Goes on with those that are behind for about `budget` steps (a change read, a call of a sink), no less than one slice. True:
   * there is more to do. From within a sink it does nothing.
   */
  poll(budget: number): boolean {
    if (this.#isPolling || this.#isPublishing) {
      return this.#catchUp.hasWork;
    }
    this.#isPolling = true;
    try {
      this.#catchUp.run(budget);
    } finally {
      this.#isPolling = false;
    }
    return this.#catchUp.hasWork;
  }

  /** One command's events go to all whom they concern; then, and not before, its revision counts as seen. */
  #handOut({ events, revision }: Publication): void {
    if (this.#watchers === 0) {
      this.#skipTo(revision);
      return;
    }
    const first = events[0]?.keyValue.modRevision;
    // Each revision has events: a hole here would be one in every watcher's stream.
    assert(first === this.#frontier + 1, () => `published ${first} after ${this.#frontier}`);
    assert(events.at(-1)?.keyValue.modRevision === revision, () => `events end before ${revision}`);
    // From here on a new watcher from this revision on is behind, and one from the next is not.
    this.#frontier = revision;
    for (const match of this.#synced.match(events)) {
      for (const watcher of match.group.watchers) {
        this.#hand(watcher, match, revision);
      }
    }
    this.#synced.position = this.#frontier + 1;
  }

  /** Nobody watches, so nobody misses what is between. */
  #skipTo(revision: number): void {
    this.#frontier = Math.max(this.#frontier, revision);
    this.#synced.position = this.#frontier + 1;
  }

  /** Puts a watcher that is in no set where it belongs. */
  #place(watcher: HubWatcher): void {
    if (watcher.next > this.#frontier) {
      this.#synced.add(watcher);
      return;
    }
    this.#wakeUnless(this.#catchUp.hasWork);
    this.#catchUp.enter(watcher);
  }

  #wakeUnless(hadWork: boolean): void {
    if (!hadWork) {
      this.#host.requestTurn();
    }
  }

  /**
   * Calls a sink with what passes the watcher's filter and is not before its `next`, which moves first: whatever the sink does,
   * these events do not come again. Bug 74 of the catalogue (etcd#17529, an event lost on a slow stream) was a slow watcher's batch
   * kept aside and given up; here a sink that is full has taken the batch with which it says so, and the rest is history.
   */
  #hand(watcher: HubWatcher, { selection }: Match, through: number): void {
    if (watcher.next > through) {
      return;
    }
    const events = selection.passing(watcher.filter, watcher.next);
    if (events.length > 0 && watcher.sink.isFull?.() === true) {
      this.#pause(watcher);
      return;
    }
    watcher.next = through + 1;
    if (events.length === 0) {
      return;
    }
    this.#eventsDelivered += events.length;
    let wantsMore = true;
    try {
      wantsMore = watcher.sink.events(events, through);
    } catch (error) {
      this.#fail(watcher, error);
    }
    if (!wantsMore) {
      this.#pause(watcher);
    }
  }

  /** It stays where it stands until it is resumed; unless its sink has closed it. */
  #pause(watcher: HubWatcher): void {
    if (watcher.set !== undefined) {
      watcher.set.remove(watcher);
      this.#paused.add(watcher);
    }
  }

  #endCompacted(watcher: HubWatcher): void {
    this.#close(watcher);
    try {
      watcher.sink.compacted(this.#source().compactRevision);
    } catch (error) {
      this.#fail(watcher, error);
    }
  }

  #resume(watcher: HubWatcher): void {
    if (this.#paused.delete(watcher)) {
      this.#place(watcher);
    }
  }

  #close(watcher: HubWatcher): void {
    if (watcher.isClosed) {
      return;
    }
    watcher.isClosed = true;
    this.#paused.delete(watcher);
    watcher.set?.remove(watcher);
    this.#catchUp.forget(watcher);
    this.#watchers--;
    if (this.#watchers === 0) {
      this.#source().collectEvents = false;
    }
  }

  #fail(watcher: HubWatcher, error: unknown): void {
    this.#close(watcher);
    this.#host.faulted(error);
  }
}
