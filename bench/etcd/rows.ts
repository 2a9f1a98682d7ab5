/**
 * The rows of the comparison: what is loaded onto a system and how. Each is run against one system at a time, on a store whose state the
 * row names.
 */
import {
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  WatchRequest,
} from '@quorate/proto';
import { callOnce } from './cluster.js';
import { framed, h2load, type LoadResult, percentiles } from './h2load.js';
import { headerBlock, LoadConnection } from './load-connection.js';
import { type Call, type SpreadLoad, spreadLoad } from './spread-load.js';

const RANGE = '/etcdserverpb.KV/Range';
const PUT = '/etcdserverpb.KV/Put';
const TXN = '/etcdserverpb.KV/Txn';
const WATCH = '/etcdserverpb.Watch/Watch';
const LEASE_GRANT = '/etcdserverpb.Lease/LeaseGrant';
const LEASE_KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive';

export const SPREAD_KEYS = 100_000;
const KEY_BYTES = 32;
const VALUE = new Uint8Array(256).fill(0x76);
const FIXED_KEY = utf8('a-fixed-key');

export interface Effort {
  /** Seconds that a row takes, about. */
  readonly seconds: number;
  /** Runs the load that counts, nothing of what comes before it: CPU time and profiles are taken around this. */
  readonly measured: (load: () => Promise<LoadResult>) => Promise<LoadResult>;
}

export type Phase = 'first seconds after the start' | 'fresh' | 'after the burst';

export interface Row {
  readonly name: string;
  readonly phase: Phase;
  /** The ratio of throughputs that is aimed for; undefined: none was set. */
  readonly goal: number | undefined;
  run(origin: string, effort: Effort): Promise<LoadResult>;
}

/** Rows of one kind on a store in one state. */
export interface Group {
  readonly phase: Phase;
  readonly rows: readonly Row[];
  /** So many calls of the group's kind, to be made before its first row and not measured; undefined: none are made. */
  readonly warmUp: ((origin: string, calls: number) => Promise<unknown>) | undefined;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function spreadKey(i: number): Uint8Array {
  return utf8(`key/${String(i).padStart(10, '0')}/`.padEnd(KEY_BYTES, 'k'));
}

type Shape = Pick<SpreadLoad, 'connections' | 'streams'>;

const ONE: Shape = { connections: 1, streams: 1 };
const SOME: Shape = { connections: 16, streams: 4 };
const MANY: Shape = { connections: 16, streams: 63 };

/** Of a row's time, first and unmeasured: connections and batches of both systems come to be as they are under that load. */
const WARM_UP = 0.5;

/** A short run tells how many calls fill the time, so that slow and fast systems are measured for about as long. */
async function timed(
  origin: string,
  { rpc, message }: Kind,
  shape: Shape,
  { seconds, measured }: Effort,
): Promise<LoadResult> {
  const inFlight = shape.connections * shape.streams;
  const run = (calls: number): Promise<LoadResult> =>
    h2load(origin, rpc, message, { ...shape, calls: Math.max(inFlight * 10, Math.round(calls)) });
  const probe = await run(Math.max(500, inFlight * 4));
  const warm = await run(probe.perSecond * seconds * WARM_UP);
  return await measured(() => run(warm.perSecond * seconds));
}

/** A load of one call, again and again. */
interface Kind {
  readonly name: string;
  readonly rpc: string;
  readonly message: Uint8Array;
  /** With 1, 64 and 1,008 calls in flight on a fresh store. */
  readonly goals: readonly number[];
}

const PUTS: Kind = {
  name: 'put',
  rpc: PUT,
  message: PutRequest.encode({ key: FIXED_KEY, value: VALUE }),
  goals: [1.7, 3, 4],
};
const LINEARIZABLE_READS: Kind = {
  name: 'read, linearizable',
  rpc: RANGE,
  message: RangeRequest.encode({ key: FIXED_KEY }),
  goals: [1.6, 4, 8],
};
const SERIALIZABLE_READS: Kind = {
  name: 'read, serializable',
  rpc: RANGE,
  message: RangeRequest.encode({ key: FIXED_KEY, serializable: true }),
  goals: [3, 4.5, 9],
};

function h2loadGroup(kind: Kind, phase: Phase): Group {
  const rows = [ONE, SOME, MANY].map((shape, i): Row => {
    const name = `${kind.name}, ${shape.connections * shape.streams} in flight`;
    const goal = phase === 'fresh' ? kind.goals[i] : undefined;
    return { name, phase, goal, run: (origin, effort) => timed(origin, kind, shape, effort) };
  });
  const warmUp = (origin: string, calls: number): Promise<unknown> =>
    h2load(origin, kind.rpc, kind.message, { ...SOME, calls });
  return { phase, rows, warmUp };
}

/** About what a second brings either system; a number and not a time, so that both are asked for the same. */
const FIRST_CALLS_PER_SECOND = 1_000;

/** What users meet who have just started their members: no warm-up of any kind. */
const FIRST_PUTS: Row = {
  name: 'put, 1 in flight',
  phase: 'first seconds after the start',
  goal: undefined,
  run: (origin, { seconds, measured }) => {
    const calls = Math.ceil(FIRST_CALLS_PER_SECOND * Math.max(1, seconds));
    return measured(() => h2load(origin, PUTS.rpc, PUTS.message, { ...ONE, calls }));
  },
};

/** The one key of a fresh store, which the reads read. */
export async function putFixedKey(origin: string): Promise<void> {
  if ((await callOnce(origin, PUTS.rpc, PUTS.message)) === undefined) throw new Error('the first put was refused');
}

/** Puts every key once, so that reads find something. */
export async function fillStore(origin: string, keys: number): Promise<void> {
  const block = headerBlock(origin, PUT);
  let next = 0;
  const connections = await Promise.all(Array.from({ length: 16 }, () => LoadConnection.open(origin)));
  await Promise.all(
    connections.flatMap((connection) =>
      Array.from({ length: 16 }, async () => {
        while (next < keys) {
          const message = framed(PutRequest.encode({ key: spreadKey(next++), value: VALUE }));
          const answered = await new Promise<boolean>((resolve) => connection.call(block, message, resolve));
          if (!answered) throw new Error('a put was refused while the store was filled');
        }
      }),
    ),
  );
  for (const connection of connections) connection.close();
}

/** Not Math.random: both systems get the same keys in the same order. */
function draw(): () => number {
  let state = 0x2545f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % SPREAD_KEYS;
  };
}

type Maker = (origin: string) => () => Call;

function puts(origin: string): () => Call {
  const block = headerBlock(origin, PUT);
  const key = draw();
  return () => ({ block, framedMessage: framed(PutRequest.encode({ key: spreadKey(key()), value: VALUE })) });
}

function reads(origin: string): () => Call {
  const block = headerBlock(origin, RANGE);
  const key = draw();
  return () => ({ block, framedMessage: framed(RangeRequest.encode({ key: spreadKey(key()) })) });
}

function mixed(origin: string): () => Call {
  const [put, read] = [puts(origin), reads(origin)];
  let i = 0;
  return () => (i++ % 10 === 0 ? put() : read());
}

function ranges(origin: string): () => Call {
  const block = headerBlock(origin, RANGE);
  const key = draw();
  return () => {
    const message = { key: spreadKey(key()), rangeEnd: Uint8Array.of(0), limit: 100 };
    return { block, framedMessage: framed(RangeRequest.encode(message)) };
  };
}

function transactions(origin: string): () => Call {
  const block = headerBlock(origin, TXN);
  const index = draw();
  return () => {
    const key = spreadKey(index());
    const compare = [{ key, target: 'CREATE', result: 'GREATER', createRevision: 0 }] as const;
    const success = [{ requestPut: { key, value: VALUE } }];
    return { block, framedMessage: framed(TxnRequest.encode({ compare, success })) };
  };
}

function spreadRow(name: string, make: Maker): Row {
  const run = async (origin: string, { seconds, measured }: Effort): Promise<LoadResult> => {
    await spreadLoad(origin, make(origin), { ...SOME, durationMs: seconds * 1000 * WARM_UP });
    return await measured(() => spreadLoad(origin, make(origin), { ...SOME, durationMs: seconds * 1000 }));
  };
  return { name, phase: 'after the burst', goal: undefined, run };
}

/** Puts while so many watchers of all keys are open; each gets each change. */
function watchedRow(watchers: number): Row {
  const name = `spread: puts with ${watchers} watchers`;
  const run = async (origin: string, { seconds, measured }: Effort): Promise<LoadResult> => {
    const connection = await LoadConnection.open(origin);
    const block = headerBlock(origin, WATCH);
    const createRequest = { key: utf8('key/'), rangeEnd: utf8('key0') };
    let created = 0;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < watchers; i++) {
        let isFirst = true;
        const send = connection.stream(block, () => {
          if (!isFirst) return;
          isFirst = false;
          created += 1;
          if (created === watchers) resolve();
        });
        send(framed(WatchRequest.encode({ createRequest })));
      }
    });
    try {
      await spreadLoad(origin, puts(origin), { ...SOME, durationMs: seconds * 1000 * WARM_UP });
      return await measured(() => spreadLoad(origin, puts(origin), { ...SOME, durationMs: seconds * 1000 }));
    } finally {
      connection.close();
    }
  };
  return { name, phase: 'after the burst', goal: undefined, run };
}

const LEASES = 64;
const LEASE_CONNECTIONS = 16;

/** Each slot has a lease of its own and renews it on a stream, one renewal at a time. */
async function keepAlive(origin: string, seconds: number): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: LEASE_CONNECTIONS }, () => LoadConnection.open(origin)));
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const slots = Array.from({ length: LEASES }, async (_, i) => {
    const connection = connections[i % connections.length] as LoadConnection;
    return await renewUntil(end, connection, origin, BigInt(1_000 + i));
  });
  const latencies = (await Promise.all(slots)).flat();
  const spent = (performance.now() - begin) / 1000;
  for (const connection of connections) connection.close();
  return { perSecond: latencies.length / spent, calls: latencies.length, ...percentiles(latencies) };
}

async function renewUntil(end: number, connection: LoadConnection, origin: string, ID: bigint): Promise<number[]> {
  const granted = framed(LeaseGrantRequest.encode({ ID, TTL: 600 }));
  // The lease is there after the warm-up: then this is refused, and it is as good.
  await new Promise<boolean>((resolve) => connection.call(headerBlock(origin, LEASE_GRANT), granted, resolve));
  const latencies: number[] = [];
  let answered: (() => void) | undefined;
  const send = connection.stream(headerBlock(origin, LEASE_KEEP_ALIVE), () => answered?.());
  const message = framed(LeaseKeepAliveRequest.encode({ ID }));
  while (performance.now() < end) {
    const at = performance.now();
    const reply = new Promise<void>((resolve) => {
      answered = resolve;
    });
    send(message);
    await reply;
    latencies.push(performance.now() - at);
  }
  return latencies;
}

const KEEP_ALIVES: Row = {
  name: `lease keep-alives, ${LEASES} leases`,
  phase: 'after the burst',
  goal: undefined,
  run: async (origin, { seconds, measured }) => {
    await keepAlive(origin, seconds * WARM_UP);
    return await measured(() => keepAlive(origin, seconds));
  },
};

/**
 * The rows in the order in which they are run. The puts of a fresh store come after its reads, which they would slow down, and so does the
 * burst of 100,000 puts; the first seconds have a cluster of their own.
 */
export const GROUPS: readonly Group[] = [
  { phase: FIRST_PUTS.phase, rows: [FIRST_PUTS], warmUp: undefined },
  h2loadGroup(LINEARIZABLE_READS, 'fresh'),
  h2loadGroup(SERIALIZABLE_READS, 'fresh'),
  h2loadGroup(PUTS, 'fresh'),
  h2loadGroup(LINEARIZABLE_READS, 'after the burst'),
  h2loadGroup(SERIALIZABLE_READS, 'after the burst'),
  {
    phase: 'after the burst',
    rows: [
      spreadRow('spread: puts', puts),
      spreadRow('spread: reads', reads),
      spreadRow('spread: 90 % reads, 10 % puts', mixed),
      spreadRow('spread: ranges of 100 keys', ranges),
      spreadRow('spread: compare and put', transactions),
      KEEP_ALIVES,
      // The last: what the watchers have not been sent yet keeps a server busy for a while after their row.
      watchedRow(100),
      watchedRow(1_000),
    ],
    warmUp: undefined,
  },
];
