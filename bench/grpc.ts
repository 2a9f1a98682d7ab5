/**
 * What a unary call costs a server: CPU time per call of an echo server of 256 B, driven by h2load with 1, 64 (16 x 4) and 1,008 (16 x 63)
 * calls in flight; @quorate/grpc beside the same by hand over node:http2. `node bench/dist/grpc.js`; needs h2load
 * (tools/install-test-tools.sh). The median of three rounds, the servers in turn. Writes bench/results/grpc.json.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GrpcServer } from '@quorate/grpc';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'bench', 'results');
const METHOD = '/bench.Echo/Unary';
const VALUE_BYTES = 256;
const ROUNDS = 3;
/** The first calls pay for compilation. */
const WARM_UP_CALLS = 20_000;

const LOADS = [
  { inFlight: 1, connections: 1, streams: 1, calls: 15_000 },
  { inFlight: 64, connections: 16, streams: 4, calls: 100_000 },
  { inFlight: 1008, connections: 16, streams: 63, calls: 200_000 },
] as const;

const SYSTEMS = ['@quorate/grpc', 'node:http2'] as const;
type System = (typeof SYSTEMS)[number];

const run = promisify(execFile);

interface Sample {
  readonly cpuMicroseconds: number;
  readonly callsPerSecond: number;
}

/** In the child: serves, and answers every message of its parent with the CPU time used so far. */
function serve(system: string): void {
  process.on('message', () => {
    const { user, system: kernel } = process.cpuUsage();
    process.send?.(user + kernel);
  });
  const listener = system === '@quorate/grpc' ? ourServer() : nodeServer();
  listener.listen(0, '127.0.0.1', () => process.send?.((listener.address() as AddressInfo).port));
}

function ourServer(): ReturnType<typeof createServer> {
  const grpc = new GrpcServer();
  grpc.unary(METHOD, (call, request) => call.reply(request));
  return createServer((socket) => grpc.accept(socket));
}

function nodeServer(): ReturnType<typeof createHttp2Server> {
  const server = createHttp2Server();
  server.on('stream', (stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(Buffer.concat(chunks));
    });
  });
  return server;
}

async function ask(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [value] = (await once(child, 'message')) as [number];
  return value;
}

async function load(
  port: number,
  bodyFile: string,
  calls: number,
  connections: number,
  streams: number,
): Promise<number> {
  const header = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const numbers = ['-n', `${calls}`, '-c', `${connections}`, '-m', `${streams}`];
  const { stdout } = await run('h2load', [...numbers, '-d', bodyFile, ...header, `http://127.0.0.1:${port}${METHOD}`]);
  if (!stdout.includes(`${calls} succeeded`)) throw new Error(stdout);
  return Number(/([\d.]+) req\/s/.exec(stdout)?.[1]);
}

async function measure(system: System, bodyFile: string): Promise<Sample[]> {
  const child = fork(fileURLToPath(import.meta.url), [system]);
  const samples: Sample[] = [];
  try {
    const [port] = (await once(child, 'message')) as [number];
    await load(port, bodyFile, WARM_UP_CALLS, 16, 4);
    for (const { calls, connections, streams } of LOADS) {
      const before = await ask(child);
      const callsPerSecond = await load(port, bodyFile, calls, connections, streams);
      samples.push({ cpuMicroseconds: ((await ask(child)) - before) / calls, callsPerSecond });
    }
  } finally {
    child.kill();
  }
  return samples;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-bench-'));
  const bodyFile = path.join(folder, 'body');
  writeFileSync(
    bodyFile,
    Buffer.concat([Buffer.from([0, 0, 0, VALUE_BYTES >> 8, VALUE_BYTES & 255]), Buffer.alloc(VALUE_BYTES, 'x')]),
  );
  const rounds: Record<System, Sample[][]> = { '@quorate/grpc': [], 'node:http2': [] };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const system of SYSTEMS) rounds[system].push(await measure(system, bodyFile));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = SYSTEMS.flatMap((system) =>
    LOADS.map(({ inFlight }, index) => ({
      system,
      inFlight,
      cpuMicroseconds: Number(median(rounds[system].map((one) => one[index]?.cpuMicroseconds ?? NaN)).toFixed(2)),
      callsPerSecond: Math.round(median(rounds[system].map((one) => one[index]?.callsPerSecond ?? NaN))),
    })),
  );
  console.table(rows);
  mkdirSync(RESULTS, { recursive: true });
  const machine = `${cpus()[0]?.model ?? '?'} x ${cpus().length}, Node ${process.version}`;
  writeFileSync(path.join(RESULTS, 'grpc.json'), `${JSON.stringify({ machine, rounds: ROUNDS, rows }, null, 2)}\n`);
}

const [, , role] = process.argv;
if (role === undefined) await main();
else serve(role);
