/**
 * The fuzzer as a program: `node packages/grpc/dist/test/fuzz/bin.js [--frames 1000000] [--seed 1] [--one SEED]`.
 * A failure names the seed of its stream; `--one` runs that stream alone. Recorded traffic differs a little from run to run (times are in
 * it), so that a failure also writes its recordings beside, which `--recordings FILE` reads.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Fuzzer } from './fuzzer.js';
import { recordTraffic } from './recording.js';

const PROGRESS_STREAMS = 10_000;

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    one: { type: 'string' },
    recordings: { type: 'string' },
  },
});

function readRecordings(file: string): Buffer[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((text) => Buffer.from(text, 'base64'));
}

const recordings = values.recordings === undefined ? await recordTraffic() : readRecordings(values.recordings);
const fuzzer = new Fuzzer(recordings);
const start = performance.now();
let seed = Number(values.one ?? values.seed);
try {
  for (; fuzzer.result.frames < (values.one === undefined ? Number(values.frames) : 1); seed++) {
    await fuzzer.run(seed);
    if (fuzzer.result.streams % PROGRESS_STREAMS !== 0) continue;
    process.stdout.write(`${fuzzer.result.frames} frames, ${Math.round(process.memoryUsage().rss / 1e6)} MB\n`);
  }
} catch (error) {
  const file = path.join(os.tmpdir(), `quorate-grpc-fuzz-${seed}.json`);
  writeFileSync(file, JSON.stringify(recordings.map((one) => one.toString('base64'))));
  process.stderr.write(`seed ${seed} failed; replay: --one ${seed} --recordings ${file}\n`);
  throw error;
}
const seconds = ((performance.now() - start) / 1000).toFixed(1);
const rss = Math.round(process.memoryUsage().rss / 1e6);
process.stdout.write(`${JSON.stringify({ ...fuzzer.result, seconds, rssMegabytes: rss })}\n`);
