/** Runs seeds one after the other and reports: the only part of the simulator that knows real time. `quorate simulate` is this too. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type RunResult, run, scenarioOf } from '../swarm/run.js';
import { shrink } from '../swarm/shrink.js';
import { FAULT_NAMES, type FaultName, type Scenario } from '../world/scenario.js';

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
  --json          one line of JSON for each run; a failing run's timeline goes to standard error
  -h, --help      print this help

Examples:
  ${command} --seed 1 --runs 100
  ${command} --seed 7000 --minutes 10
  ${command} --seed 4711 --without crash-point --set '{"members":3}'

Exit codes: 0 every run was right; 1 one was not; 2 wrong arguments.
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
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

const MINUTE_MS = 60_000;
/** Between two lines of progress. */
const PROGRESS_MS = 5_000;

interface Totals {
  runs: number;
  failures: number;
  virtualMs: number;
  events: number;
  operations: number;
  crashes: number;
  faults: number;
  readonly beganMs: number;
}

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
  const beganMs = performance.now();
  const totals: Totals = {
    runs: 0,
    failures: 0,
    virtualMs: 0,
    events: 0,
    operations: 0,
    crashes: 0,
    faults: 0,
    beganMs,
  };
  let toldMs = beganMs;
  for (let seed = values.seed; isDue(values, totals); seed += 1) {
    const change = changeFor(seed, values);
    const result = run({ seed, change });
    count(totals, result);
    if (values.json) io.out(`${JSON.stringify({ ...result, lines: undefined })}\n`);
    if (result.failure !== undefined) {
      tellFailure(result, change, values, io);
      if (!values['keep-going']) break;
    }
    if (performance.now() - toldMs > PROGRESS_MS) {
      toldMs = performance.now();
      io.err(`${summary(totals)}, next seed ${seed + 1}\n`);
    }
  }
  if (!values.json) io.out(`${summary(totals)}\n`);
  return totals.failures === 0 ? 0 : 1;
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
    seed: wholeNumber('seed', values.seed),
    runs: values.runs === undefined ? 1 : wholeNumber('runs', values.runs),
    minutes: values.minutes === undefined ? undefined : positive('minutes', values.minutes),
    without,
    change: scenarioParts(values.set),
    lines: wholeNumber('lines', values.lines),
  };
}

function scenarioParts(text: string): Partial<Scenario> {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch (error) {
    throw new RangeError(`--set: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof parts === 'object' && parts !== null && !Array.isArray(parts)) return parts;
  throw new RangeError(`--set: "${text}" is not an object`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name}: "${text}" is not a whole number`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`--${name}: "${text}" is not a positive number`);
}

function isDue({ runs, minutes }: Values, totals: Totals): boolean {
  if (minutes === undefined) return totals.runs < runs;
  return performance.now() - totals.beganMs < minutes * MINUTE_MS;
}

/** Faults that are left out are left out of what the seed draws; nothing else is drawn differently. */
function changeFor(seed: number, { without, change }: Values): Partial<Scenario> {
  if (without.length === 0) return change;
  const { faults } = { ...scenarioOf(seed), ...change };
  const left = Object.entries(faults).filter(([name]) => !without.includes(name)) as [FaultName, number][];
  return { ...change, faults: Object.fromEntries(left) };
}

function count(totals: Totals, { failure, virtualMs, events, operations, crashes, faults }: RunResult): void {
  totals.runs += 1;
  totals.failures += failure === undefined ? 0 : 1;
  totals.virtualMs += virtualMs;
  totals.events += events;
  totals.operations += operations.ok + operations.rejected + operations.unknown;
  totals.crashes += crashes;
  totals.faults += Object.values(faults).reduce((sum, times) => sum + times, 0);
}

function summary(totals: Totals): string {
  const { runs, failures, virtualMs, operations, crashes, faults, events, beganMs } = totals;
  const realMs = performance.now() - beganMs;
  const speed = (virtualMs / realMs).toFixed(0);
  return (
    `${runs} runs, ${failures} failed; ${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(realMs / 1000).toFixed(1)} s ` +
    `(${speed} times real time); ${operations} operations, ${faults} faults, ${crashes} crashes, ${events} events`
  );
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
