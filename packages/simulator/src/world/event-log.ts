/**
 * What happened in a run, twice: as a hash over all of it, which is cheap and says whether two runs were the same, and as lines
 * for a reader, which are only made when somebody wants to read.
 */
const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** What a line is about, and its number in the hash. */
const KIND_NUMBERS = { frame: 0, disk: 1, trace: 2, fault: 3, client: 4, member: 5, check: 6 } as const;
export type EventKind = keyof typeof KIND_NUMBERS;

export interface EventLogOptions {
  /** The last so many lines are kept; 0: none are made. */
  readonly linesMax: number;
  readonly nowMs: () => number;
}

export class EventLog {
  readonly #options: EventLogOptions;
  #hash = OFFSET;
  #hashHigh = PRIME;
  #lines: string[] = [];
  #total = 0;

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  get total(): number {
    return this.#total;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#hashHigh, this.#hash].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** `where` and `what` are numbers that stand for the event in the hash; `tell` makes its line. */
  record(kind: EventKind, where: string, what: number, tell: () => string): void {
    const nowMs = this.#options.nowMs();
    this.#total += 1;
    this.#mix(Math.floor(nowMs * 1000) % 2 ** 31);
    this.#mix(KIND_NUMBERS[kind]);
    this.#mixText(where);
    this.#mix(what);
    if (this.#options.linesMax === 0) return;
    this.#lines.push(`${nowMs.toFixed(3).padStart(12)} ${where.padEnd(8)} ${kind.padEnd(6)} ${tell()}`);
    if (this.#lines.length > 2 * this.#options.linesMax) this.#lines = this.#lines.slice(-this.#options.linesMax);
  }

  /** A text that belongs to the event: also in the hash. */
  note(kind: EventKind, where: string, text: string): void {
    this.#mixText(text);
    this.record(kind, where, text.length, () => text);
  }

  lines(): readonly string[] {
    return this.#lines.slice(-this.#options.linesMax);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, PRIME);
    this.#hashHigh = Math.imul(this.#hashHigh ^ (value + 0x9e3779b9) ^ (this.#hash >>> 13), 0x85ebca6b);
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i += 1) this.#mix(text.charCodeAt(i));
  }
}
