/** The command: what it prints, where, and its exit codes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { main } from '../src/cli/main.js';
import { run } from '../src/index.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function simulate(...args: readonly string[]): Ran {
  let out = '';
  let err = '';
  const io = { command: 'sim', out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = main(args, io);
  return { code, out, err };
}

test('so many runs from a seed end in a line that sums them up', () => {
  const { code, out, err } = simulate('--seed', '3', '--runs', '2');
  assert.deepEqual([code, err], [0, '']);
  assert.match(
    out,
    /^2 runs, 0 failed; \d+ s of virtual time in \d+\.\d s \(\d+ times real time\); \d+ operations, \d+ faults, \d+ crashes, \d+ events\n$/,
  );
});

test('as many runs as fit into the minutes are made, at least one', () => {
  const { code, out } = simulate('--seed', '3', '--minutes', '0.001', '--json');
  assert.equal(code, 0);
  assert.equal((JSON.parse(out.split('\n')[0] ?? '') as { hash: string }).hash, run({ seed: 3 }).hash);
});

/** Heartbeats that are rarer than elections: no member can be made. */
const IMPOSSIBLE = ['--set', '{"heartbeatTicks":5,"electionTicks":1}'];

test('a failing run is told as a timeline with the one line that replays it; exit code 1', () => {
  const { code, out, err } = simulate('--seed', '3', '--runs', '5', '--lines', '3', ...IMPOSSIBLE);
  assert.deepEqual([code, err], [1, '']);
  const lines = out.trim().split('\n');
  assert.match(lines[0] ?? '', /^seed 3 FAILED electionTicks is 1, must be greater than heartbeatTicks/);
  assert.match(lines[1] ?? '', /^ +\d+\.\d{3} \S+ +[a-z]+ +\S/);
  assert.match(lines.at(-1) ?? '', /^1 runs, 1 failed; /);
  const [, command = '', settings = ''] = /^replay: (?<command>sim --seed 3 --set) '(?<settings>.*)'$/m.exec(out) ?? [];
  assert.equal(command, 'sim --seed 3 --set');
  assert.deepEqual((JSON.parse(settings) as { faults: unknown }).faults, {});
  const again = simulate('--seed', '3', '--set', settings, '--lines', '3', '--no-shrink');
  assert.equal(again.code, 1);
  assert.deepEqual(again.out.split('\n').slice(0, 4), lines.slice(0, 4));
});

test('--json keeps standard output to one line a run; --keep-going goes on', () => {
  const { code, out, err } = simulate(
    '--seed',
    '3',
    '--runs',
    '2',
    '--json',
    '--no-shrink',
    '--keep-going',
    ...IMPOSSIBLE,
  );
  assert.equal(code, 1);
  const told = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { seed: number; failure: { rule: string } });
  assert.deepEqual(
    told.map(({ seed, failure }) => [seed, failure.rule]),
    [
      [3, 'exception'],
      [4, 'exception'],
    ],
  );
  assert.match(err, /seed 3 FAILED[^]*seed 4 FAILED/);
});

test('wrong arguments are refused with exit code 2, the reason and the usage; help is none', () => {
  for (const [args, reason] of [
    [['--runs', 'many'], '--runs: "many" is not a whole number'],
    [['--minutes', '0'], '--minutes: "0" is not a positive number'],
    [['--without', 'rain'], '--without: there is no fault "rain"'],
    [['--set', '{'], '--set: '],
    [['--set', '5'], '--set: '],
    [['--runs', '2', '--minutes', '1'], '--runs and --minutes'],
    [['--nothing'], "Unknown option '--nothing'"],
    [['seed'], 'Unexpected argument'],
  ] as const) {
    const { code, out, err } = simulate(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.ok(err.startsWith(reason), err);
    assert.match(err, /^Usage: sim /m);
  }
  const { code, out, err } = simulate('-h');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^Usage: sim \[options\][^]*Examples:\n {2}sim --seed 1 /);
});
