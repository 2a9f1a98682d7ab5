/** A leader that is told to stop under load hands leadership over and loses no request. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Operation, ProcessCluster } from '@quorate/replica/testing';
import { startCluster, underLoad, writesGoOn } from './support.js';

/** Longer than any graceful stop: what is not answered by then hangs. */
const HANGS_MS = 15_000;
const STOPS = 3;

describe('a graceful stop', () => {
  let cluster: ProcessCluster;
  before(async () => {
    cluster = await startCluster({ size: 3 });
  });
  after(() => cluster?.stop());

  it('of the leader answers every request, and the next leader takes writes at once', async (t) => {
    const workload = await underLoad(
      cluster,
      async (workload) => {
        for (let stop = 0; stop < STOPS; stop++) {
          const leader = await cluster.leader();
          const stoppedAtMs = performance.now();
          const exit = await leader.kill('SIGTERM');
          const endedAtMs = performance.now();
          assert.deepEqual(exit, { code: 0, signal: null }, leader.logText(20));
          await writesGoOn(cluster, workload);
          const firstWriteMs = workload.firstWriteAfter(stoppedAtMs) ?? Number.NaN;
          t.diagnostic(
            `stopped in ${(endedAtMs - stoppedAtMs).toFixed(0)} ms, ` +
              `first write ${(firstWriteMs - stoppedAtMs).toFixed(0)} ms after the signal`,
          );
          leader.start();
          await cluster.waitReady();
        }
      },
      { clients: 8, thinkMs: 1, requestTimeoutMs: HANGS_MS },
    );
    t.diagnostic(workload.summary());
    for (const operation of workload.operations) {
      const { outcome, status, reason } = operation;
      if (outcome === 'acknowledged') continue;
      // A status that says so, or a connection that was never made or that the server had closed already.
      assert.ok(status === 503 || (status === 0 && !reason.startsWith('no answer')), JSON.stringify(operation));
    }
    const unknown = workload.operations.filter((operation) => operation.outcome === 'unknown');
    for (const { kind, reason, via } of unknown) t.diagnostic(`unknown: ${kind} via ${via}: ${reason}`);
    const values = new Set(workload.operations.filter(isAnsweredRead).map((read) => read.value));
    for (const lost of unknown) {
      const wasApplied = lost.kind !== 'read' && lost.value !== null && values.has(lost.value);
      assert.ok(!wasApplied, `accepted, and then reset: ${JSON.stringify(lost)}`);
    }
  });
});

function isAnsweredRead(operation: Operation): boolean {
  return operation.kind === 'read' && operation.outcome === 'acknowledged';
}
