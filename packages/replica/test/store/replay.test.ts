/** Plain puts, read and applied without objects for them: exactly those, and nothing that the decoder would refuse. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Command, decodeCommand, encodeCommand, Store } from '../../src/store/index.js';
import { bytes, platform, put } from './support.js';

function encoded(operation: Command['operation'], limits?: Command['limits']): Uint8Array {
  return encodeCommand(platform, { operation, limits });
}

function fresh(): Store {
  return new Store(platform, { collectEvents: false });
}

function replayAll(store: Store, command: Uint8Array): boolean {
  return store.applyPlainPut(command, 0, command.length);
}

describe('replay of a log into the store', () => {
  test('takes puts of a key and a value, of any length', () => {
    const [replayed, applied] = [fresh(), fresh()];
    for (const length of [0, 1, 127, 128, 20_000, 1_500_000]) {
      const operation = put(`key-${length % 3}`, 'v'.repeat(length));
      assert.ok(replayAll(replayed, encoded(operation)), `${length}`);
      applied.apply({ operation, limits: undefined });
    }
    replayed.checkInvariants();
    assert.equal(replayed.stateHash(), applied.stateHash());
  });

  test('leaves everything else to apply()', () => {
    const store = fresh();
    const limits = { keyBytesMax: 9, valueBytesMax: 9, keysMax: 9 };
    for (const command of [
      encoded(put('', 'v')),
      encoded(put('k', 'v', { lease: 7n })),
      encoded(put('k', 'v', { returnPrevious: true })),
      encoded(put('k', 'v'), limits),
      encoded({ kind: 'compact', revision: 1 }),
      encoded({ kind: 'delete', key: 'k', rangeEnd: undefined, returnPrevious: false }),
    ]) {
      assert.equal(replayAll(store, command), false);
    }
    store.apply({ operation: { kind: 'alarm', action: 'activate', alarm: 'no-space', member: 1 }, limits: undefined });
    assert.equal(replayAll(store, encoded(put('k', 'v'))), false);
    assert.equal(store.revision, 1);
  });

  test('whoever listens to events gets them from apply()', () => {
    assert.equal(replayAll(new Store(platform, { collectEvents: true }), encoded(put('k', 'v'))), false);
  });

  test('nothing that the decoder refuses is taken: cut off, too long, or not in its one form', () => {
    const whole = encoded(put('key', 'value'));
    const store = fresh();
    for (let end = 0; end < whole.length; end++) {
      assert.equal(store.applyPlainPut(whole, 0, end), false);
    }
    const longer = Uint8Array.of(...whole, 0);
    const padded = Uint8Array.of(...whole.subarray(0, 4), 0x83, 0, ...bytes('key'), 1, 0x78);
    for (const malformed of [longer, padded]) {
      assert.equal(replayAll(store, malformed), false);
      assert.throws(() => decodeCommand(platform, malformed));
    }
  });
});
