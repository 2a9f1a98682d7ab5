/** The judge of histories is judged itself: known good and bad ones, and random ones against a search without cleverness. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkKey, checkRevisions, type Operation } from '../src/index.js';
import { get, operation, put, remove, swap } from './support.js';

function verdict(...history: Operation[]): string {
  return checkKey(history).kind;
}

test('one operation after the other is linearizable if each sees the one before', () => {
  assert.equal(
    verdict(get(null), put('a'), get('a'), swap('a', 'b'), get('b'), remove({ found: 'b' }), get(null)),
    'linearizable',
  );
});

test('a stale read is a violation, and the verdict names it', () => {
  const stale = get('a');
  const history = [put('a'), put('b'), { ...stale, invokedMs: stale.invokedMs + 10, endedMs: stale.endedMs + 10 }];
  const found = checkKey(history);
  assert.equal(found.kind, 'violation');
  assert.equal(found.kind === 'violation' && found.at.found, 'a');
});

function during(found: string | null, ms: number): Operation {
  return get(found, { invokedMs: ms, endedMs: ms + 1 });
}

test('reads that overlap a write may see it or not, but not go back', () => {
  const write = put('a', { invokedMs: 1000, endedMs: 1100 });
  assert.equal(verdict(write, during(null, 1010), during('a', 1020)), 'linearizable');
  assert.equal(verdict(write, during('a', 1010), during(null, 1020)), 'violation');
});

test('an acknowledged write that is not there is a violation', () => {
  assert.equal(verdict(put('a'), get(null)), 'violation');
});

test('a value that nobody wrote is a violation', () => {
  assert.equal(verdict(put('a'), get('b')), 'violation');
});

test('a refused write that is seen is a violation', () => {
  assert.equal(verdict(put('a', { outcome: 'rejected' }), get('a')), 'violation');
});

test('a write of unknown outcome may take effect at any later time, once, or never', () => {
  const unknown = put('a', { outcome: 'unknown', invokedMs: 0, endedMs: 1 });
  assert.equal(verdict(unknown, get(null), get(null)), 'linearizable');
  assert.equal(verdict(unknown, get(null), put('b'), get('a')), 'linearizable');
  assert.equal(verdict(unknown, get('a'), put('b'), get('a')), 'violation');
});

test('of two swaps that expect the same value only one takes place', () => {
  assert.equal(verdict(put('a'), swap('a', 'b'), swap('a', 'c', { swapped: false, found: 'b' })), 'linearizable');
  assert.equal(verdict(put('a'), swap('a', 'b'), swap('a', 'c')), 'violation');
  assert.equal(verdict(swap(null, 'a'), swap(null, 'b')), 'violation');
});

test('a swap that did not take place although it should have is a violation', () => {
  assert.equal(verdict(put('a'), swap('a', 'b', { swapped: false, found: 'a' })), 'violation');
});

test('a delete that found a value took that value away', () => {
  assert.equal(verdict(put('a'), remove({ found: 'a' }), remove({ found: 'a' })), 'violation');
});

test('thousands of operations with many unknown ones are judged at once', () => {
  const history: Operation[] = [];
  let ms = 10_000;
  let last: string | null = null;
  for (let i = 0; i < 3_000; i += 1) {
    ms += 1;
    const value = `v${i}`;
    if (i % 10 === 0) history.push(put(value, { outcome: 'unknown', invokedMs: ms, endedMs: ms + 5 }));
    else if (i % 50 === 1) history.push(remove({ outcome: 'unknown', invokedMs: ms, endedMs: ms + 5 }));
    else {
      history.push(put(value, { invokedMs: ms, endedMs: ms + 0.5, found: last }));
      last = value;
    }
  }
  // Not 'undecided': it gives up after so many orders.
  assert.equal(checkKey(history).kind, 'linearizable');
});

test('writes of unknown outcome that are seen, or may have been, do not add up', () => {
  const history: Operation[] = [];
  for (let i = 0; i < 60; i += 1) {
    const ms = 100_000 + 10 * i;
    const unknown = { outcome: 'unknown', invokedMs: ms, endedMs: ms + 1 } as const;
    history.push(put(`u${i}`, unknown), remove(unknown), swap(`u${i}`, `s${i}`, unknown));
    const found = i % 3 === 0 ? null : i % 3 === 1 ? `u${i}` : `s${i}`;
    // Four at a time, and all of them overlap the next four.
    for (let reader = 0; reader < 4; reader += 1) history.push(get(found, { invokedMs: ms + 2, endedMs: ms + 15 }));
    history.push(put(`k${i}`, { invokedMs: ms + 3, endedMs: ms + 14, existed: i % 2 === 0 }));
  }
  // Not 'undecided': it gives up after so many orders.
  assert.equal(checkKey(history).kind, 'linearizable');
});

test('an answer with an older revision than one that was known before is stale', () => {
  const newer = put('a', { revision: 5 });
  const older = operation({
    key: 'other',
    found: null,
    revision: 4,
    invokedMs: newer.endedMs + 1,
    endedMs: newer.endedMs + 2,
  });
  assert.equal(checkRevisions([newer, { ...older, revision: 5 }]), undefined);
  assert.deepEqual(checkRevisions([newer, older]), { earlier: newer, later: older });
});

/** Every order of every subset that must or may have taken effect: for few operations only. */
function isLinearizableNaively(history: readonly Operation[], value: string | null = null): boolean {
  const pending = history.filter(({ outcome }) => outcome !== 'rejected');
  if (pending.every(({ outcome }) => outcome === 'unknown')) return true;
  const firstEndMs = Math.min(
    ...pending.map(({ outcome, endedMs }) => (outcome === 'ok' ? endedMs : Number.POSITIVE_INFINITY)),
  );
  return pending.some((first) => {
    if (first.invokedMs > firstEndMs) return false;
    const rest = pending.filter((other) => other !== first);
    if (first.outcome === 'ok' && first.found !== undefined && first.found !== value) return false;
    if (first.outcome === 'ok' && first.existed !== undefined && first.existed !== (value !== null)) return false;
    const fits = first.kind === 'swap' && value === first.expected;
    if (first.kind === 'swap' && first.outcome === 'ok' && fits !== first.swapped) return false;
    const after = first.kind === 'put' || fits ? first.value : first.kind === 'delete' ? null : value;
    return isLinearizableNaively(rest, after);
  });
}

test('the search agrees with one that tries every order', () => {
  const values = ['a', 'b', 'c'];
  const some = fc.record({
    kind: fc.constantFrom<Operation['kind']>('get', 'put', 'delete', 'swap'),
    from: fc.integer({ min: 0, max: 12 }),
    takes: fc.integer({ min: 1, max: 6 }),
    outcome: fc.constantFrom<Operation['outcome']>('ok', 'ok', 'ok', 'unknown', 'rejected'),
    found: fc.constantFrom<string | null | undefined>(undefined, null, ...values),
    existed: fc.constantFrom(undefined, undefined, true, false),
    expected: fc.constantFrom<string | null>(null, ...values),
    swapped: fc.boolean(),
    written: fc.constantFrom(...values),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 7 }), fc.boolean(), (drawn, isUnique) => {
      const history = drawn.map(({ kind, from, takes, outcome, found, existed, expected, swapped, written }, i) =>
        operation({
          kind,
          invokedMs: from + i / 100,
          endedMs: from + takes + i / 100,
          outcome,
          found: found === undefined && kind === 'get' ? null : found,
          existed: kind === 'put' || kind === 'delete' ? existed : undefined,
          expected: kind === 'swap' ? expected : null,
          swapped,
          value: kind === 'put' || kind === 'swap' ? (isUnique ? (values[i] ?? `v${i}`) : written) : null,
        }),
      );
      assert.equal(checkKey(history).kind === 'linearizable', isLinearizableNaively(history));
    }),
    { numRuns: 10_000 },
  );
});
