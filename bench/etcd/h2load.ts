/**
 * h2load (of nghttp2) as the load tool: it posts one gRPC body again and again. It knows nothing of either system.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Load {
  readonly connections: number;
  readonly streams: number;
  readonly calls: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** A gRPC message with its five-byte prefix, as it stands in a DATA frame. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  return frame;
}

export async function h2load(origin: string, rpc: string, message: Uint8Array, load: Load): Promise<LoadResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'h2load-'));
  try {
    const body = path.join(folder, 'body');
    const log = path.join(folder, 'log');
    writeFileSync(body, framed(message));
    const args = [
      `--requests=${load.calls}`,
      `--clients=${load.connections}`,
      `--max-concurrent-streams=${load.streams}`,
      `--data=${body}`,
      `--log-file=${log}`,
      '--header=content-type: application/grpc',
      '--header=te: trailers',
      `${origin}${rpc}`,
    ];
    const output = await run('h2load', args);
    const [, perSecond] = /finished in [^,]+, ([\d.]+) req\/s/.exec(output) ?? [];
    if (perSecond === undefined || !output.includes(`${load.calls} succeeded`)) throw new Error(`h2load:\n${output}`);
    const micros = readFileSync(log, 'latin1')
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split('\t')[2]));
    return { perSecond: Number(perSecond), calls: load.calls, ...percentiles(micros.map((us) => us / 1000)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function percentiles(latenciesMs: readonly number[] | Float64Array): {
  readonly p50Ms: number;
  readonly p99Ms: number;
} {
  const sorted = Float64Array.from(latenciesMs).toSorted();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}:\n${output}`)),
    );
  });
}
