/** Clusters that their members found together, and what becomes of a founder that has lost its disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RunResult, run } from '../src/index.js';

const LINES_MAX = 200_000;

function together(seed: number, faults: RunResult['scenario']['faults']): RunResult {
  const change = {
    members: 3,
    founding: 'together',
    plan: 'none',
    faults,
    stormMs: 8_000,
    crashPointChance: 0,
  } as const;
  const result = run({ seed, change, linesMax: LINES_MAX });
  assert.equal(result.failure, undefined, result.failure?.message);
  return result;
}

function linesWith({ lines }: RunResult, text: string): readonly string[] {
  return lines.filter((line) => line.includes(text));
}

test('members that are there from the beginning found themselves, each once, and none joins', () => {
  const result = together(1, {});
  assert.equal(linesWith(result, 'founds itself').length, 3);
  assert.equal(linesWith(result, 'joins by').length, 0);
});

test('a member that is added to them joins', () => {
  const result = together(2, { add: 1 });
  assert.equal(linesWith(result, 'founds itself').length, 3);
  assert.ok(linesWith(result, 'joins by').length > 0);
});

test('a founder that has lost its disk must not found itself again: it is added anew', () => {
  const results = [3, 4, 5, 6].map((seed) => together(seed, { wipe: 1 }));
  const refused = results.flatMap((result) => linesWith(result, 'must not found itself'));
  assert.ok(refused.length > 0);
  for (const line of refused) assert.match(line, /has already been bootstrapped|permanently removed/);
  for (const result of results) assert.equal(linesWith(result, 'founds itself').length, 3);
});

test('a founder alone on its list that has lost its disk founds its cluster again, stops when it meets the others, and is added anew', () => {
  const change = {
    members: 3,
    founding: 'listed',
    plan: 'forgetful-founder',
    faults: {},
    stormMs: 8_000,
    crashPointChance: 0,
  } as const;
  const results = [1, 2, 3, 4].map((seed) => run({ seed, change, linesMax: LINES_MAX }));
  for (const { failure } of results) assert.equal(failure, undefined, failure?.message);
  const stopped = results.flatMap((result) => linesWith(result, 'belongs to this cluster and is unknown to member'));
  assert.ok(stopped.length > 0);
  for (const line of stopped) assert.match(line, / n1 +member halts: /);
});
