/**
 * How both systems start, fail over and come back, side by side. Prints a table, writes bench/results/etcd-lifecycle.json.
 *
 *     node bench/dist/etcd/lifecycle.js [--keys 100000] [--trials 3] [--failovers 10] [--systems etcd,quorate]
 *
 * start      three fresh members started together: until a leader is known to all of them
 * failover   kill -9 of the leader: until a put succeeds at a member that is left
 * memory     resident memory of each member when it has the keys, and again when all members have been restarted
 * disk       what a member's folder takes after the load
 * restart    each member in turn is stopped (SIGTERM), the leader last, and started again with its folder; after that a follower is killed
 *            (kill -9) and started again: until it serves the last key from its own state
 * catch-up   a follower is stopped while keys are put again (100,000 of them at most), and started: until it serves the last of them
 * wiped      a follower is killed, removed, its folder wiped, added again and started: until it serves the last key
 *
 * With --keys 1000000 --trials 1 --failovers 0 it takes three to four minutes, most of them to fill etcd.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MemberAddRequest, MemberRemoveRequest, PutRequest, RangeRequest, RangeResponse } from '@quorate/proto';
import { callOnce, leaderMember, machine, POLL_MS, requireTools, statusOf, versionOf } from './cluster.js';
import { median } from './report.js';
import { fillStore, spreadKey } from './rows.js';
import { SYSTEMS, System, type SystemMember, type SystemName } from './systems.js';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'results');
/** Before a change of the members that was refused is asked for again. */
const REFUSED_PAUSE_MS = 50;
const CHANGE_TIMEOUT_MS = 30_000;
/** Enough that etcd has to send a snapshot: it takes one each 100,000 entries, and keeps the last 5,000 entries before it. */
const MISSED_MAX = 100_000;

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '100000' },
    trials: { type: 'string', default: '3' },
    failovers: { type: 'string', default: '10' },
    systems: { type: 'string', default: SYSTEMS.join(',') },
  },
});
const keys = Number(values.keys);
const trials = Number(values.trials);
const failovers = Number(values.failovers);

interface Figures {
  readonly startMs: number[];
  readonly failoverMs: number[];
  readonly restartMs: number[];
  readonly restartAfterKillMs: number[];
  readonly catchUpMs: number[];
  readonly wipedMs: number[];
  /** Of each member, the leader first. */
  loadedMB: readonly number[];
  restartedMB: readonly number[];
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

/** Whether its own state has the key, put at least so many times. */
async function serves(member: SystemMember, key: Uint8Array, version = 1): Promise<boolean> {
  const reply = await callOnce(
    member.origin,
    '/etcdserverpb.KV/Range',
    RangeRequest.encode({ key, serializable: true }),
  );
  return reply !== undefined && (RangeResponse.decode(reply).kvs[0]?.version ?? 0) >= version;
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

/** The leader, then the others. */
async function leaderFirst(system: System): Promise<readonly SystemMember[]> {
  const leader = await leaderMember(system);
  return [leader, ...system.members.filter((member) => member !== leader)];
}

async function residentMB(system: System): Promise<readonly number[]> {
  return (await leaderFirst(system)).map((member) => member.usage().residentBytes / 1e6);
}

async function restart(member: SystemMember, signal: NodeJS.Signals, last: Uint8Array): Promise<number> {
  await member.stop(signal);
  member.start();
  return await poll(() => serves(member, last));
}

async function restartAll(system: System, last: Uint8Array): Promise<readonly number[]> {
  const tookMs: number[] = [];
  for (const member of (await leaderFirst(system)).toReversed()) {
    tookMs.push(await restart(member, 'SIGTERM', last));
    // The next one stops when this one is back in its place.
    await leaderMember(system);
  }
  return tookMs;
}

async function catchUp(system: System): Promise<number> {
  const member = await follower(system);
  const { origin } = await leaderMember(system);
  const missed = Math.min(keys, MISSED_MAX);
  await member.stop();
  await fillStore(origin, missed);
  member.start();
  return await poll(() => serves(member, spreadKey(missed - 1), 2));
}

/**
 * A member that has lost its folder must not vote as if it still had it, in either system: its old id is removed and it is added again. Only
 * the way from its start to its last key is measured.
 */
async function replaceWiped(system: System, last: Uint8Array): Promise<number> {
  const member = await follower(system);
  const { origin } = await leaderMember(system);
  const ID = (await statusOf(member.origin))?.header?.memberId;
  if (ID === undefined) throw new Error('a member that runs tells its id');
  await member.stop('SIGKILL');
  member.wipe();
  await untilDone(origin, '/etcdserverpb.Cluster/MemberRemove', MemberRemoveRequest.encode({ ID }));
  await untilDone(origin, '/etcdserverpb.Cluster/MemberAdd', MemberAddRequest.encode({ peerURLs: [member.peerUrl] }));
  member.start('existing');
  return await poll(() => serves(member, last));
}

/** Both systems refuse changes of members for a while after the last one. */
async function untilDone(origin: string, rpc: string, message: Uint8Array): Promise<void> {
  const giveUpAt = performance.now() + CHANGE_TIMEOUT_MS;
  while ((await callOnce(origin, rpc, message)) === undefined) {
    if (performance.now() > giveUpAt) throw new Error(`${rpc} is refused again and again`);
    await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
  }
}

async function run(name: SystemName): Promise<Figures> {
  const figures: Figures = {
    startMs: [],
    failoverMs: [],
    restartMs: [],
    restartAfterKillMs: [],
    catchUpMs: [],
    wipedMs: [],
    loadedMB: [],
    restartedMB: [],
    diskMB: 0,
  };
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
    await fillStore((await leaderMember(system)).origin, keys);
    const last = spreadKey(keys - 1);
    await Promise.all(system.members.map((member) => poll(() => serves(member, last))));
    figures.loadedMB = await residentMB(system);
    figures.diskMB = Math.max(...system.members.map((member) => member.diskBytes())) / 1e6;
    for (let trial = 0; trial < trials; trial++) {
      figures.restartMs.push(...(await restartAll(system, last)));
      figures.restartedMB = await residentMB(system);
      figures.restartAfterKillMs.push(await restart(await follower(system), 'SIGKILL', last));
    }
    figures.catchUpMs.push(await catchUp(system));
    for (let trial = 0; trial < trials; trial++) figures.wipedMs.push(await replaceWiped(system, last));
  } finally {
    await system.destroy();
  }
  return figures;
}

await requireTools();
const results = {
  date: new Date().toISOString(),
  machine: machine(),
  versions: { node: process.version, etcd: versionOf('etcd') },
  keys,
  trials,
  systems: {} as Record<SystemName, Figures>,
};
const systems = SYSTEMS.filter((name) => values.systems.split(',').includes(name));
for (const name of systems) results.systems[name] = await run(name);
mkdirSync(RESULTS, { recursive: true });
writeFileSync(path.join(RESULTS, `etcd-lifecycle-${keys}.json`), `${JSON.stringify(results, undefined, 1)}\n`);
const whole = (figure: number): string => figure.toFixed(0);
const shown = (list: readonly number[]): string =>
  list.length === 0 ? '' : `${whole(median(list))} (${whole(Math.min(...list))}-${whole(Math.max(...list))})`;
const lines = (
  [
    ['start to first leader, ms', ({ startMs }) => shown(startMs)],
    ['kill -9 of the leader to the next put, ms', ({ failoverMs }) => shown(failoverMs)],
    [`restart with ${keys} keys after SIGTERM, ms`, ({ restartMs }) => shown(restartMs)],
    [`restart with ${keys} keys after kill -9, ms`, ({ restartAfterKillMs }) => shown(restartAfterKillMs)],
    [`catch-up with ${Math.min(keys, MISSED_MAX)} puts, ms`, ({ catchUpMs }) => shown(catchUpMs)],
    [`wiped member with ${keys} keys, ms`, ({ wipedMs }) => shown(wipedMs)],
    ['resident memory after the load, leader / followers, MB', ({ loadedMB }) => loadedMB.map(whole).join(' / ')],
    ['the same when all have been restarted, MB', ({ restartedMB }) => restartedMB.map(whole).join(' / ')],
    ["a member's folder after the load, MB", ({ diskMB }) => whole(diskMB)],
  ] satisfies [string, (figures: Figures) => string][]
).map(([what, figure]) => `| ${what} | ${systems.map((name) => figure(results.systems[name])).join(' | ')} |`);
console.log(
  [`| median (spread) | ${systems.join(' | ')} |`, `|---|${'---|'.repeat(systems.length)}`, ...lines].join('\n'),
);
