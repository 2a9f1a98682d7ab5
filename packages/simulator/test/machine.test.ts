/** A user's own machine under simulation: the example of the manual is right, defects planted in it are found, and a seed is a run. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Call, type Machine, type MachineUnderTest, runMachine, simulate } from '../src/index.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = readFileSync(`${PACKAGE}/examples/tickets.mjs`, 'utf8');

/** Runs the example, with a part of it replaced. */
function runExample(part = '', by = ''): string {
  assert.ok(EXAMPLE.includes(part), part);
  const args = ['--input-type=module', '--eval', EXAMPLE.replace(part, by)];
  return execFileSync(process.execPath, args, { cwd: PACKAGE, encoding: 'utf8' });
}

test('the example runs without a violation, and meets crashes on its way', () => {
  assert.match(runExample(), /^100 runs, \d{4,} calls, \d{2,} crashes: all right\n$/);
});

test('the manual shows the example as it is, in 30 lines', () => {
  const manual = readFileSync(`${PACKAGE}/../../docs/simulation.md`, 'utf8');
  assert.equal(/```js\n(?<code>import \{ simulate \}.*?)```/s.exec(manual)?.groups?.['code'], EXAMPLE);
  assert.ok(EXAMPLE.trim().split('\n').length <= 30);
});

test('a repeated request that gets another ticket is found by the check of the example', () => {
  assert.match(runExample('if (!this.given.has(request)) ', ''), /\ncheck: \d+ tickets for \d+ requests\nreplay: /);
});

test('a snapshot that forgets which requests have tickets is found', () => {
  assert.match(runExample('[this.last, ...this.given]', '[this.last]'), /\nequal responses: n\d responds to entry \d+/);
});

test('a machine that draws its own randomness is found', () => {
  assert.match(runExample('++this.last)', '(this.last += Math.random()))'), /\nequal responses: /);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Counts the commands that it has carried out. */
class Counter implements Machine {
  count = 0;

  apply(_command: Uint8Array): Uint8Array {
    this.count += 1;
    return bytes(`${this.count}`);
  }

  snapshot(): Uint8Array {
    return bytes(`${this.count}`);
  }

  restore(snapshot: Uint8Array): void {
    this.count = Number(text(snapshot));
  }
}

const COUNTER: MachineUnderTest<Counter> = {
  machine: () => new Counter(),
  workload: ({ number, calls }) => bytes(`${number}.${calls.length}`),
};

test('a seed repeats its run event for event, with and without a timeline; another seed is another run', () => {
  const hashes = new Set<string>();
  for (const seed of [1, 2, 3, 4]) {
    const first = runMachine({ ...COUNTER, seed });
    const second = runMachine({ ...COUNTER, seed, linesMax: 50 });
    assert.equal(first.failure, undefined);
    assert.equal(first.hash, second.hash);
    assert.equal(first.events, second.events);
    assert.deepEqual(first.operations, second.operations);
    assert.equal(second.lines.length, 50);
    hashes.add(first.hash);
  }
  assert.equal(hashes.size, 4);
});

/** Every call that was answered is counted once, and one of unknown outcome at most once. */
function checkCounter(calls: readonly Call[], { count }: Counter): void {
  const ok = calls.filter(({ outcome }) => outcome === 'ok');
  const unknown = calls.filter(({ outcome }) => outcome === 'unknown');
  assert.ok(count >= ok.length && count <= ok.length + unknown.length, `${count}: ${ok.length}, ${unknown.length}`);
  for (const call of calls) assert.equal(call.response !== undefined, call.outcome === 'ok');
  // A response says how many commands came before: whoever asks later counts further.
  const byEnd = ok.toSorted((a, b) => a.endedMs - b.endedMs);
  for (const [i, call] of byEnd.entries()) {
    const later = byEnd.slice(i).filter(({ invokedMs }) => invokedMs > call.endedMs);
    for (const { response } of later) {
      assert.ok(Number(text(response ?? bytes(''))) > Number(text(call.response ?? bytes(''))));
    }
  }
}

test('what the clients are told is what becomes of their commands', () => {
  const { runs, operations, crashes, failed } = simulate({ ...COUNTER, check: checkCounter, runs: 25 });
  assert.equal(failed?.report, undefined);
  assert.equal(runs, 25);
  assert.ok(operations.ok > 2_500 && operations.unknown > 25 && operations.rejected > 0, JSON.stringify(operations));
  assert.ok(crashes > 25);
});

test('members come back from their snapshots, and are sent those of others', () => {
  let restores = 0;
  class Restored extends Counter {
    override restore(snapshot: Uint8Array): void {
      restores += 1;
      super.restore(snapshot);
    }
  }
  const change = { snapshotEntries: 2, members: 3, dropChance: 0 };
  const restoresWith = (faults: { readonly crash?: number; readonly partition?: number }): number => {
    const before = restores;
    const { failed } = simulate({ ...COUNTER, machine: () => new Restored(), runs: 10, change: { ...change, faults } });
    assert.equal(failed?.report, undefined);
    return restores - before;
  };
  assert.ok(restoresWith({ crash: 1 }) > 10);
  assert.ok(restoresWith({ partition: 1 }) > 10);
});

test('a state that differs where no response shows it is found', () => {
  let made = 0;
  class Different extends Counter {
    readonly #number = ++made;
    override snapshot(): Uint8Array {
      return bytes(`${this.#number % 2}${this.count}`);
    }
  }
  const { failed } = simulate({ ...COUNTER, machine: () => new Different(), change: { members: 3 } });
  assert.equal(failed?.rule, 'equal state');
});

test('a failure is made smaller and told with the arguments that repeat it', () => {
  class Forgetful extends Counter {
    override restore(): void {}
  }
  const forgetful = { ...COUNTER, machine: () => new Forgetful() };
  const { failed, runs } = simulate(forgetful);
  assert.ok(failed !== undefined);
  assert.equal(failed.rule, 'equal responses');
  assert.match(failed.report, /\n *\d+\.\d{3} n\d +frame +\d>\d append t\d/);
  assert.ok(
    failed.report.endsWith(
      `replay: simulate({ seed: ${runs}, runs: 1, change: ${JSON.stringify(failed.change)}, ... })`,
    ),
  );
  const again = simulate({ ...forgetful, seed: failed.seed, runs: 1, change: failed.change });
  assert.equal(again.failed?.message, failed.message);
});

test('a machine that throws, a workload with nothing to ask and one that is not repeatable are reported', () => {
  class Throwing extends Counter {
    override apply(): Uint8Array {
      throw new Error('no such thing');
    }
  }
  const throwing = simulate({ ...COUNTER, machine: () => new Throwing() });
  assert.deepEqual([throwing.failed?.rule, throwing.failed?.message], ['exception', 'no such thing']);
  const silent = simulate({ ...COUNTER, workload: () => bytes('') });
  assert.equal(silent.failed?.message, 'the workload gives an empty command');
  let checks = 0;
  const moody = simulate({
    ...COUNTER,
    check: () => {
      checks += 1;
      if (checks === 1) throw new Error('only once');
    },
  });
  assert.equal(moody.failed?.rule, 'not repeated');
});
