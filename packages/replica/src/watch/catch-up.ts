/**
 * Catching up: watchers that are behind are taken through the store's history in slices, until they are synced.
 *
 * Those that are behind by about as much go together, in a *cohort*: one reading of the history serves all of them, whatever
 * their ranges. Cohorts take turns, a slice each, so one that is far behind does not delay one that is nearly there; and a
 * cohort that comes up to another one's heels gives its watchers over to it. A read is a bounded number of changes, and while it
 * is being handed out, nothing else of the cohort moves; between reads, it is only a set of watchers and a position.
 *
 * Why no event is lost or repeated (bugs 73, 74, 79 of the catalogue: etcd#15271, #17529, #17247). Every watcher is at one place only:
 * the synced set, one cohort, or none (paused). It enters a set that stands no later than itself and is given nothing
 * below its own `next`; so nothing is left out and nothing repeated by the change of place. A set's position moves only over
 * revisions that have been handed to all watchers concerned, and one that leaves takes along where it stands. Reads end at the
 * frontier, so what is published later is never read early; and a watcher is moved to the synced set only when its position is
 * the frontier's successor, in the same step in which nothing can be published.
 */
import { historyScan, type Store } from '../store/index.js';
import { assert } from './assert.js';
import type { WatchEvent, WatchLimits } from './types.js';
import { type HubWatcher, type Match, WatcherSet } from './watcher-set.js';

/** What catching up needs of the hub. */
export interface CatchUpHost {
  readonly limits: WatchLimits;
  store(): Store;
  /** The last revision that has been published. */
  frontier(): number;
  synced(): WatcherSet;
  /** Calls the watcher's sink, with what passes its filter and has not been seen. */
  hand(watcher: HubWatcher, match: Match, through: number): void;
  /** Ends a watcher whose next revision is gone. */
  endCompacted(watcher: HubWatcher): void;
}

/** What was read and is being handed out, in calls of a bounded size. */
interface Reading {
  readonly events: readonly WatchEvent[];
  /** The revision up to which these are all events. */
  readonly through: number;
  /** Events before this one have been handed to all. */
  handed: number;
  call: Call | undefined;
}

/** A part of a reading, on its way to the watchers that it concerns. */
interface Call {
  readonly matches: readonly Match[];
  /** Its last revision. */
  readonly through: number;
  /** Events of the reading up to the end of this part. */
  readonly end: number;
  match: number;
  watchers: IterableIterator<HubWatcher> | undefined;
}

interface Cohort {
  /** Where two stand at one revision, the younger one joins the older, and never the other way. */
  readonly number: number;
  readonly set: WatcherSet;
  reading: Reading | undefined;
}

export class CatchUp {
  readonly #host: CatchUpHost;
  /** In the order of their turns. */
  readonly #cohorts: Cohort[] = [];
  #nextNumber = 0;
  /** Watchers whose start was compacted already when they came. */
  readonly #lost: Set<HubWatcher> = new Set();

  constructor(host: CatchUpHost) {
    this.#host = host;
  }

  get hasWork(): boolean {
    return this.#cohorts.length > 0 || this.#lost.size > 0;
  }

  /** How many watchers wait for their turn. */
  get pending(): number {
    return this.#cohorts.reduce((sum, { set }) => sum + set.size, this.#lost.size);
  }

  /** The earliest revision that is still to be read. */
  get lowestRevision(): number | undefined {
    const positions = this.#cohorts.map(({ set }) => set.position);
    return positions.length === 0 ? undefined : Math.min(...positions);
  }

  /** A watcher that is in no set and stands no later than the frontier. */
  enter(watcher: HubWatcher): void {
    const { compactRevision } = this.#host.store();
    if (watcher.next < compactRevision) {
      this.#lost.add(watcher);
      return;
    }
    const joined = this.#joinable(watcher.next, undefined);
    if (joined !== undefined) {
      joined.set.add(watcher);
      return;
    }
    // Starts within some revisions of each other, in any order, make one cohort; those that begin later in it are silent until then.
    const aligned = watcher.next - (watcher.next % this.#host.limits.cohortRevisions);
    const set = new WatcherSet(Math.max(aligned, compactRevision, 1), false);
    set.add(watcher);
    this.enterSet(set);
  }

  /** A set that is behind: of one watcher, or the synced set, when all of it has fallen behind. */
  enterSet(set: WatcherSet): void {
    this.#cohorts.push({ number: this.#nextNumber++, set, reading: undefined });
  }

  /** Of a watcher that is closed. */
  forget(watcher: HubWatcher): void {
    this.#lost.delete(watcher);
  }

  /** Works for about `steps`, no less than a whole turn. */
  run(steps: number): void {
    const { sliceSteps } = this.#host.limits;
    let left = steps;
    do {
      left -= this.#endLost(sliceSteps);
      const [cohort] = this.#cohorts;
      if (cohort !== undefined) {
        // It stays in its place until its turn is over: sinks may open watchers that belong to it.
        left -= 1 + this.#turn(cohort, sliceSteps);
        this.#cohorts.shift();
        if (cohort.set.size > 0) {
          this.#cohorts.push(cohort);
        }
      }
    } while (left > 0 && this.hasWork);
  }

  #endLost(stepsMax: number): number {
    let steps = 0;
    for (const watcher of this.#lost) {
      if (steps >= stepsMax) {
        break;
      }
      this.#lost.delete(watcher);
      this.#host.endCompacted(watcher);
      steps++;
    }
    return steps;
  }

  /** A slice for one cohort; returns about what it cost. */
  #turn(cohort: Cohort, stepsMax: number): number {
    let steps = 0;
    while (steps < stepsMax && cohort.set.size > 0) {
      if (cohort.reading !== undefined) {
        steps += this.#handOut(cohort, cohort.reading, stepsMax - steps);
        continue;
      }
      steps += this.#dropCompacted(cohort);
      const { set } = cohort;
      const isDone = set.position > this.#host.frontier();
      const other = isDone ? this.#host.synced() : this.#joinable(set.position, cohort)?.set;
      steps += other === undefined ? this.#read(cohort) : this.#move(set, other, stepsMax - steps);
    }
    return steps;
  }

  /**
   * A cohort in which a watcher, or the cohort `joining`, that stands at `position` can go along: it is no further, and not by
   * much, which is half of what is missing to the frontier. So who has little to catch up with does not wait for who has much, and
   * there are few cohorts, of lags that grow geometrically: together they read about three times what the slowest one has to read. While it is handing out a reading it cannot be entered at a revision of that reading. Since cohorts join only those that
   * are less far or, at one revision, older, the one of them that joins nobody always goes on.
   */
  #joinable(position: number, joining: Cohort | undefined): Cohort | undefined {
    const oldest = joining?.number ?? Number.POSITIVE_INFINITY;
    const distanceMax = Math.max(this.#host.limits.cohortRevisions, (this.#host.frontier() - position) / 2);
    return this.#cohorts.find((cohort) => {
      const from = cohort.reading === undefined ? cohort.set.position : cohort.reading.through + 1;
      const isNear = from <= position && position - from < distanceMax;
      return isNear && (from < position ? cohort !== joining : cohort.number < oldest);
    });
  }

  /** Gives watchers over to a set that stands no later: as many as `stepsMax`, the rest in another turn. */
  #move(from: WatcherSet, into: WatcherSet, stepsMax: number): number {
    let steps = 0;
    for (const watcher of from.all()) {
      if (steps >= stepsMax) {
        break;
      }
      from.remove(watcher);
      into.add(watcher);
      steps++;
    }
    return steps;
  }

  /**
   * Compaction was faster than this cohort. Who stands below the compacted revision has lost history and is told so; who begins
   * at it or later has not: the events of the compacted revision itself stay (bug 76 of the catalogue: etcd#18089, #19179), and those after it too.
   * What was read before it was compacted is handed out all the same; it is whole.
   */
  #dropCompacted({ set }: Cohort): number {
    const { compactRevision } = this.#host.store();
    if (set.position >= compactRevision) {
      return 0;
    }
    let steps = 0;
    for (const watcher of set.all()) {
      steps++;
      if (watcher.standing < compactRevision) {
        set.remove(watcher);
        this.#lost.add(watcher);
      }
    }
    set.position = compactRevision;
    return steps;
  }

  #read(cohort: Cohort): number {
    const { set } = cohort;
    const frontier = this.#host.frontier();
    const options = { previous: set.wantsPrevious };
    const scan = historyScan(this.#host.store(), set.range, set.position, frontier, options);
    const events = scan.next(this.#host.limits.changesPerReadMax) ?? [];
    assert(
      scan.revision >= set.position && scan.revision <= frontier,
      () => `read from ${set.position} to ${scan.revision}`,
    );
    cohort.reading = { events, through: scan.revision, handed: 0, call: undefined };
    return Math.max(events.length, scan.revision - set.position + 1);
  }

  /** Goes on handing out what was read. */
  #handOut(cohort: Cohort, reading: Reading, stepsMax: number): number {
    reading.call ??= nextCall(cohort.set, reading, this.#host.limits.bytesPerCallMax);
    const { call } = reading;
    let steps = 0;
    for (let match = call.matches[call.match]; match !== undefined; match = call.matches[call.match]) {
      call.watchers ??= match.group.watchers.values();
      for (let next = call.watchers.next(); next.done !== true; next = call.watchers.next()) {
        this.#host.hand(next.value, match, call.through);
        if (++steps >= stepsMax) {
          return steps;
        }
      }
      call.match++;
      call.watchers = undefined;
    }
    // Everybody has it: from here on the set's position says so.
    cohort.set.position = call.through + 1;
    reading.handed = call.end;
    reading.call = undefined;
    if (call.through === reading.through) {
      cohort.reading = undefined;
    }
    return steps + 1;
  }
}

/** The next revisions of a reading, whole ones, of about `bytesMax` together; the last call goes to the reading's end. */
function nextCall(set: WatcherSet, reading: Reading, bytesMax: number): Call {
  const { events, handed } = reading;
  let bytes = 0;
  let end = handed;
  let revision = 0;
  for (let event = events[end]; event !== undefined; event = events[end]) {
    const { keyValue, previous } = event;
    if (bytes >= bytesMax && keyValue.modRevision !== revision) {
      break;
    }
    revision = keyValue.modRevision;
    bytes += keyValue.key.length + keyValue.value.length + (previous === undefined ? 0 : previous.value.length);
    end++;
  }
  const isLast = end === events.length;
  const part = handed === 0 && isLast ? events : events.slice(handed, end);
  return {
    matches: set.match(part),
    through: isLast ? reading.through : revision,
    end,
    match: 0,
    watchers: undefined,
  };
}
