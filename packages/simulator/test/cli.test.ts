/** The command: what it prints, where, and its exit codes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { main } from '../src/cli/main.js';
import type { Summary } from '../src/cli/totals.js';
import { run } from '../src/index.js';
import { scenarioOf } from '../src/swarm/run.js';
import { checkParts, contradictionIn } from '../src/world/scenario-parts.js';

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
  assert.equal(code, 0);
  // On a slow machine it also tells how far it has come.
  assert.doesNotMatch(err, /FAILED/);
  assert.match(
    out,
    /^2 runs, 0 failed; \d+ s of virtual time in \d+\.\d s \(\d+ times real time\); \d+ operations, \d+ faults, \d+ crashes, \d+ events\noperations: \d+ answered, \d+ refused, \d+ of unknown outcome\nfaults: \d+ [a-z-]+, .*\nmemory: \d+ MiB at most\n$/,
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
  assert.match(lines.at(-5) ?? '', /^1 runs, 1 failed; /);
  assert.equal(lines.at(-1), 'failed: seed 3 (exception)');
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
    .map((line) => JSON.parse(line) as { seed: number; failure: { rule: string }; summary: Summary });
  const { summary } = told.pop() ?? {};
  assert.deepEqual([summary?.runs, summary?.failures, summary?.failed[1]], [2, 2, { seed: 4, rule: 'exception' }]);
  assert.ok((summary?.speed ?? 0) > 0);
  assert.deepEqual(
    told.map(({ seed, failure }) => [seed, failure.rule]),
    [
      [3, 'exception'],
      [4, 'exception'],
    ],
  );
  assert.match(err, /seed 3 FAILED[^]*seed 4 FAILED/);
});

function line(fields: object): string {
  return `${JSON.stringify({ key: 'k', outcome: 'ok', ...fields })}\n`;
}

test('a history in a file is judged; exit code 0, 1 if it is not linearizable, 2 if it is none', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-history-'));
  const file = path.join(folder, 'history.jsonl');
  const written = line({ kind: 'put', value: 'a', invokedMs: 1, endedMs: 2 });
  try {
    writeFileSync(file, written + line({ kind: 'get', found: 'a', invokedMs: 3, endedMs: 4 }));
    assert.deepEqual(simulate('--check-history', file), {
      code: 0,
      out: '2 operations on 1 keys: linearizable\n',
      err: '',
    });
    writeFileSync(file, written + line({ kind: 'get', found: null, invokedMs: 3, endedMs: 4 }));
    const { code, out } = simulate('--check-history', file);
    assert.equal(code, 1);
    assert.match(out, /^no order explains .*: get k: found null.*\n2 operations on 1 keys: NOT linearizable\n$/);
    const json = simulate('--check-history', file, '--json');
    assert.equal((JSON.parse(json.out) as { violations: unknown[] }).violations.length, 1);
    writeFileSync(file, `${written}nothing\n`);
    assert.deepEqual(simulate('--check-history', file), { code: 2, out: '', err: `${file}: line 2: is not JSON\n` });
    assert.equal(simulate('--check-history', path.join(folder, 'missing')).code, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('whatever a seed draws, and a whole scenario that was printed, may be given with --set', () => {
  for (let seed = 1; seed <= 2_000; seed += 1) {
    const scenario = scenarioOf(seed);
    checkParts(scenario);
    assert.equal(contradictionIn(scenario), undefined);
  }
  assert.equal(simulate('--seed', '3', '--set', JSON.stringify(scenarioOf(3))).code, 0);
});

test('wrong arguments are refused with exit code 2, the reason and the usage; help is none', () => {
  for (const [args, reason] of [
    [['--runs', 'many'], '--runs: "many" is not a whole number'],
    [['--minutes', '0'], '--minutes: "0" is not a positive number'],
    [['--without', 'rain'], '--without: there is no fault "rain"'],
    [['--set', '{'], '--set: '],
    [['--set', '5'], '--set: 5 is not an object'],
    [['--set', '[]'], '--set: [] is not an object'],
    [['--runs', '0'], '--runs: "0" is not a whole number from 1'],
    [['--seed', ''], '--seed: "" is not a whole number from 0'],
    [['--set', '{"mebmers":3}'], '--set: a scenario has no "mebmers"; allowed: members, founding, stormMs, '],
    [['--set', '{"toString":3}'], '--set: a scenario has no "toString"'],
    [['--set', '{"members":0}'], '--set: members is 0; allowed: a whole number from 1 to 15'],
    [['--set', '{"members":"x"}'], '--set: members is "x"; allowed: a whole number'],
    [['--set', '{"faults":{"bogus":3}}'], '--set: faults is {"bogus":3}; allowed: an object with any of crash, '],
    [['--set', '{"faults":{"crash":0.5}}'], '--set: faults is {"crash":0.5}; allowed: '],
    [['--set', '{"faults":["crash"]}'], '--set: faults is ["crash"]; allowed: '],
    [['--set', '{"limits":{"appendBytesMax":0}}'], '--set: limits is {"appendBytesMax":0}; allowed: '],
    [['--set', '{"storeMix":{"put":1}}'], '--set: storeMix is {"put":1}; allowed: an object with put, delete, '],
    [['--set', '{"plan":"luck"}'], '--set: plan is "luck"; allowed: lonely-leader, '],
    [['--set', '{"dropChance":2}'], '--set: dropChance is 2; allowed: a number from 0 to 1'],
    [['--set', '{"tickMs":null}'], '--set: tickMs is null; allowed: a number from 1 to '],
    [['--runs', '2', '--minutes', '1'], '--runs and --minutes'],
    [['--nothing'], "Unknown option '--nothing'"],
    [['seed'], 'Unexpected argument'],
  ] as const) {
    const { code, out, err } = simulate(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.ok(err.startsWith(reason), err);
    assert.match(err, /^Usage: sim /m);
  }
  for (const [parts, reason] of [
    ['{"gets":0,"puts":0,"deletes":0,"swaps":0}', 'clients have nothing to do'],
    ['{"storeClients":1,"storeKeys":0}', 'storeClients without storeKeys'],
  ] as const) {
    const { code, out, err } = simulate('--seed', '5', '--set', parts);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, new RegExp(`^--set: with what seed 5 draws: .*${reason}`));
  }
  const { code, out, err } = simulate('-h');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^Usage: sim \[options\][^]*Examples:\n {2}sim --seed 1 /);
});
