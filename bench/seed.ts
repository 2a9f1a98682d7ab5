/**
 * `make bench`: the measurements that the seed was published with, beside the seed's own figures.
 *
 * 1. 100,000 sets and gets through the HTTP handlers in this process, without a socket and without Raft.
 * 2. Three members as processes, one client: `POST` to the first, `GET` from the second; with a second's pause after each
 *    set as the seed's load script has it, and without; then 64 clients without.
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
import { RawClient } from './raw-client.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const QUORATE = path.join(ROOT, 'packages', 'server', 'dist', 'src', 'bin.js');
const RESULTS = path.join(ROOT, 'bench', 'results');

const IN_PROCESS_KEYS = 100_000;
const PAUSED_SECONDS = 10;
const UNPAUSED_SECONDS = 10;
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

/** Milliseconds that the call took. Throws if it was not answered with `status`. */
async function timed(client: RawClient, status: number, method: string, at: string, body?: string): Promise<number> {
  const begin = performance.now();
  const answer = await client.call(method, at, body);
  const took = performance.now() - begin;
  if (answer.status === status) return took;
  throw new Error(`${method} ${at}: ${answer.status} ${answer.body}`);
}

/** One client: sets a fresh key at the first member, reads it at the second, until the time is up. */
async function client(
  addresses: readonly string[],
  keyPrefix: string,
  until: number,
  pauseMs: number,
): Promise<{ readonly sets: number[]; readonly gets: number[] }> {
  const [writeTo = '', readFrom = ''] = addresses;
  const writer = await RawClient.open(writeTo);
  const reader = await RawClient.open(readFrom);
  const sets: number[] = [];
  const gets: number[] = [];
  for (let i = 0; performance.now() < until; i++) {
    const key = `${keyPrefix}-${i}`;
    sets.push(await timed(writer, 201, 'POST', '/key', JSON.stringify({ key, value: `value-${i}` })));
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    gets.push(await timed(reader, 200, 'GET', `/key/${key}`));
  }
  writer.close();
  reader.close();
  return { sets, gets };
}

async function measure(
  addresses: readonly string[],
  name: string,
  clients: number,
  seconds: number,
  pauseMs: number,
  seed: { readonly set: string; readonly get: string },
): Promise<Row[]> {
  const start = performance.now();
  const until = start + seconds * 1000;
  const results = await Promise.all(
    Array.from({ length: clients }, (_, n) => client(addresses, `${name}-${n}`.replaceAll(' ', '-'), until, pauseMs)),
  );
  const took = (performance.now() - start) / 1000;
  const sets = results.flatMap((result) => result.sets);
  const gets = results.flatMap((result) => result.gets);
  return [row(`${name}: set`, sets, took, seed.set), row(`${name}: get`, gets, took, seed.get)];
}

async function cluster(): Promise<Row[]> {
  const members = await ProcessCluster.start({
    size: 3,
    command: () => [process.execPath, QUORATE, 'serve'],
    env: { SERVICE_MAX_MAP_SIZE: '10000000', QUORATE_LOG_LEVEL: 'warn' },
  });
  try {
    const leader = await members.leader();
    const others = members.members.filter((member) => member !== leader);
    const addresses = [leader.address, others[0]?.address ?? ''];
    await client(addresses, 'warm-up', performance.now() + WARM_UP_SECONDS * 1000, 0);
    const published = {
      set: 'avg 1.27, med 0.782, p90 2.48, p95 3.35',
      get: 'avg 0.539, med 0.518, p90 0.688, p95 0.778',
    };
    const none = { set: '', get: '' };
    return [
      ...(await measure(addresses, '1 client with pause', 1, PAUSED_SECONDS, PAUSE_MS, published)),
      ...(await measure(addresses, '1 client', 1, UNPAUSED_SECONDS, 0, none)),
      ...(await measure(addresses, `${CLIENTS} clients`, CLIENTS, UNPAUSED_SECONDS, 0, none)),
    ];
  } finally {
    await members.stop();
  }
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
const rows = await cluster();
print(seconds, allocatedMB, rows);
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
