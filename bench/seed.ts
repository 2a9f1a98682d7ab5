/**
 * `make bench`: the measurements that the seed was published with, beside the seed's own figures.
 *
 * 1. 100,000 sets and gets through the HTTP handlers in this process, without a socket and without Raft.
 * 2. Three members as processes, one client: `POST` to the first, `GET` from the second; with a second's pause after each
 *    set as the seed's load script has it, and without; then 64 clients without.
 *
 * One client without pauses is measured beside three members of etcd, through its JSON gateway, in turns: how fast a machine is changes
 * within minutes. Installs Debian's etcd-server if it is missing; where that cannot be, it says so and leaves etcd out.
 *
 * The seed's figures come from another machine (Intel i7-6820HQ, 2.7 GHz) and another load tool: take them as what was
 * published, not as a race. Writes bench/results/seed.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStandalone } from '@quorate/replica';
import { ProcessCluster } from '@quorate/replica/testing';
import { HttpApi } from 'quorate';
import { leaderMember, requireTools, versionOf } from './etcd/cluster.js';
import { System as EtcdSystem } from './etcd/systems.js';
import { RawClient } from './raw-client.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const QUORATE = path.join(ROOT, 'packages', 'server', 'dist', 'programs', 'quorate.js');
const RESULTS = path.join(ROOT, 'bench', 'results');

const IN_PROCESS_KEYS = 100_000;
const PAUSED_SECONDS = 10;
const UNPAUSED_SECONDS = 10;
/** One client without pauses: rounds of each system, one after the other. */
const ROUNDS = 5;
const ROUND_SECONDS = 3;
const CLIENTS = 64;
const PAUSE_MS = 1_000;
/** The first calls of a run pay for compilation. */
const WARM_UP_SECONDS = 3;

interface Row {
  readonly name: string;
  readonly operations: number;
  readonly seconds: number;
  readonly avgMs: number;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly seed: string;
}

function row(name: string, latenciesMs: number[], seconds: number, seed: string): Row {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    name,
    operations: sorted.length,
    seconds,
    avgMs: sum / Math.max(1, sorted.length),
    medianMs: at(0.5),
    p90Ms: at(0.9),
    p95Ms: at(0.95),
    seed,
  };
}

async function inProcess(): Promise<{ readonly seconds: number; readonly allocatedMB: number }> {
  const limits = { keyBytesMax: 100, valueBytesMax: 200, keysMax: IN_PROCESS_KEYS };
  const member = openStandalone({ name: 'bench' });
  const api = new HttpApi(member, { limits, version: {} });
  const headers = {};
  const before = process.memoryUsage();
  const start = performance.now();
  for (let i = 0; i < IN_PROCESS_KEYS; i++) {
    const body = Buffer.from(`{"key":"key-${i}","value":"value-${i}"}`);
    const answer = await api.handle({ method: 'POST', path: '/key', headers, body });
    if (answer.status !== 201) throw new Error(`set ${i}: ${answer.status} ${answer.body}`);
  }
  for (let i = 0; i < IN_PROCESS_KEYS; i++) {
    const answer = await api.handle({ method: 'GET', path: `/key/key-${i}`, headers, body: undefined });
    if (answer.status !== 200) throw new Error(`get ${i}: ${answer.status} ${answer.body}`);
  }
  const seconds = (performance.now() - start) / 1000;
  const after = process.memoryUsage();
  await member.close();
  return { seconds, allocatedMB: (after.rss - before.rss) / 1e6 };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  /** Of the answer. */
  readonly status: number;
}

/** Milliseconds that the call took. Throws if it was answered otherwise. */
async function timed(client: RawClient, { method, path: at, body, status }: Call): Promise<number> {
  const begin = performance.now();
  const answer = await client.call(method, at, body);
  const took = performance.now() - begin;
  if (answer.status === status) return took;
  throw new Error(`${method} ${at}: ${answer.status} ${answer.body}`);
}

/** Members, and how they are spoken to. */
interface Target {
  /** Written to, and read from. */
  readonly addresses: readonly string[];
  set(key: string, value: string): Call;
  get(key: string): Call;
}

const SEED_CALLS: Omit<Target, 'addresses'> = {
  set: (key, value) => ({ method: 'POST', path: '/key', body: JSON.stringify({ key, value }), status: 201 }),
  get: (key) => ({ method: 'GET', path: `/key/${key}`, status: 200 }),
};

const GATEWAY_CALLS: Omit<Target, 'addresses'> = {
  set: (key, value) => gatewayCall('put', { key: btoa(key), value: btoa(value) }),
  get: (key) => gatewayCall('range', { key: btoa(key) }),
};

function gatewayCall(name: string, message: unknown): Call {
  return { method: 'POST', path: `/v3/kv/${name}`, body: JSON.stringify(message), status: 200 };
}

/** One client: sets a fresh key at the first member, reads it at the second, until the time is up. */
async function client(
  target: Target,
  keyPrefix: string,
  until: number,
  pauseMs: number,
): Promise<{ readonly sets: number[]; readonly gets: number[] }> {
  const [writeTo = '', readFrom = ''] = target.addresses;
  const writer = await RawClient.open(writeTo);
  const reader = await RawClient.open(readFrom);
  const sets: number[] = [];
  const gets: number[] = [];
  for (let i = 0; performance.now() < until; i++) {
    const key = `${keyPrefix}-${i}`;
    sets.push(await timed(writer, target.set(key, `value-${i}`)));
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    gets.push(await timed(reader, target.get(key)));
  }
  writer.close();
  reader.close();
  return { sets, gets };
}

async function measure(
  target: Target,
  name: string,
  clients: number,
  seconds: number,
  pauseMs: number,
  seed: { readonly set: string; readonly get: string },
): Promise<Row[]> {
  const start = performance.now();
  const until = start + seconds * 1000;
  const results = await Promise.all(
    Array.from({ length: clients }, (_, n) => client(target, `${name}-${n}`.replaceAll(' ', '-'), until, pauseMs)),
  );
  const took = (performance.now() - start) / 1000;
  const sets = results.flatMap((result) => result.sets);
  const gets = results.flatMap((result) => result.gets);
  return [row(`${name}: set`, sets, took, seed.set), row(`${name}: get`, gets, took, seed.get)];
}

const NONE = { set: '', get: '' };
const ONE_CLIENT = '1 client';
const ETCD_CLIENT = "etcd's gateway, 1 client";

/** Running members that take part, warmed up. */
interface System {
  readonly target: Target;
  stop(): Promise<void>;
}

async function startQuorate(): Promise<System> {
  const members = await ProcessCluster.start({
    size: 3,
    command: () => [process.execPath, QUORATE, 'serve'],
    env: { SERVICE_MAX_MAP_SIZE: '10000000', QUORATE_LOG_LEVEL: 'warn' },
  });
  return await warmedUp(
    async () => {
      const leader = await members.leader();
      const other = members.members.find((member) => member !== leader);
      return { ...SEED_CALLS, addresses: [leader.address, other?.address ?? ''] };
    },
    () => members.stop(),
  );
}

/** Undefined where etcd cannot be had. */
async function startEtcd(): Promise<System | undefined> {
  try {
    await requireTools();
  } catch (error) {
    console.error(`etcd is left out: ${(error as Error).message.trim()}`);
    return undefined;
  }
  const system = await EtcdSystem.create('etcd');
  return await warmedUp(
    async () => {
      system.start();
      const leader = await leaderMember(system);
      const other = system.members.find((member) => member !== leader) ?? leader;
      const addresses = [leader, other].map(({ clientPort }) => `127.0.0.1:${clientPort}`);
      return { ...GATEWAY_CALLS, addresses };
    },
    () => system.destroy(),
  );
}

async function warmedUp(start: () => Promise<Target>, stop: () => Promise<void>): Promise<System> {
  try {
    const target = await start();
    await client(target, 'warm-up', performance.now() + WARM_UP_SECONDS * 1000, 0);
    return { target, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One client without pauses at each of the systems, in turns: the rows of all rounds of each. */
async function inTurns(systems: ReadonlyMap<string, Target>): Promise<Row[]> {
  const all = new Map([...systems.keys()].map((name) => [name, { sets: [] as number[], gets: [] as number[] }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, target] of systems) {
      const { sets, gets } = await client(target, `round-${round}`, performance.now() + ROUND_SECONDS * 1000, 0);
      all.get(name)?.sets.push(...sets);
      all.get(name)?.gets.push(...gets);
    }
  }
  const seconds = ROUNDS * ROUND_SECONDS;
  return [...all].flatMap(([name, { sets, gets }]) => [
    row(`${name}: set`, sets, seconds, ''),
    row(`${name}: get`, gets, seconds, ''),
  ]);
}

async function besideEtcd(target: Target): Promise<Row[]> {
  const etcd = await startEtcd();
  try {
    return await inTurns(
      new Map([[ONE_CLIENT, target], ...(etcd === undefined ? [] : [[ETCD_CLIENT, etcd.target] as const])]),
    );
  } finally {
    await etcd?.stop();
  }
}

async function clusters(): Promise<Row[]> {
  const quorate = await startQuorate();
  try {
    const published = {
      set: 'avg 1.27, med 0.782, p90 2.48, p95 3.35',
      get: 'avg 0.539, med 0.518, p90 0.688, p95 0.778',
    };
    const { target } = quorate;
    const paused = await measure(target, `${ONE_CLIENT} with pause`, 1, PAUSED_SECONDS, PAUSE_MS, published);
    const unpaused = await besideEtcd(target);
    const many = await measure(target, `${CLIENTS} clients`, CLIENTS, UNPAUSED_SECONDS, 0, NONE);
    return [...paused, ...unpaused, ...many];
  } finally {
    await quorate.stop();
  }
}

/** Of the medians of one client without pauses. */
function printRatios(rows: readonly Row[]): void {
  const median = (name: string): number | undefined => rows.find((one) => one.name === name)?.medianMs;
  const ratios = ['set', 'get'].map((what) => {
    const theirs = median(`${ETCD_CLIENT}: ${what}`);
    const ours = median(`${ONE_CLIENT}: ${what}`);
    return theirs === undefined || ours === undefined ? undefined : `${what} ${(ours / theirs).toFixed(2)}`;
  });
  if (ratios.includes(undefined)) return;
  console.log(`\nmedians of one client by those of ${versionOf('etcd')}'s gateway: ${ratios.join(', ')}`);
}

function print(seconds: number, allocatedMB: number, rows: readonly Row[]): void {
  const perSecond = Math.round((2 * IN_PROCESS_KEYS) / seconds);
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node.js ${process.version}, ${new Date().toISOString()}\n`);
  console.log(
    `in process, ${IN_PROCESS_KEYS} sets and gets: ${seconds.toFixed(2)} s (${perSecond}/s), resident memory grew by`,
  );
  console.log(
    `${allocatedMB.toFixed(0)} MB. The seed: 4.51 s, 729 MB allocated. Ratio: ${(4.51 / seconds).toFixed(1)}x\n`,
  );
  const table = rows.map((r) => [
    r.name,
    String(r.operations),
    Math.round(r.operations / r.seconds).toString(),
    r.avgMs.toFixed(3),
    r.medianMs.toFixed(3),
    r.p90Ms.toFixed(3),
    r.p95Ms.toFixed(3),
    r.seed,
  ]);
  const head = ['three members', 'calls', 'calls/s', 'avg ms', 'med ms', 'p90 ms', 'p95 ms', 'the seed, ms'];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...table.map((cells) => cells[column]?.length ?? 0)),
  );
  for (const cells of [head, ...table]) {
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

const { seconds, allocatedMB } = await inProcess();
const rows = await clusters();
print(seconds, allocatedMB, rows);
printRatios(rows);
mkdirSync(RESULTS, { recursive: true });
const machine = {
  cores: cpus().length,
  model: cpus()[0]?.model,
  node: process.version,
  date: new Date().toISOString(),
};
const file = path.join(RESULTS, 'seed.json');
writeFileSync(
  file,
  `${JSON.stringify({ machine, inProcess: { seconds, allocatedMB }, cluster: rows }, undefined, 2)}\n`,
);
console.log(`\nwritten to ${path.relative(ROOT, file)}`);
