/**
 * What a user of the consensus core brings to be simulated: a state machine, what its clients ask, and what must be true of the
 * answers. Commands, responses and snapshots are bytes; nobody here looks into them.
 */
import type { OperationOutcome } from '../checks/history.js';
import type { Stream } from '../world/random.js';

/** One replica's state. It must be deterministic: no clock, no randomness, nothing that another replica might not have. */
export interface Machine {
  /** Carries out a committed command and gives the response. It never throws: what went wrong is a response too. */
  apply(command: Uint8Array): Uint8Array;
  /** The whole state. Equal states have equal bytes. */
  snapshot(): Uint8Array;
  /** Called at most once, on a fresh machine: continues from a snapshot that any replica has made. */
  restore(snapshot: Uint8Array): void;
}

/** One question of a client and what came of it. `pending` is what it is before it has ended. */
export interface Call {
  readonly client: number;
  readonly command: Uint8Array;
  readonly invokedMs: number;
  /** Virtual time; infinite while it is under way. */
  endedMs: number;
  /** `ok`: answered. `rejected`: surely not carried out. `unknown`: carried out at any time from `invokedMs` on, or never. */
  outcome: OperationOutcome | 'pending';
  /** Only if the outcome is ok. */
  response: Uint8Array | undefined;
}

/** A client that is about to ask: one at a time, on and on. */
export interface Caller {
  /** From 1. */
  readonly number: number;
  /** The only randomness that a workload may use. */
  readonly random: Stream;
  /** What it has asked so far, oldest first; none of it is under way any more. */
  readonly calls: readonly Call[];
}

export interface MachineUnderTest<M extends Machine = Machine> {
  /** Makes a machine with nothing in it; each life of each member begins with one. */
  machine(): M;
  /** What the client asks next: a read is a command like any other. */
  workload(caller: Caller): Uint8Array;
  /**
   * Throws if the calls of a run, in the order in which they began, or the state at its end are not right. `machine` is one
   * that the run has no use for any more.
   */
  check?(calls: readonly Call[], machine: M): void;
}
