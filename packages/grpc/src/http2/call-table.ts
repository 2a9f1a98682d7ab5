/**
 * The calls of a connection by stream id: open addressing with linear probing, and removal that closes the gap (Knuth, TAOCP 3, 6.4,
 * algorithm R).
 *
 * Not a Map, for the garbage collector's sake. A Map whose entries come and go is copied to a new table every so often, and V8 leaves in
 * the old table, and from it to the next one, references that count until the old generation is collected: one table that was ever promoted
 * then keeps every later call alive, and young collections copy them all.
 */
import type { ServerCall } from '../grpc/call.js';

/** A power of two, as every later number of slots. */
const SLOTS_MIN = 8;

export class CallTable {
  private slots: (ServerCall | undefined)[] = emptySlots(SLOTS_MIN);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(streamId: number): ServerCall | undefined {
    return this.slots[this.find(streamId)];
  }

  /** No call of that id is in the table. */
  add(call: ServerCall): void {
    if ((this.count + 1) * 2 > this.slots.length) this.grow();
    this.slots[this.find(call.id)] = call;
    this.count += 1;
  }

  delete(streamId: number): void {
    const { slots } = this;
    const mask = slots.length - 1;
    let gap = this.find(streamId);
    if (slots[gap] === undefined) return;
    this.count -= 1;
    for (let slot = (gap + 1) & mask; slots[slot] !== undefined; slot = (slot + 1) & mask) {
      // It may move into the gap unless its own place lies behind the gap.
      const distance = (slot - home((slots[slot] as ServerCall).id, mask)) & mask;
      if (distance < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot];
      gap = slot;
    }
    slots[gap] = undefined;
  }

  /** As of now, by stream id: calls may end while they are gone through. */
  all(): readonly ServerCall[] {
    const calls = this.slots.filter((call) => call !== undefined);
    return calls.toSorted((a, b) => a.id - b.id);
  }

  /** Where the call is, or would be. */
  private find(streamId: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = home(streamId, mask);
    for (let call = slots[slot]; call !== undefined && call.id !== streamId; call = slots[slot])
      slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const before = this.slots;
    this.slots = emptySlots(before.length * 2);
    for (const call of before) if (call !== undefined) this.slots[this.find(call.id)] = call;
  }
}

/** Clients' ids are odd and ascend. */
function home(streamId: number, mask: number): number {
  return (streamId >>> 1) & mask;
}

function emptySlots(length: number): (ServerCall | undefined)[] {
  return Array.from<undefined>({ length }).fill(undefined);
}
