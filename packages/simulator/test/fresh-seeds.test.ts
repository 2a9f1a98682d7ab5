/**
 * Seeds that nobody has run before, for a while: 60 s, or 180 s in continuous integration (CI=true), or QUORATE_FRESH_SECONDS. The
 * name of the test tells the first seed, and a failure ends with the line that replays it; QUORATE_FRESH_SEED runs the same seeds again.
 *
 * The test runner keeps two processors busy. This test is one of its processes; it starts one more for each processor beyond those.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../src/bin.js', import.meta.url));
const SECONDS = Number(process.env['QUORATE_FRESH_SECONDS'] ?? (process.env['CI'] === 'true' ? 180 : 60));
/** Not below what the fixed seeds cover. */
const BASE = Number(process.env['QUORATE_FRESH_SEED'] ?? 1_000_000 + (Date.now() % 1_000_000_000));
const BUSY_PROCESSORS = 2;
const PROCESSES = Math.max(1, availableParallelism() - BUSY_PROCESSORS + 1);
/** More than one process gets through. */
const SEEDS_APART = 10_000_000;
/** The last run may begin when the time is up, and be long; a failing one is made smaller. */
const TIMEOUT_MS = 1000 * SECONDS + 240_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

async function simulate(seed: number): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, '--seed', `${seed}`, '--minutes', `${SECONDS / 60}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  process.removeListener('exit', end);
  return { code, out };
}

test(`seeds from ${BASE} on for ${SECONDS} s run without a violation`, { timeout: TIMEOUT_MS }, async (t) => {
  const firsts = Array.from({ length: PROCESSES }, (_, i) => BASE + i * SEEDS_APART);
  const ended = await Promise.all(firsts.map(simulate));
  for (const [i, { code, out }] of ended.entries()) {
    assert.equal(code, 0, `seeds from ${firsts[i]}:\n${out}`);
    t.diagnostic(`from ${firsts[i]}: ${out.split('\n')[0]}`);
  }
});
