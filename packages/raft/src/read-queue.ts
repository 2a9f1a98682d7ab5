/**
 * The reads that wait for their leader to make sure that it still leads, and the rounds of heartbeats that ask.
 * The rules are in read-index.ts; this is what they remember.
 */
import type { MemberId } from './types.js';

/** Most reads that wait at a leader. An owner shares one request among all reads of a turn, so it never gets near. */
export const READS_WAITING_MAX = 65_536;

export interface WaitingRead {
  /** Whose request it is: this member itself, or a follower. */
  readonly from: MemberId;
  readonly context: number;
}

/** Reads that were asked for by one round. */
export interface ReadRound {
  readonly round: number;
  readonly index: number;
  readonly reads: readonly WaitingRead[];
}

export class ReadQueue {
  /** Not asked for yet: the leader has not committed in its term, or the turn is not over. */
  waiting: WaitingRead[] = [];
  /** Asked for, oldest first. */
  asked: ReadRound[] = [];
  askedCount = 0;
  /** Number of the last round. Together with the term it names one point in time and never comes back. */
  round = 0;
  confirmed = 0;
  /** The last round that each member has answered. */
  readonly acknowledged: Map<MemberId, number> = new Map();
  /** The tick at which a round was sent, for the lease; one entry a tick. */
  sentAt: { readonly round: number; readonly tick: number }[] = [];
  /** A quorum answered what was sent at this tick. */
  leaseTick: number = Number.NEGATIVE_INFINITY;

  get full(): boolean {
    return this.waiting.length + this.askedCount >= READS_WAITING_MAX;
  }

  /** Rounds go on counting: an answer to an earlier leadership's round must never confirm a later one's. */
  reset(): void {
    this.waiting = [];
    this.asked = [];
    this.askedCount = 0;
    this.confirmed = this.round;
    this.acknowledged.clear();
    this.sentAt = [];
    this.leaseTick = Number.NEGATIVE_INFINITY;
  }
}
