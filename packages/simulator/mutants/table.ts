/** What the hunt for all mutants gave, as a table for docs/simulation.md. */
import { readFileSync, writeFileSync } from 'node:fs';
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

/** The lines between which the table stands in a file. */
const BEGIN = '<!-- the table of mutants begins -->';
const END = '<!-- the table of mutants ends -->';

/** `args`: those of the command that was run. */
export function describeTable(
  verdicts: readonly Verdict[],
  without: readonly Inexpressible[],
  args: readonly string[],
): string {
  const rows = verdicts.map((verdict, i) => row(i + 1, verdict));
  const date = new Date().toISOString().slice(0, 10);
  const command = ['node packages/simulator/dist/mutants/bin.js', ...args].join(' ');
  return [
    `${summary(verdicts)}.`,
    '',
    `Measured on ${date} with Node.js ${process.versions.node}: \`${command}\`.`,
    '',
    '| | bug | mutant | what is planted | where | kind | detected by | runs | steps |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    'Of the list, our design cannot express:',
    '',
    ...without.map(({ bug, reason }) => `- ${bug}: ${reason}`),
  ].join('\n');
}

/** Puts the table in the place of the one that stands in the file. */
export function writeTable(file: string, table: string): void {
  const text = readFileSync(file, 'utf8');
  const [before, rest = ''] = text.split(`${BEGIN}\n`);
  const [, after] = rest.split(END);
  if (before === undefined || after === undefined)
    throw new Error(`${file} has no place for the table: ${BEGIN} ... ${END}`);
  writeFileSync(file, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
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
    `(median ${runs} runs, ${steps} steps), ${safetyText(simulated)}; ${byTest.length} detected by a test only; ` +
    `${open.length} not detected${open.length === 0 ? '' : `: ${open.join(', ')}`}`
  );
}

function safetyText(simulated: readonly Verdict[]): string {
  const safety = simulated.filter(({ mutant }) => mutant.kind === 'safety');
  const found = safety.filter(({ hunt }) => hunt?.found !== undefined);
  return `of the ${safety.length} that break safety ${found.length}`;
}

function row(number: number, verdict: Verdict): string {
  const { mutant, hunt } = verdict;
  const cells = [
    number,
    mutant.bug,
    `\`${mutant.name}\``,
    mutant.planted,
    whereOf(mutant),
    mutant.kind,
    detectedBy(verdict),
  ];
  const counts = hunt === undefined ? ['', ''] : [`${hunt.found === undefined ? '> ' : ''}${hunt.runs}`, hunt.steps];
  return `| ${[...cells, ...counts].join(' | ')} |`;
}

/** The source files that it changes, as package/room/file. */
function whereOf({ edits }: Mutant): string {
  const files = edits.map(({ file }) => file.replace(/^packages\/(.*)\/dist\/src\/(.*)\.js$/, '$1/$2'));
  return [...new Set(files)].join(', ');
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
