/** Runs seeds one after the other and reports: the only part of the simulator that knows real time. `quorate simulate` is this too. */
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type JudgedHistory, judgeHistory, readHistory } from '../checks/history-file.js';
import { type RunResult, run, scenarioOf, withoutFaults } from '../swarm/run.js';
import { shrink } from '../swarm/shrink.js';
import { FAULT_NAMES, type Scenario } from '../world/scenario.js';
import { checkParts, contradictionIn } from '../world/scenario-parts.js';
import { tuneEngine } from './engine.js';
import { describeBytes, describeDetails, describeSummary, Totals } from './totals.js';

export { tuneEngine } from './engine.js';

/** Where the command writes, and what it is called where it is told how to call it. */
export interface SimulateIo {
  readonly command: string;
  out(text: string): void;
  err(text: string): void;
}

const usage = (command: string): string => `Usage: ${command} [options]

Runs whole clusters under virtual time, with faults, each from a seed. The first run that breaks a rule ends it: the run is made
smaller and shown as a timeline, with the command that replays it.

Options:
  --seed N        the first seed (default 1); a run is the same whenever its seed is
  --runs K        so many seeds, one after the other (default 1)
  --minutes M     as many as fit into so many minutes of real time
  --without a,b   without these faults: ${FAULT_NAMES.join(', ')}
  --set JSON      replaces parts of the scenario that the seed draws
  --lines L       lines of the timeline of a failing run (default 120)
  --no-shrink     shows a failing run as it is, without making it smaller first
  --keep-going    goes on after a failure
  --json          one line of JSON for each run, and one that sums them up; a failing run's timeline goes to standard error
  --check-history FILE
                  simulates nothing: judges whether that history, JSON lines as docs/simulation.md tells, is linearizable
  -h, --help      print this help

Examples:
  ${command} --seed 1 --runs 100
  ${command} --seed 7000 --minutes 10
  ${command} --seed 4711 --without crash-point --set '{"members":3}'

Exit codes: 0 every run was right (the history is linearizable); 1 one was not (it is not); 2 wrong arguments (it cannot be read).
`;

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  runs: { type: 'string' },
  minutes: { type: 'string' },
  without: { type: 'string', default: '' },
  set: { type: 'string', default: '{}' },
  lines: { type: 'string', default: '120' },
  'no-shrink': { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  'check-history': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

const MINUTE_MS = 60_000;
/** Between two lines of progress: at least so long, and this share of the time so far, so that a long run has few. */
const PROGRESS_MS = 5_000;
const PROGRESS_SHARE = 1 / 30;

/** Returns the process's exit code: 0, 1 if a run failed, 2 for arguments that make no sense. */
export function main(args: readonly string[], io: SimulateIo): number {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    io.err(`${error instanceof Error ? error.message : String(error)}\n${usage(io.command)}`);
    return 2;
  }
  if (values.help) {
    io.out(usage(io.command));
    return 0;
  }
  return values.checkHistory === undefined ? simulate(values, io) : checkHistory(values.checkHistory, values.json, io);
}

function simulate(values: Values, io: SimulateIo): number {
  tuneEngine();
  const totals = new Totals();
  let toldMs = 0;
  for (let seed = values.seed; isDue(values, totals); seed += 1) {
    const change = withoutFaults(seed, values.without, values.change);
    const contradiction = contradictionIn({ ...scenarioOf(seed), ...change });
    if (contradiction !== undefined) {
      io.err(`--set: with what seed ${seed} draws: ${contradiction}\n`);
      return 2;
    }
    const result = run({ seed, change });
    totals.count(result);
    if (values.json) io.out(`${JSON.stringify({ ...result, lines: undefined })}\n`);
    if (result.failure !== undefined) {
      tellFailure(result, change, values, io);
      if (!values['keep-going']) break;
    }
    const { realMs } = totals;
    if (realMs - toldMs < Math.max(PROGRESS_MS, realMs * PROGRESS_SHARE)) continue;
    toldMs = realMs;
    const summary = totals.summary();
    io.err(`${describeSummary(summary)}, ${describeBytes(summary.residentBytes)}, next seed ${seed + 1}\n`);
  }
  const summary = totals.summary();
  io.out(
    values.json ? `${JSON.stringify({ summary })}\n` : `${describeSummary(summary)}\n${describeDetails(summary)}\n`,
  );
  return totals.failures === 0 ? 0 : 1;
}

/** Judges a history that was recorded elsewhere. */
function checkHistory(file: string, asJson: boolean, io: SimulateIo): number {
  let judged: JudgedHistory;
  try {
    judged = judgeHistory(readHistory(readFileSync(file, 'utf8')));
  } catch (error) {
    io.err(`${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  const { operations, keys, violations } = judged;
  if (asJson) io.out(`${JSON.stringify(judged)}\n`);
  else {
    for (const violation of violations) io.out(`${violation}\n`);
    io.out(
      `${operations} operations on ${keys} keys: ${violations.length === 0 ? 'linearizable' : 'NOT linearizable'}\n`,
    );
  }
  return violations.length === 0 ? 0 : 1;
}

interface Values {
  readonly seed: number;
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly without: readonly string[];
  readonly change: Partial<Scenario>;
  readonly lines: number;
  readonly 'no-shrink': boolean;
  readonly 'keep-going': boolean;
  readonly json: boolean;
  readonly checkHistory: string | undefined;
  readonly help: boolean;
}

function parse(args: readonly string[]): Values {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const without = values.without.split(',').filter((name) => name !== '');
  const unknown = without.find((name) => !(FAULT_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new RangeError(`--without: there is no fault "${unknown}"`);
  if (values.runs !== undefined && values.minutes !== undefined) {
    throw new RangeError('--runs and --minutes: there can be only one limit');
  }
  return {
    ...values,
    seed: wholeNumber('seed', values.seed, 0),
    runs: values.runs === undefined ? 1 : wholeNumber('runs', values.runs, 1),
    minutes: values.minutes === undefined ? undefined : positive('minutes', values.minutes),
    without,
    change: scenarioParts(values.set),
    lines: wholeNumber('lines', values.lines, 0),
    checkHistory: values['check-history'],
  };
}

function scenarioParts(text: string): Partial<Scenario> {
  try {
    const parts: unknown = JSON.parse(text);
    checkParts(parts);
    return parts;
  } catch (error) {
    throw new RangeError(`--set: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`--${name}: "${text}" is not a whole number from ${min}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`--${name}: "${text}" is not a positive number`);
}

function isDue({ runs, minutes }: Values, totals: Totals): boolean {
  return minutes === undefined ? totals.runs < runs : totals.realMs < minutes * MINUTE_MS;
}

function tellFailure(failed: RunResult, change: Partial<Scenario>, values: Values, io: SimulateIo): void {
  const write = (text: string): void => (values.json ? io.err(`${text}\n`) : io.out(`${text}\n`));
  const shrunk = values['no-shrink'] ? { change, result: failed, tries: 0 } : shrink(failed, change);
  const again = run({ seed: failed.seed, change: shrunk.change, linesMax: values.lines });
  write(`seed ${failed.seed} FAILED ${failed.failure?.message}`);
  for (const line of again.lines) write(line);
  write(again.failure?.stack ?? 'NOT REPEATED: the run is not deterministic');
  write(`scenario: ${JSON.stringify(again.scenario)}`);
  const replay = (settings: Partial<Scenario>): string =>
    Object.keys(settings).length === 0
      ? `${io.command} --seed ${failed.seed}`
      : `${io.command} --seed ${failed.seed} --set '${JSON.stringify(settings)}'`;
  if (shrunk.tries > 0) write(`replay as it was: ${replay(change)}`);
  write(`replay: ${replay(shrunk.change)}`);
}
