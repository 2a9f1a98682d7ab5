/** Rounds of measurements as one line a row: medians of each system, and the ratios of the rounds with their spread. */
import type { Row } from './rows.js';
import type { SystemName } from './systems.js';

export interface Measured {
  readonly system: SystemName;
  readonly row: string;
  readonly phase: Row['phase'];
  readonly goal: number | undefined;
  readonly round: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerCall: number;
  readonly residentMB: number;
}

type Figures = Pick<Measured, 'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuMicrosPerCall' | 'residentMB'>;
const FIGURES = ['perSecond', 'p50Ms', 'p99Ms', 'cpuMicrosPerCall', 'residentMB'] as const;

export interface SummaryRow {
  readonly name: string;
  readonly phase: Row['phase'];
  readonly goal: number | undefined;
  readonly etcd: Figures;
  readonly quorate: Figures;
  /** Quorate's throughput over etcd's, round by round. */
  readonly ratios: readonly number[];
  readonly ratio: number;
  /** Quorate's 99th percentile over etcd's, of the medians. */
  readonly p99Ratio: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function summarise(rows: readonly Row[], measured: readonly Measured[]): readonly SummaryRow[] {
  return rows.map(({ name, phase, goal }) => {
    const of = (system: SystemName): readonly Measured[] =>
      measured.filter((one) => one.system === system && one.row === name && one.phase === phase);
    const [etcds, quorates] = [of('etcd'), of('quorate')];
    const [etcd, quorate] = [medians(etcds), medians(quorates)];
    const ratios = quorates.flatMap((ours) => {
      const theirs = etcds.find(({ round }) => round === ours.round);
      return theirs === undefined ? [] : [ours.perSecond / theirs.perSecond];
    });
    return { name, phase, goal, etcd, quorate, ratios, ratio: median(ratios), p99Ratio: quorate.p99Ms / etcd.p99Ms };
  });
}

function medians(rounds: readonly Measured[]): Figures {
  return Object.fromEntries(
    FIGURES.map((figure) => [figure, median(rounds.map((one) => one[figure]))]),
  ) as unknown as Figures;
}

export function table(summary: readonly SummaryRow[]): string {
  const lines = summary.map(({ name, phase, goal, etcd, quorate, ratios, ratio, p99Ratio }) => {
    const spread = ratios.length === 0 ? '' : `${Math.min(...ratios).toFixed(1)}-${Math.max(...ratios).toFixed(1)}`;
    const cells = [
      `${name}, ${phase}`,
      perSecond(etcd),
      perSecond(quorate),
      `**${ratio.toFixed(1)}** (${spread})`,
      goal === undefined ? '' : String(goal),
      `${etcd.p50Ms.toFixed(2)} / ${etcd.p99Ms.toFixed(2)}`,
      `${quorate.p50Ms.toFixed(2)} / ${quorate.p99Ms.toFixed(2)}`,
      p99Ratio.toFixed(2),
      `${etcd.cpuMicrosPerCall.toFixed(0)} / ${quorate.cpuMicrosPerCall.toFixed(0)}`,
      `${etcd.residentMB.toFixed(0)} / ${quorate.residentMB.toFixed(0)}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = [
    'load, state of the store',
    'etcd /s',
    'Quorate /s',
    'ratio (spread)',
    'goal',
    'etcd p50 / p99 ms',
    'Quorate p50 / p99 ms',
    'p99 ratio',
    'CPU µs a call, all members, etcd / Quorate',
    'largest resident MB, etcd / Quorate',
  ];
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...lines].join('\n');
}

function perSecond({ perSecond: rate }: Figures): string {
  return Math.round(rate).toLocaleString('en');
}
