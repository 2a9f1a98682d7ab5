/**
 * Quorate beside etcd: the same loads, one system at a time, in turns, on this machine.
 *
 *     make bench-etcd                     the short form, under three minutes
 *     make bench-etcd FORM=long           what docs/benchmarks.md shows
 *     node bench/dist/etcd/main.js [--form short|long] [--rounds 3] [--seconds 4] [--rows put]
 *
 * In each round each system is started with empty folders; the rows of a fresh store come first, then a burst of puts, then the rest.
 * All load goes to the leader. Prints a table, writes bench/results/etcd.json and etcd.svg.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './chart.js';
import { leaderOf, machine, requireTools, versionOf } from './cluster.js';
import { type Measured, summarise, table } from './report.js';
import { fillStore, ROWS, type Row, SPREAD_KEYS } from './rows.js';
import { SYSTEMS, System, type SystemName } from './systems.js';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'results');

const FORMS = {
  short: { rounds: 3, seconds: 0.4, burst: 20_000 },
  long: { rounds: 3, seconds: 4, burst: SPREAD_KEYS },
} as const;

const { values } = parseArgs({
  options: {
    form: { type: 'string', default: 'short' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    rows: { type: 'string', default: '' },
    systems: { type: 'string', default: SYSTEMS.join(',') },
  },
});
if (values.form !== 'short' && values.form !== 'long') throw new Error(`--form is short or long, not ${values.form}`);
const form = FORMS[values.form];
const rounds = Number(values.rounds ?? form.rounds);
const seconds = Number(values.seconds ?? form.seconds);
const pattern = new RegExp(values.rows);
const rows = ROWS.filter((row) => pattern.test(row.name));
const systems = SYSTEMS.filter((name) => values.systems.split(',').includes(name));

const measured: Measured[] = [];

async function measure(system: System, origin: string, row: Row, round: number): Promise<void> {
  const before = system.usage();
  const result = await row.run(origin, { seconds });
  const after = system.usage();
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  measured.push({
    system: system.name,
    row: row.name,
    phase: row.phase,
    goal: row.goal,
    round,
    perSecond: result.perSecond,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuMicrosPerCall: (cpuSeconds * 1e6) / Math.max(1, result.calls),
    residentMB: after.residentBytes / 1e6,
  });
  const figures = `${Math.round(result.perSecond)}/s, p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms`;
  console.error(`round ${round}, ${system.name}, ${row.phase}: ${row.name}: ${figures}`);
}

async function runRound(name: SystemName, round: number): Promise<void> {
  const system = await System.create(name);
  try {
    system.start();
    const origin = await leaderOf(system);
    for (const row of rows.filter(({ phase }) => phase === 'fresh')) await measure(system, origin, row, round);
    const late = rows.filter(({ phase }) => phase !== 'fresh');
    if (late.length > 0) await fillStore(origin, form.burst);
    for (const row of late) await measure(system, origin, row, round);
  } finally {
    await system.destroy();
  }
}

await requireTools();
for (let round = 1; round <= rounds; round++) {
  // Who comes first changes, so that neither always meets the machine as the other has left it.
  for (const name of round % 2 === 1 ? systems : systems.toReversed()) await runRound(name, round);
}

const about = {
  date: new Date().toISOString(),
  machine: machine(),
  versions: { node: process.version, etcd: versionOf('etcd'), h2load: versionOf('h2load') },
  command: `node bench/dist/etcd/main.js ${process.argv.slice(2).join(' ')}`.trim(),
  rounds,
  seconds,
};
const summary = summarise(rows, measured);
mkdirSync(RESULTS, { recursive: true });
writeFileSync(path.join(RESULTS, 'etcd.json'), `${JSON.stringify({ about, summary, measured }, undefined, 1)}\n`);
writeFileSync(path.join(RESULTS, 'etcd.svg'), chart(summary));
console.log(table(summary));
