/**
 * The writes that the owner has been given and has not reported durable yet, oldest first.
 *
 * Each remembers up to which index its completion proves the present log durable. etcd-io/raft answers that question
 * with (index, term, leader term) and a nine-step ABA example (newStorageAppendRespMsg): entries 3..4 of term 1 are being
 * written, another leader overwrites them with 3 of term 2, a third one brings 3..4 of term 1 back; the completion of
 * the first write finds (4, term 1) in the log and would mark it durable, though the second write will still cut it off
 * the disk. Here nothing is compared: whoever truncates the log at an index takes that index and everything after it
 * away from all writes in flight, so each attests only what no later write touches. Nor is a completion ever ignored, so
 * etcd's second problem (an entry that nobody reports durable, hence a leader that never commits) does not arise either.
 */
import { assert } from './assert.js';
import type { HardState } from './types.js';

export interface Write {
  readonly id: number;
  /** The tick count when it was handed out, to notice a disk that hangs. */
  readonly tick: number;
  /** The hard state that is durable once this write is. */
  readonly hardState: HardState;
  /** Everything up to here is durable in the present log once this write is. */
  attests: number;
}

export class WriteQueue {
  readonly #writes: Write[] = [];
  #lastId = 0;

  get length(): number {
    return this.#writes.length;
  }

  get oldest(): Write | undefined {
    return this.#writes[0];
  }

  push(write: Write): void {
    assert(write.id > this.#lastId, () => `write ${write.id} after ${this.#lastId}`);
    this.#lastId = write.id;
    this.#writes.push(write);
  }

  /** Everything after `index` was cut off the log: no write in flight proves it durable any more. */
  truncated(index: number): void {
    for (const write of this.#writes) write.attests = Math.min(write.attests, index);
  }

  /** All writes up to `id` are durable. Gives the newest of them; undefined if there was none. */
  complete(id: number): Write | undefined {
    let newest: Write | undefined;
    let attests = 0;
    while (this.#writes[0] !== undefined && this.#writes[0].id <= id) {
      newest = this.#writes.shift() as Write;
      attests = Math.max(attests, newest.attests);
    }
    if (newest !== undefined) newest.attests = attests;
    return newest;
  }
}
