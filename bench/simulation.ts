/**
 * How many times faster than real time the simulator runs clusters of three members under load. Prints a table, writes
 * bench/results/simulation.json.
 *
 *     taskset -c 0 node bench/dist/simulation.js [--seed 1] [--runs 200]
 *
 * Each run is what its seed draws, faults and all, but with three members, to which none is added, and six clients:
 *
 * - default settings: those that a member has unless told otherwise, and values of up to 256 bytes;
 * - drawn settings: the seed draws them too. Heartbeats are frequent then, segments and snapshots small and values large, so that what is rare
 *   elsewhere is common, and there is more to do in a second of virtual time;
 * - busy: the same, and each client pauses for 2 ms on average and no longer.
 *
 * The simulator is one thread; taskset (of Linux) keeps the garbage collector's and the compiler's threads on the same processor: one
 * core is what everything together gets. The factor is virtual time by real time; by processor time (of all threads) it leaves out what
 * other processes took. The first runs, while the compiler is at work, are slower: they count, but are also told apart.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type FaultName, run, type Scenario, withoutFaults } from '@quorate/simulator';
import { tuneEngine } from '@quorate/simulator/cli';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const RESULTS = path.join(ROOT, 'bench', 'results');
/** Until the compiler has seen most of it. */
const FIRST_RUNS = 40;

/** Members that the storm adds stay: three would become up to nine. */
const WITHOUT: readonly FaultName[] = ['add'];

const CROWD = { members: 3, clients: 6 } as const;

const MiB = 1024 * 1024;
/** As in packages/replica/src/options.ts. */
const DEFAULTS: Partial<Scenario> = {
  tickMs: 20,
  heartbeatTicks: 5,
  electionTicks: 25,
  requestTimeoutTicks: 1000,
  segmentBytes: 64 * MiB,
  historyBytesMax: 64 * MiB,
  snapshotLogBytesMin: 32 * MiB,
  snapshotBytesPerSecondMax: 128 * MiB,
  limits: {},
};

const LOADS: Readonly<Record<string, Partial<Scenario>>> = {
  'default settings, faults': { ...CROWD, ...DEFAULTS, valueBytesMax: 256 },
  'drawn settings, faults': CROWD,
  'drawn settings, busy, faults': { ...CROWD, thinkMs: 2 },
};

interface Measured {
  readonly load: string;
  readonly runs: number;
  readonly virtualSeconds: number;
  readonly operationsPerVirtualSecond: number;
  readonly events: number;
  readonly failures: number;
  /** Times real time. */
  readonly speed: number;
  readonly speedOfFirst: number;
  readonly speedOfOthers: number;
  readonly speedByProcessorTime: number;
}

interface Part {
  virtualMs: number;
  realMs: number;
}

function speed({ virtualMs, realMs }: Part): number {
  return virtualMs / realMs;
}

function measure(load: string, change: Partial<Scenario>, seed: number, runs: number): Measured {
  const first: Part = { virtualMs: 0, realMs: 0 };
  const others: Part = { virtualMs: 0, realMs: 0 };
  let [events, operations, failures] = [0, 0, 0];
  const usedBefore = process.cpuUsage();
  for (let i = 0; i < runs; i++) {
    const part = i < FIRST_RUNS ? first : others;
    const beganMs = performance.now();
    const result = run({ seed: seed + i, change: withoutFaults(seed + i, WITHOUT, change) });
    part.realMs += performance.now() - beganMs;
    part.virtualMs += result.virtualMs;
    events += result.events;
    operations += result.operations.ok + result.operations.rejected + result.operations.unknown;
    failures += result.failure === undefined ? 0 : 1;
  }
  const { user, system } = process.cpuUsage(usedBefore);
  const virtualMs = first.virtualMs + others.virtualMs;
  return {
    load,
    runs,
    virtualSeconds: virtualMs / 1000,
    operationsPerVirtualSecond: (1000 * operations) / virtualMs,
    events,
    failures,
    speed: virtualMs / (first.realMs + others.realMs),
    speedOfFirst: speed(first),
    speedOfOthers: speed(others),
    speedByProcessorTime: (1000 * virtualMs) / (user + system),
  };
}

function print(measured: readonly Measured[]): void {
  const columns = [
    'load',
    'virtual s',
    'operations/s',
    'speed',
    `first ${FIRST_RUNS}`,
    'others',
    'by CPU time',
    'failed',
  ];
  const rows = measured.map((one) => [
    one.load,
    one.virtualSeconds.toFixed(0),
    one.operationsPerVirtualSecond.toFixed(0),
    ...[one.speed, one.speedOfFirst, one.speedOfOthers, one.speedByProcessorTime].map(
      (factor) => `${factor.toFixed(0)}x`,
    ),
    `${one.failures}`,
  ]);
  console.log(`${os.cpus().length} x ${os.cpus()[0]?.model}, Node.js ${process.version}, ${new Date().toISOString()}`);
  for (const row of [columns, ...rows]) {
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(36) : cell.padStart(13))).join(''));
  }
}

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '200' } },
});
// As the command does it.
tuneEngine();
const measured = Object.entries(LOADS).map(([load, change]) =>
  measure(load, change, Number(values.seed), Number(values.runs)),
);
print(measured);
mkdirSync(RESULTS, { recursive: true });
const file = path.join(RESULTS, 'simulation.json');
writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), ...values, measured }, undefined, 2)}\n`);
console.log(`\nwritten to ${path.relative(ROOT, file)}`);
