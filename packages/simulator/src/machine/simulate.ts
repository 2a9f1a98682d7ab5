/** Runs a user's machine with one seed after the other, and makes the first failure small and readable. */
import { shrinkBy } from '../swarm/shrink.js';
import type { Machine, MachineUnderTest } from './machine.js';
import type { MachineScenario } from './machine-scenario.js';
import { type MachineRun, runMachine } from './run-machine.js';

export interface SimulateOptions<M extends Machine = Machine> extends MachineUnderTest<M> {
  /** The first seed; default 1. */
  readonly seed?: number;
  /** Seeds to run at most; default 100. */
  readonly runs?: number;
  /** Replaces parts of what the seeds draw. */
  readonly change?: Partial<MachineScenario>;
  /** Lines of the report's timeline; default 60. */
  readonly linesMax?: number;
}

/** What all runs were together; `failed` is the first that failed, made smaller. */
export interface Simulated {
  readonly runs: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly crashes: number;
  readonly operations: MachineRun['operations'];
  readonly failed: FailedSimulation | undefined;
}

export interface FailedSimulation {
  readonly seed: number;
  /** Given to simulate() with that seed and `runs: 1`, it fails again, event for event. */
  readonly change: Partial<MachineScenario>;
  readonly rule: string;
  readonly message: string;
  /** For a reader: the timeline, the rule, and how to replay it. */
  readonly report: string;
}

const RUNS_DEFAULT = 100;
const LINES_DEFAULT = 60;

export function simulate<M extends Machine>(options: SimulateOptions<M>): Simulated {
  const { seed: firstSeed = 1, runs: runsMax = RUNS_DEFAULT } = options;
  const totals = { runs: 0, virtualMs: 0, events: 0, crashes: 0 };
  const operations = { ok: 0, rejected: 0, unknown: 0 };
  let failed: FailedSimulation | undefined;
  for (let seed = firstSeed; seed < firstSeed + runsMax && failed === undefined; seed += 1) {
    const run = runMachine({ ...options, seed, linesMax: 0 });
    totals.runs += 1;
    totals.virtualMs += run.virtualMs;
    totals.events += run.events;
    totals.crashes += run.crashes;
    operations.ok += run.operations.ok;
    operations.rejected += run.operations.rejected;
    operations.unknown += run.operations.unknown;
    if (run.failure !== undefined) failed = explain(options, run);
  }
  return { ...totals, operations, failed };
}

function explain(options: SimulateOptions, failed: MachineRun): FailedSimulation {
  const { seed } = failed;
  const { change } = shrinkBy(failed, options.change ?? {}, (next) =>
    runMachine({ ...options, seed, linesMax: 0, change: next }),
  );
  const { failure, lines } = runMachine({ ...options, seed, change, linesMax: options.linesMax ?? LINES_DEFAULT });
  // A machine or a workload with randomness of its own does not do the same again.
  const { rule, message } = failure ?? {
    rule: 'not repeated',
    message: `${failed.failure?.message}; run again, it does not fail: the machine or the workload is not deterministic`,
  };
  const replay = `replay: simulate({ seed: ${seed}, runs: 1, change: ${JSON.stringify(change)}, ... })`;
  return { seed, change, rule, message, report: [...lines, message, replay].join('\n') };
}
