/**
 * A member's way in from the network, for one life: frames pass at once, unless they are held back (by kind, until they are let
 * go), and may be remembered, to come a second time much later. Connections end with a process: what was held or remembered is
 * gone with the life.
 */
import type { MemberId } from '@quorate/raft';
import type { Channel } from '@quorate/replica/internal';

interface Frame {
  readonly from: MemberId;
  readonly channel: Channel;
  readonly bytes: Uint8Array;
}

export type Deliver = (from: MemberId, channel: Channel, bytes: Uint8Array) => void;

/** So many frames are remembered at most. */
const REMEMBERED_MAX = 256;

export class Inbox {
  readonly #deliver: Deliver;
  #isHeld: ((from: MemberId, channel: Channel) => boolean) | undefined;
  readonly #held: Frame[] = [];
  #remembered: Frame[] | undefined;

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  /** The bytes are only lent for the call. */
  frame(from: MemberId, channel: Channel, bytes: Uint8Array): void {
    if (this.#remembered !== undefined && this.#remembered.length < REMEMBERED_MAX) {
      this.#remembered.push({ from, channel, bytes: bytes.slice() });
    }
    if (this.#isHeld?.(from, channel) === true) this.#held.push({ from, channel, bytes: bytes.slice() });
    else this.#deliver(from, channel, bytes);
  }

  /** From now on frames that match wait. */
  hold(matches: (from: MemberId, channel: Channel) => boolean): void {
    this.#isHeld = matches;
  }

  /** Frames pass again; what has waited comes first, in its order. */
  release(): void {
    this.#isHeld = undefined;
    for (const { from, channel, bytes } of this.#held.splice(0)) this.#deliver(from, channel, bytes);
  }

  /** Remembers the next frames. */
  remember(): void {
    this.#remembered ??= [];
  }

  /** What was remembered comes again, in its order, and is forgotten. */
  repeat(): void {
    const remembered = this.#remembered ?? [];
    this.#remembered = undefined;
    for (const { from, channel, bytes } of remembered) this.#deliver(from, channel, bytes);
  }
}
