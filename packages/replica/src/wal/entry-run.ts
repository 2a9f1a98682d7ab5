/**
 * Entries one behind the other, as the numbers that they consist of and views of where their data stand.
 *
 * A start reads a million entries and hands nearly all of them to the state machine and to nobody else. Objects for them, each with
 * a view of its data, would outweigh what the state keeps of them, and outlive the collector's young generation besides; so an
 * Entry is made only of one that somebody wants to keep.
 */
import type { Entry } from '@quorate/raft';

export class EntryRun implements Iterable<Entry> {
  /** Index of the first entry; of no meaning while there is none. */
  #first: number;
  #terms: number[];
  #types: Entry['type'][];
  #payloads: Uint8Array[];
  #starts: number[];
  #ends: number[];

  constructor() {
    this.#first = 0;
    this.#terms = [];
    this.#types = [];
    this.#payloads = [];
    this.#starts = [];
    this.#ends = [];
  }

  get length(): number {
    return this.#terms.length;
  }

  get firstIndex(): number {
    return this.#first;
  }

  /** The entry behind the last one: its data are payload[start, end). */
  push(index: number, term: number, type: Entry['type'], payload: Uint8Array, start: number, end: number): void {
    if (this.#terms.length === 0) this.#first = index;
    this.#terms.push(term);
    this.#types.push(type);
    this.#payloads.push(payload);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  term(at: number): number {
    return this.#terms[at] as number;
  }

  type(at: number): Entry['type'] {
    return this.#types[at] as Entry['type'];
  }

  payload(at: number): Uint8Array {
    return this.#payloads[at] as Uint8Array;
  }

  start(at: number): number {
    return this.#starts[at] as number;
  }

  end(at: number): number {
    return this.#ends[at] as number;
  }

  /** Of all data. */
  get bytes(): number {
    let bytes = 0;
    for (let at = 0; at < this.length; at += 1) bytes += this.dataBytes(at);
    return bytes;
  }

  dataBytes(at: number): number {
    return this.end(at) - this.start(at);
  }

  at(at: number): Entry {
    const data = this.payload(at).subarray(this.start(at), this.end(at));
    return { index: this.#first + at, term: this.term(at), type: this.type(at), data };
  }

  /** Drops everything from place `length` on. */
  truncate(length: number): void {
    for (const list of [this.#terms, this.#types, this.#payloads, this.#starts, this.#ends]) list.length = length;
  }

  slice(from: number, to: number = this.length): EntryRun {
    const run = new EntryRun();
    run.#first = this.#first + from;
    run.#terms = this.#terms.slice(from, to);
    run.#types = this.#types.slice(from, to);
    run.#payloads = this.#payloads.slice(from, to);
    run.#starts = this.#starts.slice(from, to);
    run.#ends = this.#ends.slice(from, to);
    return run;
  }

  *[Symbol.iterator](): Generator<Entry, void> {
    for (let at = 0; at < this.length; at += 1) yield this.at(at);
  }
}
