/** The command: plants every mutant in turn, looks for it, and prints what came of it. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { mutants, withoutMutant } from './catalogue.js';
import { type Limits, runTest, simulate } from './hunt.js';
import type { Mutant } from './mutant.js';
import { describeTable, isDetected, summary, type Verdict } from './table.js';
import { Workshop } from './workshop.js';

const USAGE = `mutants: plants known defects in a copy of the compiled packages, and shows what notices them

  --only a,b     only the mutants of these names
  --runs N       most runs of the simulator for one mutant (default 2000)
  --seconds S    most seconds of real time for one mutant (default 40)
  --seed N       the first seed (default 1)
  --json         one line of JSON for each mutant instead of a table
`;

const OPTIONS = {
  only: { type: 'string' },
  runs: { type: 'string', default: '2000' },
  seconds: { type: 'string', default: '40' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

interface Values {
  readonly wanted: readonly Mutant[];
  readonly limits: Limits;
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
  const verdicts: Verdict[] = [];
  const workshop = new Workshop();
  try {
    for (const mutant of values.wanted) {
      const verdict = await judge(workshop, mutant, values.limits);
      verdicts.push(verdict);
      tell(verdict, values.json);
    }
  } finally {
    workshop.remove();
  }
  if (!values.json) process.stdout.write(`${describeTable(verdicts, withoutMutant)}\n`);
  else process.stderr.write(`${summary(verdicts)}\n`);
  return verdicts.every(isDetected) ? 0 : 1;
}

function parse(args: readonly string[]): Values {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const names = values.only?.split(',') ?? mutants.map(({ name }) => name);
  const wanted = names.map((name) => {
    const mutant = mutants.find((candidate) => candidate.name === name);
    if (mutant === undefined) throw new RangeError(`--only: there is no mutant "${name}"`);
    return mutant;
  });
  return {
    wanted,
    limits: {
      firstSeed: positive('seed', values.seed),
      runsMax: positive('runs', values.runs),
      secondsMax: positive('seconds', values.seconds),
    },
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
