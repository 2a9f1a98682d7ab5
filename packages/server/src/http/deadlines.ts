/**
 * Deadlines of many things that all have the same time: a linked list in the order of arrival, which is the order of expiry, and one
 * timer for the first of them. Adding and removing cost a few assignments, where a timer for each would cost an allocation.
 */

export interface Deadline {
  expiresAtMs: number;
  previous: Deadline | undefined;
  next: Deadline | undefined;
  expire(): void;
}

export class Deadlines {
  private readonly timeoutMs: number;
  private readonly nowMs: () => number;
  private first: Deadline | undefined;
  private last: Deadline | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, nowMs: () => number) {
    this.timeoutMs = timeoutMs;
    this.nowMs = nowMs;
  }

  add(deadline: Deadline): void {
    deadline.expiresAtMs = this.nowMs() + this.timeoutMs;
    deadline.previous = this.last;
    deadline.next = undefined;
    if (this.last === undefined) this.first = deadline;
    else this.last.next = deadline;
    this.last = deadline;
    this.timer ??= this.arm(this.timeoutMs);
  }

  /** Safe for one that has expired or was removed. */
  remove(deadline: Deadline): void {
    if (deadline.previous === undefined && this.first !== deadline) return;
    if (deadline.previous === undefined) this.first = deadline.next;
    else deadline.previous.next = deadline.next;
    if (deadline.next === undefined) this.last = deadline.previous;
    else deadline.next.previous = deadline.previous;
    deadline.previous = undefined;
    deadline.next = undefined;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The timer runs on when the list empties: it finds nothing then, once, instead of being set and cleared with every request. */
  private arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.run(), delayMs).unref();
  }

  private run(): void {
    this.timer = undefined;
    const nowMs = this.nowMs();
    while (this.first !== undefined && this.first.expiresAtMs <= nowMs) {
      const expired = this.first;
      this.remove(expired);
      expired.expire();
    }
    // A timer may fire a fraction of a millisecond early.
    if (this.first !== undefined) this.timer ??= this.arm(Math.max(1, Math.ceil(this.first.expiresAtMs - nowMs)));
  }
}
