/** docs/etcd-compatibility.md has every method and every field, each once, and names tests that exist. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MESSAGES, METHODS_BY_PATH } from '@quorate/proto';

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const PAGE = readFileSync(path.join(ROOT, 'docs', 'etcd-compatibility.md'), 'utf8');
const STATES: ReadonlySet<string> = new Set(['full', 'partial', 'absent']);

/** The cells of a chapter's table. */
function rowsOf(chapter: string): string[][] {
  const [, text = ''] = PAGE.split(`\n## ${chapter}\n`);
  const [own = ''] = text.split('\n## ');
  const lines = own.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function quoted(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

/** Messages that methods take or give, and those within them. */
function servedMessages(): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const fields = (MESSAGES as Readonly<Record<string, Readonly<Record<string, { readonly type: string }>>>>)[name];
    if (fields === undefined || found.has(name)) return;
    found.add(name);
    for (const { type } of Object.values(fields)) visit(type);
  };
  for (const { request, response } of METHODS_BY_PATH.values()) {
    visit(request.name);
    visit(response.name);
  }
  return [...found];
}

describe('docs/etcd-compatibility.md', () => {
  const tests = new Map(
    [...PAGE.matchAll(/\[([A-Z])\] `([^`]+)`/g)].map(([, letter = '', file = '']) => [letter, file]),
  );

  it('has every method', () => {
    const paths = rowsOf('Methods').flatMap(([cell]) => quoted(cell));
    assert.deepEqual(paths.toSorted(), [...METHODS_BY_PATH.keys()].toSorted());
  });

  it('has every field of every message that they take or give', () => {
    const listed = rowsOf('Fields').flatMap(([message, fields]) =>
      quoted(fields).map((field) => `${quoted(message)[0]}.${field}`),
    );
    const all = servedMessages().flatMap((message) =>
      Object.keys(MESSAGES[message as keyof typeof MESSAGES]).map((field) => `${message}.${field}`),
    );
    assert.deepEqual(listed.toSorted(), all.toSorted());
  });

  it('says of each how far it is there, and by which tests that is shown', () => {
    assert.ok(tests.size > 0);
    for (const file of tests.values()) assert.ok(existsSync(path.join(ROOT, file)), `${file} does not exist`);
    const states = [...rowsOf('Methods').map((row) => row.slice(1)), ...rowsOf('Fields').map((row) => row.slice(2))];
    for (const [state = '', shownBy = ''] of states) {
      assert.ok(STATES.has(state), `"${state}" is no state`);
      const letters = [...shownBy.matchAll(/\[([A-Z])\]/g)].map(([, letter = '']) => letter);
      assert.ok(letters.length > 0 && letters.every((letter) => tests.has(letter)), `"${shownBy}" names no tests`);
    }
  });
});
