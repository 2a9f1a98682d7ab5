/** The example in README.md runs and says what it claims. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the example of the README prints what its comments say', () => {
  const text = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const code = /```js\n(?<code>.*?)```/s.exec(text)?.groups?.['code'];
  assert.ok(code !== undefined);
  const resolved = code.replace("'@quorate/raft'", `'${new URL('../src/index.js', import.meta.url).href}'`);
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', resolved], { encoding: 'utf8' });
  assert.equal(output, "read 1 may be answered at 2\nleader 3 [ '', 'hello' ]\n");
});
