/** One round with one system: started with empty folders, and taken through the states that the rows ask for. */
import { leaderMember } from './cluster.js';
import { fillStore, GROUPS, type Group, type Phase, putFixedKey, type Row } from './rows.js';
import { System, type SystemMember, type SystemName } from './systems.js';

export interface RoundOptions {
  readonly groups: readonly Group[];
  /** Calls of its kind before each group's first row. */
  readonly warmUpCalls: number;
  /** Puts between the fresh rows and the others. */
  readonly burst: number;
  /** For Quorate's processes: see System.create. */
  readonly preload?: string;
}

export type RowRunner = (row: Row, system: System, leader: SystemMember) => Promise<void>;

/** The groups with the rows whose name and state match, without the empty ones. */
export function matchingGroups(pattern: RegExp): readonly Group[] {
  return GROUPS.map((group) => ({
    ...group,
    rows: group.rows.filter((row) => pattern.test(`${row.name}, ${row.phase}`)),
  })).filter((group) => group.rows.length > 0);
}

export async function runRound(name: SystemName, options: RoundOptions, runRow: RowRunner): Promise<void> {
  const { groups, warmUpCalls, burst, preload } = options;
  const wanted = new Set(groups.map(({ phase }) => phase));
  const runPhase = async (phase: Phase, system: System, leader: SystemMember): Promise<void> => {
    for (const group of groups.filter((one) => one.phase === phase)) {
      await group.warmUp?.(leader.origin, warmUpCalls);
      for (const row of group.rows) await runRow(row, system, leader);
    }
  };
  const first = 'first seconds after the start';
  // A store that has had these puts is no fresh store any more: they have a cluster of their own.
  if (wanted.has(first)) {
    await onFreshCluster(name, preload, (system, leader) => runPhase(first, system, leader));
  }
  if (!wanted.has('fresh') && !wanted.has('after the burst')) return;
  await onFreshCluster(name, preload, async (system, leader) => {
    await putFixedKey(leader.origin);
    await runPhase('fresh', system, leader);
    if (wanted.has('after the burst')) await fillStore(leader.origin, burst);
    await runPhase('after the burst', system, leader);
  });
}

async function onFreshCluster(
  name: SystemName,
  preload: string | undefined,
  work: (system: System, leader: SystemMember) => Promise<void>,
): Promise<void> {
  const system = await System.create(name, preload);
  try {
    system.start();
    await work(system, await leaderMember(system));
  } finally {
    await system.destroy();
  }
}
