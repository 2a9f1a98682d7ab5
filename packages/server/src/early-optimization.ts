/**
 * When V8 optimizes what a server runs: after a quarter to a third of the calls that it waits for otherwise.
 *
 * V8 waits long, since most functions of most programs are soon not called any more. Those of a server are called as long as it runs, but
 * many of them once a turn and not once a call: under one client at a time it takes long until the last of them is compiled, and as long
 * the compiler's threads take processors that members and clients wait for. (docs/decisions/0017-optimized-early.md)
 */
import { setFlagsFromString } from 'node:v8';
import { isFlagGiven } from './v8-flags.js';

interface Setting {
  readonly flag: string;
  readonly value: number;
}

/** Bytes of bytecode that a function has executed; 67,584 unless told. Of Node.js 20. */
const BY_BYTES: Setting = { flag: '--interrupt-budget', value: 16_384 };
/** Calls of a function; 3,000 unless told. Of Node.js 22 and later, which compile twice: quickly after 400 calls, and then well. */
const BY_CALLS: Setting = { flag: '--invocation-count-for-turbofan', value: 1_000 };
const V8_THAT_COUNTS_CALLS = 12;

/** What to tell a V8 of this version; undefined if that stands in the `flags` that the process was started with. */
export function earlyOptimization(v8Version: string, flags: readonly string[]): string | undefined {
  const { flag, value } = Number.parseInt(v8Version, 10) < V8_THAT_COUNTS_CALLS ? BY_BYTES : BY_CALLS;
  return isFlagGiven(flag, flags) ? undefined : `${flag}=${value}`;
}

/** For this process and as long as it lives. */
export function optimizeEarly(): void {
  const setting = earlyOptimization(process.versions.v8, process.execArgv);
  if (setting !== undefined) setFlagsFromString(setting);
}
