/**
 * The watch hub alone, in one process, as a table: what publishing costs with many watchers, how long one write takes to reach
 * 10,000 of them, and what catching up costs in time and memory.
 *
 *     node --expose-gc bench/dist/watch.js
 */
import { performance } from 'node:perf_hooks';
import {
  nodePlatform as platform,
  putOf,
  Store,
  WatchHub,
  type WatchOptions,
  type WatchSink,
} from '@quorate/replica/internal';

const WATCHERS = 10_000;
const HISTORY = 100_000;
const VALUE = Buffer.alloc(256, 'v');
const POLL_STEPS = 2_000;

const rows: string[][] = [['what', 'result']];

function row(what: string, result: string): void {
  rows.push([what, result]);
}

function us(ms: number): string {
  return `${(ms * 1000).toFixed(2)} µs`;
}

/** In MB, after a collection: of objects, and of the values. */
function memory(): { heap: number; external: number } {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed / 1e6, external: arrayBuffers / 1e6 };
}

class Counter implements WatchSink {
  events(events: readonly unknown[]): boolean {
    counted += events.length;
    return true;
  }

  compacted(): void {
    counted = Number.NaN;
  }
}

let counted = 0;

class Room {
  readonly store = new Store(platform, { collectEvents: false });
  readonly hub = new WatchHub(() => this.store, {
    requestTurn: () => undefined,
    faulted: (error) => {
      throw error;
    },
  });

  put(key: string): void {
    const { events } = this.store.apply({ operation: putOf(key, VALUE), limits: undefined });
    if (events.length > 0) this.hub.publish(events, this.store.revision);
  }

  watch(count: number, options: (index: number) => Partial<WatchOptions> & { key: string }): void {
    for (let index = 0; index < count; index++) {
      const plain = { rangeEnd: undefined, startRevision: 0, previous: false, noPut: false, noDelete: false };
      this.hub.watch({ ...plain, ...options(index) }, new Counter());
    }
  }
}

function measurePut(what: string, watch: (room: Room) => void, puts: number, key: (index: number) => string): void {
  const room = new Room();
  watch(room);
  for (let index = 0; index < puts / 4; index++) room.put(key(index));
  counted = 0;
  const began = performance.now();
  for (let index = 0; index < puts; index++) room.put(key(index));
  const ms = performance.now() - began;
  row(`apply and publish a put, ${what}`, `${us(ms / puts)}, ${(counted / puts).toFixed(0)} events`);
}

const prefix = (index: number): { key: string; rangeEnd: string } => ({ key: `p${index}/`, rangeEnd: `p${index}0` });
const spread = (index: number): string => `k${index % WATCHERS}`;

measurePut('no watcher', () => undefined, 200_000, spread);
measurePut('1 watcher elsewhere', (room) => room.watch(1, () => ({ key: 'other' })), 200_000, spread);
measurePut('10,000 watchers on one prefix elsewhere', (room) => room.watch(WATCHERS, () => prefix(0)), 200_000, spread);
measurePut('10,000 watchers on distinct prefixes elsewhere', (room) => room.watch(WATCHERS, prefix), 200_000, spread);
measurePut(
  '10,000 watchers on distinct keys, one hit',
  (room) => room.watch(WATCHERS, (index) => ({ key: `k${index}` })),
  200_000,
  spread,
);
measurePut(
  '10,000 watchers on distinct prefixes, one hit',
  (room) => room.watch(WATCHERS, prefix),
  200_000,
  (index) => `p${index % WATCHERS}/x`,
);
measurePut(
  '10,000 watchers on that key',
  (room) => room.watch(WATCHERS, () => ({ key: 'k' })),
  500,
  () => 'k',
);

function measureCatchUp(
  what: string,
  options: (index: number) => Partial<WatchOptions> & { key: string },
  count: number,
  key: (index: number) => string,
): void {
  const room = new Room();
  for (let index = 0; index < HISTORY; index++) room.put(key(index));
  const before = memory();
  room.watch(count, options);
  const opened = memory();
  counted = 0;
  let longestMs = 0;
  let turns = 0;
  let highest = 0;
  const began = performance.now();
  for (let more = true; more; turns++) {
    const at = performance.now();
    more = room.hub.poll(POLL_STEPS);
    longestMs = Math.max(longestMs, performance.now() - at);
    if (turns % 256 === 0) highest = Math.max(highest, process.memoryUsage().heapUsed / 1e6);
  }
  const ms = performance.now() - began;
  const after = memory();
  const bytes = ((opened.heap - before.heap) * 1e6) / count;
  row(
    `${count.toLocaleString('en')} behind by ${HISTORY.toLocaleString('en')} revisions, ${what}`,
    `${ms.toFixed(0)} ms in ${turns} polls, longest ${longestMs.toFixed(1)} ms; ${counted.toLocaleString('en')} events; ` +
      `${bytes.toFixed(0)} B a watcher; heap ${before.heap.toFixed(0)} MB, at most ${highest.toFixed(0)}, then ${after.heap.toFixed(0)}; ` +
      `values ${before.external.toFixed(0)} -> ${after.external.toFixed(0)} MB`,
  );
}

measureCatchUp('distinct keys', (index) => ({ key: `k${index}`, startRevision: 1 }), WATCHERS, spread);
measureCatchUp(
  'distinct keys, random starts',
  (index) => ({ key: `k${index}`, startRevision: 1 + ((index * 7919) % HISTORY) }),
  WATCHERS,
  spread,
);
measureCatchUp(
  'distinct prefixes',
  (index) => ({ ...prefix(index), startRevision: 1 }),
  WATCHERS,
  (index) => `p${index % WATCHERS}/x`,
);
measureCatchUp('one of 100 keys each', (index) => ({ key: `k${index % 100}`, startRevision: 1 }), WATCHERS, spread);
measureCatchUp('every key', () => ({ key: '\0', rangeEnd: '\0', startRevision: 1 }), 100, spread);
measureCatchUp('every key', () => ({ key: '\0', rangeEnd: '\0', startRevision: 1 }), 1, spread);

const width = Math.max(...rows.map(([what = '']) => what.length));
for (const [what = '', result = ''] of rows) console.log(`${what.padEnd(width)}  ${result}`);
