/**
 * How long a cluster takes to come up and a member to come back, and what keys cost in memory. Prints a table, writes
 * bench/results/lifecycle.json.
 *
 *     node bench/dist/lifecycle.js [--keys 100000] [--trials 3]
 *
 * start     three members with fresh folders, started together: until the first acknowledged write
 * return    a follower is killed, its folder wiped, and started again: until it serves the last key from its own state
 *           (serializable read) and its state has every key
 * restart   a follower is stopped and started again with its folder: until /readyz says ok
 *
 * Keys have 32 bytes, values 256. Memory is each process' resident set after the load, from /proc where there is one.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { httpCall, ProcessCluster, type ProcessMember } from '@quorate/replica/testing';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const QUORATE = path.join(ROOT, 'packages', 'server', 'dist', 'programs', 'quorate.js');
const RESULTS = path.join(ROOT, 'bench', 'results');
const KEY_BYTES = 32;
const VALUE = 'v'.repeat(256);
const CLIENTS = 128;
const POLL_MS = 2;
const ENV = { SERVICE_MAX_MAP_SIZE: '10000000', SERVICE_VAL_MAX_LEN: '1000', QUORATE_LOG_LEVEL: 'warn' };

interface Results {
  readonly startMs: number[];
  readonly returnMs: number[];
  readonly restartMs: number[];
  loadedPerSecond: number;
  readonly residentMB: Record<string, number>;
}

function keyOf(i: number): string {
  return `key-${i}-`.padEnd(KEY_BYTES, 'k');
}

function create(): Promise<ProcessCluster> {
  return ProcessCluster.create({ size: 3, command: () => [process.execPath, QUORATE, 'serve'], env: ENV });
}

async function isStatus(member: ProcessMember, at: string, status: number, agent: Agent): Promise<boolean> {
  const result = await httpCall({ address: member.address, method: 'GET', path: at, agent });
  return result.kind === 'answer' && result.status === status;
}

async function poll(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Milliseconds from the start of three fresh members to the first acknowledged write at any of them. */
async function firstWrite(cluster: ProcessCluster): Promise<number> {
  const begin = performance.now();
  for (const member of cluster.members) member.start();
  const body = { key: 'first', value: 'x' };
  await poll(async () => {
    for (const member of cluster.members) {
      const result = await httpCall({ address: member.address, method: 'POST', path: '/key', body });
      if (result.kind === 'answer' && (result.status === 201 || result.status === 409)) return true;
    }
    return false;
  });
  return performance.now() - begin;
}

async function load(cluster: ProcessCluster, keys: number): Promise<number> {
  const leader = await cluster.leader();
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  let next = 0;
  const begin = performance.now();
  const client = async (): Promise<void> => {
    while (next < keys) {
      const body = { key: keyOf(next++), value: VALUE };
      const result = await httpCall({ address: leader.address, method: 'POST', path: '/key', body, agent });
      if (result.kind !== 'answer' || result.status !== 201) throw new Error(`load: ${JSON.stringify(result)}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
  return keys / ((performance.now() - begin) / 1000);
}

async function followerOf(cluster: ProcessCluster): Promise<ProcessMember> {
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader);
  if (follower === undefined) throw new Error('a cluster of three has followers');
  return follower;
}

async function wipedReturn(cluster: ProcessCluster, keys: number): Promise<number> {
  const follower = await followerOf(cluster);
  await follower.kill('SIGKILL');
  follower.wipe();
  const agent = new Agent({ keepAlive: true });
  const begin = performance.now();
  follower.start();
  await poll(() => isStatus(follower, `/key/${keyOf(keys - 1)}?consistency=serializable`, 200, agent));
  await poll(async () => {
    const result = await httpCall({ address: follower.address, method: 'GET', path: '/cluster/status', agent });
    return result.kind === 'answer' && (JSON.parse(result.body) as { keys: number }).keys > keys;
  });
  const took = performance.now() - begin;
  agent.destroy();
  await cluster.waitReady();
  return took;
}

async function restart(cluster: ProcessCluster): Promise<number> {
  const follower = await followerOf(cluster);
  await follower.kill('SIGTERM');
  const agent = new Agent({ keepAlive: true });
  const begin = performance.now();
  follower.start();
  await poll(() => isStatus(follower, '/readyz', 200, agent));
  const took = performance.now() - begin;
  agent.destroy();
  await cluster.waitReady();
  return took;
}

function residentMB(member: ProcessMember): number {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${member.pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes) / 1000;
  } catch {
    return Number.NaN;
  }
}

async function measure(keys: number, trials: number): Promise<Results> {
  const results: Results = { startMs: [], returnMs: [], restartMs: [], loadedPerSecond: 0, residentMB: {} };
  for (let trial = 1; trial < trials; trial++) {
    const cluster = await create();
    try {
      results.startMs.push(await firstWrite(cluster));
    } finally {
      await cluster.stop();
    }
  }
  const cluster = await create();
  try {
    results.startMs.push(await firstWrite(cluster));
    await cluster.waitReady();
    results.loadedPerSecond = await load(cluster, keys);
    for (const member of cluster.members) results.residentMB[member.name] = residentMB(member);
    for (let trial = 0; trial < trials; trial++) {
      results.restartMs.push(await restart(cluster));
      results.returnMs.push(await wipedReturn(cluster, keys));
    }
    for (const member of cluster.members) results.residentMB[`${member.name} at the end`] = residentMB(member);
  } finally {
    await cluster.stop();
  }
  return results;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function list(values: readonly number[]): string {
  return values.map((value) => value.toFixed(0)).join(', ');
}

function line(name: string, values: readonly number[]): string {
  return `${name.padEnd(44)} median ${median(values).toFixed(0).padStart(6)} ms   (${list(values)})`;
}

function print(keys: number, results: Results): void {
  console.log(`${os.cpus().length} x ${os.cpus()[0]?.model}, Node.js ${process.version}, ${new Date().toISOString()}`);
  console.log(`${keys} keys of ${KEY_BYTES} B, values of ${VALUE.length} B\n`);
  console.log(line('start: three members to the first write', results.startMs));
  console.log(line('restart of a member to ready', results.restartMs));
  console.log(line('wiped member back to serving every key', results.returnMs));
  console.log(`load: ${results.loadedPerSecond.toFixed(0)} puts/s with ${CLIENTS} clients`);
  for (const [name, value] of Object.entries(results.residentMB))
    console.log(`resident ${name}: ${value.toFixed(0)} MB`);
}

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '100000' }, trials: { type: 'string', default: '3' } },
});
const keys = Number(values.keys);
const results = await measure(keys, Number(values.trials));
print(keys, results);
mkdirSync(RESULTS, { recursive: true });
const file = path.join(RESULTS, `lifecycle-${keys}.json`);
writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), keys, ...results }, undefined, 2)}\n`);
console.log(`\nwritten to ${path.relative(ROOT, file)}`);
