/**
 * How far one member has come, as the leader sees it, and what may be sent to it next (Raft thesis 10.2.1; the states are
 * etcd-io/raft's).
 *
 *     1 ........ match ........ next ........ last
 *     acknowledged | in flight    | not yet sent
 *
 *                    rejected, unreachable
 *               +--------------------------------+
 *               v                                |
 *           +-------+   first acceptance   +-----------+
 *     ----> | probe | -------------------> | replicate |
 *           +-------+                      +-----------+
 *             ^   |  entries needed are       |     ^
 *             |   |  compacted away           |     | accepted at or after the leader's first index
 *      sent / |   v                           v     |
 *      failed |  +-------------------------------+  |
 *             +- |           snapshot            | -+
 *                +-------------------------------+
 *
 * `probe`: where the logs agree is not known; one append at a time, and the next only after an answer or a heartbeat's
 * answer. `replicate`: appends are pipelined within the in-flight window and `next` runs ahead of `match`.
 * `snapshot`: nothing is appended until the snapshot has arrived or failed.
 *
 * `match` only grows while its leader leads: it counts towards the commit quorum, so lowering it would be harmless but
 * raising it wrongly commits without one. What this class cannot see, its caller must: an acknowledgement is only passed
 * on if it is of the leader's own term and at or below the leader's last index (a late one from before a log reversion
 * made a false quorum in openraft cecb5de8). Late rejections must not move `next` to or below what was acknowledged
 * (openraft fbbf37b1), and `match < next` holds always (etcd-io/raft PR#149).
 */
import { assert } from './assert.js';
import { Inflights } from './inflights.js';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export interface ProgressOptions {
  /** The first index to be sent; greater than `match`. */
  readonly next: number;
  /** What the member is known to hold; 0 if unknown. */
  readonly match: number;
  readonly learner: boolean;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

/** etcd-io/raft's names of the states. */
const STATE_NAMES: Readonly<Record<ProgressState, string>> = {
  probe: 'StateProbe',
  replicate: 'StateReplicate',
  snapshot: 'StateSnapshot',
};

export class Progress {
  /** Highest index that the member is known to hold durably. */
  match: number;
  /**
   * The index of the next entry to send. In `replicate` all of (match, next) is in flight.
   * Invariant: 0 <= match < next.
   */
  next: number;
  state: ProgressState = 'probe';
  /** In `snapshot` the last index of the snapshot that is under way, else 0. Invariant: pendingSnapshot < next. */
  pendingSnapshot = 0;
  /**
   * Any message came from the member since the last check-quorum. True for a new member, which has not had the time to
   * answer: counting it as silent could make its leader step down. Whoever wins an election sets it to false for others.
   */
  recentlyActive = true;
  /** What `recentlyActive` was before the last check-quorum. */
  activeBefore = false;
  /**
   * The flow is paused: in `probe` a probe is under way, in `replicate` the window is full. An answer lifts it, and so
   * does (by the core) a heartbeat's answer, so that the loss of every message in flight never ends the flow for good.
   */
  probeSent = false;
  learner: boolean;
  /** The appends under way. Invariant: empty unless the state is `replicate`. */
  readonly inflights: Inflights;
  /**
   * The commit index that was sent last. It regresses when what carried it was probably lost or refused, and with a
   * heartbeat, which carries at most `match`. In `snapshot` it starts as the snapshot's index, which is committed.
   */
  #commitSent = 0;

  /**
   * The member was heard from within the last two election timeouts at most. Unlike `recentlyActive` it does not make everybody
   * look silent between a check-quorum and the next answers.
   */
  get isActive(): boolean {
    return this.recentlyActive || this.activeBefore;
  }

  constructor(options: ProgressOptions) {
    this.match = options.match;
    this.next = options.next;
    this.learner = options.learner;
    this.inflights = new Inflights(options.inflightMessagesMax, options.inflightBytesMax);
    this.#check();
  }

  /**
   * Find out anew where the logs agree. After a snapshot the place to try is right behind it (or what is known to match);
   * if the snapshot failed, set pendingSnapshot to 0 first: the place is then right behind `match`.
   */
  becomeProbe(): void {
    const snapshot = this.pendingSnapshot;
    this.#reset('probe');
    this.next = Math.max(this.match, snapshot) + 1;
    this.#commitSent = Math.min(this.#commitSent, this.next - 1);
    this.#check();
  }

  /** Pipeline from right behind `match` on. What was in flight is sent again unless its acknowledgement comes first. */
  becomeReplicate(): void {
    this.#reset('replicate');
    this.next = this.match + 1;
    this.#check();
  }

  /** A snapshot up to `index` is on its way: append nothing meanwhile. */
  becomeSnapshot(index: number): void {
    assert(index > this.match, () => `snapshot at ${index} for a member that has ${this.match}`);
    this.#reset('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#commitSent = index;
    this.#check();
  }

  /**
   * The member acknowledged everything up to `index`. False if that was known: the answer is late or doubled.
   * The caller frees the window (inflights.freeUpTo) and changes the state.
   */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.probeSent = false;
    this.#check();
    return true;
  }

  /**
   * The member refused an append after index `rejected`, and its log may agree with ours at `hint` or before. False if
   * the refusal is out of date; nothing changed then. Otherwise `next` went back, never to or below `match`, and the
   * caller sends again, after becomeProbe() if the state was `replicate`.
   */
  maybeDecrementTo(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      // Messages are reordered and doubled: what was acknowledged since cannot be refused now.
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else if (this.state === 'probe') {
      // One probe is under way at a time; a refusal of another one is a late one.
      if (rejected !== this.next - 1) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.probeSent = false;
    } else {
      // Sent before the snapshot was. Taking it would move the place from where the log goes on after the snapshot.
      return false;
    }
    // The commit index that the refused message carried was not taken.
    this.#commitSent = Math.min(this.#commitSent, this.next - 1);
    this.#check();
    return true;
  }

  /**
   * An append of `count` entries (0: only a probe or the commit index) with `bytes` of data was sent, from `next` on.
   * With a full window only an append without entries may be sent, and in `snapshot` none.
   */
  sentEntries(count: number, bytes: number): void {
    assert(this.state !== 'snapshot', () => 'append sent while a snapshot is under way');
    if (this.state === 'probe') {
      // `next` stays until the answer. Any append is a probe here, also an empty one: one at a time.
      this.probeSent = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    // An empty append through a full window is its probe: the next one waits for an answer or a heartbeat's answer.
    this.probeSent = this.inflights.full();
    this.#check();
  }

  /** Nothing may be appended now. (A full window that a heartbeat's answer reopened takes one append without entries.) */
  isPaused(): boolean {
    return this.state === 'snapshot' || this.probeSent;
  }

  /** A message that carried this commit index was sent: an append, or a heartbeat. */
  sentCommit(commit: number): void {
    this.#commitSent = commit;
  }

  /**
   * Sending `commit` could move the member's commit index: it is news, and the last one sent did not yet cover everything
   * in flight. So an append is not repeated only to carry a commit index that the member has, or cannot use.
   */
  canBumpCommit(commit: number): boolean {
    return commit > this.#commitSent && this.#commitSent < this.next - 1;
  }

  /** etcd-io/raft's notation, e.g. "StateReplicate match=4 next=9 learner inflight=2". */
  describe(): string {
    const parts = [STATE_NAMES[this.state], `match=${this.match}`, `next=${this.next}`];
    if (this.learner) parts.push('learner');
    if (this.isPaused()) parts.push('paused');
    if (this.pendingSnapshot > 0) parts.push(`pendingSnap=${this.pendingSnapshot}`);
    if (!this.recentlyActive) parts.push('inactive');
    if (this.inflights.count > 0) {
      parts.push(`inflight=${this.inflights.count}${this.inflights.full() ? '[full]' : ''}`);
    }
    return parts.join(' ');
  }

  #reset(state: ProgressState): void {
    this.state = state;
    this.probeSent = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }

  #check(): void {
    const { match, next, state } = this;
    assert(Number.isSafeInteger(match) && Number.isSafeInteger(next), () => `${this.describe()}: not an index`);
    assert(match >= 0 && match < next, () => `${this.describe()}: match must be below next`);
    assert(
      state === 'snapshot' ? this.pendingSnapshot > 0 && this.pendingSnapshot < next : this.pendingSnapshot === 0,
      () => `${this.describe()}: pending snapshot does not fit the state`,
    );
    assert(
      state === 'replicate' || this.inflights.count === 0,
      () => `${this.describe()}: in flight outside replicate`,
    );
  }
}
