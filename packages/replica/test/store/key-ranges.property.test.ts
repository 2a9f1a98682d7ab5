/** Ranges of keys against asking each of them; and that a transaction with very many of them is checked at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { EVERY_KEY_FROM, isInRange } from '../../src/store/cursor.js';
import { KeyRanges } from '../../src/store/key-ranges.js';
import { validateOperation } from '../../src/store/txn.js';
import { type KeyRange, type Operation, putOf, type TxnOperation } from '../../src/store/types.js';

const key = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), minLength: 1, maxLength: 3 });
const range: fc.Arbitrary<KeyRange> = fc
  .record({ key, rangeEnd: fc.option(key, { nil: undefined }) })
  .filter(({ rangeEnd }) => rangeEnd !== EVERY_KEY_FROM);

test('a key is in some range or in none, whatever was added before and after it was asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(range, key), { maxLength: 40 }), fc.array(range, { maxLength: 5 }), (steps, more) => {
      const added: KeyRange[] = [];
      const ranges = new KeyRanges();
      const others = new KeyRanges();
      for (const one of more) others.add(one);
      for (const step of steps) {
        if (typeof step === 'string') {
          assert.equal(
            ranges.has(step),
            added.some((one) => isInRange(step, one)),
            JSON.stringify([step, added]),
          );
        } else if (added.length === 10) {
          ranges.addAll(others);
          added.push(...more);
        } else {
          ranges.add(step);
          added.push(step);
        }
      }
    }),
  );
});

const leaf = (n: number): TxnOperation => {
  const put = putOf(`put ${n}`, new Uint8Array(0));
  const success: Operation[] = [
    put,
    { kind: 'delete', key: `delete ${n}`, rangeEnd: `delete ${n} `, returnPrevious: false },
  ];
  return { kind: 'txn', compares: [], success, failure: [] };
};

/** As many of them, `width` on each level. */
const nest = (from: number, count: number, width: number): TxnOperation => ({
  kind: 'txn',
  compares: [],
  success: Array.from({ length: width }, (_, n) =>
    count === width ? leaf(from + n) : nest(from + (n * count) / width, count / width, width),
  ),
  failure: [],
});

test('a hundred thousand nested operations are checked without holding each against each', () => {
  const width = 36;
  // Within etcd's 128 for all levels together, and 1.4 MB as a request.
  const operation = nest(0, width ** 3, width);
  assert.equal(validateOperation(operation, 128), undefined);
  const last = operation.success.at(-1) as TxnOperation;
  assert.equal(
    validateOperation(
      { ...operation, success: [...operation.success.slice(0, -1), { ...last, success: [...last.success, leaf(0)] }] },
      128,
    ),
    'duplicate-key',
  );
});
