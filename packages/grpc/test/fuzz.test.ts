/** A few seconds of the fuzzer, from a seed of its own each time; `FUZZ_SEED=n` begins where a failure was. */
import { it } from 'node:test';
import { Fuzzer } from './fuzz/fuzzer.js';
import { recordTraffic } from './fuzz/recording.js';

const FRAMES = 30_000;
const LONGEST_MS = 5_000;

it('mutated traffic of real clients never brings the server down', async (t) => {
  const fuzzer = new Fuzzer(await recordTraffic());
  let seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
  const end = performance.now() + LONGEST_MS;
  for (; fuzzer.result.frames < FRAMES && performance.now() < end; seed++) {
    try {
      await fuzzer.run(seed);
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}`, { cause: error });
    }
  }
  t.diagnostic(JSON.stringify(fuzzer.result));
});
