/**
 * Calls that can send, first come, first served: a list that is linked through the calls themselves. What leaves it is unlinked on
 * both sides, so that no call keeps another one alive (and a Set would keep them all: see CallTable).
 */
import type { ServerCall } from '../grpc/call.js';

export class CallQueue {
  first: ServerCall | undefined = undefined;
  private last: ServerCall | undefined = undefined;

  /** At the end, unless it is in the queue already. */
  add(call: ServerCall): void {
    if (call.isReady) return;
    call.isReady = true;
    call.readyPrevious = this.last;
    if (this.last === undefined) this.first = call;
    else this.last.readyNext = call;
    this.last = call;
  }

  delete(call: ServerCall): void {
    if (!call.isReady) return;
    const { readyPrevious, readyNext } = call;
    if (readyPrevious === undefined) this.first = readyNext;
    else readyPrevious.readyNext = readyNext;
    if (readyNext === undefined) this.last = readyPrevious;
    else readyNext.readyPrevious = readyPrevious;
    call.isReady = false;
    call.readyPrevious = undefined;
    call.readyNext = undefined;
  }
}
