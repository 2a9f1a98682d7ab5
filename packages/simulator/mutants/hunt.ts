/** Looks for a planted mutant: seeds of the simulator one after the other, and the test that is named for it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface Limits {
  readonly firstSeed: number;
  readonly runsMax: number;
  /** Of real time, for one mutant. */
  readonly secondsMax: number;
}

export interface Hunt {
  readonly runs: number;
  /** Events of the simulation, over all runs. */
  readonly steps: number;
  readonly seconds: number;
  /** Undefined: every run was right, or time was up. */
  readonly found: { readonly seed: number; readonly rule: string; readonly message: string } | undefined;
}

/** The part that is used here of the lines that the simulator prints with --json. */
interface RunLine {
  readonly seed: number;
  readonly events: number;
  readonly failure?: { readonly rule: string; readonly message: string };
}

const TEST_SECONDS_MAX = 120;
/** A run that takes longer than so many seconds does not end. */
const RUN_SECONDS_MAX = 60;

/** What a text says that names what is not there. */
const BROKEN = /^(?:(?:ReferenceError|TypeError): )?\S+ is not (?:defined|a function)$/;
const LOOK_MS = 250;

/** The time in which work can be done: not that for which a machine, or both processes, stood still. */
class WorkingClock {
  #lookedMs = performance.now();
  #seconds = 0;

  /** The seconds so far. It is to be looked at often: a longer pause than some looks apart counts as such. */
  look(): number {
    const nowMs = performance.now();
    this.#seconds += Math.min(nowMs - this.#lookedMs, 4 * LOOK_MS) / 1000;
    this.#lookedMs = nowMs;
    return this.#seconds;
  }
}

/** Runs the simulator in `folder` until a rule is broken or a limit reached. */
export async function simulate(folder: string, { firstSeed, runsMax, secondsMax }: Limits): Promise<Hunt> {
  const bin = path.join(folder, 'packages/simulator/dist/src/bin.js');
  const args = [bin, '--seed', `${firstSeed}`, '--runs', `${runsMax}`, '--json', '--no-shrink', '--lines', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const clock = new WorkingClock();
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => {
    complaint = `${complaint}${data.toString()}`.slice(-2000);
  });
  let runs = 0;
  let steps = 0;
  let found: Hunt['found'];
  let hasEnded = false;
  let lastRunSeconds = 0;
  const watch = setInterval(() => {
    const seconds = clock.look();
    if (seconds - lastRunSeconds > RUN_SECONDS_MAX) {
      found = { seed: firstSeed + runs, rule: 'does not end', message: `after ${RUN_SECONDS_MAX} s of real time` };
      child.kill('SIGKILL');
    } else if (seconds > secondsMax && runs > 0) child.kill('SIGKILL');
  }, LOOK_MS);
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  for await (const line of createInterface({ input: child.stdout })) {
    const run = parseRun(line);
    if (run === undefined) continue;
    runs += 1;
    steps += run.events;
    lastRunSeconds = clock.look();
    if (run.failure === undefined) continue;
    const { rule, message } = run.failure;
    found = { seed: run.seed, rule, message };
    hasEnded = true;
    child.kill('SIGKILL');
    break;
  }
  const code = await exit;
  clearInterval(watch);
  // The code has moved on under the mutant: this shows nothing but that.
  if (found !== undefined && BROKEN.test(found.message)) throw new Error(`the mutant does not fit: ${found.message}`);
  if (found === undefined && runs < runsMax && code !== null) {
    throw new Error(`the simulator ended with code ${code} after ${runs} runs:\n${complaint}`);
  }
  return {
    runs: hasEnded ? runs : Math.max(runs, found === undefined ? 0 : runs + 1),
    steps,
    seconds: clock.look(),
    found,
  };
}

/** Undefined for a line that was cut off. */
function parseRun(line: string): RunLine | undefined {
  try {
    const run = JSON.parse(line) as Partial<RunLine>;
    // The last line sums them up.
    return run.seed === undefined ? undefined : (run as RunLine);
  } catch {
    return undefined;
  }
}

/** The name of the first test that fails; undefined if none does. */
export async function runTest(folder: string, file: string): Promise<string | undefined> {
  const args = ['--test', '--test-reporter=tap', path.join(folder, file)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), TEST_SECONDS_MAX * 1000);
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let failed: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    failed ??= /^\s*not ok \d+ - (.*)$/.exec(line)?.[1]?.replaceAll('\\#', '#');
  }
  const code = await exit;
  clearTimeout(timer);
  if (code === 0) return undefined;
  return failed ?? `no answer within ${TEST_SECONDS_MAX} s`;
}
