/**
 * Deadlines of calls in a hashed timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels", scheme 6): adding and
 * removing cost the same however many there are. A slot is the list of all entries whose deadline falls into it in some round; an
 * entry of a later round is passed over. One timer is armed, for the next slot that is not empty.
 */

const SLOT_MS = 8;
const SLOTS = 1024;

/** An entry is linked into its slot by itself. */
export interface DeadlineEntry {
  readonly deadlineMs: number;
  deadlinePrevious: DeadlineEntry | undefined;
  deadlineNext: DeadlineEntry | undefined;
  /** -1 while it is in no slot. */
  deadlineSlot: number;
  expire(): void;
}

export class DeadlineWheel {
  private readonly slots: (DeadlineEntry | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private armedTick = Infinity;
  /** Slots up to this one have been visited. */
  private visitedTick: number;
  private count = 0;

  constructor(now: () => number) {
    this.now = now;
    this.visitedTick = Math.floor(now() / SLOT_MS);
  }

  get size(): number {
    return this.count;
  }

  add(entry: DeadlineEntry): void {
    // Rounded up: a slot is visited when all of its deadlines have passed. A deadline of the past is due with the next slot.
    const tick = Math.max(Math.ceil(entry.deadlineMs / SLOT_MS), this.visitedTick + 1);
    const slot = tick % SLOTS;
    const first = this.slots[slot];
    entry.deadlineSlot = slot;
    entry.deadlineNext = first;
    if (first !== undefined) first.deadlinePrevious = entry;
    this.slots[slot] = entry;
    this.count += 1;
    if (tick < this.armedTick) this.arm(tick);
  }

  remove(entry: DeadlineEntry): void {
    if (entry.deadlineSlot < 0) return;
    if (entry.deadlinePrevious === undefined) this.slots[entry.deadlineSlot] = entry.deadlineNext;
    else entry.deadlinePrevious.deadlineNext = entry.deadlineNext;
    if (entry.deadlineNext !== undefined) entry.deadlineNext.deadlinePrevious = entry.deadlinePrevious;
    entry.deadlinePrevious = undefined;
    entry.deadlineNext = undefined;
    entry.deadlineSlot = -1;
    this.count -= 1;
  }

  private arm(tick: number): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.armedTick = tick;
    // A deadline may be thousands of years away, which a timer cannot be.
    const delayMs = Math.min(SLOTS * SLOT_MS, Math.max(1, Math.ceil(tick * SLOT_MS - this.now())));
    this.timer = setTimeout(() => this.visit(), delayMs);
    this.timer.unref();
  }

  private visit(): void {
    this.timer = undefined;
    this.armedTick = Infinity;
    const nowTick = Math.floor(this.now() / SLOT_MS);
    const due: DeadlineEntry[] = [];
    const from = Math.max(this.visitedTick + 1, nowTick - SLOTS + 1);
    for (let tick = from; tick <= nowTick; tick++) {
      for (let entry = this.slots[tick % SLOTS]; entry !== undefined; entry = entry.deadlineNext) {
        if (entry.deadlineMs <= nowTick * SLOT_MS) due.push(entry);
      }
    }
    this.visitedTick = Math.max(nowTick, this.visitedTick);
    for (const entry of due) this.remove(entry);
    this.armNext();
    for (const entry of due) entry.expire();
  }

  private armNext(): void {
    if (this.count === 0) return;
    for (let tick = this.visitedTick + 1; tick <= this.visitedTick + SLOTS; tick++) {
      if (this.slots[tick % SLOTS] !== undefined) return this.arm(tick);
    }
  }
}
