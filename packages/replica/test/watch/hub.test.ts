/** The watch hub, a rule at a time: contract section 5, and the bugs 72 to 76, 79 and 80 of other systems. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../../src/store/index.js';
import { del, load, platform, put, serialise, sweepAll, txn } from '../store/support.js';
import { Bench, Recorder, watchOf } from './support.js';

test('a watch without a start sees what comes after it, and never within watch()', () => {
  const bench = new Bench();
  bench.apply(put('a', '0'));
  const { sink, watcher } = bench.watch(watchOf('a'));
  assert.equal(watcher.isSynced, true);
  assert.equal(watcher.revision, 2);
  bench.apply(put('a', '1'));
  bench.apply(put('b', '1'));
  bench.apply(del('a'));
  assert.deepEqual(sink.take(), ['put a=1 @3 (was 0 @2)', 'delete a @5 (was 1 @3)']);
  assert.deepEqual(sink.revisions, [3, 5]);
  assert.equal(watcher.revision, 5);
  assert.equal(bench.hub.hasWork, false);
});

test('a start in the past replays history, calls wake once, and needs poll', () => {
  const bench = new Bench();
  for (const value of ['0', '1', '2']) {
    bench.apply(put('a', value));
    bench.apply(put('b', value));
  }
  const { sink, watcher } = bench.watch(watchOf('a', undefined, { startRevision: 4, previous: true }));
  const second = bench.watch(watchOf('a', 'c', { startRevision: 6 }));
  assert.equal(bench.wakes, 1);
  assert.equal(watcher.isSynced, false);
  assert.equal(watcher.revision, 3);
  assert.deepEqual(sink.take(), []);
  bench.poll();
  assert.deepEqual(sink.take(), ['put a=1 @4 (was 0 @2)', 'put a=2 @6 (was 1 @4)']);
  assert.deepEqual(
    second.sink.lines.map((line) => line.slice(0, 10)),
    ['put a=2 @6', 'put b=2 @7'],
  );
  assert.equal(watcher.isSynced, true);
  assert.equal(watcher.revision, 7);
  bench.apply(put('a', '3'));
  assert.deepEqual(sink.take(), ['put a=3 @8 (was 2 @6)']);
});

test('a start in the future is silent, also as to progress, until it is reached', () => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(watchOf('a', undefined, { startRevision: 4 }));
  bench.apply(put('a', '0'));
  bench.apply(put('a', '1'));
  assert.deepEqual(sink.take(), []);
  assert.equal(watcher.isSynced, false);
  assert.equal(watcher.revision, 3);
  bench.apply(put('a', '2'));
  assert.deepEqual(sink.take(), ['put a=2 @4 (was 1 @3)']);
  assert.equal(watcher.isSynced, true);
});

test('a start in the future keeps its silence when a lagging member gets a snapshot (bug 80)', () => {
  const bench = new Bench();
  bench.apply(put('a', '0'));
  const early = bench.watch(watchOf('a', undefined, { startRevision: 4 }));
  const late = bench.watch(watchOf('a', undefined, { startRevision: 9 }));
  const leader = load(serialise(bench.store.freeze()));
  for (const value of ['1', '2', '3', '4']) leader.apply({ operation: put('a', value), limits: undefined });
  bench.store = load(serialise(leader.freeze()), 1000, { collectEvents: false });
  bench.hub.replaced();
  assert.equal(early.watcher.isSynced, false);
  bench.poll();
  assert.deepEqual(
    early.sink.lines.map((line) => line.slice(0, 10)),
    ['put a=2 @4', 'put a=3 @5', 'put a=4 @6'],
  );
  assert.equal(early.watcher.isSynced, true);
  bench.apply(put('a', '5'));
  bench.apply(put('a', '6'));
  assert.deepEqual(late.sink.lines, []);
  assert.equal(late.watcher.isSynced, false);
  bench.apply(put('a', '7'));
  assert.deepEqual(late.sink.lines, ['put a=7 @9 (was 6 @8)']);
});

test('after a snapshot, watchers go on where they stood: no repetition, no gap (bug 73)', () => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(watchOf('a', '\0'));
  bench.apply(put('a', '0'));
  bench.apply(put('b', '0'));
  const leader = load(serialise(bench.store.freeze()));
  leader.apply({ operation: del('a'), limits: undefined });
  leader.apply({ operation: put('c', '1'), limits: undefined });
  bench.store = load(serialise(leader.freeze()), 1000, { collectEvents: false });
  bench.hub.replaced();
  assert.equal(watcher.isSynced, false);
  assert.equal(watcher.revision, 3);
  bench.poll();
  bench.apply(put('d', '2'));
  assert.deepEqual(
    sink.lines.map((line) => line.replace(/ \(.*/, '')),
    ['put a=0 @2', 'put b=0 @3', 'delete a @4', 'put c=1 @5', 'put d=2 @6'],
  );
});

test('a snapshot whose history does not reach back ends the watchers that need it', () => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(watchOf('a'));
  bench.apply(put('a', '0'));
  const leader = load(serialise(bench.store.freeze()));
  leader.apply({ operation: put('b', '0'), limits: undefined });
  leader.apply({ operation: put('b', '1'), limits: undefined });
  leader.apply({ operation: { kind: 'compact', revision: 4 }, limits: undefined });
  bench.store = load(serialise(leader.freeze()), 1000, { collectEvents: false });
  bench.hub.replaced();
  bench.poll();
  assert.equal(sink.compactedAt, 4);
  assert.equal(watcher.isSynced, false);
  assert.equal(bench.hub.stats.watchers, 0);
  assert.equal(bench.store.collectEvents, false);
});

test('a start at the compacted revision sees it, its delete included, without the value before (bug 76)', () => {
  const bench = new Bench();
  bench.apply(put('a', '0'));
  bench.apply(put('b', '0'));
  bench.apply(del('a'));
  bench.apply(put('b', '1'));
  bench.compact(4);
  sweepAll(bench.store);
  const { sink } = bench.watch(watchOf('a', '\0', { startRevision: 4, previous: true }));
  const lost = bench.watch(watchOf('b', undefined, { startRevision: 3 }));
  assert.equal(lost.sink.compactedAt, undefined);
  bench.poll();
  assert.deepEqual(sink.lines, ['delete a @4', 'put b=1 @5 (was 0 @3)']);
  assert.equal(lost.sink.compactedAt, 4);
  assert.deepEqual(lost.sink.lines, []);
});

test('compaction ends a watcher that stands below it, and no other', () => {
  const bench = new Bench({ changesPerReadMax: 1, sliceSteps: 1 });
  for (let index = 0; index < 10; index++) bench.apply(put('a', String(index)));
  const slow = bench.watch(watchOf('a', undefined, { startRevision: 2 }));
  const near = bench.watch(watchOf('a', undefined, { startRevision: 8 }));
  const synced = bench.watch(watchOf('a'));
  bench.hub.poll(1);
  bench.compact(8);
  sweepAll(bench.store);
  bench.poll();
  assert.equal(slow.sink.compactedAt, 8);
  assert.equal(slow.sink.lines.length, slow.watcher.revision - 1);
  assert.deepEqual(near.sink.lines.length, 4);
  assert.equal(near.watcher.isSynced, true);
  assert.equal(synced.watcher.isSynced, true);
});

test('a sink that wants no more is left alone, and goes on from the history when it resumes (bug 74)', () => {
  const bench = new Bench();
  const sink = new Recorder(1);
  const { watcher } = bench.watch(watchOf('a', '\0'), sink);
  const other = bench.watch(watchOf('a'));
  bench.apply(put('a', '0'));
  bench.apply(put('a', '1'));
  bench.apply(put('b', '2'));
  assert.deepEqual(sink.lines, ['put a=0 @2']);
  assert.equal(watcher.revision, 2);
  assert.equal(watcher.isSynced, false);
  assert.deepEqual(bench.hub.stats, { watchers: 2, slowWatchers: 1, pendingWatchers: 0, eventsDelivered: 3 });
  assert.equal(bench.hub.poll(1000), false);
  assert.deepEqual([bench.hub.lowestRevisionNeeded, bench.hub.lowestRevisionPaused], [undefined, 3]);
  sink.room = Number.POSITIVE_INFINITY;
  watcher.resume();
  watcher.resume();
  assert.equal(bench.hub.lowestRevisionPaused, undefined);
  assert.equal(bench.hub.lowestRevisionNeeded !== undefined && bench.hub.lowestRevisionNeeded <= 3, true);
  assert.deepEqual(sink.lines, ['put a=0 @2']);
  bench.poll();
  assert.deepEqual(sink.lines, ['put a=0 @2', 'put a=1 @3', 'put b=2 @4']);
  assert.equal(watcher.isSynced, true);
  assert.equal(other.sink.lines.length, 2);
});

test('a sink that is full is handed nothing, live or from history, until it has room', () => {
  const bench = new Bench();
  bench.apply(put('a', '0'));
  const live = bench.watch(watchOf('a'), new Recorder(0));
  const behind = bench.watch(watchOf('a', undefined, { startRevision: 1 }), new Recorder(0));
  bench.poll();
  bench.apply(put('a', '1'));
  assert.deepEqual([...live.sink.lines, ...behind.sink.lines], []);
  assert.deepEqual([live.watcher.isSynced, behind.watcher.isSynced], [false, false]);
  // Still full: nothing changes, and there is nothing left to do.
  behind.watcher.resume();
  bench.poll();
  assert.deepEqual(behind.sink.lines, []);
  for (const { sink, watcher } of [live, behind]) {
    sink.room = Number.POSITIVE_INFINITY;
    watcher.resume();
  }
  bench.poll();
  assert.deepEqual(live.sink.lines, ['put a=1 @3']);
  assert.deepEqual(behind.sink.lines, ['put a=0 @2', 'put a=1 @3']);
  assert.deepEqual([live.watcher.isSynced, behind.watcher.isSynced], [true, true]);
});

test('a sink that resumes before anything has happened is synced at once', () => {
  const bench = new Bench();
  const sink = new Recorder(1);
  const { watcher } = bench.watch(watchOf('a'), sink);
  bench.apply(put('a', '0'));
  watcher.resume();
  assert.equal(watcher.isSynced, true);
  assert.equal(bench.hub.hasWork, false);
});

test('all events of a revision come in one call, live and from history', () => {
  const bench = new Bench({ changesPerReadMax: 2, bytesPerCallMax: 1 });
  const live = bench.watch(watchOf('a', 'c'));
  bench.apply(put('x', '0'));
  bench.apply(txn([], [put('a', '1'), put('b', '2'), put('c', '3'), put('bb', '4')]));
  bench.apply(txn([], [put('a', '2'), del('b', 'bz')]));
  const past = bench.watch(watchOf('a', 'c', { startRevision: 2 }));
  bench.poll();
  for (const { sink } of [live, past]) {
    assert.deepEqual(
      sink.arrays.map((events) => events.map(({ type, keyValue }) => `${type} ${keyValue.key}`)),
      [
        ['put a', 'put b', 'put bb'],
        ['put a', 'delete b', 'delete bb'],
      ],
    );
    assert.deepEqual(sink.revisions, [3, 4]);
  }
});

test('filters drop events, and a call that would be empty is not made', () => {
  const bench = new Bench();
  const puts = bench.watch(watchOf('a', '\0', { noDelete: true }));
  const deletes = bench.watch(watchOf('a', '\0', { noPut: true }));
  const nothing = bench.watch(watchOf('a', '\0', { noPut: true, noDelete: true }));
  bench.apply(put('a', '0'));
  bench.apply(txn([], [put('b', '1'), del('a')]));
  const late = bench.watch(watchOf('a', '\0', { noPut: true, startRevision: 1 }));
  bench.poll();
  assert.deepEqual(puts.sink.lines, ['put a=0 @2', 'put b=1 @3']);
  assert.deepEqual(deletes.sink.lines, ['delete a @3 (was 0 @2)']);
  assert.deepEqual(late.sink.lines, ['delete a @3']);
  assert.equal(nothing.sink.arrays.length, 0);
  assert.equal(nothing.watcher.revision, 3);
  assert.equal(nothing.watcher.isSynced, true);
});

test('watchers of one kind are given the same array, so that it can be encoded once', () => {
  const bench = new Bench();
  const first = bench.watch(watchOf('a', 'c'));
  const second = bench.watch(watchOf('a', 'c', { previous: true }));
  const key = bench.watch(watchOf('a'));
  const filtered = bench.watch(watchOf('a', 'c', { noDelete: true }));
  bench.apply(put('a', '0'));
  assert.equal(first.sink.arrays[0], second.sink.arrays[0]);
  assert.equal(first.sink.arrays[0], key.sink.arrays[0]);
  assert.equal(first.sink.arrays[0], filtered.sink.arrays[0]);
  bench.apply(txn([], [put('b', '1'), del('a')]));
  assert.equal(first.sink.arrays[1], second.sink.arrays[1]);
  assert.notEqual(first.sink.arrays[1], filtered.sink.arrays[1]);
  const past = [2, 2, 3].map((startRevision) => bench.watch(watchOf('a', 'c', { startRevision })));
  bench.poll();
  assert.equal(past[0]?.sink.arrays[0], past[1]?.sink.arrays[0]);
  assert.equal(past[2]?.sink.lines.length, 2);
});

test('what is said of progress holds while a revision is being handed out (bug 72)', () => {
  const bench = new Bench();
  const seen: string[] = [];
  const watchers = ['a', 'b', 'c'].map((name) => {
    const sink = new Recorder();
    const { watcher } = bench.watch(watchOf('k'), sink);
    return { name, sink, watcher };
  });
  for (const { name, sink } of watchers) {
    sink.onEvents = () => {
      for (const each of watchers) {
        if (each.watcher.isSynced && each.watcher.revision >= 2) {
          assert.equal(each.sink.lines.length, 1, `${each.name} has seen nothing yet, says ${name}`);
          seen.push(each.name);
        }
      }
    };
  }
  bench.apply(put('k', '1'));
  assert.deepEqual(seen, ['a', 'a', 'b', 'a', 'b', 'c']);
});

test('sinks may open, close and resume watchers from within their calls', () => {
  const bench = new Bench();
  const opened: Recorder[] = [];
  const sink = new Recorder();
  const victim = new Recorder();
  const first = bench.watch(watchOf('a'), sink);
  const second = bench.watch(watchOf('a'), victim);
  sink.onEvents = () => {
    sink.onEvents = () => undefined;
    for (const startRevision of [0, 2, 3, 1]) {
      opened.push(bench.watch(watchOf('a', undefined, { startRevision })).sink);
    }
    second.watcher.close();
    first.watcher.close();
  };
  bench.apply(put('a', '1'));
  assert.deepEqual(sink.lines, ['put a=1 @2']);
  assert.deepEqual(victim.lines, []);
  assert.deepEqual(
    opened.map(({ lines }) => lines.length),
    [0, 0, 0, 0],
  );
  bench.poll();
  bench.apply(put('a', '2'));
  assert.deepEqual(
    opened.map(({ lines }) => lines.length),
    [1, 2, 1, 2],
  );
  assert.equal(sink.lines.length, 1);
  assert.equal(bench.hub.stats.watchers, 4);
});

test('a command from within a sink is told after the one that is being told', () => {
  const bench = new Bench();
  const sink = new Recorder();
  bench.watch(watchOf('a', '\0'), sink);
  const last = bench.watch(watchOf('a', '\0'));
  sink.onEvents = (events) => {
    if (events[0]?.keyValue.key === 'a') {
      bench.apply(put('b', '2'));
    }
  };
  bench.apply(put('a', '1'));
  assert.deepEqual(sink.lines, ['put a=1 @2', 'put b=2 @3']);
  assert.deepEqual(last.sink.lines, ['put a=1 @2', 'put b=2 @3']);
});

test('a sink that throws is closed, all others are served, and the host is told', () => {
  const bench = new Bench();
  const bad = new Recorder();
  bad.onEvents = () => {
    throw new Error('mine');
  };
  bench.watch(watchOf('a'), bad);
  const good = bench.watch(watchOf('a'));
  const past = bench.watch(watchOf('a', undefined, { startRevision: 1 }));
  bench.apply(put('a', '1'));
  assert.deepEqual(bench.faults, [new Error('mine')]);
  assert.deepEqual(good.sink.lines, ['put a=1 @2']);
  const badPast = new Recorder();
  badPast.onEvents = bad.onEvents;
  bench.watch(watchOf('a', undefined, { startRevision: 1 }), badPast);
  bench.poll();
  assert.equal(bench.faults.length, 2);
  bench.apply(put('a', '2'));
  assert.deepEqual(
    past.sink.lines.map((line) => line.slice(0, 10)),
    ['put a=1 @2', 'put a=2 @3'],
  );
  assert.equal(good.watcher.isSynced, true);
  assert.equal(bench.hub.stats.watchers, 2);
});

test('a closed watcher gets nothing more, wherever it stood', () => {
  const bench = new Bench();
  bench.apply(put('a', '0'));
  const behind = bench.watch(watchOf('a', undefined, { startRevision: 1 }));
  const synced = bench.watch(watchOf('a'));
  const paused = bench.watch(watchOf('a'), new Recorder(1));
  bench.apply(put('a', '1'));
  bench.compact(3);
  const lost = bench.watch(watchOf('a', undefined, { startRevision: 1 }));
  for (const { watcher, sink } of [behind, synced, paused, lost]) {
    sink.take();
    watcher.close();
    watcher.close();
    watcher.resume();
  }
  bench.apply(put('a', '2'));
  bench.poll();
  for (const { sink } of [behind, synced, paused, lost]) {
    assert.deepEqual(sink.lines, []);
    assert.equal(sink.compactedAt, undefined);
  }
  assert.deepEqual(bench.hub.stats, { watchers: 0, slowWatchers: 0, pendingWatchers: 0, eventsDelivered: 2 });
});

test('events are collected only while somebody watches, and what nobody watched is no gap', () => {
  const bench = new Bench();
  bench.apply(put('a', '0'));
  assert.equal(bench.store.collectEvents, false);
  const first = bench.watch(watchOf('a'));
  assert.equal(bench.store.collectEvents, true);
  bench.apply(put('a', '1'));
  first.watcher.close();
  assert.equal(bench.store.collectEvents, false);
  bench.apply(put('a', '2'));
  const second = bench.watch(watchOf('a'));
  bench.apply(put('a', '3'));
  assert.deepEqual(second.sink.lines, ['put a=3 @5 (was 2 @4)']);
});

test('a hole in what is published, a snapshot of the past and a watcher too many are assertions', () => {
  const bench = new Bench({ watchersMax: 1 });
  const { watcher } = bench.watch(watchOf('a'));
  assert.equal(bench.hub.isFull, true);
  assert.throws(() => bench.watch(watchOf('b')), /more than 1 watchers/);
  bench.store.apply({ operation: put('a', '1'), limits: undefined });
  const { events } = bench.store.apply({ operation: put('a', '2'), limits: undefined });
  assert.throws(() => bench.hub.publish(events, 3), /published 3 after 1/);
  bench.hub.publish([], 1);
  watcher.close();
  bench.watch(watchOf('a')).watcher.resume();
  bench.store = new Store(platform);
  assert.throws(() => bench.hub.replaced(), /the revision goes back/);
  const other = new Bench();
  assert.throws(() => other.watch(watchOf('b', 'a')), /empty range/);
  assert.throws(() => other.watch(watchOf('b', undefined, { startRevision: -1 })), /a watch from -1/);
  assert.throws(() => new Bench({ sliceSteps: 0 }), /a limit sliceSteps of 0/);
});

test('one that is far behind does not delay one that is nearly there', () => {
  const bench = new Bench({ changesPerReadMax: 10, sliceSteps: 20, cohortRevisions: 10 });
  for (let index = 0; index < 2000; index++) bench.apply(put('a', String(index)));
  const far = bench.watch(watchOf('a', undefined, { startRevision: 2 }));
  bench.hub.poll(1);
  const near = bench.watch(watchOf('a', undefined, { startRevision: 1990 }));
  let turns = 0;
  for (; !near.watcher.isSynced; turns++) bench.hub.poll(1);
  assert.ok(turns <= 6, `${turns} turns`);
  assert.equal(far.watcher.isSynced, false);
  bench.poll();
  assert.equal(far.sink.lines.length, 2000);
});

test('those who are behind by about as much read the history together', () => {
  const bench = new Bench();
  for (let index = 0; index < 3000; index++) bench.apply(put(`k${index % 100}`, 'v'));
  const watches = Array.from({ length: 100 }, (_, index) =>
    bench.watch(watchOf(`k${index}`, undefined, { startRevision: 2 + index })),
  );
  const steps = [...Array(1000).keys()].findIndex(() => !bench.hub.poll(1));
  assert.ok(steps < 20, `${steps} slices`);
  for (const { sink, watcher } of watches) {
    assert.equal(sink.lines.length, 30);
    assert.equal(watcher.isSynced, true);
  }
});

test('two cohorts that meet become one, however small the slices', () => {
  const bench = new Bench({ changesPerReadMax: 1, sliceSteps: 1, cohortRevisions: 1 });
  for (let index = 0; index < 20; index++) bench.apply(put('a', String(index)));
  const watches = [2, 5, 5, 2, 5, 2].map((startRevision) => bench.watch(watchOf('a', undefined, { startRevision })));
  bench.poll();
  assert.deepEqual(
    watches.map(({ sink }) => sink.lines.length),
    [20, 17, 17, 20, 17, 20],
  );
});
