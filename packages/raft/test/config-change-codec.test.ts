/** The bytes of a configuration change: what goes in comes out, and nothing else is taken. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CONFIG_CHANGES_MAX } from '../src/config-change.js';
import { ConfigChangeDecodeError, decodeConfigChange, encodeConfigChange } from '../src/config-change-codec.js';
import type { ConfigChange } from '../src/types.js';

const member = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((bits) => 2 ** bits - 1),
  fc.integer({ min: 0, max: 52 }).map((bits) => 2 ** bits),
);
/** Plain objects, as the decoder makes them. */
const PLAIN = { noNullPrototype: true } as const;
const singleChange = fc.record(
  {
    type: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const, 'update' as const),
    member,
  },
  PLAIN,
);
const change: fc.Arbitrary<ConfigChange> = fc.record(
  {
    transition: fc.constantFrom('auto' as const, 'joint-implicit' as const, 'joint-explicit' as const),
    changes: fc.array(singleChange, { maxLength: 6 }),
    context: fc.uint8Array({ maxLength: 200 }),
  },
  PLAIN,
);

const sample: ConfigChange = {
  transition: 'joint-explicit',
  changes: [
    { type: 'add-voter', member: 300 },
    { type: 'remove', member: Number.MAX_SAFE_INTEGER },
    { type: 'update', member: 0 },
  ],
  context: new Uint8Array([0xab, 0xcd]),
};
const sampleBytes = Uint8Array.from(
  [
    [1, 2, 3],
    [0, 0xac, 0x02],
    [2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [3, 0],
    [2, 0xab, 0xcd],
  ].flat(),
);

/** Adds the voter with the given id, in bytes. */
function addVoter(...id: number[]): number[] {
  return [1, 0, 1, 0, ...id, 0];
}

function refused(bytes: readonly number[], message: RegExp): void {
  assert.throws(
    () => decodeConfigChange(Uint8Array.from(bytes)),
    (error) => error instanceof ConfigChangeDecodeError && message.test(error.message),
    `${bytes.join(' ')} should be refused with ${String(message)}`,
  );
}

describe('the codec of configuration changes', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(change, (change) => assert.deepEqual(decodeConfigChange(encodeConfigChange(change)), change)),
    );
  });

  it('writes the bytes that are on the disks of others', () => {
    assert.deepEqual(encodeConfigChange(sample), sampleBytes);
    assert.deepEqual(decodeConfigChange(sampleBytes), sample);
    const leave: ConfigChange = { transition: 'auto', changes: [], context: new Uint8Array() };
    assert.deepEqual(encodeConfigChange(leave), Uint8Array.from([1, 0, 0, 0]));
  });

  it('takes nothing but what it writes itself, whatever the bytes (fuzz)', () => {
    const edit = fc.record({
      kind: fc.constantFrom('set', 'insert', 'delete'),
      place: fc.nat(40),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)),
    });
    fc.assert(
      fc.property(change, fc.array(edit, { minLength: 1, maxLength: 4 }), (change, edits) => {
        const bytes = [...encodeConfigChange(change)];
        for (const { kind, place, byte } of edits) {
          const added = kind === 'delete' ? [] : [byte];
          bytes.splice(place % bytes.length, kind === 'insert' ? 0 : 1, ...added);
          if (bytes.length === 0) bytes.push(byte);
        }
        const mutated = Uint8Array.from(bytes);
        try {
          assert.deepEqual(encodeConfigChange(decodeConfigChange(mutated)), mutated);
        } catch (error) {
          if (!(error instanceof ConfigChangeDecodeError)) throw error;
          assert.ok(error.offset >= 0 && error.offset <= mutated.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every cut and every addition', () => {
    fc.assert(
      fc.property(change, fc.nat(255), (change, byte) => {
        const bytes = [...encodeConfigChange(change)];
        for (let length = 0; length < bytes.length; length++) refused(bytes.slice(0, length), /cut short/);
        refused([...bytes, byte], /too many/);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses what it does not know', () => {
    refused([0, 0, 0, 0], /unknown version 0 at byte 1/);
    refused([2, 0, 0, 0], /unknown version 2/);
    refused([1, 3, 0, 0], /unknown transition 3/);
    refused([1, 0, 1, 4, 1, 0], /unknown type of change 4/);
  });

  it('refuses numbers that are too large, too long or not in their shortest form', () => {
    refused(addVoter(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f), /beyond 2\^53-1/);
    refused(addVoter(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10), /beyond 2\^53-1/);
    refused(addVoter(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01), /longer than 8 bytes/);
    refused(addVoter(0x81, 0x00), /shortest form/);
  });

  it('bounds the number of changes on both sides', () => {
    const full = {
      ...sample,
      changes: Array.from({ length: CONFIG_CHANGES_MAX }, () => ({ type: 'update' as const, member: 1 })),
    };
    assert.deepEqual(decodeConfigChange(encodeConfigChange(full)), full);
    const over = { ...full, changes: [...full.changes, { type: 'update' as const, member: 1 }] };
    assert.throws(() => encodeConfigChange(over), /assertion failed/);
    refused([1, 0, 0x81, 0x08, 0], /1025 changes/);
  });

  it('refuses to write what it could not read', () => {
    for (const member of [-1, 1.5, Number.NaN, 2 ** 53]) {
      assert.throws(() => encodeConfigChange({ ...sample, changes: [{ type: 'remove', member }] }), /assertion failed/);
    }
    assert.throws(() => encodeConfigChange({ ...sample, transition: 'later' as 'auto' }), /assertion failed/);
    const changes = [{ type: 'ban' as 'remove', member: 1 }];
    assert.throws(() => encodeConfigChange({ ...sample, changes }), /assertion failed/);
  });

  it('copies the context, so that the entry stays as it is', () => {
    const bytes = sampleBytes.slice();
    const decoded = decodeConfigChange(bytes);
    decoded.context.fill(0);
    assert.deepEqual(bytes, sampleBytes);
  });
});
