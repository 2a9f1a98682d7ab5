/**
 * Quorate beside etcd: the same loads, one system at a time, in turns, on this machine.
 *
 *     make bench-etcd                     the short form, under three minutes
 *     make bench-etcd FORM=long           what docs/benchmarks.md shows
 *     node bench/dist/etcd/main.js [--form short|long] [--rounds 3] [--seconds 4] [--rows put]
 *
 * In each round each system is started with empty folders, twice: for its first seconds; and for the rest, where the rows of a fresh
 * store come first, then a burst of puts, then the others. All load goes to the leader. Prints a table, writes bench/results/etcd.json
 * and etcd.svg.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './chart.js';
import { machine, requireTools, versionOf } from './cluster.js';
import { type Measured, summarise, table } from './report.js';
import { matchingGroups, runRound } from './round.js';
import { type Row, SPREAD_KEYS } from './rows.js';
import { SYSTEMS, type System, type SystemMember } from './systems.js';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'results');

const FORMS = {
  short: { rounds: 3, seconds: 0.3, burst: 20_000, warmUpCalls: 24_000 },
  long: { rounds: 3, seconds: 4, burst: SPREAD_KEYS, warmUpCalls: 40_000 },
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
const groups = matchingGroups(new RegExp(values.rows));
const systems = SYSTEMS.filter((name) => values.systems.split(',').includes(name));

const measured: Measured[] = [];

async function measure(row: Row, system: System, { origin }: SystemMember, round: number): Promise<void> {
  let cpuSeconds = 0;
  const result = await row.run(origin, {
    seconds,
    measured: async (load) => {
      const before = system.usage();
      const loaded = await load();
      cpuSeconds = system.usage().cpuSeconds - before.cpuSeconds;
      return loaded;
    },
  });
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
    residentMB: system.usage().residentBytes / 1e6,
  });
  const figures = `${Math.round(result.perSecond)}/s, p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms`;
  console.error(`round ${round}, ${system.name}, ${row.phase}: ${row.name}: ${figures}`);
}

await requireTools();
for (let round = 1; round <= rounds; round++) {
  // Who comes first changes, so that neither always meets the machine as the other has left it.
  for (const name of round % 2 === 1 ? systems : systems.toReversed()) {
    const { burst, warmUpCalls } = form;
    await runRound(name, { groups, burst, warmUpCalls }, (row, system, leader) => measure(row, system, leader, round));
  }
}

const about = {
  date: new Date().toISOString(),
  machine: machine(),
  versions: { node: process.version, etcd: versionOf('etcd'), h2load: versionOf('h2load') },
  command: `node bench/dist/etcd/main.js ${process.argv.slice(2).join(' ')}`.trim(),
  rounds,
  seconds,
};
const foreword = `Medians of ${rounds} rounds. Puts and reads of one key: on a fresh store the reads come before the puts, and before the rows of each
kind (puts, linearizable reads, serializable reads) both systems get ${form.warmUpCalls.toLocaleString('en')} calls of that kind, 64 in flight, which are not measured: a server
is measured as it is after minutes. Each row is then warmed up under its own load for half as long as it is measured. The
first seconds after the start are measured on a cluster of their own, without any warm-up. Burst: ${form.burst.toLocaleString('en')} puts.`;
const summary = summarise(
  groups.flatMap(({ rows }) => rows),
  measured,
);
mkdirSync(RESULTS, { recursive: true });
writeFileSync(
  path.join(RESULTS, 'etcd.json'),
  `${JSON.stringify({ about, foreword, summary, measured }, undefined, 1)}\n`,
);
writeFileSync(path.join(RESULTS, 'etcd.svg'), chart(summary));
console.log(`${foreword}\n\n${table(summary)}`);
