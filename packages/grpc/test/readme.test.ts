/** The README's example runs and prints what it says. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** From packages/grpc/dist/test. */
const PACKAGE = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const run = promisify(execFile);

test('its example runs and prints what it says', async () => {
  const code = /```js\n([^`]*(?:`[^`\n]+`[^`]*)*)```/.exec(readFileSync(path.join(PACKAGE, 'README.md'), 'utf8'))?.[1];
  assert.ok(code !== undefined, 'there is an example');
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-grpc-readme-'));
  try {
    symlinkSync(path.join(PACKAGE, '..', '..', 'node_modules'), path.join(folder, 'node_modules'));
    writeFileSync(path.join(folder, 'example.mjs'), code);
    const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: folder });
    assert.equal(stdout, 'Hello, Ada\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
