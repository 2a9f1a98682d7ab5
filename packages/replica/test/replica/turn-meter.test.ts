/** What is told of turns, and when they count as quiet. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SLOW_TURN_MS, TurnMeter } from '../../src/replica/turn-meter.js';

class Setting {
  nowMs = 1_000;
  readonly events: { readonly name: string; readonly data: Readonly<Record<string, unknown>> }[] = [];
  readonly lengths: number[] = [];
  readonly meter = new TurnMeter(
    { nowMs: () => this.nowMs },
    { event: (name, data) => this.events.push({ name, data }) },
    (milliseconds) => this.lengths.push(milliseconds),
  );

  turn(milliseconds: number, work: (meter: TurnMeter) => void = () => {}): void {
    this.meter.begin();
    work(this.meter);
    this.nowMs += milliseconds;
    this.meter.end('turn');
  }
}

describe('turn meter', () => {
  test('every turn is observed, and one within its bound is told of to nobody', () => {
    const setting = new Setting();
    setting.turn(0.25);
    setting.turn(SLOW_TURN_MS);
    assert.deepEqual(setting.lengths, [0.25, SLOW_TURN_MS]);
    assert.deepEqual(setting.events, []);
    assert.equal(setting.meter.slowTotal, 0);
  });

  test('one that is too long is told of with what it did, and with nothing of the turns before', () => {
    const setting = new Setting();
    setting.turn(1, (meter) => {
      meter.entriesAppended += 99;
      meter.readsServed += 99;
      meter.snapshotBytes += 99;
    });
    setting.turn(SLOW_TURN_MS + 20.4, (meter) => {
      meter.entriesAppended += 3;
      meter.entriesApplied += 4;
      meter.messagesSent += 2;
      meter.watchEvents += 5;
    });
    assert.equal(setting.meter.slowTotal, 1);
    assert.deepEqual(setting.events, [
      {
        name: 'slow-turn',
        data: {
          kind: 'turn',
          milliseconds: SLOW_TURN_MS + 20,
          limitMs: SLOW_TURN_MS,
          entriesAppended: 3,
          entriesApplied: 4,
          messagesSent: 2,
          readsServed: 0,
          snapshotBytes: 0,
          watchEvents: 5,
          keysSwept: 0,
          diskMs: 0,
        },
      },
    ]);
  });

  test('is quiet after some turns in a row that had one thing to do each, and in the present one too', () => {
    const setting = new Setting();
    const { meter } = setting;
    const turns = (count: number, entries: number): void => {
      for (let left = count; left > 0; left -= 1) {
        setting.turn(0.1, () => {
          assert.equal(meter.isRunning, true);
          meter.entriesAppended += entries;
          if (entries > 1) assert.equal(meter.isQuiet, false);
        });
      }
    };
    assert.equal(meter.isQuiet, false);
    turns(100, 0);
    assert.equal(meter.isQuiet, false);
    turns(16, 1);
    assert.equal(meter.isQuiet, true);
    turns(1, 2);
    assert.equal(meter.isQuiet, false);
    turns(15, 1);
    assert.equal(meter.isQuiet, false);
    turns(1, 1);
    assert.deepEqual([meter.isQuiet, meter.isRunning], [true, false]);
    setting.turn(0.1, () => {
      assert.equal(meter.isQuiet, true);
      meter.readsServed += 2;
      assert.equal(meter.isQuiet, false);
    });
    assert.equal(meter.isQuiet, false);
  });
});
