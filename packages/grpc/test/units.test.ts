/** Small parts by themselves: limits, timeouts, metadata, deadlines, the method table. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DeadlineEntry, DeadlineWheel } from '../src/grpc/deadline-wheel.js';
import { encodeStatusMessage, Metadata, toHeaderFields } from '../src/grpc/metadata.js';
import { MethodTable } from '../src/grpc/method-table.js';
import { parseTimeoutMs } from '../src/grpc/timeout.js';
import { Budget, PingRule } from '../src/http2/budgets.js';
import { ClosedStreams, Ending } from '../src/http2/closed-streams.js';
import { GrpcServer } from '../src/index.js';
import { until } from './support/until.js';

describe('limits', () => {
  it('that make no sense are refused', () => {
    assert.throws(() => new GrpcServer({ messageBytesMax: 0 }), RangeError);
    assert.throws(() => new GrpcServer({ callWindowBytes: 2 ** 31 }), RangeError);
    assert.throws(() => new GrpcServer({ connectionWindowBytes: 1000 }), RangeError);
    assert.throws(() => new GrpcServer({ heldBytesMax: 1000 }), RangeError);
  });
});

describe('grpc-timeout', () => {
  it('has a number of at most eight digits and a unit', () => {
    const values = ['1H', '2M', '3S', '4m', '5000u', '6000000n', '99999999m', '0S'];
    assert.deepEqual(values.map(parseTimeoutMs), [3_600_000, 120_000, 3000, 4, 5, 6, 99_999_999, 0]);
    for (const bad of ['', 'S', '1', '-1S', '1.5S', '123456789S', '1s', ' 1S'])
      assert.equal(parseTimeoutMs(bad), undefined, bad);
  });
});

describe('metadata', () => {
  it('reads texts and bytes, repeated and joined, and hides what belongs to the protocol', () => {
    const metadata = new Metadata([
      ':path',
      '/x',
      'a',
      '1',
      'b-bin',
      'AQI,Aw==',
      'a',
      '2',
      'b-bin',
      'BA',
      'grpc-timeout',
      '1S',
      'te',
      'trailers',
    ]);
    assert.equal(metadata.get('a'), '1');
    assert.deepEqual(metadata.getAll('a'), ['1', '2']);
    assert.deepEqual(
      metadata.getBinary('b-bin').map((bytes) => [...bytes]),
      [[1, 2], [3], [4]],
    );
    assert.equal(metadata.get(':path'), undefined);
    assert.equal(metadata.get('grpc-timeout'), undefined);
    assert.deepEqual(
      [...metadata.entries()].map(([name]) => name),
      ['a', 'b-bin', 'a', 'b-bin'],
    );
  });

  it('writes bytes as base64, and refuses what cannot be sent', () => {
    assert.deepEqual(
      toHeaderFields([
        ['a', 'x'],
        ['b-bin', Uint8Array.of(1)],
      ]),
      [
        ['a', 'x'],
        ['b-bin', 'AQ'],
      ],
    );
    for (const [name, value] of [
      ['A', 'x'],
      ['a', 'x\n'],
      ['a', 'é'],
      ['grpc-status', '0'],
      [':path', 'x'],
      ['a-bin', 'x'],
      ['', 'x'],
    ] as const) {
      assert.throws(() => toHeaderFields([[name, value]]), TypeError, name);
    }
  });

  it('encodes status messages, and cuts long ones', () => {
    assert.equal(encodeStatusMessage('plain, "quoted" (text)'), 'plain, "quoted" (text)');
    assert.equal(encodeStatusMessage('100 %\né'), '100 %25%0A%C3%A9');
    assert.ok(encodeStatusMessage('x'.repeat(10_000)).length <= 4096);
  });
});

describe('methods', () => {
  it('need a path of a service and a method, once', () => {
    const table = new MethodTable();
    table.add('/a.B/C', { kind: 'unary', handler: () => undefined });
    assert.throws(() => table.add('/a.B/C', { kind: 'unary', handler: () => undefined }), TypeError);
    assert.throws(() => table.add('a.B/C', { kind: 'unary', handler: () => undefined }), TypeError);
    assert.equal(table.hasService('a.B'), true);
    assert.equal(table.find('/a.B/D'), undefined);
  });
});

function entry(deadlineMs: number, expire: () => void): DeadlineEntry {
  return { deadlineMs, deadlinePrevious: undefined, deadlineNext: undefined, deadlineSlot: -1, expire };
}

describe('deadlines', () => {
  it('come in order, not early, and not for those removed', async () => {
    const wheel = new DeadlineWheel(() => performance.now());
    const expired: number[] = [];
    let early = 0;
    const start = performance.now();
    const entries = [60, 5, 20, 0, -10, 20].map((ms) =>
      entry(start + ms, () => {
        if (performance.now() < start + ms) early += 1;
        expired.push(ms);
      }),
    );
    for (const one of entries) wheel.add(one);
    const removed = entries[2];
    assert.ok(removed !== undefined);
    wheel.remove(removed);
    wheel.remove(removed);
    assert.equal(wheel.size, 5);
    // The wheel's timer keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    await until(() => expired.length === 5);
    clearInterval(alive);
    assert.deepEqual(
      expired.toSorted((a, b) => a - b),
      [-10, 0, 5, 20, 60],
    );
    assert.equal(expired.at(-1), 60);
    assert.equal(early, 0);
    assert.equal(wheel.size, 0);
  });

  it('a round later than the wheel has slots still come, by a clock that jumps', async () => {
    let now = 0;
    const wheel = new DeadlineWheel(() => now);
    const expired: number[] = [];
    wheel.add(entry(20_000, () => expired.push(20_000)));
    wheel.add(entry(3, () => expired.push(3)));
    now = 9000;
    const alive = setInterval(() => undefined, 1000);
    await until(() => expired.length === 1);
    assert.deepEqual(expired, [3]);
    now = 21_000;
    wheel.add(entry(21_001, () => expired.push(21_001)));
    now = 21_100;
    await until(() => expired.length === 3);
    clearInterval(alive);
  });
});

describe('budgets', () => {
  it('refill with time up to their burst', () => {
    const budget = new Budget(10, 1000, 0);
    assert.equal(budget.take(0, 10), true);
    assert.equal(budget.take(0, 1), false);
    assert.equal(budget.take(5, 5), true);
    assert.equal(budget.take(5, 1), false);
    assert.equal(budget.take(1000, 10), true);
    assert.equal(budget.take(1000, 1), false);
    budget.give(3);
    assert.equal(budget.take(1000, 3), true);
  });

  it('pings: three too early are too many; a response forgives', () => {
    const rule = new PingRule(100);
    assert.deepEqual(
      [0, 10, 20, 30].map((ms) => rule.ping(ms, true)),
      [true, true, true, false],
    );
    rule.forgive();
    assert.equal(rule.ping(31, true), true);
    assert.deepEqual(
      [200, 400].map((ms) => rule.ping(ms, true)),
      [true, true],
    );
    assert.deepEqual(
      [600, 900, 1200].map((ms) => rule.ping(ms, false)),
      [true, true, false],
    );
  });
});

describe('closed streams', () => {
  it('the last ones are remembered', () => {
    const closed = new ClosedStreams();
    assert.equal(closed.ending(1), Ending.unknown);
    closed.add(1, Ending.complete);
    closed.add(1, Ending.resetByUs);
    assert.equal(closed.ending(1), Ending.resetByUs);
    for (let id = 3; id < 3 + 2 * 128; id += 2) closed.add(id, Ending.resetByPeer);
    assert.equal(closed.ending(1), Ending.unknown);
    assert.equal(closed.ending(3), Ending.resetByPeer);
  });
});
