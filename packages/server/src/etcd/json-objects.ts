/**
 * Cuts a stream of bytes into the JSON objects in it, as the gateway's streams bring them: one after the other, with white space or
 * nothing between them, and anywhere in two. Only braces and strings are looked at; whether an object is well-formed inside, the
 * parser says. Structure is ASCII in JSON, so no character of several bytes can be mistaken for it.
 */

import { GatheredBytes } from '../http/gathered-bytes.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

export type CutResult = 'ok' | 'not-an-object' | 'too-large';

export class JsonObjects {
  readonly #bytesMax: number;
  readonly #onObject: (text: string) => void;
  /** Of the object that is not whole yet. */
  readonly #gathered: GatheredBytes = new GatheredBytes();
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** `bytesMax`: of one object. */
  constructor(bytesMax: number, onObject: (text: string) => void) {
    this.#bytesMax = bytesMax;
    this.#onObject = onObject;
  }

  /** Nothing of an object is waiting for the rest. */
  get isEmpty(): boolean {
    return this.#depth === 0;
  }

  /** Calls back for every object that ends in this chunk. After anything but 'ok' nothing more may be pushed. */
  push(chunk: Uint8Array): CutResult {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#depth === 0) {
        if (isSpace(byte)) continue;
        if (byte !== OPEN) return 'not-an-object';
        start = at;
        this.#depth = 1;
      } else if (this.#isInString) this.#inString(byte);
      else if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN) this.#depth += 1;
      else if (byte === CLOSE) {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        if (!this.#keep(chunk.subarray(start, at + 1))) return 'too-large';
        this.#onObject(this.#gathered.take().toString('utf8'));
      }
    }
    return this.#depth === 0 || this.#keep(chunk.subarray(start)) ? 'ok' : 'too-large';
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  #keep(part: Uint8Array): boolean {
    if (this.#gathered.length + part.length > this.#bytesMax) return false;
    this.#gathered.push(part);
    return true;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
