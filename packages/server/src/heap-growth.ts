/**
 * How far the old generation of a server may grow before V8 collects it, while it is small.
 *
 * V8 lets objects and the arrays outside of the heap grow by some share of the objects that were alive last time. Of a server with few
 * keys few objects are alive: values, versions and the log are arrays. So a few megabytes of written values are enough for V8 to mark
 * everything once more, several times a second under load, and to find nothing that it could free, while calls wait. A small
 * heap therefore may always grow by GROWTH_BYTES. A large one grows as V8 thinks fit: there a share is as much, or more.
 * (docs/decisions/0016-small-heaps-may-grow.md)
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { isFlagGiven } from './v8-flags.js';

export const GROWTH_BYTES: number = 96 * 1024 * 1024;
const AS_V8_THINKS_FIT = 0;
const FLAG = '--heap-growing-percent';
const LOOK_EVERY_MS = 2_000;

/** What it needs of V8. */
export interface Engine {
  /** With which it was started. */
  readonly flags: readonly string[];
  /** Of the heap, by objects and what is not collected yet; at least 1. */
  usedBytes(): number;
  setFlag(flag: string): void;
}

export class HeapGrowth {
  readonly #engine: Engine;
  #percent = AS_V8_THINKS_FIT;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** To be called now and then: what V8 goes by is what was set when it has collected. */
  look(): void {
    const { flags } = this.#engine;
    if (isFlagGiven(FLAG, flags)) return;
    const times = Math.floor(GROWTH_BYTES / this.#engine.usedBytes());
    const percent = times === 0 ? AS_V8_THINKS_FIT : 100 * times;
    if (percent === this.#percent) return;
    this.#percent = percent;
    this.#engine.setFlag(`${FLAG}=${percent}`);
  }
}

/** For this process and as long as it lives. */
export function letSmallHeapGrow(): void {
  const growth = new HeapGrowth({
    flags: process.execArgv,
    usedBytes: () => getHeapStatistics().used_heap_size,
    setFlag: setFlagsFromString,
  });
  growth.look();
  setInterval(() => growth.look(), LOOK_EVERY_MS).unref();
}
