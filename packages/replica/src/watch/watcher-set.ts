/**
 * Watchers that have come equally far in the history, and the question which of them a change concerns. Going on through a
 * revision costs a set what the changes and the watchers concerned cost; all others go on by the set's one position.
 *
 *     WatcherSet  position, the first revision that it has not handed out entirely
 *       WatchGroup  a range of keys and its watchers
 *         HubWatcher
 *
 * Where a watcher stands is the greater of its own `next` and its set's position. `next` alone counts for a watcher that is in no
 * set, that begins later than its set stands, or that has just been served while others of its set have not.
 */
import { EVERY_KEY_FROM, type Key, type KeyRange } from '../store/index.js';
import { assert } from './assert.js';
import { EventSelection, filterOf } from './event-selection.js';
import { RangeIndex } from './range-index.js';
import type { WatchEvent, Watcher, WatchOptions, WatchSink } from './types.js';

/** All watchers of one range in a set. A Set keeps the order, and may be changed while it is walked. */
export class WatchGroup implements KeyRange {
  readonly key: Key;
  readonly rangeEnd: Key | undefined;
  readonly watchers: Set<HubWatcher> = new Set();
  /** While a set looks for whom events concern. */
  matched: WatchEvent[] | undefined;

  constructor(range: KeyRange) {
    this.key = range.key;
    this.rangeEnd = range.rangeEnd;
  }
}

/** What a watcher asks of its hub. */
export interface WatcherOwner {
  /** Everything up to here has been handed to all that are synced. */
  revision(): number;
  /** The same, or the next one while that is being handed out. */
  frontier(): number;
  resume(watcher: HubWatcher): void;
  close(watcher: HubWatcher): void;
}

export class HubWatcher implements Watcher, KeyRange {
  readonly key: Key;
  readonly rangeEnd: Key | undefined;
  readonly sink: WatchSink;
  /** For EventSelection. */
  readonly filter: number;
  readonly wantsPrevious: boolean;
  /** The first revision that may be handed to it: never less than its start, never falls. */
  next: number;
  /** Undefined: it is paused, or closed, or has lost its next revision and is soon told so. */
  set: WatcherSet | undefined;
  isClosed = false;
  private readonly owner: WatcherOwner;
  private readonly startRevision: number;

  constructor(owner: WatcherOwner, options: WatchOptions, next: number, sink: WatchSink) {
    this.owner = owner;
    this.key = options.key;
    this.rangeEnd = options.rangeEnd;
    this.sink = sink;
    this.filter = filterOf(options);
    this.wantsPrevious = options.previous;
    this.startRevision = options.startRevision;
    this.next = next;
  }

  /** A start in the future means silence, progress included, until it is reached (contract 19; bug 80 of the catalogue: etcd#20221). */
  get isSynced(): boolean {
    return this.set?.isSynced === true && this.owner.revision() >= this.startRevision;
  }

  /**
   * Bug 72 of the catalogue (etcd#15220: progress before earlier events). While a revision is being handed out, the store is
   * there already and some watchers are not. A set's position moves only when everyone has been called, so what is said here
   * has been handed over whenever it is asked, from within callbacks too. One that begins later has no more to see than there is.
   */
  get revision(): number {
    return Math.min(this.standing - 1, this.owner.frontier());
  }

  /** The first revision that it has not seen, or does not want to. */
  get standing(): number {
    return this.set === undefined ? this.next : Math.max(this.next, this.set.position);
  }

  resume(): void {
    this.owner.resume(this);
  }

  close(): void {
    this.owner.close(this);
  }
}

/** Events, and a group that they concern. */
export interface Match {
  readonly group: WatchGroup;
  readonly selection: EventSelection;
}

export class WatcherSet {
  /** The first revision that its watchers have not all been handed. */
  position: number;
  /** Its watchers are given each revision as it happens. */
  isSynced: boolean;
  /** How many watchers. */
  size = 0;
  private readonly groups: RangeIndex<WatchGroup> = new RangeIndex();
  private wantingPrevious = 0;

  constructor(position: number, isSynced: boolean) {
    this.position = position;
    this.isSynced = isSynced;
  }

  /** Whether any of its watchers wants previous key-values. */
  get wantsPrevious(): boolean {
    return this.wantingPrevious > 0;
  }

  /** A range that covers all of its watchers: the only one's, or every key. */
  get range(): KeyRange {
    const [only] = this.groups.size === 1 ? this.groups.all() : [];
    return only ?? { key: '', rangeEnd: EVERY_KEY_FROM };
  }

  /** For a watcher that stands no earlier than this set, and in no other. */
  add(watcher: HubWatcher): void {
    assert(watcher.set === undefined && !watcher.isClosed, () => 'a watcher enters a set from another one');
    assert(watcher.next >= this.position, () => `${watcher.next} enters at ${this.position}`);
    let group = this.groups.get(watcher);
    if (group === undefined) {
      group = new WatchGroup(watcher);
      this.groups.add(group);
    }
    group.watchers.add(watcher);
    watcher.set = this;
    this.size++;
    this.wantingPrevious += watcher.wantsPrevious ? 1 : 0;
  }

  /** The watcher takes with it where it stands. */
  remove(watcher: HubWatcher): void {
    const group = this.groups.get(watcher);
    assert(watcher.set === this && group !== undefined, () => 'a watcher leaves a set that it is not in');
    watcher.next = watcher.standing;
    watcher.set = undefined;
    group.watchers.delete(watcher);
    if (group.watchers.size === 0) {
      this.groups.remove(group);
    }
    this.size--;
    this.wantingPrevious -= watcher.wantsPrevious ? 1 : 0;
  }

  *all(): IterableIterator<HubWatcher> {
    for (const group of this.groups.all()) {
      yield* group.watchers;
    }
  }

  /** The groups that the events concern, each with its events in order. Groups that all of them concern share one selection. */
  match(events: readonly WatchEvent[]): Match[] {
    const touched: WatchGroup[] = [];
    for (const event of events) {
      this.groups.find(event.keyValue.key, (group) => {
        if (group.matched === undefined) {
          group.matched = [];
          touched.push(group);
        }
        group.matched.push(event);
      });
    }
    const whole = new EventSelection(events);
    return touched.map((group) => {
      const matched = group.matched ?? [];
      group.matched = undefined;
      return { group, selection: matched.length === events.length ? whole : new EventSelection(matched) };
    });
  }
}
