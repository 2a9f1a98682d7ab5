/**
 * Behaviour over time: puts at a steady rate over many keys while snapshots, compaction and garbage collection go on. Draws the latency
 * over time, so that pauses show. Writes bench/results/endurance-<system>.json and .svg.
 *
 *     node bench/dist/etcd/endurance.js [--system quorate] [--minutes 10] [--rate 5000] [--keys 1000000]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PutRequest } from '@quorate/proto';
import { leaderMember, machine, requireTools, statusOf, versionOf } from './cluster.js';
import { framed } from './h2load.js';
import { headerBlock } from './load-connection.js';
import { fillStore, spreadKey } from './rows.js';
import { spreadLoad } from './spread-load.js';
import { System } from './systems.js';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'results');
const { values } = parseArgs({
  options: {
    system: { type: 'string', default: 'quorate' },
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '5000' },
    keys: { type: 'string', default: '1000000' },
  },
});
if (values.system !== 'quorate' && values.system !== 'etcd') throw new Error('--system is quorate or etcd');
const keys = Number(values.keys);
const SLICE_MS = 1_000;

interface Slice {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

function sliced(beganMs: Float64Array, latenciesMs: Float64Array): readonly Slice[] {
  const count = 1 + Math.floor(beganMs.reduce((last, began) => Math.max(last, began), 0) / SLICE_MS);
  const slices = Array.from({ length: count }, (): number[] => []);
  for (const [i, began] of beganMs.entries()) slices[Math.floor(began / SLICE_MS)]?.push(latenciesMs[i] ?? 0);
  return slices.map((latencies) => {
    const sorted = Float64Array.from(latencies).toSorted();
    const maxMs = sorted.at(-1) ?? 0;
    return { calls: sorted.length, p50Ms: quantile(sorted, 0.5), p999Ms: quantile(sorted, 0.999), maxMs };
  });
}

/** What went on beside the puts, of Quorate's metrics at the leader; etcd has no such counters. */
const ACTIVITIES = {
  snapshots: 'quorate_snapshots_taken_total',
  compactions: 'quorate_compactions_total',
  slowTurns: 'quorate_slow_turns_total',
} as const;

async function activities(origin: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const entries = Object.entries(ACTIVITIES).flatMap(([name, metric]) => {
    const [, value] = new RegExp(`^${metric} (\\d+)$`, 'm').exec(text) ?? [];
    return value === undefined ? [] : [[name, Number(value)] as const];
  });
  return Object.fromEntries(entries);
}

/** Median, 99.9th percentile and maximum of each second, on a logarithmic scale from 0.1 ms to 10 s. */
function drawn(slices: readonly Slice[]): string {
  const [width, height] = [960, 320];
  const y = (ms: number): number => height - 20 - (Math.log10(Math.max(0.1, ms) / 0.1) / 5) * (height - 40);
  const x = (second: number): number => 50 + (second / Math.max(1, slices.length - 1)) * (width - 60);
  const line = (colour: string, of: (slice: Slice) => number): string =>
    `<polyline fill="none" stroke="${colour}" points="${slices.map((slice, i) => `${x(i).toFixed(1)},${y(of(slice)).toFixed(1)}`).join(' ')}"/>`;
  const grid = [0.1, 1, 10, 100, 1000, 10_000].map(
    (ms) =>
      `<line x1="50" x2="${width - 10}" y1="${y(ms)}" y2="${y(ms)}" stroke="#ddd"/><text x="4" y="${y(ms) + 4}">${ms} ms</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>
${grid.join('\n')}
${line('#c63', ({ maxMs }) => maxMs)}
${line('#e9b44c', ({ p999Ms }) => p999Ms)}
${line('#2a7', ({ p50Ms }) => p50Ms)}
<text x="60" y="14">latency of each second of ${slices.length}: median (green), 99.9th percentile (yellow), maximum (red)</text>
</svg>
`;
}

await requireTools();
const system = await System.create(values.system);
try {
  system.start();
  const leader = await leaderMember(system);
  await fillStore(leader.origin, keys);
  const termBefore = (await statusOf(leader.origin))?.raftTerm;
  const block = headerBlock(leader.origin, '/etcdserverpb.KV/Put');
  const value = new Uint8Array(256).fill(0x77);
  let i = 0;
  // A step that shares no factor with the number of keys visits all of them, far apart.
  const next = (): { block: Buffer; framedMessage: Uint8Array } => {
    i = (i + 618_033) % keys;
    return { block, framedMessage: framed(PutRequest.encode({ key: spreadKey(i), value })) };
  };
  const durationMs = Number(values.minutes) * 60_000;
  const result = await spreadLoad(leader.origin, next, {
    connections: 16,
    streams: 16,
    durationMs,
    perSecondMax: Number(values.rate),
  });
  const slices = sliced(result.beganMs, result.latenciesMs);
  const sorted = Float64Array.from(result.latenciesMs).toSorted();
  const about = {
    date: new Date().toISOString(),
    machine: machine(),
    versions: { node: process.version, etcd: versionOf('etcd') },
    command: `node bench/dist/etcd/endurance.js ${process.argv.slice(2).join(' ')}`.trim(),
    system: values.system,
    keys,
    calls: result.calls,
    perSecond: result.perSecond,
    failures: result.failures,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    p999Ms: quantile(sorted, 0.999),
    maxMs: sorted.at(-1) ?? 0,
    elections: ((await statusOf(leader.origin))?.raftTerm ?? 0) - (termBefore ?? 0),
    ...(await activities(leader.origin)),
    residentMB: system.usage().residentBytes / 1e6,
    diskMB: leader.diskBytes() / 1e6,
  };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(
    path.join(RESULTS, `endurance-${values.system}.json`),
    `${JSON.stringify({ about, slices }, undefined, 1)}\n`,
  );
  writeFileSync(path.join(RESULTS, `endurance-${values.system}.svg`), drawn(slices));
  console.log(JSON.stringify(about, undefined, 1));
} finally {
  await system.destroy();
}
