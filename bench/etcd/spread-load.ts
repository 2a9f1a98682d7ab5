/**
 * The load tool for what h2load cannot do: many keys, mixed calls, streams. It keeps a number of calls in flight over a number of
 * connections for a time and takes the latency of each.
 */
import { type LoadResult, percentiles } from './h2load.js';
import { type HeaderBlock, LoadConnection } from './load-connection.js';

/** The next call to make: drawn anew for each. */
export interface Call {
  readonly block: HeaderBlock;
  readonly framedMessage: Uint8Array;
}

export interface SpreadLoad {
  readonly connections: number;
  readonly streams: number;
  readonly durationMs: number;
  /** Calls a second over all connections; undefined: as many as are answered. */
  readonly perSecondMax?: number;
}

export interface SpreadResult extends LoadResult {
  readonly failures: number;
  readonly latenciesMs: Float64Array;
  /** When each call began, in milliseconds since the load did. */
  readonly beganMs: Float64Array;
}

/** Numbers by the million: in arrays that are never copied to grow, since the load tool's own pauses count as the system's. */
class Samples {
  static readonly #BLOCK = 65_536;
  readonly #blocks: Float64Array[] = [];
  #count = 0;

  push(value: number): void {
    const at = this.#count % Samples.#BLOCK;
    if (at === 0) this.#blocks.push(new Float64Array(Samples.#BLOCK));
    (this.#blocks.at(-1) as Float64Array)[at] = value;
    this.#count += 1;
  }

  all(): Float64Array {
    const all = new Float64Array(this.#count);
    for (const [i, block] of this.#blocks.entries()) {
      const from = i * Samples.#BLOCK;
      all.set(block.subarray(0, Math.min(Samples.#BLOCK, this.#count - from)), from);
    }
    return all;
  }
}

export async function spreadLoad(origin: string, next: () => Call, load: SpreadLoad): Promise<SpreadResult> {
  const connections = await Promise.all(Array.from({ length: load.connections }, () => LoadConnection.open(origin)));
  const latencies = new Samples();
  const beginnings = new Samples();
  let failures = 0;
  let started = 0;
  const begin = performance.now();
  const end = begin + load.durationMs;
  const slot = async (connection: LoadConnection): Promise<void> => {
    for (;;) {
      let at = performance.now();
      if (load.perSecondMax !== undefined) {
        // A call counts from when it was due: one that waits for a slot behind a stall has met the stall too.
        const due = begin + (started * 1000) / load.perSecondMax;
        started += 1;
        if (due - at > 1) await new Promise((resolve) => setTimeout(resolve, due - at));
        at = due;
      }
      if (at >= end) return;
      const { block, framedMessage } = next();
      const answered = await new Promise<boolean>((resolve) => connection.call(block, framedMessage, resolve));
      if (!answered) failures += 1;
      beginnings.push(at - begin);
      latencies.push(performance.now() - at);
    }
  };
  const slots = connections.flatMap((connection) => Array.from({ length: load.streams }, () => slot(connection)));
  await Promise.all(slots);
  const seconds = (performance.now() - begin) / 1000;
  for (const connection of connections) connection.close();
  const latenciesMs = latencies.all();
  const calls = latenciesMs.length;
  return {
    calls,
    failures,
    latenciesMs,
    beganMs: beginnings.all(),
    perSecond: calls / seconds,
    ...percentiles(latenciesMs),
  };
}
