/**
 * How both systems start, fail over and come back, side by side. Prints a table, writes bench/results/etcd-lifecycle.json.
 *
 *     node bench/dist/etcd/lifecycle.js [--keys 100000] [--trials 3] [--failovers 10]
 *
 * start      three fresh members started together: until a leader is known to all of them
 * failover   kill -9 of the leader: until a put succeeds at a member that is left
 * restart    a follower is stopped and started again with its folder: until it serves the last key from its own state
 * catch-up   a follower is stopped while so many keys are put, and started again with what it had: until it serves the last key
 * disk       what a member's folder takes after the load
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PutRequest, RangeRequest, RangeResponse } from '@quorate/proto';
import { callOnce, leaderMember, requireTools } from './cluster.js';
import { median } from './report.js';
import { fillStore, spreadKey } from './rows.js';
import { SYSTEMS, System, type SystemMember, type SystemName } from './systems.js';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'results');
const POLL_MS = 5;

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '100000' },
    trials: { type: 'string', default: '3' },
    failovers: { type: 'string', default: '10' },
  },
});
const keys = Number(values.keys);
const trials = Number(values.trials);
const failovers = Number(values.failovers);

interface Figures {
  readonly startMs: number[];
  readonly failoverMs: number[];
  readonly restartMs: number[];
  readonly catchUpMs: number[];
  residentMB: number;
  diskMB: number;
}

async function poll(condition: () => Promise<boolean>): Promise<number> {
  const begin = performance.now();
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return performance.now() - begin;
}

async function put(member: SystemMember): Promise<boolean> {
  const message = PutRequest.encode({ key: new TextEncoder().encode('probe'), value: new Uint8Array(8) });
  return (await callOnce(member.origin, '/etcdserverpb.KV/Put', message)) !== undefined;
}

async function serves(member: SystemMember, key: Uint8Array): Promise<boolean> {
  const reply = await callOnce(
    member.origin,
    '/etcdserverpb.KV/Range',
    RangeRequest.encode({ key, serializable: true }),
  );
  return reply !== undefined && RangeResponse.decode(reply).kvs.length === 1;
}

async function failover(system: System): Promise<number> {
  const leader = await leaderMember(system);
  const others = system.members.filter((member) => member !== leader);
  await leader.stop('SIGKILL');
  const tookMs = await poll(async () => {
    const answers = await Promise.all(others.map((member) => put(member)));
    return answers.includes(true);
  });
  leader.start();
  return tookMs;
}

async function follower(system: System): Promise<SystemMember> {
  const leader = await leaderMember(system);
  return system.members.find((member) => member !== leader) as SystemMember;
}

async function run(name: SystemName): Promise<Figures> {
  const figures: Figures = { startMs: [], failoverMs: [], restartMs: [], catchUpMs: [], residentMB: 0, diskMB: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const system = await System.create(name);
    const begin = performance.now();
    system.start();
    await leaderMember(system);
    figures.startMs.push(performance.now() - begin);
    await system.destroy();
  }
  const system = await System.create(name);
  try {
    system.start();
    for (let i = 0; i < failovers; i++) figures.failoverMs.push(await failover(system));
    const left = await follower(system);
    await left.stop();
    await fillStore((await leaderWithout(system, left)).origin, keys);
    left.start();
    const last = spreadKey(keys - 1);
    figures.catchUpMs.push(await poll(() => serves(left, last)));
    const usage = system.members.map((member) => member.usage());
    figures.residentMB = Math.max(...usage.map(({ residentBytes }) => residentBytes)) / 1e6;
    figures.diskMB = Math.max(...system.members.map((member) => member.diskBytes())) / 1e6;
    for (let trial = 0; trial < trials; trial++) {
      const member = await follower(system);
      await member.stop();
      member.start();
      figures.restartMs.push(await poll(() => serves(member, last)));
    }
  } finally {
    await system.destroy();
  }
  return figures;
}

async function leaderWithout(system: System, stopped: SystemMember): Promise<SystemMember> {
  const rest = system.members.filter((member) => member !== stopped);
  for (;;) {
    for (const member of rest) {
      if (await put(member)) return member;
    }
  }
}

await requireTools();
const results = { date: new Date().toISOString(), keys, systems: {} as Record<SystemName, Figures> };
for (const name of SYSTEMS) results.systems[name] = await run(name);
mkdirSync(RESULTS, { recursive: true });
writeFileSync(path.join(RESULTS, `etcd-lifecycle-${keys}.json`), `${JSON.stringify(results, undefined, 1)}\n`);
const shown = (list: readonly number[]): string =>
  `${median(list).toFixed(0)} (${Math.min(...list).toFixed(0)}-${Math.max(...list).toFixed(0)})`;
const lines = (
  [
    ['start to first leader, ms', ({ startMs }) => shown(startMs)],
    ['kill -9 of the leader to the next put, ms', ({ failoverMs }) => shown(failoverMs)],
    [`catch-up with ${keys} keys, ms`, ({ catchUpMs }) => shown(catchUpMs)],
    [`restart with ${keys} keys, ms`, ({ restartMs }) => shown(restartMs)],
    ['resident memory, MB', ({ residentMB }) => residentMB.toFixed(0)],
    ["a member's folder, MB", ({ diskMB }) => diskMB.toFixed(0)],
  ] satisfies [string, (figures: Figures) => string][]
).map(([what, figure]) => `| ${what} | ${SYSTEMS.map((name) => figure(results.systems[name])).join(' | ')} |`);
console.log([`| median (spread) | ${SYSTEMS.join(' | ')} |`, '|---|---|---|', ...lines].join('\n'));
