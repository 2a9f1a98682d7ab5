/** What the hunt for all mutants gave, as a table for docs/simulation-mutants.md. */
import type { Hunt } from './hunt.js';
import type { Inexpressible, Mutant } from './mutant.js';

export interface Verdict {
  readonly mutant: Mutant;
  /** Undefined if the mutant is out of the simulator's reach. */
  readonly hunt: Hunt | undefined;
  /** The test that fails; undefined if none was asked, or none does. */
  readonly failedTest: string | undefined;
}

export function isDetected({ hunt, failedTest }: Verdict): boolean {
  return hunt?.found !== undefined || failedTest !== undefined;
}

export function describeTable(verdicts: readonly Verdict[], without: readonly Inexpressible[]): string {
  const rows = verdicts.map((verdict, i) => row(i + 1, verdict));
  return [
    '| | bug | mutant | what is planted | kind | detected by | runs | steps |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    summary(verdicts),
    '',
    'Not expressible:',
    '',
    ...without.map(({ bug, reason }) => `- ${bug}: ${reason}`),
  ].join('\n');
}

export function summary(verdicts: readonly Verdict[]): string {
  const simulated = verdicts.filter(({ hunt }) => hunt !== undefined);
  const bySimulator = simulated.filter(({ hunt }) => hunt?.found !== undefined);
  const byTest = verdicts.filter((verdict) => verdict.hunt?.found === undefined && verdict.failedTest !== undefined);
  const runs = median(bySimulator.map(({ hunt }) => hunt?.runs ?? 0));
  const steps = median(bySimulator.map(({ hunt }) => hunt?.steps ?? 0));
  const open = verdicts.filter((verdict) => !isDetected(verdict)).map(({ mutant }) => mutant.name);
  return (
    `${verdicts.length} mutants planted; ${simulated.length} given to the simulator, ${bySimulator.length} detected by it ` +
    `(median ${runs} runs, ${steps} steps); ${byTest.length} detected by a test only; ` +
    `${open.length} not detected${open.length === 0 ? '' : `: ${open.join(', ')}`}`
  );
}

function row(number: number, verdict: Verdict): string {
  const { mutant, hunt } = verdict;
  const cells = [number, mutant.bug, `\`${mutant.name}\``, mutant.planted, mutant.kind, detectedBy(verdict)];
  const counts = hunt === undefined ? ['', ''] : [`${hunt.found === undefined ? '> ' : ''}${hunt.runs}`, hunt.steps];
  return `| ${[...cells, ...counts].join(' | ')} |`;
}

function detectedBy({ mutant, hunt, failedTest }: Verdict): string {
  if (hunt?.found !== undefined) return `${hunt.found.rule} (seed ${hunt.found.seed})`;
  const test = failedTest === undefined ? undefined : `test: ${failedTest.replaceAll('|', '\\|')}`;
  if (test !== undefined)
    return mutant.outOfReach === undefined ? test : `${test}; the simulator: ${mutant.outOfReach}`;
  return '**not detected**';
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
