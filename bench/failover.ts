/**
 * What the death of members costs, with real processes and default settings. Prints tables, writes bench/results/failover.json.
 *
 *     node bench/dist/failover.js [--trials 10] [--kills 50]
 *
 * failover   three members under load; the leader is killed (SIGKILL). Measured for one client that has a write under way at any time and asks
 *            the next member when it is refused: from the kill to the first acknowledged write that it began after it.
 * kills      five members under load; at random a follower, the leader, a minority with the leader, or all are killed, and
 *            started again once writes go on. After each trial, and for all trials again at the end, every acknowledged write must be
 *            there, read through every member, and the whole history must be that of a linearizable map.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ProcessCluster, type ProcessMember, Workload } from '@quorate/replica/testing';
import { judgeHistory, readHistory } from '@quorate/simulator';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const QUORATE = path.join(ROOT, 'packages', 'server', 'dist', 'programs', 'quorate.js');
const RESULTS = path.join(ROOT, 'bench', 'results');
/** Acknowledged before a member is killed, and after. */
const WRITES = 40;
/** The goal: available again within a second in nine of ten trials. */
const GOAL_MS = 1000;
const GOAL_SHARE = 0.9;

type Victim = 'follower' | 'leader' | 'minority' | 'all';
const VICTIMS: readonly Victim[] = ['follower', 'leader', 'minority', 'all'];

interface FailoverTrial {
  readonly trial: number;
  readonly firstWriteMs: number;
}

interface KillTrial {
  readonly trial: number;
  readonly victim: Victim;
  /** From the kill (all: from the restart) to the first acknowledged write that began after it. */
  readonly firstWriteMs: number;
  readonly acknowledgedWrites: number;
}

function start(size: number): Promise<ProcessCluster> {
  return ProcessCluster.start({ size, command: () => [process.execPath, QUORATE, 'serve'] });
}

function judge(history: string): readonly string[] {
  return judgeHistory(readHistory(history)).violations;
}

function load(cluster: ProcessCluster, prefix: string, options: { clients: number; thinkMs: number }): Workload {
  return new Workload({ addresses: () => cluster.members.map((member) => member.address), prefix, ...options }).start();
}

async function firstWrite(cluster: ProcessCluster, client: Workload, momentMs: number): Promise<number> {
  const atMs = await cluster.waitFor(() => client.firstWriteAfter(momentMs), 'a write is acknowledged after a kill');
  return atMs - momentMs;
}

async function failover(trials: number): Promise<FailoverTrial[]> {
  const results: FailoverTrial[] = [];
  const cluster = await start(3);
  try {
    for (let trial = 1; trial <= trials; trial++) {
      const background = load(cluster, `load${trial}`, { clients: 3, thinkMs: 2 });
      const client = load(cluster, `client${trial}`, { clients: 1, thinkMs: 0 });
      await client.waitWrites(WRITES, () => cluster.describe());
      const leader = await cluster.leader();
      const killedAtMs = performance.now();
      await leader.kill('SIGKILL');
      const firstWriteMs = await firstWrite(cluster, client, killedAtMs);
      leader.start();
      await cluster.waitReady();
      await client.verify(cluster.addresses(), judge);
      await background.verify(cluster.addresses(), judge);
      results.push({ trial, firstWriteMs });
      console.log(`failover ${trial}: first write ${firstWriteMs.toFixed(0)} ms after the kill`);
    }
  } finally {
    await cluster.stop();
  }
  return results;
}

async function killAnything(trials: number): Promise<KillTrial[]> {
  const results: KillTrial[] = [];
  const workloads: Workload[] = [];
  const cluster = await start(5);
  try {
    for (let trial = 1; trial <= trials; trial++) {
      const victim = VICTIMS[Math.floor(Math.random() * VICTIMS.length)] ?? 'all';
      const workload = load(cluster, `kill${trial}`, { clients: 4, thinkMs: 4 });
      workloads.push(workload);
      await workload.waitWrites(WRITES, () => cluster.describe());
      const victims = await choose(cluster, victim);
      let momentMs = performance.now();
      await Promise.all(victims.map((member) => member.kill('SIGKILL')));
      if (victim === 'all') {
        momentMs = performance.now();
        for (const member of victims) member.start();
      }
      const firstWriteMs = await firstWrite(cluster, workload, momentMs);
      for (const member of victims) if (!member.isRunning) member.start();
      await cluster.waitReady();
      await workload.waitWrites(WRITES, () => cluster.describe());
      await workload.verify(cluster.addresses(), judge);
      await cluster.waitConverged();
      const { acknowledgedWrites } = workload;
      results.push({ trial, victim, firstWriteMs, acknowledgedWrites });
      console.log(`kills ${trial}: ${victim}, first write ${firstWriteMs.toFixed(0)} ms, ${workload.summary()}`);
    }
    for (const workload of workloads) await workload.verify(cluster.addresses(), judge);
  } finally {
    await cluster.stop();
  }
  return results;
}

async function choose(cluster: ProcessCluster, victim: Victim): Promise<readonly ProcessMember[]> {
  const leader = await cluster.leader();
  const followers = cluster.members.filter((member) => member !== leader);
  const [follower = leader] = followers.toSorted(() => Math.random() - 0.5);
  const victims: Readonly<Record<Victim, readonly ProcessMember[]>> = {
    follower: [follower],
    leader: [leader],
    minority: [leader, follower],
    all: cluster.members,
  };
  return victims[victim];
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function distribution(name: string, values: readonly number[]): Record<string, number | string> {
  const sorted = values.toSorted((a, b) => a - b);
  const ms = (share: number): number => Math.round(quantile(sorted, share));
  return {
    'first write after the kill of': name,
    trials: sorted.length,
    'median ms': ms(0.5),
    'p90 ms': ms(0.9),
    'max ms': ms(1),
  };
}

const { values: flags } = parseArgs({ options: { trials: { type: 'string' }, kills: { type: 'string' } } });
const failovers = await failover(Number(flags.trials ?? 10));
const kills = await killAnything(Number(flags.kills ?? 50));

console.log();
const rows = [
  distribution(
    'the leader, of 3 members',
    failovers.map((trial) => trial.firstWriteMs),
  ),
  ...VICTIMS.map((victim) =>
    distribution(
      `${victim}, of 5 members`,
      kills.filter((trial) => trial.victim === victim).map((trial) => trial.firstWriteMs),
    ),
  ),
].filter((row) => row['trials'] !== 0);
console.table(Object.fromEntries(rows.map(({ 'first write after the kill of': name, ...row }) => [String(name), row])));
const quick = failovers.filter((trial) => trial.firstWriteMs <= GOAL_MS).length;
const isQuickEnough = quick >= GOAL_SHARE * failovers.length;
console.log(
  `within ${GOAL_MS} ms in ${quick} of ${failovers.length} trials (goal: 9 of 10): ${isQuickEnough ? 'met' : 'MISSED'}`,
);
const acknowledged = kills.reduce((total, trial) => total + trial.acknowledgedWrites, 0);
console.log(`acknowledged writes lost in ${kills.length} trials of killing anything: 0 of ${acknowledged}`);

mkdirSync(RESULTS, { recursive: true });
const machine = { node: process.version, processors: os.cpus().length, model: os.cpus()[0]?.model ?? '' };
const file = path.join(RESULTS, 'failover.json');
writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, failovers, kills }, undefined, 2)}\n`);
console.log(`written: ${path.relative(ROOT, file)}`);
if (!isQuickEnough) process.exitCode = 1;
