/** The check of histories must see each kind of fault, or the tests that rely on it prove nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkHistory,
  historyLines,
  type Operation,
  type OperationKind,
  type OperationOutcome,
} from '../../src/testing/history.js';

/** `put a 10-20`: kind, value and times; `-` is absent. Then the outcome unless acknowledged, and the status unless the usual one. */
function operation(text: string): Operation {
  const [kind = '', value = '', times = '', outcome = 'acknowledged', status] = text.split(' ');
  const [invokedAtMs = 0, returnedAtMs = 0] = times.split('-').map(Number);
  const usual = kind === 'create' ? 201 : kind === 'read' && value === '-' ? 404 : 200;
  return {
    client: 0,
    kind: kind as OperationKind,
    key: 'k',
    value: value === '-' ? null : value,
    via: 'node1',
    invokedAtMs,
    returnedAtMs,
    outcome: outcome as OperationOutcome,
    status: Number(status ?? usual),
    reason: '',
  };
}

function check(...operations: string[]): string[] {
  return checkHistory(operations.map(operation));
}

describe('the check of histories', () => {
  it('accepts what a register does', () => {
    assert.deepEqual(
      check('read - 0-1', 'create a 2-4', 'read a 5-6', 'put b 7-9', 'delete - 10-12', 'read - 13-14'),
      [],
    );
  });

  it('lets a read that overlaps a write see either', () => {
    assert.deepEqual(check('create a 0-1', 'put b 2-9', 'read a 3-4'), []);
    assert.deepEqual(check('create a 0-1', 'put b 2-9', 'read b 3-4'), []);
  });

  it('finds a lost write', () => {
    assert.equal(check('create a 0-1', 'read - 2-3').length, 1);
  });

  it('finds a stale read', () => {
    assert.equal(check('create a 0-1', 'put b 2-3', 'read a 4-5').length, 1);
  });

  it('finds a deleted key that came back', () => {
    assert.equal(check('create a 0-1', 'delete - 2-3', 'read a 4-5').length, 1);
  });

  it('finds a value that nobody wrote', () => {
    assert.match(check('create a 0-1', 'read z 2-3')[0] ?? '', /nobody wrote that/);
  });

  it('finds a value from the future', () => {
    assert.equal(check('read a 0-1', 'create a 2-3').length, 1);
  });

  it('finds a refused write that was applied', () => {
    assert.match(check('create a 0-1 refused 503', 'read a 2-3')[0] ?? '', /that write was refused/);
  });

  it('finds reads that go back while a write is under way', () => {
    assert.equal(check('create a 0-1', 'put b 2-20', 'read b 3-4', 'read a 5-6').length, 1);
  });

  it('lets a write of unknown outcome be applied, late or never', () => {
    assert.deepEqual(check('create a 0-1', 'put b 2-3 unknown 0', 'read a 4-5', 'read b 6-7', 'read b 8-9'), []);
    assert.deepEqual(check('create a 0-1', 'put b 2-3 unknown 0', 'read a 4-5', 'read a 6-7'), []);
  });

  it('does not let it be undone', () => {
    assert.equal(check('create a 0-1', 'put b 2-3 unknown 0', 'read b 4-5', 'read a 6-7').length, 1);
  });

  it('gives an absent key the earliest state that fits', () => {
    assert.deepEqual(
      check('create a 0-1', 'delete - 2-10', 'read - 3-4', 'create b 11-30', 'read - 12-13', 'read b 14-15'),
      [],
    );
    assert.equal(check('create a 0-1', 'delete - 2-3', 'create b 4-20', 'read b 5-6', 'read - 7-8').length, 1);
  });

  it('finds an answer that speaks of another state: a write that was applied twice', () => {
    assert.equal(check('create a 0-1 refused 409').length, 1);
    assert.equal(check('create a 0-1', 'delete - 2-3 refused 404').length, 1);
    assert.equal(check('create a 0-1', 'put b 2-3 acknowledged 201').length, 1);
  });

  it('is exported as a line of JSON an operation', () => {
    const lines = historyLines([operation('create a 0-1'), operation('read a 2-3')])
      .trimEnd()
      .split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [operation('create a 0-1'), operation('read a 2-3')],
    );
  });
});
