/**
 * The store alone: speed and memory of its parts with a million keys, in one process, as a table.
 *
 *     node --expose-gc bench/dist/store.js [keys]        default 1,000,000 keys of 32 B with values of 256 B
 */
import { performance } from 'node:perf_hooks';
import { decodeCommand, encodeCommand, nodePlatform as platform, rangeOf, Store } from '@quorate/replica/internal';

const KEY_BYTES = 32;
const VALUE_BYTES = 256;
const CHUNK_BYTES = 64 * 1024;
const keyCount = Number(process.argv[2] ?? 1_000_000);

const rows: string[][] = [['what', 'result', 'goal']];

function row(what: string, result: string, goal = ''): void {
  rows.push([what, result, goal]);
}

function thousands(count: number, ms: number): string {
  return `${Math.round(count / ms).toLocaleString('en')} k/s`;
}

function residentMb(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / 1e6);
}

/** Keys in an order that looks random and is the same every time; all different. */
function keyOf(index: number): string {
  const mixed = Math.imul(index ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return `user/${mixed.toString(16).padStart(8, '0')}/${index.toString(10).padStart(KEY_BYTES - 14, '0')}`;
}

/** Commands come to a store as parts of what a socket or a file has given: so here too, not an allocation each. */
const ARRIVAL_BYTES = 64 * 1024;
let arrival = platform.allocate(ARRIVAL_BYTES);
let arrived = 0;

function arrive(bytes: Uint8Array): Uint8Array {
  if (arrived + bytes.length > arrival.length) {
    arrival = platform.allocate(ARRIVAL_BYTES);
    arrived = 0;
  }
  arrival.set(bytes, arrived);
  arrived += bytes.length;
  return arrival.subarray(arrived - bytes.length, arrived);
}

const scratch = platform.allocate(1024);
const encoding = { ...platform, allocate: (): Uint8Array => scratch };

function encodePut(key: string, value: Uint8Array): Uint8Array {
  const operation = { kind: 'put', key, value, lease: 0n, returnPrevious: false } as const;
  const command = { operation: { ...operation, ignoreValue: false, ignoreLease: false }, limits: undefined };
  return arrive(encodeCommand(encoding, command));
}

const value = Buffer.alloc(VALUE_BYTES, 'v');
const BATCH = 10_000;

/** Puts in encoded batches, made outside of the time that counts: returns the milliseconds, and the longest single apply. */
function putAll(store: Store, from: number, to: number, between?: () => void): { ms: number; longestMs: number } {
  let ms = 0;
  let longestMs = 0;
  for (let start = from; start < to; start += BATCH) {
    const batch: Uint8Array[] = [];
    for (let index = start; index < Math.min(to, start + BATCH); index++) {
      batch.push(encodePut(keyOf(index % keyCount), value));
    }
    const began = performance.now();
    if (between === undefined) {
      for (const bytes of batch) {
        store.apply(decodeCommand(platform, bytes));
      }
    } else {
      for (const bytes of batch) {
        const before = performance.now();
        store.apply(decodeCommand(platform, bytes));
        longestMs = Math.max(longestMs, performance.now() - before);
        between();
      }
    }
    ms += performance.now() - began;
  }
  return { ms, longestMs };
}

function timed(action: () => void): number {
  const began = performance.now();
  action();
  return performance.now() - began;
}

const rssBefore = residentMb();
const store = new Store(platform, { collectEvents: false });
row('put, growing tree', thousands(keyCount, putAll(store, 0, keyCount).ms), `>= 300 k/s at ${keyCount}`);
row('resident after load', `${residentMb()} MB (process before: ${rssBefore} MB)`, '<= 500 MB');
row('store.bytes / slabBytes', `${Math.round(store.bytes / 1e6)} / ${Math.round(store.slabBytes / 1e6)} MB`);
const updates = 300_000;
row('put, existing keys', thousands(updates, putAll(store, 0, updates).ms), '>= 300 k/s');

const gets = 1_000_000;
const keys: string[] = [];
for (let index = 0; index < gets; index++) {
  // Flat, as a door makes them from a socket's bytes; a template string is put together only at its first use.
  const bytes = Buffer.from(keyOf((index * 7919) % keyCount), 'latin1');
  keys.push(platform.latin1(bytes, 0, bytes.length));
}
let found = 0;
const getMs = timed(() => {
  for (const key of keys) {
    found += store.get(key) === undefined ? 0 : 1;
  }
});
row('get, random keys', thousands(gets, getMs), '>= 1,000 k/s');
if (found !== gets) {
  throw new Error(`${gets - found} keys were not found`);
}

const scan = rangeOf('', '\0', { limit: 100 });
const scans = 20_000;
const scanMs = timed(() => {
  for (let index = 0; index < scans; index++) {
    store.range({ ...scan, key: keys[index * 7] ?? '' });
  }
});
row('scan of 100 keys, with count', thousands(scans, scanMs), '>= 50 k/s');

const freezeMs = timed(() => store.freeze().release());
row('freeze', `${(freezeMs * 1000).toFixed(0)} µs`, 'O(1)');

function snapshotAlone(): Uint8Array[] {
  const frozen = store.freeze();
  const parts: Uint8Array[] = [];
  const chunks = frozen.chunks();
  let bytes = 0;
  const ms = timed(() => {
    for (let chunk = chunks.next(CHUNK_BYTES); chunk !== undefined; chunk = chunks.next(CHUNK_BYTES)) {
      bytes += chunk.length;
      parts.push(chunk);
    }
  });
  frozen.release();
  row('chunks()', `${Math.round(bytes / 1000 / ms)} MB/s of ${Math.round(bytes / 1e6)} MB`, '>= 200 MB/s');
  return parts;
}

const compact = (): number =>
  timed(() => store.apply({ operation: { kind: 'compact', revision: store.revision }, limits: undefined }));
row('compact', `${(compact() * 1000).toFixed(0)} µs`, 'O(1)');
let sweeps = 0;
let longestSweepMs = 0;
const sweepMs = timed(() => {
  for (;;) {
    const began = performance.now();
    const more = store.sweep(1000);
    longestSweepMs = Math.max(longestSweepMs, performance.now() - began);
    sweeps++;
    if (!more) {
      break;
    }
  }
});
row(
  'sweep in slices of 1000',
  `${sweeps} slices, ${sweepMs.toFixed(0)} ms in all, longest slice ${longestSweepMs.toFixed(1)} ms`,
);
row('slabs after the sweep', `${Math.round(store.slabBytes / 1e6)} MB`);

const parts = snapshotAlone();
const hashMs = timed(() => store.hash());
row('hash', `${hashMs.toFixed(0)} ms`);

{
  const frozen = store.freeze();
  const chunks = frozen.chunks();
  let longestChunkMs = 0;
  let writes = 0;
  const { ms, longestMs } = putAll(store, 0, updates, () => {
    writes++;
    if (writes % 50 === 0) {
      const began = performance.now();
      chunks.next(CHUNK_BYTES);
      longestChunkMs = Math.max(longestChunkMs, performance.now() - began);
    }
  });
  frozen.release();
  row('put while a snapshot is written', thousands(updates, ms));
  row(
    'longest apply meanwhile',
    `${longestMs.toFixed(1)} ms (longest chunk ${longestChunkMs.toFixed(1)} ms)`,
    '< 5 ms',
  );
}

{
  const loader = Store.loader(platform, { collectEvents: false });
  let loaded: Store | undefined;
  const ms = timed(() => {
    for (const part of parts) {
      loader.push(part);
    }
    loaded = loader.finish();
  });
  row(`load ${keyCount} records`, `${ms.toFixed(0)} ms`, keyCount >= 1_000_000 ? '< 2,000 ms' : '< 200 ms');
  row('keys loaded', `${loaded?.keyCount}`);
}

const widths = [0, 1, 2].map((column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
for (const cells of rows) {
  console.log(cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}
