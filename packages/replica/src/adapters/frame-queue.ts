/**
 * What waits to be sent to one member on one channel: whole frames, bounded in bytes and in number. A new frame always gets in;
 * the oldest ones go when there is no room, because in Raft the newest message is the one worth most and a lost one is repeated.
 *
 * No Node API here: the virtual network of the tests queues with it too.
 */

/** The newest frame stays even if it alone exceeds `bytes` (the frame size has a limit of its own). */
export interface QueueLimits {
  readonly bytes: number;
  readonly frames: number;
}

export interface QueuedFrame {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
}

/** Taken positions in front of the array are reclaimed when there are so many, and at least as many as frames left. */
const COMPACT_FRAMES = 1024;

export class FrameQueue {
  readonly #limits: QueueLimits;
  #frames: (QueuedFrame | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#frames.length - this.#head;
  }

  /** Appends a frame; returns how many old ones were dropped for it. */
  push(frame: QueuedFrame): number {
    this.#frames.push(frame);
    this.#bytes += frame.bytes;
    let dropped = 0;
    while (this.length > 1 && (this.#bytes > this.#limits.bytes || this.length > this.#limits.frames)) {
      this.shift();
      dropped += 1;
    }
    return dropped;
  }

  /** Takes the oldest frame. */
  shift(): QueuedFrame | undefined {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return undefined;
    this.#frames[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= frame.bytes;
    if (this.#head >= COMPACT_FRAMES && this.#head >= this.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return frame;
  }

  /** Drops everything; returns how many frames that were. */
  clear(): number {
    const dropped = this.length;
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
    return dropped;
  }
}

export function frameBytes(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
