/** A seed is a run: the same one each time, in this process and in any other. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, SeededRandom } from '../src/index.js';

const BIN = fileURLToPath(new URL('../src/bin.js', import.meta.url));

test('a seed repeats its run event for event, with and without a timeline', () => {
  for (const seed of [3, 4, 7]) {
    const first = run({ seed });
    const second = run({ seed, linesMax: 50 });
    assert.equal(first.hash, second.hash);
    assert.equal(first.events, second.events);
    assert.equal(second.lines.length, 50);
    assert.deepEqual(first.operations, second.operations);
  }
});

test('a seed gives the same run in another process', () => {
  const output = execFileSync(process.execPath, [BIN, '--seed', '3', '--runs', '2', '--json'], { encoding: 'utf8' });
  const told = output
    .trim()
    .split('\n')
    .slice(0, 2)
    .map((line) => (JSON.parse(line) as { hash: string }).hash);
  assert.deepEqual(told, [run({ seed: 3 }).hash, run({ seed: 4 }).hash]);
});

test('another seed is another run', () => {
  assert.notEqual(run({ seed: 3 }).hash, run({ seed: 9 }).hash);
});

function draw(seed: number, name: string): readonly number[] {
  const random = new SeededRandom(seed);
  random.stream('another').integer(10);
  const stream = random.stream(name);
  return Array.from({ length: 5 }, () => stream.integer(1_000_000));
}

test('random streams: equal by seed and name, different otherwise, and one does not shift another', () => {
  assert.deepEqual(draw(1, 'a'), draw(1, 'a'));
  assert.notDeepEqual(draw(1, 'a'), draw(1, 'b'));
  assert.notDeepEqual(draw(1, 'a'), draw(2, 'a'));
});

test('random integers cover their range evenly, also beyond 32 bits', () => {
  const stream = new SeededRandom(1).stream('a');
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i += 1) counts[stream.integer(10)]! += 1;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, counts.join());
  let high = 0;
  for (let i = 0; i < 1_000; i += 1) {
    const drawn = stream.integer(2 ** 52);
    assert.ok(Number.isSafeInteger(drawn) && drawn >= 0 && drawn < 2 ** 52);
    if (drawn >= 2 ** 51) high += 1;
  }
  assert.ok(high > 400 && high < 600, `${high} of 1000 in the upper half`);
});
