/** A seed is the same run in every process and on another version of Node.js. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { otherNode } from './other-node.js';

const BIN = fileURLToPath(new URL('../src/bin.js', import.meta.url));
const FIRST_SEED = 1;
const SEEDS = 12;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** `seed hash events` of each run. */
async function runs(program: string): Promise<readonly string[]> {
  const args = [BIN, '--seed', `${FIRST_SEED}`, '--runs', `${SEEDS}`, '--json', '--keep-going', '--no-shrink'];
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: OUTPUT_BYTES_MAX });
  const lines = stdout.trim().split('\n').slice(0, SEEDS);
  return lines.map((line) => {
    const { seed, hash, events } = JSON.parse(line) as { seed: number; hash: string; events: number };
    return `${seed} ${hash} ${events}`;
  });
}

const SEEDS_TEXT = `seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`;
const here = runs(process.execPath);

test(`${SEEDS_TEXT} repeat in another process`, async () => {
  assert.equal((await here).length, SEEDS);
  assert.deepEqual(await runs(process.execPath), await here);
});

test(`${SEEDS_TEXT} are the same runs on another Node.js`, async (t) => {
  const other = await otherNode();
  if ('missing' in other) {
    assert.ok(process.env['CI'] !== 'true', other.missing);
    t.skip(other.missing);
    return;
  }
  const { stdout } = await promisify(execFile)(other.program, ['--version']);
  const version = stdout.trim();
  assert.notEqual(version, process.version);
  assert.deepEqual(await runs(other.program), await here, `${process.version} and ${version} differ`);
  t.diagnostic(`${SEEDS} runs are the same on ${process.version} and ${version}`);
});
