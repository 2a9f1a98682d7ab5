/** Every mutant still fits the code that it changes, and every bug of the list is planted or has a reason why not. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
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
