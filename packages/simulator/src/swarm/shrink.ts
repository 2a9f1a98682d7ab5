/**
 * Makes a failing run smaller: takes one thing after the other out of its scenario, and keeps what still fails by the same rule.
 * What is left is not the smallest failure there is, but it says which faults are needed.
 */

import type { FaultName, Scenario } from '../world/scenario.js';
import { type RunResult, run } from './run.js';

/** A failing run costs as much as a run: so many are tried at most. */
const TRIES_MAX = 40;

export interface Shrunk {
  readonly change: Partial<Scenario>;
  readonly result: RunResult;
  readonly tries: number;
}

export function shrink(failed: RunResult, given: Partial<Scenario> = {}): Shrunk {
  let best: Shrunk = { change: given, result: failed, tries: 0 };
  let tries = 0;
  for (const simpler of simplifications(failed.scenario)) {
    if (tries >= TRIES_MAX) break;
    const change = { ...best.change, ...simpler(best.result.scenario) };
    tries += 1;
    const result = run({ seed: failed.seed, change });
    if (result.failure?.rule === failed.failure?.rule) best = { change, result, tries };
  }
  return { ...best, tries };
}

type Simplification = (scenario: Scenario) => Partial<Scenario>;

function simplifications({ faults, members, stormMs }: Scenario): readonly Simplification[] {
  return [
    () => ({ faults: {} }),
    ...(Object.keys(faults) as FaultName[]).map(without),
    () => ({ dropChance: 0 }),
    () => ({ duplicateChance: 0 }),
    () => ({ clockSkew: 0 }),
    () => ({ limits: {} }),
    () => ({ keys: 1 }),
    () => ({ clients: 1 }),
    () => ({ clients: 2 }),
    ...(members > 3 ? [(): Partial<Scenario> => ({ members: 3 })] : []),
    () => ({ stormMs: stormMs / 2 }),
    () => ({ stormMs: stormMs / 4 }),
    () => ({ valueBytesMax: 8 }),
    () => ({ reads: 'safe' }),
  ];
}

function without(name: FaultName): Simplification {
  return ({ faults }) => ({ faults: Object.fromEntries(Object.entries(faults).filter(([other]) => other !== name)) });
}
