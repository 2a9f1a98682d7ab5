/**
 * Where the microseconds of each row go: Quorate under the rows' loads, the leader and a follower sampled while the measured part runs.
 *
 *     node bench/dist/profile.js [--rows regex] [--seconds 3] [--out bench/results/profile]
 *
 * The rows are those of bench/etcd, in the same states and after the same warm-up; the expression is tried on "put, 64 in flight, fresh".
 * Writes for each row a flame chart of each of the two members (.svg), the same as text with the table of rooms (.txt) and V8's profiles
 * (.cpuprofile, for the browser's tools); for all rows rooms.json and rooms.md, which is printed too. What is before and what is after a
 * change are two folders.
 *
 * All figures are processor time, from the kernel's count for each thread; the samples only share the main thread's out among rooms.
 * Sampling has a price of its own: calls are some percent dearer here than in `make bench-etcd`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, requireTools } from './etcd/cluster.js';
import { matchingGroups, runRound } from './etcd/round.js';
import { type Row, SPREAD_KEYS } from './etcd/rows.js';
import type { System, SystemMember } from './etcd/systems.js';
import { type CallTree, callTree, ROOMS, type Room, roomShares } from './profile/call-tree.js';
import { flameChart, textChart } from './profile/flame-chart.js';
import { SAMPLER, type Sampled, Sampling } from './profile/sampling.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '' },
    seconds: { type: 'string', default: '3' },
    out: {
      type: 'string',
      default: path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'results', 'profile'),
    },
  },
});
const seconds = Number(values.seconds);
const WARM_UP_CALLS = 40_000;

/** One member under one row's load; times are microseconds of a processor for one call. */
interface Profiled {
  readonly row: string;
  readonly role: 'leader' | 'follower';
  readonly perSecond: number;
  readonly totalMicros: number;
  readonly roomMicros: Readonly<Record<Room, number>>;
  readonly diskThreadsMicros: number;
  readonly otherThreadsMicros: number;
  /** Of the main thread's time. */
  readonly idlePercent: number;
}

const all: Profiled[] = [];

async function profileRow(row: Row, system: System, leader: SystemMember): Promise<void> {
  const follower = system.members.find((member) => member !== leader) as SystemMember;
  let sampled: readonly [Sampled, Sampled] | undefined;
  const result = await row.run(leader.origin, {
    seconds,
    measured: async (load) => {
      const samplings = await Promise.all([Sampling.begin(leader), Sampling.begin(follower)]);
      const loaded = await load();
      sampled = await Promise.all([samplings[0].end(), samplings[1].end()]);
      return loaded;
    },
  });
  if (sampled === undefined) throw new Error(`${row.name} measured nothing`);
  const name = `${row.name}, ${row.phase}`;
  const texts = (['leader', 'follower'] as const).map((role, i) => {
    const one = sampled?.[i] as Sampled;
    const tree = callTree(one.profile);
    const profiled = summarised({ row: name, role, perSecond: result.perSecond }, one, tree, result.calls);
    all.push(profiled);
    const mainMicros = one.mainMicros / result.calls;
    const file = fileOf(`${name} ${role}`);
    writeFileSync(`${file}.cpuprofile`, JSON.stringify(one.profile));
    writeFileSync(`${file}.svg`, flameChart(tree.root, mainMicros, `${name}: ${role}`));
    return `${name}: ${role}\n\n${roomTable(profiled)}\n\n${textChart(tree.root, mainMicros)}`;
  });
  writeFileSync(`${fileOf(name)}.txt`, texts.join('\n'));
  console.error(`${name}: ${Math.round(result.perSecond)}/s`);
}

function fileOf(name: string): string {
  return path.join(values.out, name.replace(/[^a-z0-9]+/g, '-'));
}

function summarised(
  about: Pick<Profiled, 'row' | 'role' | 'perSecond'>,
  { mainMicros, diskMicros, otherMicros }: Sampled,
  tree: CallTree,
  calls: number,
): Profiled {
  const shares = roomShares(tree);
  const roomMicros = Object.fromEntries(ROOMS.map((room) => [room, ((shares.get(room) ?? 0) * mainMicros) / calls]));
  return {
    ...about,
    totalMicros: (mainMicros + diskMicros + otherMicros) / calls,
    roomMicros: roomMicros as Record<Room, number>,
    diskThreadsMicros: diskMicros / calls,
    otherThreadsMicros: otherMicros / calls,
    idlePercent: (100 * tree.idle) / Math.max(1, tree.idle + tree.root.total),
  };
}

const COLUMNS: readonly (readonly [string, (one: Profiled) => number])[] = [
  ['all', ({ totalMicros }) => totalMicros],
  ...ROOMS.map((room) => [room, ({ roomMicros }: Profiled) => roomMicros[room]] as const),
  ['disk threads', ({ diskThreadsMicros }) => diskThreadsMicros],
  ['other threads', ({ otherThreadsMicros }) => otherThreadsMicros],
];

function shown(micros: number): string {
  return micros >= 100 ? micros.toFixed(0) : micros.toFixed(micros >= 10 ? 1 : 2);
}

function roomTable(one: Profiled): string {
  const lines = COLUMNS.map(([room, micros]) => {
    const percent = (100 * micros(one)) / one.totalMicros;
    return `${room.padEnd(16)}${shown(micros(one)).padStart(9)} µs${percent.toFixed(1).padStart(8)} %`;
  });
  return [`CPU for one call; the main thread is idle for ${one.idlePercent.toFixed(0)} % of the time`, ...lines].join(
    '\n',
  );
}

/** All rows in one table. */
function table(): string {
  const head = ['row', 'member', 'idle', ...COLUMNS.map(([room]) => room)];
  const lines = all.map((one) => {
    const cells = [one.row, one.role, `${one.idlePercent.toFixed(0)} %`];
    return `| ${[...cells, ...COLUMNS.map(([, micros]) => shown(micros(one)))].join(' | ')} |`;
  });
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...lines].join('\n');
}

await requireTools();
mkdirSync(values.out, { recursive: true });
const groups = matchingGroups(new RegExp(values.rows));
await runRound('quorate', { groups, warmUpCalls: WARM_UP_CALLS, burst: SPREAD_KEYS, preload: SAMPLER }, profileRow);
const about = { date: new Date().toISOString(), machine: machine(), node: process.version, seconds };
writeFileSync(path.join(values.out, 'rooms.json'), `${JSON.stringify({ about, rows: all }, undefined, 1)}\n`);
writeFileSync(path.join(values.out, 'rooms.md'), `${table()}\n`);
console.log(`µs of a processor for one call\n\n${table()}`);
