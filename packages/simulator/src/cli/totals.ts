/** What many runs came to together: a line of progress, the figures at the end, and the same as data. */
import type { RunResult } from '../swarm/run.js';

const MEBIBYTE = 1024 * 1024;
const KIBIBYTE = 1024;
/** Failures that are named at the end. */
const NAMED_MAX = 20;

export interface Summary {
  readonly runs: number;
  readonly failures: number;
  readonly failed: readonly { readonly seed: number; readonly rule: string }[];
  readonly virtualMs: number;
  readonly realMs: number;
  /** How many times faster than real time. */
  readonly speed: number;
  readonly events: number;
  readonly operations: RunResult['operations'];
  readonly crashes: number;
  /** How often each was done. */
  readonly faults: Readonly<Record<string, number>>;
  /** The process, now and at its largest. */
  readonly residentBytes: number;
  readonly residentBytesMax: number;
}

export class Totals {
  readonly #beganMs = performance.now();
  readonly #operations = { ok: 0, rejected: 0, unknown: 0 };
  readonly #faults = new Map<string, number>();
  readonly #failed: { readonly seed: number; readonly rule: string }[] = [];
  #runs = 0;
  #failures = 0;
  #virtualMs = 0;
  #events = 0;
  #crashes = 0;

  get runs(): number {
    return this.#runs;
  }

  get failures(): number {
    return this.#failures;
  }

  get realMs(): number {
    return performance.now() - this.#beganMs;
  }

  count({ seed, failure, virtualMs, events, operations, crashes, faults }: RunResult): void {
    this.#runs += 1;
    this.#virtualMs += virtualMs;
    this.#events += events;
    this.#crashes += crashes;
    for (const outcome of ['ok', 'rejected', 'unknown'] as const) this.#operations[outcome] += operations[outcome];
    for (const [name, times] of Object.entries(faults)) this.#faults.set(name, (this.#faults.get(name) ?? 0) + times);
    if (failure === undefined) return;
    this.#failures += 1;
    if (this.#failed.length < NAMED_MAX) this.#failed.push({ seed, rule: failure.rule });
  }

  summary(): Summary {
    const { realMs } = this;
    return {
      runs: this.#runs,
      failures: this.#failures,
      failed: [...this.#failed],
      virtualMs: this.#virtualMs,
      realMs,
      speed: this.#virtualMs / realMs,
      events: this.#events,
      operations: { ...this.#operations },
      crashes: this.#crashes,
      faults: Object.fromEntries([...this.#faults].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      residentBytes: process.memoryUsage.rss(),
      residentBytesMax: process.resourceUsage().maxRSS * KIBIBYTE,
    };
  }
}

/** One line. */
export function describeSummary(summary: Summary): string {
  const { runs, failures, virtualMs, realMs, speed, operations, faults, crashes, events } = summary;
  const asked = operations.ok + operations.rejected + operations.unknown;
  const broken = Object.values(faults).reduce((sum, times) => sum + times, 0);
  return (
    `${runs} runs, ${failures} failed; ${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(realMs / 1000).toFixed(1)} s ` +
    `(${speed.toFixed(0)} times real time); ${asked} operations, ${broken} faults, ${crashes} crashes, ${events} events`
  );
}

/** What the line leaves out, for a note about the runs. */
export function describeDetails(summary: Summary): string {
  const { operations, faults, failures, failed, residentBytesMax } = summary;
  const { ok, rejected, unknown } = operations;
  const times = Object.entries(faults).map(([name, count]) => `${count} ${name}`);
  const lines = [
    `operations: ${ok} answered, ${rejected} refused, ${unknown} of unknown outcome`,
    `faults: ${times.length === 0 ? 'none' : times.join(', ')}`,
    `memory: ${describeBytes(residentBytesMax)} at most`,
  ];
  if (failures > 0) {
    const named = failed.map(({ seed, rule }) => `seed ${seed} (${rule})`).join(', ');
    lines.push(`failed: ${named}${failures > failed.length ? `, and ${failures - failed.length} more` : ''}`);
  }
  return lines.join('\n');
}

export function describeBytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(0)} MiB`;
}
