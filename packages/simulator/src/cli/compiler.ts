/**
 * How the engine's compiler is to work in a process that does nothing but simulate.
 *
 * A simulation is thousands of small functions, all of them warm and none of them hot, and what was compiled of the closures of a run is
 * forgotten when the run is over and its garbage collected. So the optimizing compiler, which shares the core, took a fifth to a
 * third of the time, most of it to copy callees into each of their callers. With less of that the code is hardly slower.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode: of a callee that is copied into its caller (460 unless told), and of all of them in one caller (920). */
const SETTINGS = ['--max-inlined-bytecode-size=150', '--max-inlined-bytecode-size-cumulative=300'];

export function inlineLess(): void {
  for (const setting of SETTINGS) setFlagsFromString(setting);
}
