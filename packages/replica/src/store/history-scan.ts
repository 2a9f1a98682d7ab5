/**
 * What happened to a range of keys between two revisions, in the order in which it happened: for watchers that are behind.
 *
 * A pull scan in slices. It keeps nothing between two slices but the revision that it has come to, so the store may change and
 * compact in between, and a scan that is given up costs nothing. A slice holds whole revisions and looks at about `versionsMax`
 * changes, whether they are in the range or not; it is longer only if a single revision is, whose events a watcher must get at
 * once (contract section 5.20). Its memory is that of its events; values are views.
 */
import { isInRange } from './cursor.js';
import { RecordReader } from './record.js';
import type { Store } from './store.js';
import { deletedKeyValue, type Key, type KeyRange, type KeyValue, type StoreEvent } from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

export interface HistoryScan {
  /** All events up to here have been handed out. */
  readonly revision: number;
  /** Compaction was faster: what comes next can no longer be read, and next() gives nothing. */
  readonly isCompacted: boolean;
  /** The events of some more revisions, possibly none; undefined at the end or when compacted. */
  next(versionsMax: number): readonly StoreEvent[] | undefined;
}

export interface HistoryOptions {
  /** Whether events carry the value before: default true. */
  readonly previous?: boolean;
}

/** From `fromRevision` (1 or more) to `toRevision`, both included; what is beyond the store's revision is not waited for. */
export function historyScan(
  store: Store,
  range: KeyRange,
  fromRevision: number,
  toRevision: number,
  options: HistoryOptions = {},
): HistoryScan {
  return new Scan(store, range, fromRevision - 1, toRevision, options.previous ?? true);
}

class Scan implements HistoryScan {
  readonly #store: Store;
  readonly #range: KeyRange;
  readonly #toRevision: number;
  readonly #withPrevious: boolean;
  readonly #record: RecordReader;
  #revision: number;

  constructor(store: Store, range: KeyRange, revision: number, toRevision: number, withPrevious: boolean) {
    this.#store = store;
    this.#record = new RecordReader(store.versions);
    this.#range = range;
    this.#revision = revision;
    this.#toRevision = toRevision;
    this.#withPrevious = withPrevious;
  }

  get revision(): number {
    return this.#revision;
  }

  get isCompacted(): boolean {
    return this.#revision < this.#toRevision && this.#revision + 1 < this.#store.compactRevision;
  }

  next(versionsMax: number): readonly StoreEvent[] | undefined {
    const toRevision = Math.min(this.#toRevision, this.#store.revision);
    if (this.#revision >= toRevision || this.isCompacted) {
      return undefined;
    }
    const events: StoreEvent[] = [];
    const cursor = this.#store.changesFrom(this.#revision + 1);
    let seen = 0;
    for (let version = cursor.version; version !== NO_VERSION; cursor.next(), version = cursor.version) {
      const { key, revision } = cursor;
      if (revision > toRevision) {
        break;
      }
      if (seen >= versionsMax && revision > this.#revision) {
        return events;
      }
      this.#revision = revision;
      seen++;
      if (isInRange(key, this.#range) && this.#store.isCurrent(cursor)) {
        events.push(this.#event(key, version, revision));
      }
    }
    this.#revision = toRevision;
    return events;
  }

  #event(key: Key, version: Version, revision: number): StoreEvent {
    const previous = this.#withPrevious ? this.#before(key, version, revision - 1) : undefined;
    return isTombstone(version)
      ? { type: 'delete', keyValue: deletedKeyValue(key, revision), previous }
      : { type: 'put', keyValue: this.#record.keyValue(key, version, false), previous };
  }

  /** Contract section 5.21: the key at the revision before, unless that is compacted. */
  #before(key: Key, version: Version, revision: number): KeyValue | undefined {
    if (revision < this.#store.compactRevision) {
      return undefined;
    }
    const { versions } = this.#record;
    const before = versions.at(versions.previous(version), revision);
    return before === NO_VERSION || isTombstone(before) ? undefined : this.#record.keyValue(key, before, false);
  }
}
