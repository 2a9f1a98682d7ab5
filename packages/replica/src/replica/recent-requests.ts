/**
 * Which forwarded requests were taken lately: a frame that arrives twice must not become two writes.
 *
 * The network promises frames whole or not at all, not once. A request's number is never used again by its sender, in no life of it
 * (it begins at random, see Requests), so a number that is among the last ones taken from that sender is a repetition.
 */
import type { MemberId } from '@quorate/raft';
import { WAITING_REQUESTS_MAX } from './limits.js';

export class RecentRequests {
  readonly #taken = new Map<MemberId, Set<number>>();

  /** True the first time. A sender has at most WAITING_REQUESTS_MAX under way, so no more of them are remembered. */
  take(from: MemberId, requestId: number): boolean {
    let taken = this.#taken.get(from);
    if (taken === undefined) {
      taken = new Set();
      this.#taken.set(from, taken);
    }
    if (taken.has(requestId)) return false;
    taken.add(requestId);
    if (taken.size > WAITING_REQUESTS_MAX) {
      // Sets keep the order of insertion: the first is the oldest.
      for (const oldest of taken) {
        taken.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** Of members that are gone nothing need be remembered. */
  forgetAllBut(members: ReadonlySet<MemberId>): void {
    for (const from of this.#taken.keys()) if (!members.has(from)) this.#taken.delete(from);
  }
}
