/** The command: plants every mutant in turn, looks for it, and prints what came of it. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { mutants, withoutMutant } from './catalogue.js';
import { type Limits, runTest, simulate } from './hunt.js';
import type { Mutant } from './mutant.js';
import { describeTable, isDetected, summary, type Verdict, writeTable } from './table.js';
import { Workshop } from './workshop.js';

const USAGE = `mutants: plants known defects in a copy of the compiled packages, and shows what notices them

  --only a,b      only the mutants of these names
  --kind K        only those that break safety, liveness, or crash a member
  --quick         few runs for each: whatever is found late, or never, is told as not detected
  --runs N        most runs of the simulator for a mutant that breaks safety (default 2000; with --quick 60)
  --other-runs N  the same for the others (default 200; with --quick 20)
  --seconds S     most seconds of real time for one mutant (default 1200; with --quick 30)
  --seed N        the first seed (default 1)
  --jobs J        so many mutants at a time, each in a copy of its own (default 1)
  --write FILE    puts the table into that file, between the lines that mark its place
  --json          one line of JSON for each mutant instead of a table
`;

const OPTIONS = {
  only: { type: 'string' },
  kind: { type: 'string' },
  quick: { type: 'boolean', default: false },
  runs: { type: 'string' },
  'other-runs': { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string', default: '1' },
  jobs: { type: 'string', default: '1' },
  write: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

const PATIENT = { runs: '2000', otherRuns: '200', seconds: '1200' };
const QUICK = { runs: '60', otherRuns: '20', seconds: '30' };

interface Values {
  readonly wanted: readonly Mutant[];
  /** For a mutant that breaks safety, and for any other. */
  readonly limits: Limits;
  readonly otherRuns: number;
  readonly jobs: number;
  readonly write: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** Returns the process's exit code: 0, 1 if a mutant was not detected, 2 for arguments that make no sense. */
export async function main(args: readonly string[]): Promise<number> {
  let values: Values;
  try {
    values = parse(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const verdicts = await judgeAll(values);
  const told = describeTable(verdicts, withoutMutant, args);
  if (values.json) process.stderr.write(`${summary(verdicts)}\n`);
  else if (values.write === undefined) process.stdout.write(`${told}\n`);
  else writeTable(values.write, told);
  return verdicts.every(isDetected) ? 0 : 1;
}

/** In the order in which they are wanted, whichever is through first. */
async function judgeAll(values: Values): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const left = [...values.wanted.entries()];
  const work = async (): Promise<void> => {
    const workshop = new Workshop();
    try {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [place, mutant] = next;
        const { limits, otherRuns } = values;
        const runsMax = mutant.kind === 'safety' ? limits.runsMax : otherRuns;
        const verdict = await judge(workshop, mutant, { ...limits, runsMax });
        verdicts[place] = verdict;
        tell(verdict, values.json);
      }
    } finally {
      workshop.remove();
    }
  };
  await Promise.all(Array.from({ length: values.jobs }, work));
  return verdicts;
}

function parse(args: readonly string[]): Values {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const names = values.only?.split(',') ?? mutants.map(({ name }) => name);
  const named = names.map((name) => {
    const mutant = mutants.find((candidate) => candidate.name === name);
    if (mutant === undefined) throw new RangeError(`--only: there is no mutant "${name}"`);
    return mutant;
  });
  const { kind } = values;
  if (kind !== undefined && !['safety', 'liveness', 'crash'].includes(kind)) {
    throw new RangeError(`--kind: "${kind}" is none of safety, liveness, crash`);
  }
  const defaults = values.quick ? QUICK : PATIENT;
  return {
    wanted: named.filter((mutant) => kind === undefined || mutant.kind === kind),
    limits: {
      firstSeed: positive('seed', values.seed),
      runsMax: positive('runs', values.runs ?? defaults.runs),
      secondsMax: positive('seconds', values.seconds ?? defaults.seconds),
    },
    otherRuns: positive('other-runs', values['other-runs'] ?? defaults.otherRuns),
    jobs: positive('jobs', values.jobs),
    write: values.write,
    json: values.json,
    help: values.help,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${name}: "${text}" is not a positive whole number`);
}

async function judge(workshop: Workshop, mutant: Mutant, limits: Limits): Promise<Verdict> {
  workshop.plant(mutant);
  const hunt = mutant.outOfReach === undefined ? await simulate(workshop.folder, limits) : undefined;
  const isTested = hunt?.found === undefined && mutant.test !== undefined;
  const failedTest = isTested ? await runTest(workshop.folder, mutant.test) : undefined;
  return { mutant, hunt, failedTest };
}

/** Progress goes to the standard error, so that the table can be taken from the standard output. */
function tell({ mutant, hunt, failedTest }: Verdict, json: boolean): void {
  const { bug, name, kind, planted } = mutant;
  if (json) process.stdout.write(`${JSON.stringify({ bug, name, kind, planted, hunt, failedTest })}\n`);
  else {
    const rule = hunt?.found?.rule ?? (failedTest === undefined ? 'NOT DETECTED' : `test: ${failedTest}`);
    const [line = ''] = (hunt?.found?.message ?? '').split('\n');
    process.stderr.write(
      `${bug} ${name}: ${rule}; ${hunt?.runs ?? 0} runs, ${hunt?.steps ?? 0} steps, ${hunt?.seconds.toFixed(1) ?? 0} s; ${line.slice(0, 160)}\n`,
    );
  }
}
