/**
 * Randomness from one seed: xoshiro128** (Blackman, Vigna), seeded by splitmix over the seed and the stream's name.
 *
 * Every use has a stream of its own name, so that one more draw in one place does not shift the draws of every other.
 * Only 32-bit integer arithmetic and exact divisions by powers of two: the same numbers on every machine.
 */
import type { Random, RandomStream } from '@quorate/replica/internal';

const WORD = 2 ** 32;
/** The high part of a 53-bit draw. */
const HIGH_BOUND = 2 ** 21;

export class Stream implements RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number, name: string) {
    const next = splitmix(seed, name);
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next();
  }

  /** 32 random bits. */
  private word(): number {
    const scaled = Math.imul(this.b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** An integer in [0, bound). */
  integer(bound: number): number {
    if (!(Number.isSafeInteger(bound) && bound > 0)) throw new RangeError(`a bound of ${bound}`);
    if (bound <= WORD) return Math.floor((this.word() / WORD) * bound);
    return ((this.word() % HIGH_BOUND) * WORD + this.word()) % bound;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.word() / WORD;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  /** Evenly from [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.fraction();
  }

  /** A magnitude: `low` times a power of two, times something from [1, 2). Exact arithmetic only: no logarithms. */
  magnitude(low: number, doublings: number): number {
    let value = low;
    for (let i = this.integer(doublings); i > 0; i -= 1) value *= 2;
    return value * (1 + this.fraction());
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(choices.length)] as T;
  }
}

/** Draws seeds for the states of streams: the state of xoshiro must not be all zeros, which four such draws are not, but by 2^-128. */
function splitmix(seed: number, name: string): () => number {
  let state = (seed % WORD) ^ Math.imul(Math.floor(seed / WORD), 0x9e3779b1);
  for (let i = 0; i < name.length; i += 1) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193) ^ (state >>> 15);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

export class SeededRandom implements Random {
  readonly #seed: number;
  readonly #prefix: string;
  readonly #streams = new Map<string, Stream>();

  constructor(seed: number, prefix = '') {
    this.#seed = seed;
    this.#prefix = prefix;
  }

  stream(name: string): Stream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = new Stream(this.#seed, this.#prefix + name);
      this.#streams.set(name, stream);
    }
    return stream;
  }

  /** Streams of their own, for one part of the world. */
  within(prefix: string): SeededRandom {
    return new SeededRandom(this.#seed, `${this.#prefix}${prefix}/`);
  }
}
