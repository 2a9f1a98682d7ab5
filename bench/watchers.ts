/**
 * How soon many watchers on one member have one write: for Quorate and for etcd, three members each. Prints a table, writes
 * bench/results/watchers.json.
 *
 *     node bench/dist/watchers.js [--watchers 10000] [--streams 100] [--writes 30] [--systems etcd,quorate]
 *
 * All watch the same key at a follower; the writes go to the leader, one at a time. Counted is the time from sending a put until the
 * last watcher's event has been read, by this one process, which takes its share of the machine's cores for it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PutRequest, WatchRequest } from '@quorate/proto';
import { leaderMember, requireTools } from './etcd/cluster.js';
import { framed } from './etcd/h2load.js';
import { headerBlock, LoadConnection } from './etcd/load-connection.js';
import { System, type SystemMember, type SystemName } from './etcd/systems.js';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'results');
const WATCH = '/etcdserverpb.Watch/Watch';
const PUT = '/etcdserverpb.KV/Put';
const KEY = new TextEncoder().encode('watched');
const VALUE = new Uint8Array(64);
const CONNECTIONS = 4;
const PREFIX_BYTES = 5;

const { values } = parseArgs({
  options: {
    watchers: { type: 'string', default: '10000' },
    streams: { type: 'string', default: '100' },
    writes: { type: 'string', default: '30' },
    systems: { type: 'string', default: 'etcd,quorate' },
  },
});
const watchers = Number(values.watchers);
const streams = Number(values.streams);
const writes = Number(values.writes);

/** Counts the messages of a stream, whatever is in them. */
class MessageCounter {
  readonly #count: () => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(count: () => void) {
    this.#count = count;
  }

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let offset = 0;
    while (bytes.length - offset >= PREFIX_BYTES) {
      const end = offset + PREFIX_BYTES + bytes.readUInt32BE(offset + 1);
      if (end > bytes.length) break;
      this.#count();
      offset = end;
    }
    this.#rest = Buffer.from(bytes.subarray(offset));
  }
}

/** Waits for the next so many messages of all streams together. */
class Arrivals {
  #count = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #done: () => void = () => {};

  arrived(): void {
    this.#count += 1;
    if (this.#count < this.#wanted) return;
    this.#count -= this.#wanted;
    this.#wanted = Number.POSITIVE_INFINITY;
    this.#done();
  }

  next(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = count;
      this.#done = resolve;
    });
  }
}

async function watchAll(member: SystemMember, arrivals: Arrivals): Promise<readonly LoadConnection[]> {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => LoadConnection.open(member.origin)));
  const block = headerBlock(member.origin, WATCH);
  const create = framed(WatchRequest.encode({ createRequest: { key: KEY } }));
  const created = arrivals.next(watchers);
  for (let i = 0; i < streams; i++) {
    const counter = new MessageCounter(() => arrivals.arrived());
    const send = (connections[i % CONNECTIONS] as LoadConnection).stream(block, (bytes) => counter.take(bytes));
    const share = Math.floor(watchers / streams) + (i < watchers % streams ? 1 : 0);
    for (let j = 0; j < share; j++) send(create);
  }
  await created;
  return connections;
}

async function measure(name: SystemName): Promise<readonly number[]> {
  const system = await System.create(name);
  try {
    system.start();
    const leader = await leaderMember(system);
    const follower = system.members.find((member) => member !== leader) as SystemMember;
    const arrivals = new Arrivals();
    const connections = await watchAll(follower, arrivals);
    const writer = await LoadConnection.open(leader.origin);
    const block = headerBlock(leader.origin, PUT);
    const put = framed(PutRequest.encode({ key: KEY, value: VALUE }));
    const tookMs: number[] = [];
    for (let i = 0; i < writes; i++) {
      const all = arrivals.next(watchers);
      const begin = performance.now();
      writer.call(block, put, () => {});
      await all;
      tookMs.push(performance.now() - begin);
    }
    for (const connection of [writer, ...connections]) connection.close();
    return tookMs;
  } finally {
    await system.destroy();
  }
}

await requireTools();
const results: Partial<Record<SystemName, readonly number[]>> = {};
console.log(`${os.cpus().length} x ${os.cpus()[0]?.model}, Node.js ${process.version}`);
console.log(`${watchers} watchers on one member in ${streams} streams, ${writes} writes\n`);
console.log('| | median ms | slowest ms | within 200 ms |\n|---|---|---|---|');
for (const name of values.systems.split(',') as SystemName[]) {
  const tookMs = (await measure(name)).toSorted((a, b) => a - b);
  results[name] = tookMs;
  const shown = [tookMs[Math.floor(tookMs.length / 2)], tookMs.at(-1)].map((ms) => ms?.toFixed(0));
  console.log(`| ${name} | ${shown.join(' | ')} | ${tookMs.filter((ms) => ms <= 200).length} of ${writes} |`);
}
mkdirSync(RESULTS, { recursive: true });
const file = path.join(RESULTS, `watchers-${watchers}.json`);
writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), watchers, streams, writes, results })}\n`);
