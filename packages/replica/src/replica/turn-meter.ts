/**
 * How long turns last, and what the long ones did.
 *
 * Everything that a member does for others waits while a turn runs, so each part of it is bounded in count or in time; this says whether the
 * bounds hold. A turn costs two readings of the clock and a few additions to numbers that are there already: nothing is made before
 * a turn has been too long.
 */
import type { Clock, Trace } from '../seams/index.js';

/** Milliseconds. A turn, or a tick, that lasts longer is told of with what it did. */
export const SLOW_TURN_MS = 50;

/** So many turns in a row with hardly anything to do: under load there is one now and then, between two that have much. */
const QUIET_TURNS = 16;

export class TurnMeter {
  readonly #clock: Clock;
  readonly #trace: Trace;
  readonly #observe: (milliseconds: number) => void;
  #begunMs = 0;
  // What the present turn has done so far.
  entriesAppended = 0;
  entriesApplied = 0;
  messagesSent = 0;
  readsServed = 0;
  snapshotBytes = 0;
  watchEvents = 0;
  keysSwept = 0;
  /** Of its milliseconds those in which it waited for the disk. */
  diskMs = 0;
  slowTotal = 0;
  #isRunning = false;
  #quietTurns = 0;

  /** `observe` hears of every turn. */
  constructor(clock: Clock, trace: Trace, observe: (milliseconds: number) => void) {
    this.#clock = clock;
    this.#trace = trace;
    this.#observe = observe;
  }

  /** A turn, or a tick, has begun and not ended. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The last QUIET_TURNS that had entries or reads had but one of them each, and so has the present one. */
  get isQuiet(): boolean {
    return this.#quietTurns >= QUIET_TURNS && this.#work <= 1;
  }

  get #work(): number {
    return Math.max(this.entriesAppended, this.entriesApplied, this.readsServed);
  }

  begin(): void {
    this.#isRunning = true;
    this.#begunMs = this.#clock.nowMs();
    this.entriesAppended = 0;
    this.entriesApplied = 0;
    this.messagesSent = 0;
    this.readsServed = 0;
    this.snapshotBytes = 0;
    this.watchEvents = 0;
    this.keysSwept = 0;
    this.diskMs = 0;
  }

  end(kind: 'turn' | 'tick'): void {
    this.#isRunning = false;
    const work = this.#work;
    if (work > 1) this.#quietTurns = 0;
    else this.#quietTurns += work;
    const milliseconds = this.#clock.nowMs() - this.#begunMs;
    this.#observe(milliseconds);
    if (milliseconds <= SLOW_TURN_MS) return;
    this.slowTotal += 1;
    const { entriesAppended, entriesApplied, messagesSent, readsServed, snapshotBytes, watchEvents, keysSwept } = this;
    const diskMs = Math.round(this.diskMs);
    this.#trace.event('slow-turn', {
      kind,
      milliseconds: Math.round(milliseconds),
      limitMs: SLOW_TURN_MS,
      entriesAppended,
      entriesApplied,
      messagesSent,
      readsServed,
      snapshotBytes,
      watchEvents,
      keysSwept,
      diskMs,
    });
  }
}
