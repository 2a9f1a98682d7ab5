/**
 * Requests that change something, from admission to answer: where each one stands while it is under way.
 *
 *   waiting     no leader is known, or leadership is being handed over: not proposed anywhere yet
 *   proposed    stands in this member's log at an index, in a term; the entry applied there decides
 *   forwarded   sent to the leader once; its answer decides
 *
 * A proposed request is answered by the entry that is applied at its index. If that entry is of another term, the proposal
 * was overwritten: by log matching it can never commit, so it surely did not and will not take effect, and it goes back to
 * waiting. If this member can no longer know (it jumped over the index by a snapshot, no leader is known for too long, or
 * the time ran out) the answer is "outcome unknown", and nothing is ever proposed again (raft-bugs 30, 83).
 */
import type { MemberId } from '@quorate/raft';
import type { Response } from '../store/index.js';
import type { AdminAnswer, AdminOperation } from './admin.js';
import { assert } from './assert.js';
import { type Failure, failure, noLeader, outcomeUnknown, type Result, success } from './failure.js';
import { WAITING_REQUESTS_MAX } from './limits.js';
import { NumberWindow } from './number-window.js';

interface RequestBase {
  readonly deadlineTick: number;
  /** It came from another member: it is never passed on, but given back. */
  readonly isForwarded?: boolean;
}

/** Who waits for a command. */
export interface CommandWaiter {
  done(result: Result<Response>): void;
  /** In place of done(), for a put of which nobody need hear more than the store's revision; without it, done() hears of that too. */
  put?(revision: number): void;
}

export type Request =
  | CommandRequest
  | (RequestBase & {
      readonly kind: 'admin';
      readonly operation: AdminOperation;
      readonly done: (result: Result<AdminAnswer>) => void;
    });

/** What to do once the entry at an index has been applied. `overwritten` is called when another entry stands there. */
export interface Proposed {
  readonly term: number;
  readonly deadlineTick: number;
  applied(response: Response | undefined): void;
  /** In place of applied(), for a put that was applied without a response. */
  appliedPut?(revision: number): void;
  overwritten(): void;
  fail(reason: Failure): void;
}

/** Who made the request. */
export interface CommandOwner {
  /** Its proposal was overwritten. */
  resubmit(request: CommandRequest): void;
  /** Its waiter has thrown this. */
  faulted(error: unknown): void;
}

/**
 * A command from admission to answer. One object and no closures: there is one for each entry under way. It stands in one place at a time
 * (it waits, or is proposed, or is forwarded), so what changes between two proposals, the term and the bytes, is its own.
 *
 * What its waiter throws goes no further than to the owner: it is told in the middle of a turn, and the entries behind it must be applied.
 */
export class CommandRequest implements RequestBase, Proposed {
  readonly kind = 'command' as const;
  /** The encoded store command. */
  data: Uint8Array;
  readonly deadlineTick: number;
  readonly isForwarded: boolean;
  /** The term of its latest proposal. */
  term = 0;
  readonly #waiter: CommandWaiter;
  readonly #owner: CommandOwner;

  constructor(
    data: Uint8Array,
    waiter: CommandWaiter,
    deadlineTick: number,
    isForwarded: boolean,
    owner: CommandOwner,
  ) {
    this.data = data;
    this.deadlineTick = deadlineTick;
    this.isForwarded = isForwarded;
    this.#waiter = waiter;
    this.#owner = owner;
  }

  done(result: Result<Response>): void {
    try {
      this.#waiter.done(result);
    } catch (error) {
      this.#owner.faulted(error);
    }
  }

  applied(response: Response | undefined): void {
    assert(response !== undefined, () => 'a store command has a response');
    this.done(success(response));
  }

  appliedPut(revision: number): void {
    if (this.#waiter.put === undefined) {
      this.done(success({ kind: 'put', revision, previous: undefined }));
      return;
    }
    try {
      this.#waiter.put(revision);
    } catch (error) {
      this.#owner.faulted(error);
    }
  }

  overwritten(): void {
    this.#owner.resubmit(this);
  }

  fail(reason: Failure): void {
    this.done(reason);
  }
}

interface Forwarded {
  readonly request: Request;
  readonly to: MemberId;
  deadlineTick: number;
}

export class Requests {
  #waiting: Request[] = [];
  /** By index. */
  readonly #proposed = new NumberWindow<Proposed>();
  readonly #forwarded = new NumberWindow<Forwarded>();
  #nextForwardId: number;
  failedTotal = 0;

  /** `firstForwardId`: where they begin; drawn anew at each start, so that an answer to a former life ends nothing. */
  constructor(firstForwardId = 1) {
    this.#nextForwardId = firstForwardId;
  }

  /** Sent to the leader and not answered. */
  get forwarded(): number {
    return this.#forwarded.size;
  }

  /** Requests proposed and forwarded: what a graceful stop waits for. */
  get pending(): number {
    return this.#waiting.length + this.#proposed.size + this.#forwarded.size;
  }

  wait(request: Request): void {
    if (this.#waiting.length >= WAITING_REQUESTS_MAX) {
      this.end(request, failure('busy', 'rejected', `more than ${WAITING_REQUESTS_MAX} requests wait for a leader`));
      return;
    }
    this.#waiting.push(request);
  }

  /** Takes everything that waits, to be submitted again. */
  takeWaiting(): readonly Request[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  propose(index: number, proposed: Proposed): void {
    const former = this.#proposed.get(index);
    // A proposal of an earlier term stood here and this log lost it; another member's log may still hold it, and until this
    // index is applied that member might be elected and commit it.
    if (former !== undefined) this.#failProposed(former, outcomeUnknown);
    this.#proposed.set(index, proposed);
  }

  /** The entry of `term` at `index` has been applied. */
  applied(index: number, term: number, response: Response | undefined): void {
    const proposed = this.#proposed.take(index);
    if (proposed === undefined) return;
    if (proposed.term === term) proposed.applied(response);
    else proposed.overwritten();
  }

  /** The same for a put that was applied without a response: it gets one if somebody waits for it. */
  appliedPut(index: number, term: number, revision: number): void {
    const proposed = this.#proposed.take(index);
    if (proposed === undefined) return;
    if (proposed.term !== term) proposed.overwritten();
    else if (proposed.appliedPut !== undefined) proposed.appliedPut(revision);
    else proposed.applied({ kind: 'put', revision, previous: undefined });
  }

  /** The state jumped to `index`: what was decided in between is not known here. */
  skippedTo(index: number): void {
    for (const proposed of this.#proposed.takeIf((_, at) => at <= index)) this.#failProposed(proposed, outcomeUnknown);
  }

  /** Registers a request that goes to the leader; returns the number that its answer will carry, or undefined if there are too many. */
  forward(request: Request, to: MemberId): number | undefined {
    if (this.#forwarded.size >= WAITING_REQUESTS_MAX) {
      this.end(request, failure('busy', 'rejected', `more than ${WAITING_REQUESTS_MAX} requests are under way`));
      return undefined;
    }
    const id = this.#nextForwardId++;
    this.#forwarded.set(id, { request, to, deadlineTick: request.deadlineTick });
    return id;
  }

  /** The request that an answer from `from` is for; undefined if it has ended meanwhile. */
  takeForwarded(id: number, from: MemberId): Request | undefined {
    const forwarded = this.#forwarded.get(id);
    if (forwarded === undefined || forwarded.to !== from) return undefined;
    this.#forwarded.take(id);
    return forwarded.request;
  }

  /** The connection to that member broke: whether it got what was sent is unknown. */
  unreachable(to: MemberId): void {
    for (const { request } of this.#forwarded.takeIf((forwarded) => forwarded.to === to)) {
      this.end(request, outcomeUnknown);
    }
  }

  /** Another leader than `leader` may still answer what it has, but not for long: it may be stopped or cut off. */
  leaderChanged(leader: MemberId, graceUntilTick: number): void {
    this.#forwarded.forEach((forwarded) => {
      if (forwarded.to !== leader) forwarded.deadlineTick = Math.min(forwarded.deadlineTick, graceUntilTick);
    });
  }

  expire(nowTick: number): void {
    if (this.pending === 0) return;
    if (this.#waiting.some((request) => request.deadlineTick <= nowTick)) {
      const late = this.#waiting.filter((request) => request.deadlineTick <= nowTick);
      this.#waiting = this.#waiting.filter((request) => request.deadlineTick > nowTick);
      for (const request of late) this.end(request, noLeader);
    }
    const isLate = ({ deadlineTick }: { readonly deadlineTick: number }): boolean => deadlineTick <= nowTick;
    for (const proposed of this.#proposed.takeIf(isLate)) this.#failProposed(proposed, outcomeUnknown);
    for (const { request } of this.#forwarded.takeIf(isLate)) this.end(request, outcomeUnknown);
  }

  /** Ends what waits for a leader that did not appear. */
  failWaiting(reason: Failure): void {
    for (const request of this.takeWaiting()) this.end(request, reason);
  }

  /** Ends what was proposed or forwarded, because nobody may be left to decide it. */
  failUndecided(): void {
    for (const proposed of this.#proposed.takeIf(() => true)) this.#failProposed(proposed, outcomeUnknown);
    for (const { request } of this.#forwarded.takeIf(() => true)) this.end(request, outcomeUnknown);
  }

  /** This member stops. */
  failAll(reason: Failure): void {
    this.failWaiting(reason);
    this.failUndecided();
  }

  end(request: Request, reason: Failure): void {
    this.failedTotal += 1;
    request.done(reason);
  }

  #failProposed(proposed: Proposed, reason: Failure): void {
    this.failedTotal += 1;
    proposed.fail(reason);
  }
}
