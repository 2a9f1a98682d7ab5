/**
 * How a message to a watcher begins: with the header, which is the same for all that are told of a revision, and the watch's id. What
 * follows, the events, is encoded once for all of them as well: two encodings of a message's parts, one after the other, are the
 * encoding of the whole (Protocol Buffers, "last one wins").
 */
import { WatchResponse, Writer } from '@quorate/proto';
import type { Headers } from './header.js';

export class WatchHead {
  readonly #headers: Headers;
  readonly #writer = new Writer();
  /** Of the header that the writer holds, in its first bytes. */
  #revision = -1;
  #raftTerm = -1;
  #headerBytes = 0;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  /** Valid until the next call. `hasMore`: it is a fragment, and not the last one. */
  write(revision: number, watchId: number, hasMore: boolean): Uint8Array {
    const header = this.#headers.now(revision);
    if (revision === this.#revision && header.raftTerm === this.#raftTerm) {
      this.#writer.truncate(this.#headerBytes);
    } else {
      this.#writer.clear();
      WatchResponse.encodeInto(this.#writer, { header });
      this.#headerBytes = this.#writer.length;
      this.#revision = revision;
      this.#raftTerm = header.raftTerm;
    }
    WatchResponse.encodeInto(this.#writer, { watchId, fragment: hasMore });
    return this.#writer.view();
  }
}
