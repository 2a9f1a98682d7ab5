/**
 * Linearizable reads (Raft thesis 6.4, ReadIndex).
 *
 * All reads that arrive in one turn share one request for a read index, named by a context. The leader answers it with
 * its commit index once a quorum has confirmed that it still leads; a read of that batch may be served as soon as the
 * state machine has applied that index.
 *
 * Safety. The context of a batch is issued after all its reads arrived, so the confirmation is later than the beginning of
 * each of them: every write acknowledged before is at or below the index. A batch that got no answer is issued again under a
 * NEW context, because confirmations of the old one that are still under way would be older than reads that joined
 * meanwhile (raft-bugs 7). A read never joins a batch that has been issued.
 */
import type { ReadState } from '@quorate/raft';
import { type Failure, failure, noLeader, type Result, success } from './failure.js';
import { WAITING_READS_MAX } from './limits.js';
import { NumberWindow } from './number-window.js';

const late: Failure = failure('timeout', 'rejected', 'the read could not be confirmed in time');

export type ReadDone = (result: Result<undefined>) => void;

interface Read {
  readonly done: ReadDone;
  readonly deadlineTick: number;
}

interface Batch {
  reads: readonly Read[];
  readonly issuedTick: number;
}

interface ConfirmedBatch {
  readonly index: number;
  readonly reads: readonly Read[];
}

/** Who is told what a read's `done` has thrown: the turn goes on, and the reads behind it are served. */
export interface ReadsOwner {
  faulted(error: unknown): void;
}

/** What the reads need of Raft. */
export interface ReadIndexSource {
  /** False if no leader is known. */
  readIndex(context: number): boolean;
}

export class Reads {
  /** Arrived, not yet issued. */
  #waiting: Read[] = [];
  /** Issued, not yet answered, by context. */
  readonly #issued = new NumberWindow<Batch>();
  /** Answered with an index that is not applied yet, in the order of the answers. */
  #confirmed: ConfirmedBatch[] = [];
  readonly #owner: ReadsOwner;
  #context: number;
  #count = 0;
  failedTotal = 0;
  /** Serializable reads, which ask nobody and are served at once: counted by those who serve them. */
  serializableTotal = 0;

  /** `firstContext`: where contexts begin; drawn anew at each start, so that an answer to a former life confirms nothing. */
  constructor(firstContext: number, owner: ReadsOwner) {
    this.#context = firstContext;
    this.#owner = owner;
  }

  get pending(): number {
    return this.#count;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(done: ReadDone, deadlineTick: number): void {
    if (this.#count >= WAITING_READS_MAX) {
      this.failedTotal += 1;
      done(failure('busy', 'rejected', `more than ${WAITING_READS_MAX} reads are waiting`));
      return;
    }
    this.#count += 1;
    this.#waiting.push({ done, deadlineTick });
  }

  /** Issues one request for everything that waits. */
  issue(source: ReadIndexSource, nowTick: number): void {
    if (this.#waiting.length === 0) return;
    const context = this.#context + 1;
    this.#context = context;
    if (!source.readIndex(context)) return;
    this.#issued.set(context, { reads: this.#waiting, issuedTick: nowTick });
    this.#waiting = [];
  }

  confirm(state: ReadState): void {
    const batch = this.#issued.take(state.context);
    if (batch === undefined) return;
    this.#confirmed.push({ index: state.index, reads: batch.reads });
  }

  /** Serves every confirmed batch that the state machine has reached. */
  release(appliedIndex: number): void {
    if (this.#confirmed.length === 0) return;
    const due: ConfirmedBatch[] = [];
    const kept: ConfirmedBatch[] = [];
    for (const batch of this.#confirmed) (batch.index <= appliedIndex ? due : kept).push(batch);
    if (due.length === 0) return;
    this.#confirmed = kept;
    for (const batch of due) {
      this.#count -= batch.reads.length;
      for (const read of batch.reads) this.#tell(read, success(undefined));
    }
  }

  /** Puts every batch that was issued before `beforeTick` back: it is issued again, under a new context. */
  reissue(beforeTick: number): void {
    for (const { reads } of this.#issued.takeIf(({ issuedTick }) => issuedTick < beforeTick)) {
      this.#waiting.push(...reads);
    }
  }

  /**
   * Ends the reads whose time is up, wherever they stand: while a leader is known that never answers, they are waiting only from
   * reissue() to the next issue(). A batch that is left without reads goes with its answer, or with reissue().
   */
  expire(nowTick: number): void {
    if (this.#count === 0) return;
    this.#waiting = this.#endLate(this.#waiting, nowTick);
    this.#issued.forEach((batch) => {
      batch.reads = this.#endLate(batch.reads, nowTick);
    });
    const kept: ConfirmedBatch[] = [];
    for (const { index, reads } of this.#confirmed) {
      const left = this.#endLate(reads, nowTick);
      if (left.length > 0) kept.push({ index, reads: left });
    }
    this.#confirmed = kept;
  }

  /** Ends every read that waits for a leader. */
  failWaiting(): void {
    this.#endAll(noLeader);
  }

  failAll(reason: Failure): void {
    for (const { reads } of this.#issued.takeIf(() => true)) this.#waiting.push(...reads);
    for (const batch of this.#confirmed) this.#waiting.push(...batch.reads);
    this.#confirmed = [];
    this.#endAll(reason);
  }

  /** Everything that waits. */
  #endAll(reason: Failure): void {
    const reads = this.#waiting;
    this.#waiting = [];
    for (const read of reads) this.#end(read, reason);
  }

  /** Returns those whose time is not up. */
  #endLate(reads: readonly Read[], nowTick: number): Read[] {
    const kept: Read[] = [];
    for (const read of reads) {
      if (read.deadlineTick > nowTick) kept.push(read);
      else this.#end(read, late);
    }
    return kept;
  }

  #end(read: Read, reason: Failure): void {
    this.#count -= 1;
    this.failedTotal += 1;
    this.#tell(read, reason);
  }

  #tell(read: Read, result: Result<undefined>): void {
    try {
      read.done(result);
    } catch (error) {
      this.#owner.faulted(error);
    }
  }
}
