/**
 * The hub against the plainest rule there is: a watcher is told the whole history of its range from its start, filtered, in order,
 * each revision in one call, nothing twice, nothing left out; or it is told that what it needs next is compacted.
 *
 * Random commands, watchers, slow sinks, compactions, sweeps, snapshots that arrive, and sinks that act from within their calls,
 * with limits so small that everything is cut everywhere.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Command, type KeyRange, Store, type StoreEvent } from '../../src/store/index.js';
import {
  type WatchEvent,
  type Watcher,
  WatchHub,
  type WatchLimits,
  type WatchOptions,
  type WatchSink,
} from '../../src/watch/index.js';
import { anyCommand, anyRange } from '../store/arbitraries.js';
import { del, load, platform, put, serialise, txn } from '../store/support.js';
import { showEvent } from './support.js';

type Act = 'open' | 'close-self' | 'close-other' | 'resume-other' | 'poll';

type Step =
  | { readonly do: 'apply'; readonly commands: readonly Command[] }
  | {
      readonly do: 'watch';
      readonly options: WatchOptions;
      readonly back: number;
      readonly room: number;
      readonly acts: readonly Act[];
    }
  | { readonly do: 'resume'; readonly pick: number; readonly room: number }
  | { readonly do: 'close'; readonly pick: number }
  | { readonly do: 'poll'; readonly budget: number }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'sweep'; readonly keysMax: number }
  | { readonly do: 'install'; readonly commands: readonly Command[]; readonly compactBack: number };

const isCovering = ({ key, rangeEnd }: KeyRange): boolean =>
  rangeEnd === undefined || rangeEnd === '\0' || key < rangeEnd;

const anyWatch: fc.Arbitrary<Step> = fc
  .record({
    keys: fc.oneof(
      { weight: 3, arbitrary: anyRange.filter(isCovering) },
      { weight: 1, arbitrary: fc.constant({ key: '', rangeEnd: '\0' }) },
    ),
    flags: fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 6 })),
    back: fc.integer({ min: -4, max: 20 }),
    fromNow: fc.boolean(),
    room: fc.constantFrom(1, 1, 2, 3, 1000, 1000, 1000),
    acts: fc.array(fc.constantFrom<Act>('open', 'close-self', 'close-other', 'resume-other', 'poll'), { maxLength: 2 }),
  })
  .map(({ keys, flags: [previous, filter], back, fromNow, room, acts }) => ({
    do: 'watch',
    options: {
      ...keys,
      startRevision: fromNow ? 0 : 1,
      previous,
      noPut: filter === 0 || filter === 2,
      noDelete: filter === 1,
    },
    back,
    room,
    acts,
  }));

const anyCommands = fc.array(anyCommand, { minLength: 1, maxLength: 3 });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: anyCommands.map((commands) => ({ do: 'apply', commands }) as const) },
  { weight: 6, arbitrary: anyWatch },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('resume' as const),
      pick: fc.nat(30),
      room: fc.constantFrom(0, 1, 2, 1000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), pick: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('poll' as const), budget: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep' as const), keysMax: fc.integer({ min: 1, max: 8 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('install' as const), commands: anyCommands, compactBack: fc.nat(30) }),
  },
);

const anyLimits: fc.Arbitrary<Partial<WatchLimits>> = fc.record({
  changesPerReadMax: fc.integer({ min: 1, max: 6 }),
  bytesPerCallMax: fc.constantFrom(1, 6, 1000),
  sliceSteps: fc.integer({ min: 1, max: 12 }),
  cohortRevisions: fc.integer({ min: 1, max: 10 }),
});

/** What a watcher has been told, checked as it is told. */
class Client implements WatchSink {
  readonly world: World;
  readonly options: WatchOptions;
  readonly start: number;
  readonly acts: Act[];
  watcher: Watcher | undefined;
  room: number;
  /** Events told. */
  delivered = 0;
  /** Of those expected, the first that may still be told. */
  told = 0;
  /** The store has gone so far, it was said. */
  revision: number;
  isPaused = false;
  isClosed = false;
  /** Places in the history that concern it, as far as looked at. */
  #looked = 0;
  readonly #expected: StoreEvent[] = [];

  constructor(world: World, options: WatchOptions, start: number, room: number, acts: readonly Act[]) {
    this.world = world;
    this.options = options;
    this.start = start;
    this.room = room;
    this.acts = [...acts];
    this.revision = start - 1;
  }

  /** All that it must have been told when everything has been. */
  get expected(): readonly StoreEvent[] {
    const { key, rangeEnd, noPut, noDelete } = this.options;
    for (; this.#looked < this.world.history.length; this.#looked++) {
      const event = this.world.history[this.#looked] as StoreEvent;
      const at = event.keyValue.key;
      const isInside = rangeEnd === undefined ? at === key : at >= key && (rangeEnd === '\0' || at < rangeEnd);
      if (isInside && event.keyValue.modRevision >= this.start && !(event.type === 'put' ? noPut : noDelete)) {
        this.#expected.push(event);
      }
    }
    return this.#expected;
  }

  events(events: readonly WatchEvent[], revision: number): boolean {
    assert.equal(this.isClosed || this.isPaused, false, 'called though closed or paused');
    assert.equal(this.world.isWatching, false, 'called from within watch()');
    assert.ok(events.length > 0, 'called with nothing');
    assert.ok(
      (events[0] as WatchEvent).keyValue.modRevision > this.revision,
      'an event of a revision that was said to be over',
    );
    assert.ok((events.at(-1) as WatchEvent).keyValue.modRevision <= revision, 'an event beyond the revision');
    for (const event of events) {
      this.#skipDropped(event);
      this.#check(event, this.expected[this.told++]);
    }
    this.delivered += events.length;
    assert.ok(this.#isOver(revision), 'a revision is cut, or left out');
    this.revision = revision;
    this.world.act(this);
    this.isPaused = --this.room <= 0 && !this.isClosed;
    return !this.isPaused;
  }

  isFull(): boolean {
    assert.equal(this.isClosed || this.isPaused, false, 'asked though closed or paused');
    this.isPaused = this.room <= 0;
    return this.isPaused;
  }

  /** Nothing is left to be told up to there. */
  #isOver(revision: number): boolean {
    const next = this.expected.slice(this.told).find((event) => !this.world.mayBeDropped(event));
    return next === undefined || next.keyValue.modRevision > revision;
  }

  /** What was read before the compaction is told, what is read afterwards is not. */
  #skipDropped(event: WatchEvent): void {
    for (let next = this.expected[this.told]; next !== undefined; next = this.expected[this.told]) {
      const isTold = showEvent({ ...event, previous: undefined }) === showEvent({ ...next, previous: undefined });
      if (isTold || !this.world.mayBeDropped(next)) return;
      this.told++;
    }
  }

  #check(event: WatchEvent, expected: StoreEvent | undefined): void {
    assert.ok(expected !== undefined, 'an event that did not happen');
    if (event.previous === undefined && expected.previous !== undefined) {
      const isCompacted = this.world.store.compactRevision >= event.keyValue.modRevision;
      assert.ok(isCompacted || !this.options.previous, 'previous is missing');
      assert.equal(showEvent(event), showEvent({ ...expected, previous: undefined }));
    } else {
      assert.equal(showEvent(event), showEvent(expected));
    }
  }

  compacted(compactRevision: number): void {
    assert.equal(this.isClosed || this.isPaused, false, 'ended though closed or paused');
    assert.equal(compactRevision, this.world.store.compactRevision);
    this.isClosed = true;
    // What it needs next is gone: neither its start nor what it was told last reaches to the compacted revision.
    assert.ok(
      Math.max(this.start, this.revision + 1, (this.watcher?.revision ?? 0) + 1) < compactRevision,
      'ended without need',
    );
  }

  /** At any moment between two steps. */
  check(): void {
    const { watcher } = this;
    if (watcher === undefined || this.isClosed) {
      return;
    }
    const { hub } = this.world;
    assert.ok(watcher.revision <= hub.revision, 'a revision that was not published');
    assert.ok(watcher.revision >= Math.min(this.revision, hub.revision), 'a revision that goes back');
    this.revision = Math.max(this.revision, watcher.revision);
    assert.ok(this.#isOver(watcher.revision), 'says that it has seen what it was not told');
    if (watcher.isSynced) {
      assert.equal(watcher.revision, hub.revision);
      assert.ok(hub.revision >= this.options.startRevision);
    }
  }

  get hasAll(): boolean {
    return this.#isOver(this.world.store.revision);
  }

  resume(room: number): void {
    this.room = room;
    if (this.isPaused) {
      this.isPaused = false;
      this.watcher?.resume();
    }
  }

  close(): void {
    this.isClosed = true;
    this.watcher?.close();
  }
}

function rethrow(error: unknown): never {
  throw error;
}

class World {
  store: Store = new Store(platform, { slabBytes: 256, collectEvents: false });
  /** The same commands, for what really happened. */
  readonly truth: Store = new Store(platform);
  readonly history: StoreEvent[] = [];
  /** Changes of a key that the same revision has changed again. */
  readonly #overwritten: Set<StoreEvent> = new Set();
  readonly hub: WatchHub;
  readonly clients: Client[] = [];
  isWatching = false;
  #isAwake = false;

  constructor(limits: Partial<WatchLimits>) {
    const requestTurn = (): void => {
      this.#isAwake = true;
    };
    this.hub = new WatchHub(() => this.store, { requestTurn, faulted: rethrow }, limits);
  }

  run(step: Step): void {
    switch (step.do) {
      case 'apply':
        for (const command of step.commands) this.#apply(command);
        break;
      case 'watch':
        this.#watch(step.options, step.back, step.room, step.acts);
        break;
      case 'resume':
        this.#pick(step.pick)?.resume(step.room);
        break;
      case 'close':
        this.#pick(step.pick)?.close();
        break;
      case 'poll':
        this.#poll(step.budget);
        break;
      case 'compact':
        this.#apply({ operation: { kind: 'compact', revision: this.store.revision - step.back }, limits: undefined });
        break;
      case 'sweep':
        this.store.sweep(step.keysMax);
        break;
      case 'install':
        this.#install(step.commands, step.compactBack);
        break;
      default:
        step satisfies never;
    }
    assert.ok(this.#isAwake || !this.hub.hasWork, 'work without a call of wake');
    // Closing has taken the work away; the next is called for again.
    this.#isAwake &&= this.hub.hasWork;
    for (const client of this.clients) client.check();
  }

  /** Everything is written, resumed and polled: now all must have everything. */
  finish(): void {
    for (const client of this.clients) client.acts.length = 0;
    for (const client of this.clients) client.resume(1_000_000);
    while (this.hub.hasWork) this.#poll(7);
    for (const client of this.clients) {
      client.check();
      if (!client.isClosed) {
        assert.ok(client.hasAll, 'not all was told');
        assert.equal(client.watcher?.isSynced, this.store.revision >= client.options.startRevision);
      }
    }
    const open = this.clients.filter(({ isClosed }) => !isClosed).length;
    const { watchers, slowWatchers, pendingWatchers, eventsDelivered } = this.hub.stats;
    assert.deepEqual(
      { watchers, slowWatchers, pendingWatchers },
      { watchers: open, slowWatchers: 0, pendingWatchers: 0 },
    );
    assert.equal(
      eventsDelivered,
      this.clients.reduce((sum, { delivered }) => sum + delivered, 0),
    );
    assert.equal(this.store.collectEvents, open > 0);
  }

  /** What a sink does from within its call. */
  act(client: Client): void {
    const act = client.acts.pop();
    const other = this.clients[(this.clients.indexOf(client) + 1) % this.clients.length] as Client;
    if (act === 'open') this.#watch({ ...client.options, startRevision: 1 }, client.told - 1, 1000, []);
    else if (act === 'close-self') client.close();
    else if (act === 'close-other') other.close();
    else if (act === 'resume-other') other.resume(2);
    else if (act === 'poll') this.hub.poll(10);
  }

  /** A compaction at a revision leaves one change of a key in it, the last (revision-index.ts; a transaction can make several). */
  mayBeDropped(event: StoreEvent): boolean {
    return this.#overwritten.has(event) && event.keyValue.modRevision <= this.store.compactRevision;
  }

  #happen(command: Command): void {
    const { events } = this.truth.apply(command);
    const last = new Map(events.map((event) => [event.keyValue.key, event]));
    for (const event of events) if (last.get(event.keyValue.key) !== event) this.#overwritten.add(event);
    this.history.push(...events);
  }

  #apply(command: Command): void {
    this.#happen(command);
    const { events } = this.store.apply(command);
    if (events.length > 0) this.hub.publish(events, this.store.revision);
  }

  #watch(options: WatchOptions, back: number, room: number, acts: readonly Act[]): void {
    const now = this.store.revision;
    const startRevision = options.startRevision === 0 ? 0 : Math.max(1, now - back);
    const start = startRevision === 0 ? now + 1 : startRevision;
    const client = new Client(this, { ...options, startRevision }, start, room, acts);
    this.isWatching = true;
    client.watcher = this.hub.watch(client.options, client);
    this.isWatching = false;
    this.clients.push(client);
  }

  #poll(budget: number): void {
    this.#isAwake = this.hub.poll(budget);
  }

  /** A member that lags is given the state of another one that has gone on, and has compacted in its own way since. */
  #install(commands: readonly Command[], compactBack: number): void {
    const leader = load(serialise(this.store.freeze()));
    for (const command of commands) {
      this.#happen(command);
      leader.apply(command);
    }
    const compact: Command = {
      operation: { kind: 'compact', revision: leader.revision - compactBack },
      limits: undefined,
    };
    leader.apply(compact);
    this.truth.apply(compact);
    this.store = load(serialise(leader.freeze()), 1000, { slabBytes: 256, collectEvents: false });
    this.hub.replaced();
  }

  #pick(pick: number): Client | undefined {
    return this.clients[pick % Math.max(1, this.clients.length)];
  }
}

test('every watcher is told exactly the filtered history from its start, or that it is compacted', () => {
  fc.assert(
    fc.property(anyLimits, fc.array(anyStep, { minLength: 1, maxLength: 60, size: 'max' }), (limits, steps) => {
      const world = new World(limits);
      for (const step of steps) world.run(step);
      world.finish();
    }),
    { numRuns: 400, includeErrorInReport: true },
  );
});

test('a change that its own revision has changed again is not told after a compaction at that very revision', () => {
  const world = new World({});
  const written = put('a', 'v');
  const options = { key: 'a', rangeEnd: undefined, startRevision: 0, previous: false, noPut: false, noDelete: false };
  const steps: readonly Step[] = [
    { do: 'watch', options, back: 0, room: 1, acts: [] },
    {
      do: 'apply',
      commands: [written, txn([], [written, del('a', '\0')])].map((operation) => ({ operation, limits: undefined })),
    },
    { do: 'compact', back: 0 },
  ];
  for (const step of steps) world.run(step);
  world.finish();
  assert.deepEqual(
    world.clients.map(({ delivered }) => delivered),
    [2],
  );
});
