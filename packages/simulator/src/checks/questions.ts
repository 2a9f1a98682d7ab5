/**
 * What clients ask of the store beside the histories of single keys: any command, and reads of ranges. Each question can be found
 * again in the log, where it may stand once and no more.
 *
 * Puts, deletes, transactions and compactions carry a number where limits go that bind nothing. Lease operations have no room for
 * one: those on one lease come from one client, one after the other, and it leaves a lease alone when it does not know what became
 * of an operation on it. So the next of its kind in the log is the next that was asked and not refused.
 */
import type { Command, LeaseId, WriteLimits } from '@quorate/replica/internal';
import { Violation } from './violation.js';

export type Outcome = 'ok' | 'pending' | 'rejected' | 'unknown';

export interface Question {
  readonly client: number;
  /** Who was asked. */
  readonly via: string;
  readonly operation: Command['operation'];
  readonly invokedMs: number;
  endedMs: number;
  outcome: Outcome;
  /** What the client was told, in the model's form. */
  answer: unknown;
  /** Where it stands in the log. */
  index: number | undefined;
  /** What the model says there. */
  expected: unknown;
  /** It came to a leader that stood still: see leases.ts. */
  arrival?: Arrival;
}

/** Of a request that reached a paused member. */
export interface Arrival {
  /** The term which that member led; 0: none. */
  readonly term: number;
  readonly arrivedMs: number;
  readonly pausedMs: number;
  /** When the member went on; undefined: it has not. */
  resumedMs: number | undefined;
}

/** Larger than any key, value or store of a run. */
const NO_LIMIT = 2 ** 30;

type Timed = Extract<Command['operation'], { readonly lease: LeaseId; readonly kind: `lease-${string}` }>;

export class Questions {
  readonly #byNumber = new Map<number, Question>();
  /** By kind and lease, those that have not been found in the log. */
  readonly #byLease = new Map<string, Question[]>();
  readonly all: Question[] = [];

  /** The command to be sent. */
  add(question: Question): Command {
    const { operation } = question;
    this.all.push(question);
    if (isOfLease(operation)) {
      const key = leaseKey(operation);
      this.#byLease.set(key, [...(this.#byLease.get(key) ?? []), question]);
      return { operation, limits: undefined };
    }
    const number = NO_LIMIT + this.all.length;
    this.#byNumber.set(number, question);
    const limits: WriteLimits = { keyBytesMax: NO_LIMIT, valueBytesMax: NO_LIMIT, keysMax: number };
    return { operation, limits };
  }

  /** Surely not carried out, now or later: if it is in the log, that is wrong. */
  refused(question: Question): void {
    const { operation } = question;
    if (!isOfLease(operation)) return;
    const key = leaseKey(operation);
    const left = (this.#byLease.get(key) ?? []).filter((other) => other !== question);
    this.#byLease.set(key, left);
  }

  /** Whose command this is; undefined if nobody's here. */
  find({ operation, limits }: Command, index: number): Question | undefined {
    if (isOfLease(operation)) {
      const question = this.#byLease.get(leaseKey(operation))?.shift();
      if (question === undefined) {
        throw new Violation('asked once', `entry ${index} is a ${leaseKey(operation)} that nobody asked for`);
      }
      return question;
    }
    const question = limits === undefined ? undefined : this.#byNumber.get(limits.keysMax);
    if (question?.index !== undefined) {
      throw new Violation('asked once', `${describe(question)} is entry ${index} as well`);
    }
    return question;
  }
}

function isOfLease(operation: Command['operation']): operation is Timed {
  return operation.kind === 'lease-grant' || operation.kind === 'lease-renew' || operation.kind === 'lease-revoke';
}

function leaseKey({ kind, lease }: Timed): string {
  return `${kind} of ${lease}`;
}

/** A big integer is no JSON, and bytes are not to be read as such. */
function replace(_key: string, item: unknown): unknown {
  if (typeof item === 'bigint') return `${item}n`;
  return item instanceof Uint8Array ? new TextDecoder().decode(item) : item;
}

export function tell(value: unknown): string {
  return JSON.stringify(value, replace) ?? 'nothing';
}

export function describe({ client, via, operation, invokedMs, endedMs, outcome, answer, index }: Question): string {
  const end = Number.isFinite(endedMs) ? endedMs.toFixed(3) : '...';
  const told = outcome === 'ok' ? tell(answer) : outcome;
  const at = index === undefined ? '' : ` (entry ${index})`;
  return `s${client} ${invokedMs.toFixed(3)}-${end} via ${via}: ${tell(operation)}${at}: ${told}`;
}
