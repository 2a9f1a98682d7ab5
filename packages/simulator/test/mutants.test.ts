/** Every mutant still fits the code that it changes, and every bug of the list is planted or has a reason why not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BUGS, mutants, withoutMutant } from '../mutants/catalogue.js';
import { changedFiles, ROOT } from '../mutants/workshop.js';

test('every mutant applies to the compiled code, at exactly one place for each of its edits', () => {
  const problems: string[] = [];
  for (const mutant of mutants) {
    try {
      assert.ok(changedFiles(ROOT, mutant).size > 0, `mutant ${mutant.name} changes nothing`);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  assert.deepEqual(problems, []);
});

test('every mutated file can be compiled', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-mutated-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const problems: string[] = [];
  for (const mutant of mutants) {
    for (const text of changedFiles(ROOT, mutant).values()) {
      const file = path.join(folder, `${mutant.name}.mjs`);
      writeFileSync(file, text);
      const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
      if (status !== 0) problems.push(`${mutant.name}: ${stderr}`);
    }
  }
  assert.deepEqual(problems, []);
});

test('mutants have unique names, and what the simulator cannot see has a test that is there', () => {
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  for (const { name, test: file, outOfReach } of mutants) {
    assert.ok(outOfReach === undefined || file !== undefined, `${name}: nobody could see it`);
    assert.ok(file === undefined || existsSync(path.join(ROOT, file)), `${name}: there is no ${file}`);
  }
});

test('every bug of the list has a mutant, or a reason why it has none', () => {
  const planted = new Set(mutants.map(({ bug }) => bug));
  const reasoned = withoutMutant.map(({ bug }) => bug);
  for (let bug = 1; bug <= BUGS; bug += 1) {
    assert.equal(Number(planted.has(bug)) + reasoned.filter((other) => other === bug).length, 1, `bug ${bug}`);
  }
});
