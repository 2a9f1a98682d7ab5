/**
 * What the leader proposes by itself to keep the store in order: the end of leases, compactions of old history, alarms; and what
 * every member does for it: samples of the past, and word of what watchers that are behind still need.
 *
 *     lessor.ts    which leases are over            history.ts   how much of the past goes
 *     quota.ts     whether a write has room         holds        what watchers anywhere need of the past
 *
 * One proposal of each kind is under way at a time.
 */
import { type MemberId, NO_MEMBER, type Raft } from '@quorate/raft';
import type { Clock, Platform, Trace } from '../seams/index.js';
import { type Command, type ErrorResponse, encodeCommand, type Store } from '../store/index.js';
import type { AdminOperation } from './admin.js';
import type { ClusterTime } from './cluster-time.js';
import { HistoryKeeper, type HistoryOptions, type NeededRevisions } from './history.js';
import { Lessor, type LessorOptions } from './lessor.js';
import { Quota } from './quota.js';
import type { Requests } from './requests.js';

export interface StoreDutiesOptions extends HistoryOptions, LessorOptions {
  readonly memberId: MemberId;
  readonly requestTimeoutTicks: number;
  readonly quotaBytes: number;
}

export interface StoreDutiesPort {
  readonly raft: Raft;
  readonly requests: Requests;
  readonly clock: Clock;
  readonly time: ClusterTime;
  readonly platform: Platform;
  readonly trace: Trace;
  store(): Store;
  /** The term of the last entry applied here. */
  appliedTerm(): number;
  /** What watches of this member that are behind have yet to see. */
  neededRevisions(): NeededRevisions;
  /** Asks the leader. */
  administer(operation: AdminOperation, done: () => void): void;
  requestTurn(): void;
}

interface Hold extends NeededRevisions {
  readonly untilTick: number;
}

/** A report of what watchers need counts for so many of the intervals at which it is repeated. */
const HOLD_INTERVALS = 4;

export class StoreDuties {
  readonly #options: StoreDutiesOptions;
  readonly #port: StoreDutiesPort;
  readonly #history: HistoryKeeper;
  readonly #lessor: Lessor;
  readonly #quota: Quota;
  /** What watchers of other members need, by member. */
  readonly #holds = new Map<MemberId, Hold>();
  #nowTick = 0;
  #settledTerm: number | undefined;
  #settledTick = 0;
  #isCompacting = false;
  #isAlarming = false;
  #isReporting = false;
  #nextReportTick = 0;

  constructor(options: StoreDutiesOptions, port: StoreDutiesPort) {
    this.#options = options;
    this.#port = port;
    this.#history = new HistoryKeeper(options);
    this.#quota = new Quota(port.platform, options.quotaBytes);
    this.#lessor = new Lessor(options, {
      clock: port.clock,
      time: port.time,
      store: () => port.store(),
      settledTerm: () => this.#term(),
      propose: (leases, over) => {
        const timeMs = port.time.nowMs;
        return this.#propose({ kind: 'lease-expire', leases, timeMs }, over);
      },
    });
  }

  /** On every member. */
  tick(nowTick: number): void {
    this.#nowTick = nowTick;
    const term = this.#term();
    const isNew = term !== undefined && term !== this.#settledTerm;
    if (isNew) this.#settledTick = nowTick;
    this.#settledTerm = term;
    const store = this.#port.store();
    this.#history.sample(store, this.#port.clock.nowMs());
    this.#lessor.tick();
    if (term === undefined) {
      this.#report();
      return;
    }
    this.#compact(store);
    this.#reviewAlarms(store, isNew);
  }

  /** At the leader, before a command is proposed: why there is no room for it, if so. */
  admit(data: Uint8Array): ErrorResponse | undefined {
    return this.#quota.admit(this.#port.store(), data);
  }

  /** At the leader: watches of that member need the past. */
  hold(member: MemberId, { revision, pausedRevision }: NeededRevisions): void {
    const untilTick = this.#nowTick + HOLD_INTERVALS * this.#reportTicks;
    this.#holds.set(member, { revision, pausedRevision, untilTick });
  }

  /** The term in which this member leads and has applied an entry of its own, and so everything of the terms before. */
  #term(): number | undefined {
    const { raft } = this.#port;
    return raft.role === 'leader' && this.#port.appliedTerm() === raft.term ? raft.term : undefined;
  }

  get #reportTicks(): number {
    return this.#options.electionTicks;
  }

  #report(): void {
    if (this.#isReporting || this.#nowTick < this.#nextReportTick || this.#port.raft.leader === NO_MEMBER) return;
    const needed = this.#port.neededRevisions();
    if (needed.revision === undefined && needed.pausedRevision === undefined) return;
    this.#nextReportTick = this.#nowTick + this.#reportTicks;
    this.#isReporting = true;
    this.#port.administer({ kind: 'hold', member: this.#options.memberId, ...needed }, () => {
      this.#isReporting = false;
    });
  }

  /** What watchers anywhere need, as far as it has been heard of. */
  #needed(): NeededRevisions {
    // A new leader has yet to hear what the watchers of others need: they may need everything.
    if (this.#nowTick - this.#settledTick < 2 * this.#reportTicks) return { revision: 0 };
    let { revision, pausedRevision } = this.#port.neededRevisions();
    for (const [member, hold] of this.#holds) {
      if (hold.untilTick < this.#nowTick) this.#holds.delete(member);
      else {
        revision = lowest(revision, hold.revision);
        pausedRevision = lowest(pausedRevision, hold.pausedRevision);
      }
    }
    return { revision, pausedRevision };
  }

  #compact(store: Store): void {
    if (this.#isCompacting) return;
    const revision = this.#history.due(store, this.#port.clock.nowMs(), () => this.#needed());
    if (revision === undefined) return;
    const over = (): void => {
      this.#isCompacting = false;
    };
    this.#isCompacting = this.#propose({ kind: 'compact', revision }, over);
    if (!this.#isCompacting) return;
    this.#port.trace.event('history-compacted', { revision });
  }

  #reviewAlarms(store: Store, isNew: boolean): void {
    if (this.#isAlarming) return;
    const change = this.#quota.review(store, isNew);
    if (change === undefined) return;
    const { action, member } =
      'clear' in change
        ? ({ action: 'deactivate', member: change.clear.member } as const)
        : { action: change.action, member: this.#options.memberId };
    this.#isAlarming = this.#propose({ kind: 'alarm', action, alarm: 'no-space', member }, () => {
      this.#isAlarming = false;
    });
    if (this.#isAlarming) this.#port.trace.event('no-space', { action, bytes: store.bytes });
  }

  #propose(operation: Command['operation'], over: () => void): boolean {
    const data = encodeCommand(this.#port.platform, { operation, limits: undefined });
    const result = this.#port.raft.propose(data);
    if (!result.accepted) return false;
    const deadlineTick = this.#nowTick + this.#options.requestTimeoutTicks;
    this.#port.requests.propose(result.index, {
      term: result.term,
      deadlineTick,
      applied: over,
      overwritten: over,
      fail: over,
    });
    this.#port.requestTurn();
    return true;
  }
}

function lowest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Math.min(one, other);
}
