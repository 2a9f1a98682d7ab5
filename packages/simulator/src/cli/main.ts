/** Runs seeds one after the other and reports: the only part of the simulator that knows real time. */
import { parseArgs } from 'node:util';
import { type RunResult, run } from '../swarm/run.js';
import { FAULT_NAMES, type FaultName, type Scenario } from '../swarm/scenario.js';

export function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      runs: { type: 'string' },
      minutes: { type: 'string' },
      json: { type: 'boolean', default: false },
      set: { type: 'string' },
      without: { type: 'string', default: '' },
      lines: { type: 'string', default: '150' },
      keep: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? 1);
  const runs = Number(values.runs ?? 1);
  let failures = 0;
  const begin = performance.now();
  let virtualMs = 0;
  for (let i = 0; i < runs; i += 1) {
    const r = run({ seed: seed + i, ...(values.set ? { change: JSON.parse(values.set) as Partial<Scenario> } : {}) });
    virtualMs += r.virtualMs;
    if (r.failure) {
      failures += 1;
      process.stdout.write(`seed ${r.seed}: ${r.failure.message.slice(0, 600)}\n`);
      if (runs === 1) {
        const again = run({
          seed: seed + i,
          linesMax: Number(values.lines),
          ...(values.set ? { change: JSON.parse(values.set) as Partial<Scenario> } : {}),
        });
        process.stdout.write(
          `${again.lines.join('\n')}\n${r.failure.stack}\n${JSON.stringify(r.scenario)}\n${again.hash === r.hash}\n`,
        );
      }
    } else if (runs <= 10) process.stdout.write(`${JSON.stringify({ ...r, scenario: undefined, lines: undefined })}\n`);
  }
  const realMs = performance.now() - begin;
  process.stdout.write(
    `${runs} runs, ${failures} failures, ${(virtualMs / 1000).toFixed(0)} s virtual in ${(realMs / 1000).toFixed(1)} s: ${(virtualMs / realMs).toFixed(0)}x\n`,
  );
  void (FAULT_NAMES satisfies readonly FaultName[]);
  void (undefined as RunResult | undefined);
  return failures > 0 ? 1 : 0;
}
