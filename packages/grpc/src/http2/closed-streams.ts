/**
 * How the last streams of a connection ended: what may still come for a stream depends on it (RFC 9113 5.1, "closed"). Older ones are
 * forgotten, so that this costs the same for any number of streams.
 */

const REMEMBERED = 128;

export const Ending = { unknown: 0, complete: 1, resetByPeer: 2, resetByUs: 3 } as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

export class ClosedStreams {
  private ids: Uint32Array | undefined;
  private endings: Uint8Array | undefined;
  private next = 0;

  add(id: number, ending: Ending): void {
    this.ids ??= new Uint32Array(REMEMBERED);
    this.endings ??= new Uint8Array(REMEMBERED);
    this.ids[this.next] = id;
    this.endings[this.next] = ending;
    this.next = (this.next + 1) % REMEMBERED;
  }

  /** The latest that is known of the stream. */
  ending(id: number): Ending {
    if (this.ids === undefined || this.endings === undefined) return Ending.unknown;
    for (let back = 1; back <= REMEMBERED; back++) {
      const at = (this.next - back + REMEMBERED) % REMEMBERED;
      if (this.ids[at] === id) return this.endings[at] as Ending;
    }
    return Ending.unknown;
  }
}
