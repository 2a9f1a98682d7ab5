/** The README says what is true: its settings are the program's, its example runs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { settings } from '../src/index.js';

/** From packages/server/dist/test. */
const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

const run = promisify(execFile);

test('its table has every setting with its default, and no other', () => {
  const rows = new Map(
    [...README.matchAll(/^\| `((?:SERVER|ROUTER|SERVICE|QUORATE)_[A-Z_]+)` \| .* \| (.*) \|$/gm)].map(
      ([, name = '', value = '']) => [name, value.replaceAll('`', '')],
    ),
  );
  const all = Object.values(settings);
  assert.deepEqual([...rows.keys()].toSorted(), all.map(({ name }) => name).toSorted());
  for (const setting of all) {
    const shown = rows.get(setting.name) ?? '';
    if (setting.required !== 'no') assert.equal(shown, '(required)', setting.name);
    else if (typeof setting.default === 'number') assert.equal(inDocumentUnits(shown), setting.default, setting.name);
    else if (typeof setting.default === 'boolean' || setting.kind === settings.logLevel.kind) {
      assert.equal(shown, String(setting.default), setting.name);
    }
  }
});

test('what it says of the limits is what --help says', () => {
  for (const { name, doc } of [settings.keyBytesMax, settings.valueBytesMax, settings.keysMax, settings.bodyBytesMax]) {
    assert.ok(README.replaceAll('`', '').includes(`| ${name} | ${doc} |`), name);
  }
});

/** `5s` as milliseconds, a plain number as it is. */
function inDocumentUnits(text: string): number {
  const [, number = '', unit = ''] = /^(\d+)(ms|s)?$/.exec(text) ?? [];
  return Number(number) * (unit === 's' ? 1000 : 1);
}

test('its example of a member in one’s own process runs and prints what it says', async () => {
  const code = /```js\n(import \{ open \}[^`]*)```/.exec(README)?.[1];
  assert.ok(code !== undefined, 'there is an example');
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-readme-'));
  try {
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    writeFileSync(path.join(folder, 'example.mjs'), code);
    const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: folder });
    assert.equal(stdout, 'hello\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
