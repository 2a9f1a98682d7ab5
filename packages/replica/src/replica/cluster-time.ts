/**
 * Cluster time, as this member estimates it: the clock in which leases live (docs/decisions/0009-cluster-time.md).
 *
 * The state machine holds a time that only the stamps of applied commands move, and never back. Between two stamps every member
 * lets it run on by its own monotonic clock:
 *
 *     now = the state's time after the last stamp applied here + what has passed here since it was applied
 *
 * A leader does not set its estimate back to stamps of its own: they come back later than they were made, and time would lag by
 * one commit with each of them. Everybody else does, back included. A leader stamps nothing before it has applied an entry of
 * its own term, hence everything of the terms before.
 *
 * Safety: no lease ends before its time to live has passed since the command that gave it was proposed. Let X be a command with
 * a time, p(X) the moment at which it was proposed, S(X) the state's time after it. Then for all X, and all Y after X in the log,
 *
 *     (1)  S(Y) - S(X) <= p(Y) - p(X)          (2)  estimate(t) - S(X) <= t - p(X)   wherever X is applied
 *
 * Both by induction over the log. A leader L stamps Y. If X is of L's own term, L's estimate has run on from S(X) since p(X), for nothing
 * else of that term sets it back or forth. If X is of an earlier term, L had applied it, and Z, the last command with a time before L's
 * term; it took S(Z) for its estimate when it applied Z, which was after p(Z); so S(Y) <= S(Z) + p(Y) - p(Z), and (1) for Z and X
 * gives (1) for Y and X. (2) is the same for the moment t instead of p(Y). A lease that was given by X ends by S(Y) >= S(X) + its time to live, so
 * by (1) at least that long after p(X). Clocks need to run at the same rate, not to agree; one that is slow by one in a thousand makes a
 * lease last one in a thousand longer. All of it holds to the millisecond, in which stamps are counted.
 *
 * Liveness: what is lost at a change of leaders is the time from a proposal to its being applied at the next leader, and while no
 * member runs at all, time stands still but for marks (lessor.ts): nothing that shortens a lease.
 */
import type { Clock } from '../seams/index.js';

export class ClusterTime {
  readonly #clock: Clock;
  /** Cluster time when this member's clock showed #anchorMs. */
  #estimateMs: number;
  #anchorMs: number;

  /** `stampedMs`: the time of the state that this member begins with. */
  constructor(clock: Clock, stampedMs: number) {
    this.#clock = clock;
    this.#estimateMs = stampedMs;
    this.#anchorMs = clock.nowMs();
  }

  /** An integer, in milliseconds. */
  get nowMs(): number {
    return this.#estimateMs + Math.max(0, Math.floor(this.#clock.nowMs() - this.#anchorMs));
  }

  /**
   * A command with a time was applied, and the state's time is `stampedMs` now: also when it is what it was before, since this
   * member's estimate may have run ahead of it meanwhile. `isOwn`: this member has stamped it, in the term in which it still leads.
   */
  follow(stampedMs: number, isOwn: boolean): void {
    if (isOwn) return;
    this.#estimateMs = stampedMs;
    this.#anchorMs = this.#clock.nowMs();
  }
}
