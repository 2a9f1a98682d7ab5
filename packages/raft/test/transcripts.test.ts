/**
 * Runs the transcripts: every line that begins with "> " is a command, and the lines under it are what happened.
 * REWRITE=1 writes down what happens now; read it before you keep it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interaction } from '../src/testing/index.js';

/** The tests run from dist/test; the transcripts stay with the source. */
const FOLDER = fileURLToPath(new URL('../../test/transcripts', import.meta.url));

function replay(text: string): string {
  const interaction = new Interaction();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const isCommand = line.startsWith('> ');
    if (isCommand || line.startsWith('#') || line === '') lines.push(line);
    if (isCommand) lines.push(...interaction.run(line.slice(2)));
  }
  return lines.join('\n');
}

for (const name of readdirSync(FOLDER).toSorted()) {
  test(`transcript ${name.replace('.txt', '')}`, () => {
    const path = join(FOLDER, name);
    const expected = readFileSync(path, 'utf8');
    assert.match(expected, /^# /, 'begins with a sentence that says the scenario');
    const actual = replay(expected);
    if (process.env['REWRITE'] === '1') writeFileSync(path, actual);
    else assert.equal(actual, expected);
  });
}
