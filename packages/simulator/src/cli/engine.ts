/**
 * How the engine is to work in a process that does nothing but simulate.
 *
 * A simulation is thousands of small functions, all of them warm and none of them hot. Two things then cost more than they bring:
 *
 * - The optimizing compiler, which shares the core, took a fifth to a third of the time, most of it to copy callees into each of
 *   their callers. With less of that the code is hardly slower.
 * - Little lives on from one run to the next, so the engine collects all of it every few runs; and what was compiled of the closures
 *   of a run goes with them, to be compiled again. It may let more garbage come together.
 */
import { setFlagsFromString } from 'node:v8';

const SETTINGS = [
  // Bytes of bytecode: of a callee that is copied into its caller (460 unless told), and of all of them in one caller (920).
  '--max-inlined-bytecode-size=150',
  '--max-inlined-bytecode-size-cumulative=300',
  // What may come in addition to what is alive.
  '--heap-growing-percent=400',
];

export function tuneEngine(): void {
  for (const setting of SETTINGS) setFlagsFromString(setting);
}
