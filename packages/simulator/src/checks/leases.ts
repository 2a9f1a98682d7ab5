/**
 * Leases against true time, whatever the members' clocks say (they run at most `clockSkew` faster or slower than it):
 *
 *   too early     no lease ends by itself before its time to live has passed since somebody began to ask for its last renewal
 *   cluster time  between two stamps no more of it passes than between the asking for the first and the deciding of the second
 *   standstill    what reached a leader in time while that stood still is heard before it ends anything (etcd#15247, #12528)
 *
 * That a lease ends in one revision with all of its keys, and is gone then, is the model's to say (oracle.ts); that it ends at all
 * is checked when the faults are over (swarm/lease-finale.ts).
 */
import type { Command, LeaseId } from '@quorate/replica/internal';
import { describe, type Question } from './questions.js';
import { require } from './violation.js';

/** Stamps are whole milliseconds. */
const ROUNDING_MS = 1;
/** A member that missed its ticks for so many heartbeats stood still: see lessor.ts of the replica. */
const STANDSTILL_HEARTBEATS = 3;
const MS = 1000;

export interface LeaseRulesOptions {
  readonly clockSkew: number;
  readonly tickMs: number;
  readonly heartbeatTicks: number;
}

/** A store command, and what the model answers. */
export interface AppliedCommand {
  readonly command: Command;
  readonly question: Question | undefined;
  readonly response: unknown;
  /** Of the entry. */
  readonly term: number;
  /** True time at which it was first applied. */
  readonly nowMs: number;
}

interface Extended {
  /** When somebody began to ask for it. */
  readonly askedMs: number;
  readonly ttlSeconds: number;
}

export class LeaseRules {
  readonly #options: LeaseRulesOptions;
  readonly #extended = new Map<LeaseId, Extended>();
  /** Those that ended by themselves. */
  readonly #expired = new Map<LeaseId, Extended>();
  /** The least, over all stamps so far, of the stamp and the true time at which it was asked for, at the fastest clock's rate. */
  #leastLead = Number.POSITIVE_INFINITY;

  constructor(options: LeaseRulesOptions) {
    this.#options = options;
  }

  /** How much of a clock's time may pass in a true millisecond. */
  get #rateMax(): number {
    return 1 / (1 - this.#options.clockSkew);
  }

  applied(applied: AppliedCommand): void {
    const { operation } = applied.command;
    if (operation.kind === 'lease-expire') this.#expire(applied);
    if (operation.kind === 'lease-grant' || operation.kind === 'lease-renew') {
      this.#checkStandstill(applied, operation.lease);
      this.#extend(applied, operation.lease);
    }
    if ('timeMs' in operation) this.#checkStamp(applied, operation.timeMs);
  }

  #extend({ response, question }: AppliedCommand, lease: LeaseId): void {
    const { kind, ttlSeconds } = response as { readonly kind: string; readonly ttlSeconds: number };
    if (kind === 'lease' && question !== undefined) {
      this.#extended.set(lease, { askedMs: question.invokedMs, ttlSeconds });
      this.#expired.delete(lease);
    }
  }

  #expire({ response, nowMs }: AppliedCommand): void {
    const { ended = [] } = response as { readonly ended?: readonly LeaseId[] };
    for (const lease of ended) {
      const extended = this.#extended.get(lease);
      if (extended === undefined) continue;
      this.#expired.set(lease, extended);
      const { askedMs, ttlSeconds } = extended;
      require(nowMs >= this.#deadlineMs(extended) - ROUNDING_MS, 'lease too early', () => {
        return `lease ${lease} of ${ttlSeconds} s, last asked for at ${askedMs.toFixed(3)}, ends at ${nowMs.toFixed(3)}`;
      });
    }
  }

  /** Before that, in true time, it must not end. */
  #deadlineMs({ askedMs, ttlSeconds }: Extended): number {
    return askedMs + (ttlSeconds * MS) / this.#rateMax;
  }

  /** See cluster-time.ts of the replica, (1). */
  #checkStamp({ question, nowMs, command }: AppliedCommand, stampMs: number): void {
    const leadMs = stampMs - nowMs * this.#rateMax;
    require(leadMs <= this.#leastLead + ROUNDING_MS, 'cluster time', () => {
      return `${command.operation.kind} is stamped ${stampMs} and applied at ${nowMs.toFixed(3)}: ${(leadMs - this.#leastLead).toFixed(3)} ms more have passed than can have`;
    });
    if (question !== undefined) {
      this.#leastLead = Math.min(this.#leastLead, stampMs - question.invokedMs * this.#rateMax);
    }
  }

  #checkStandstill({ question, response, term, nowMs }: AppliedCommand, lease: LeaseId): void {
    const arrival = question?.arrival;
    const expired = this.#expired.get(lease);
    const { code } = response as { readonly code?: string };
    if (question === undefined || arrival?.resumedMs === undefined || expired === undefined) return;
    const { clockSkew, tickMs, heartbeatTicks } = this.#options;
    const standstillMs = (STANDSTILL_HEARTBEATS * heartbeatTicks + 1) * tickMs * (1 + clockSkew);
    const stoodStill = arrival.resumedMs - arrival.pausedMs > standstillMs;
    const isItsOwn = arrival.term === term && code === 'lease-not-found';
    if (!stoodStill || !isItsOwn || arrival.arrivedMs >= this.#deadlineMs(expired)) return;
    require(false, 'lease standstill', () => {
      return `lease ${lease} has ended at ${nowMs.toFixed(3)}, though its leader had this, in time, while it stood still: ${describe(question)}`;
    });
  }
}
