/** Reads that ask nobody may be old; what they show must be true. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePlatform, putOf, rangeOf, Store } from '@quorate/replica/internal';
import { PastReads } from '../src/checks/past.js';
import { Values } from '../src/checks/values.js';
import { operation } from './support.js';

function storeWith(...values: readonly string[]): Store {
  const store = new Store(nodePlatform);
  for (const value of values) {
    store.apply({ operation: putOf('k', new TextEncoder().encode(value)), limits: undefined });
  }
  return store;
}

function look(past: PastReads, store: Store, at: number): void {
  past.view('n1', 'k', at, store, store.range(rangeOf('k', undefined, { revision: at })));
}

test('members that are at different revisions agree about the past', () => {
  const past = new PastReads(new Values());
  const [ahead, behind] = [storeWith('a', 'b', 'c'), storeWith('a', 'b')];
  past.present('n1', 'k', ahead, 0);
  past.present('n2', 'k', behind, 0);
  for (const at of [1, 2, 3]) for (const store of [ahead, behind]) look(past, store, at);
  look(past, behind, 4);
  past.judge(['a', 'b', 'c'].map((value) => operation({ kind: 'put', value })));
});

test('another value at the same revision, in the past or the present, is found', () => {
  const past = new PastReads(new Values());
  look(past, storeWith('a', 'b', 'c'), 3);
  assert.throws(() => look(past, storeWith('a', 'z', 'c'), 3), /past read: n1 shows z of revision 3 for k at 3; b of/);
  assert.throws(() => past.present('n2', 'k', storeWith('a', 'z'), 0), /past read/);
});

test('a state that goes back, a value that nobody wrote, and an answer that should be a refusal are found', () => {
  const past = new PastReads(new Values());
  assert.throws(() => past.present('n1', 'k', storeWith('a'), 3), /shows revision 2 after 3/);
  past.present('n1', 'k', storeWith('a'), 2);
  assert.throws(
    () => past.judge([operation({ kind: 'put', value: 'a', outcome: 'rejected' })]),
    /nobody has written a/,
  );
  const store = storeWith('a', 'b');
  const answer = store.range(rangeOf('k', undefined));
  assert.ok(answer.kind === 'range');
  assert.throws(() => past.view('n1', 'k', 4, store, answer), /is asked for k at 4, and answers/);
  const refusal = { kind: 'error', code: 'compacted' } as const;
  assert.throws(() => past.view('n1', 'k', 2, store, refusal), /at 2: compacted/);
});
