/**
 * Runs every test of the workspace and ends with the one line that counts them: `N passed, N failed`.
 *
 * Tests run from the compiled output, each file in a process of its own, two at a time. Arguments narrow the files down to
 * those whose path contains one of them: `node tools/dist/run-tests.js wal http`.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const FILES_AT_ONCE = 2;
/** These take as long as they are given: they begin first, so that the others run beside them and not before them. */
const BEGIN_FIRST = ['fresh-seeds.test.js'];

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(at);
    return entry.name.endsWith('.test.js') ? [at] : [];
  });
}

/** A test file that was compiled once and whose source is gone must not run on. */
function hasSource(compiled: string): boolean {
  const source = compiled.replace(`${path.sep}dist${path.sep}`, path.sep).replace(/\.js$/, '.ts');
  return statSync(source, { throwIfNoEntry: false }) !== undefined;
}

function beginsFirst(file: string): boolean {
  return BEGIN_FIRST.includes(path.basename(file));
}

const wanted = process.argv.slice(2);
const folders = readdirSync(path.join(ROOT, 'packages')).map((name) => path.join(ROOT, 'packages', name));
const files = [...folders, path.join(ROOT, 'bench')]
  .flatMap((folder) => testFiles(path.join(folder, 'dist', 'test')))
  .filter((file) => hasSource(file))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted((a, b) => Number(beginsFirst(b)) - Number(beginsFirst(a)) || (a < b ? -1 : 1));

let passed = 0;
let failed = 0;
let skipped = 0;

const stream = run({ files, concurrency: FILES_AT_ONCE });
stream.on('test:pass', (data) => {
  if (data.details.type === 'suite') return;
  if (data.skip !== undefined && data.skip !== false) skipped += 1;
  else passed += 1;
});
stream.on('test:fail', (data) => {
  if (data.details.type !== 'suite') failed += 1;
});
const report = stream.compose(new spec());
report.pipe(process.stdout, { end: false });
report.on('end', () => {
  if (files.length === 0) {
    console.error('no test file found');
    failed += 1;
  }
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
});
