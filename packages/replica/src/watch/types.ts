/** What a watch is asked for, what it answers, and what bounds the hub. Semantics: the contract's section 5. */
import type { KeyRange, StoreEvent } from '../store/index.js';

/** The range (as in every range: no `rangeEnd` is the one key, '\0' every key from `key` on) must not be empty. */
export interface WatchOptions extends KeyRange {
  /** The first revision to be seen, of the past or of the future; 0: the next one. */
  readonly startRevision: number;
  /** Whether `previous` of its events is needed. Events may carry it all the same: they are shared with other watchers. */
  readonly previous: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
}

/**
 * One change of one key. Shared by all watchers: never to be changed. `previous` is the key-value before this revision; undefined
 * if there was none, or if that revision has been compacted. Its values are views into the store's slabs: copy what is kept.
 */
export type WatchEvent = StoreEvent;

/**
 * Where a watcher's events go. A sink may open, close and resume watchers from within its calls. A sink that throws is a
 * programmer's error: its watcher is closed, all others are served, and the host is told.
 */
export interface WatchSink {
  /**
   * Events of whole revisions: all that this watcher sees of one revision, in order, are in one call. `revision`: it has now
   * seen everything up to there.
   *
   * The array must not be changed, and is the same object for all watchers to whom the same happens at the same time: those of
   * one range with equal filters, called one right after the other; and those of other ranges too, if everything concerns both.
   * So what is made of an array, like its encoding, can be kept for the next call. Some may want `previous` and others not.
   *
   * Returns false if it wants no more until Watcher.resume(). These events count as taken all the same.
   */
  events(events: readonly WatchEvent[], revision: number): boolean;
  /**
   * Asked before each call of events(): true is the same as if that had returned false, but nothing is taken. For sinks that share
   * a queue: what one of them has filled must not be filled further by a thousand others, each once.
   */
  isFull?(): boolean;
  /** The end: the revision that it needs next has been compacted. The watcher is closed. */
  compacted(compactRevision: number): void;
}

export interface Watcher {
  /**
   * It is past its start and is given each revision as it happens. This is what a progress reply has to wait for; the revision
   * to be named in one is `revision` (the least of the stream's watchers), never the store's.
   */
  readonly isSynced: boolean;
  /** Everything up to here was handed to the sink; no event of this revision or before will come any more. */
  readonly revision: number;
  /** After the sink has returned false: go on where it stopped. Otherwise without effect. */
  resume(): void;
  /** Nothing follows; idempotent. */
  close(): void;
}

/** Who drives the hub. */
export interface WatchHost {
  /** From within any call of the hub or of its watchers: poll() has work where it had none, and is to be called soon. */
  requestTurn(): void;
  /** What a sink has thrown. */
  faulted(error: unknown): void;
}

export interface WatchLimits {
  /** Most watchers, of any state. */
  readonly watchersMax: number;
  /** History is read, and handed over, so many changes at a time (a revision is never cut) ... */
  readonly changesPerReadMax: number;
  /** ... and handed over in calls of about so many bytes of keys and values. */
  readonly bytesPerCallMax: number;
  /** Steps (changes read, calls made, watchers moved) for one cohort before it is the next one's turn. */
  readonly sliceSteps: number;
  /** Watchers that are behind by so many revisions more or less go together; those that are far behind, by more than that too. */
  readonly cohortRevisions: number;
}

export const WATCH_LIMITS: WatchLimits = {
  watchersMax: 1_000_000,
  changesPerReadMax: 1_000,
  bytesPerCallMax: 1024 * 1024,
  sliceSteps: 2_000,
  cohortRevisions: 1_024,
};

export interface WatchStats {
  readonly watchers: number;
  /** Watchers that are behind: catching up, or with a sink that wants no more. */
  readonly slowWatchers: number;
  /** Those of them that wait for poll(). */
  readonly pendingWatchers: number;
  /** Events handed to sinks since the hub was made, counted once for each sink. */
  readonly eventsDelivered: number;
}
