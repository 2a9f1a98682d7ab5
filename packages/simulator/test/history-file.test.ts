/** Histories as files: what is read from a line, what is refused, and what is found in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HistoryFormatError, judgeHistory, readHistory } from '../src/index.js';

interface Line {
  readonly [field: string]: unknown;
}

function line(fields: Line): string {
  return JSON.stringify({ client: 1, key: 'k', outcome: 'ok', ...fields });
}

const WRITTEN = line({ kind: 'put', value: 'a', invokedMs: 1, endedMs: 2, existed: false });

function violations(...lines: readonly string[]): readonly string[] {
  return judgeHistory(readHistory(lines.join('\n'))).violations;
}

test('a history is judged key by key, whatever the order of its lines', () => {
  const read = line({ kind: 'get', found: 'a', invokedMs: 3, endedMs: 4 });
  const other = line({ kind: 'get', key: 'other', found: null, invokedMs: 3, endedMs: 4 });
  const judged = judgeHistory(readHistory(`${read}\n\n${other}\n${WRITTEN}\n`));
  assert.deepEqual(judged, { operations: 3, keys: 2, violations: [] });
});

test('a stale read, a lost write, a value from nowhere and a swap that cannot have been are found', () => {
  const later = line({ kind: 'put', value: 'b', invokedMs: 3, endedMs: 4, existed: true });
  const at = { invokedMs: 5, endedMs: 6 };
  assert.match(
    violations(WRITTEN, later, line({ kind: 'get', found: 'a', ...at })).join(),
    /^no order explains .*get k: found a/,
  );
  assert.equal(violations(WRITTEN, line({ kind: 'get', found: null, ...at })).length, 1);
  assert.equal(violations(WRITTEN, line({ kind: 'get', found: 'c', ...at })).length, 1);
  assert.equal(violations(WRITTEN, line({ kind: 'swap', expected: null, value: 'c', swapped: true, ...at })).length, 1);
  assert.equal(violations(WRITTEN, line({ kind: 'swap', expected: 'a', value: 'c', swapped: false, ...at })).length, 1);
  assert.deepEqual(violations(WRITTEN, line({ kind: 'swap', expected: null, value: 'c', swapped: false, ...at })), []);
});

test('an answer that tells only whether there was a key is held to that', () => {
  const at = { invokedMs: 3, endedMs: 4 };
  assert.deepEqual(violations(WRITTEN, line({ kind: 'delete', existed: true, ...at })), []);
  assert.equal(violations(WRITTEN, line({ kind: 'delete', existed: false, ...at })).length, 1);
  assert.equal(violations(line({ kind: 'put', value: 'a', existed: true, ...at })).length, 1);
  // Nobody saw the write of unknown outcome, but something was there.
  const unknown = line({ kind: 'put', value: 'u', outcome: 'unknown', invokedMs: 1 });
  assert.deepEqual(violations(unknown, line({ kind: 'delete', existed: true, ...at })), []);
});

test('revisions are judged where answers have them', () => {
  const write = line({ kind: 'put', value: 'a', revision: 7, invokedMs: 1, endedMs: 2 });
  const read = { kind: 'get', key: 'other', found: null, invokedMs: 3, endedMs: 4 };
  assert.deepEqual(violations(write, line(read)), []);
  assert.deepEqual(violations(write, line({ ...read, revision: 7 })), []);
  assert.match(violations(write, line({ ...read, revision: 6 })).join(), /began after the end of/);
});

test('what is no history is refused with the line and the reason', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{', /^line 2: is not JSON/],
    ['5', /^line 2: is not an object/],
    [line({ kind: 'watch', invokedMs: 1, endedMs: 2 }), /^line 2: kind is none of get, put, delete, swap/],
    [line({ kind: 'get', found: 'a', endedMs: 2 }), /^line 2: invokedMs is not a number/],
    [line({ kind: 'get', found: 'a', invokedMs: 1 }), /^line 2: endedMs is not a number/],
    [line({ kind: 'get', found: 'a', invokedMs: 2, endedMs: 1 }), /^line 2: it ends before it begins/],
    [line({ kind: 'get', invokedMs: 1, endedMs: 2 }), /^line 2: an answered get without found/],
    [line({ kind: 'put', invokedMs: 1, endedMs: 2 }), /^line 2: a put without a value/],
    [line({ kind: 'swap', value: 'a', invokedMs: 1, endedMs: 2 }), /^line 2: an answered swap without swapped/],
    [line({ kind: 'put', value: 'a', outcome: 'fine', invokedMs: 1, endedMs: 2 }), /^line 2: outcome is none of/],
    [line({ kind: 'delete', existed: 'no', invokedMs: 1, endedMs: 2 }), /^line 2: existed is not true or false/],
    [JSON.stringify({ kind: 'delete', outcome: 'ok', invokedMs: 1, endedMs: 2 }), /^line 2: there is no key/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => readHistory(`${WRITTEN}\n${text}`),
      (error) => error instanceof HistoryFormatError && message.test(error.message),
      text,
    );
  }
});
