/**
 * Ends leases whose time is over: a duty of the leader. It proposes; the state machine decides by the replicated deadline and
 * the stamp of the proposal, so a lease that was renewed first stays.
 *
 * Who must not end leases (etcd#15247, #12528; raft-bugs 71): a leader that stood still and was deposed meanwhile cannot, for
 * what it proposes does not commit. One that stood still and leads on would end leases whose renewals wait in its own sockets;
 * so after a standstill it lets an election timeout pass, in which they are read, before it ends anything. The same holds for a new
 * leader, whom the clients have yet to find. Standing still shows in the distance between two ticks on the clock.
 *
 * One proposal is under way at a time: two of them would name the same leases.
 *
 * Marks: while there are leases and nobody stamps anything, an empty proposal moves the replicated time each TIME_MARK_MS. When
 * all members restart, leases get back what passed since the last stamp, at most about that much.
 */
import type { Clock } from '../seams/index.js';
import type { LeaseId, Store } from '../store/index.js';
import type { ClusterTime } from './cluster-time.js';
import { LEASES_EXPIRED_AT_ONCE_MAX, LEASES_EXPIRED_PER_SECOND_MAX, TIME_MARK_MS } from './limits.js';

/** Two ticks further apart than so many heartbeats: this member stood still (contract 31). */
const STANDSTILL_HEARTBEATS = 3;

export interface LessorOptions {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
}

export interface LessorPort {
  readonly clock: Clock;
  readonly time: ClusterTime;
  store(): Store;
  /** The term in which this member leads and has applied an entry; undefined if there is none. */
  settledTerm(): number | undefined;
  /** Proposes the end of these leases, with the time of now; `over` follows when it was applied or came to nothing. False if it cannot. */
  propose(leases: readonly LeaseId[], over: () => void): boolean;
}

export class Lessor {
  readonly #options: LessorOptions;
  readonly #port: LessorPort;
  #term: number | undefined;
  #lastTickMs: number;
  /** Nothing ends before. */
  #graceUntilMs = 0;
  /** How many leases may end now, by the rate. */
  #budget = LEASES_EXPIRED_AT_ONCE_MAX;
  #isUnderWay = false;

  constructor(options: LessorOptions, port: LessorPort) {
    this.#options = options;
    this.#port = port;
    this.#lastTickMs = port.clock.nowMs();
  }

  /** On every member, each tick. */
  tick(): void {
    const { tickMs, heartbeatTicks, electionTicks } = this.#options;
    const nowMs = this.#port.clock.nowMs();
    const passedMs = nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    const earned = (LEASES_EXPIRED_PER_SECOND_MAX * passedMs) / 1000;
    this.#budget = Math.min(this.#budget + earned, LEASES_EXPIRED_AT_ONCE_MAX);
    const term = this.#port.settledTerm();
    if (term !== this.#term || passedMs > STANDSTILL_HEARTBEATS * heartbeatTicks * tickMs) {
      this.#graceUntilMs = nowMs + electionTicks * tickMs;
    }
    this.#term = term;
    if (term !== undefined && !this.#isUnderWay && nowMs >= this.#graceUntilMs) this.#endWhatIsDue();
  }

  #endWhatIsDue(): void {
    const { time } = this.#port;
    const store = this.#port.store();
    const deadlineMs = store.nextLeaseDeadline();
    if (deadlineMs === undefined) return;
    const nowMs = time.nowMs;
    const isDue = deadlineMs <= nowMs && this.#budget >= 1;
    if (!isDue && nowMs - store.timeMs < TIME_MARK_MS) return;
    const due = isDue ? store.leasesDue(nowMs, Math.floor(this.#budget)) : [];
    this.#isUnderWay = this.#port.propose(due, () => {
      this.#isUnderWay = false;
    });
    if (this.#isUnderWay) this.#budget -= due.length;
  }
}
