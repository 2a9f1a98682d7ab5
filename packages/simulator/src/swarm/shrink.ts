/**
 * Makes a failing run smaller: takes one thing after the other out of its scenario, and keeps what still fails by the same rule.
 * What is left is not the smallest failure there is, but it says which faults are needed.
 */
import type { FaultName, Scenario } from '../world/scenario.js';
import { type RunResult, run } from './run.js';

/** A failing run costs as much as a run: so many are tried at most. */
const TRIES_MAX = 40;

/** What a failing run has that can be made smaller. */
export interface Shrinkable {
  readonly seed: number;
  readonly scenario: Pick<Scenario, 'faults' | 'members' | 'stormMs'>;
  readonly failure: RunResult['failure'];
}

export interface Shrunk<R extends Shrinkable = RunResult> {
  readonly change: Partial<Scenario>;
  readonly result: R;
  readonly tries: number;
}

/** `given`: how the failing run differs from what its seed draws. `again`: runs it with another such difference. */
export function shrinkBy<R extends Shrinkable>(
  failed: R,
  given: Partial<Scenario>,
  again: (change: Partial<Scenario>) => R,
): Shrunk<R> {
  let best: Shrunk<R> = { change: given, result: failed, tries: 0 };
  let tries = 0;
  for (const simpler of simplifications(failed.scenario)) {
    if (tries >= TRIES_MAX) break;
    const simplification = simpler(best.result.scenario);
    // Not every kind of run has everything that a scenario may have.
    if (!Object.keys(simplification).every((name) => name in failed.scenario)) continue;
    const change = { ...best.change, ...simplification };
    tries += 1;
    const result = again(change);
    if (result.failure?.rule === failed.failure?.rule) best = { change, result, tries };
  }
  return { ...best, tries };
}

/** Shrinks a run of a whole cluster. */
export function shrink(failed: RunResult, given: Partial<Scenario> = {}): Shrunk {
  return shrinkBy(failed, given, (change) => run({ seed: failed.seed, change }));
}

type Simplification = (scenario: Shrinkable['scenario']) => Partial<Scenario>;

function simplifications({ faults, members, stormMs }: Shrinkable['scenario']): readonly Simplification[] {
  return [
    () => ({ faults: {} }),
    () => ({ plan: 'none' }),
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
