/**
 * Compares a real etcd and Quorate over as many requests as wanted:
 *
 *     node packages/server/dist/test/foreign/differential/bin.js [--seed 1] [--requests 100000] [--differences 1]
 *
 * Members keep their data under TMPDIR: a file system in memory makes the run as fast as the two can answer.
 */
import { parseArgs } from 'node:util';
import { ForeignSystem } from '../support/systems.js';
import { DifferentialSession } from './session.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    requests: { type: 'string', default: '100000' },
    differences: { type: 'string', default: '1' },
  },
});
const seed = Number(values.seed);
function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const REPORT_EVERY = 10_000;

const systems = await Promise.all([ForeignSystem.start('etcd'), ForeignSystem.start('quorate')]);
const [etcd = '', quorate = ''] = systems.map(({ endpoints }) => endpoints);
const start = performance.now();
try {
  const session = new DifferentialSession(etcd, quorate, {
    seed,
    requests: Number(values.requests),
    differencesMax: Number(values.differences),
    onProgress: (requests) => {
      if (requests % REPORT_EVERY === 0) print(`${requests} requests`);
    },
  });
  const result = await session.run();
  for (const difference of result.differences) print(difference);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  print(
    `seed ${seed}: ${result.requests} requests (${result.refused} of them refused by etcd) and ${result.watches} watches in ${seconds} s, ${result.differences.length} differences`,
  );
  process.exitCode = result.differences.length === 0 ? 0 : 1;
} catch (error) {
  for (const system of systems) print(`${system.name}: ${system.members[0]?.logTail()}`);
  throw error;
} finally {
  await Promise.all(systems.map((system) => system.stop()));
}
