/** Histories recorded from real processes, and the judge of simulated ones: it accepts what they answered, and nothing doctored. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { historyLines, type Operation, type ProcessCluster } from '@quorate/replica/testing';
import { bringAllBack, judge, startCluster, underLoad, writesGoOn } from './support.js';

const KILLS = 3;
/** Few, so that several clients are at each of them at the same time. */
const KEYS = 6;

type Found = readonly [position: number, operation: Operation];

/** An answered read of a value, and that value's write. */
function readAndWrite(operations: readonly Operation[]): { readonly read: Found; readonly write: Found } {
  for (const [position, read] of operations.entries()) {
    if (read.kind !== 'read' || read.outcome !== 'acknowledged' || read.value === null) continue;
    const at = operations.findIndex(({ kind, value }) => kind !== 'read' && value === read.value);
    const write = operations[at];
    if (write?.outcome === 'acknowledged') return { read: [position, read], write: [at, write] };
  }
  throw new Error('no value was written and read');
}

function doctored(operations: readonly Operation[], [position, operation]: Found): readonly string[] {
  return judge(historyLines(operations.with(position, operation)));
}

describe('the history of several clients on the same keys, while members are killed', () => {
  let cluster: ProcessCluster;
  let operations: readonly Operation[] = [];
  before(async () => {
    cluster = await startCluster({ size: 3 });
    const workload = await underLoad(
      cluster,
      async (load) => {
        for (let kill = 0; kill < KILLS; kill += 1) {
          await (await cluster.leader()).kill('SIGKILL');
          await writesGoOn(cluster, load);
          await bringAllBack(cluster);
        }
      },
      { clients: 6, keys: KEYS, thinkMs: 2 },
    );
    operations = workload.operations;
  });
  after(() => cluster?.stop());

  it('is linearizable, with compare-and-set, failures and several writers for each key', (t) => {
    assert.deepEqual(judge(historyLines(operations)), []);
    const writers = new Set(
      operations.filter(({ key, kind }) => kind !== 'read' && key.endsWith('-1')).map((one) => one.client),
    );
    assert.ok(writers.size > 1, `${writers.size} writers`);
    const statuses = new Set(operations.filter(({ kind }) => kind === 'create').map(({ status }) => status));
    assert.ok(statuses.has(201) && statuses.has(409), [...statuses].join());
    assert.ok(operations.some(({ outcome }) => outcome !== 'acknowledged'));
    t.diagnostic(`${operations.length} operations on ${KEYS} keys`);
  });

  it('is refused when a read is made stale', () => {
    const { read, write } = readAndWrite(operations);
    const last = operations.findLastIndex((one) => one.client < 0 && one.key === read[1].key);
    const late = operations[last];
    assert.ok(late !== undefined && late.value !== write[1].value, 'the key was written again');
    assert.match(doctored(operations, [last, { ...late, value: read[1].value }]).join(), /^no order explains .*: get /);
  });

  it('is refused when a write that was read is said to have been refused', () => {
    const { write } = readAndWrite(operations);
    const [position, operation] = write;
    assert.equal(doctored(operations, [position, { ...operation, outcome: 'refused', status: 503 }]).length, 1);
  });

  it('is refused when an acknowledged write is lost', () => {
    // The last reads of a key all say what its last write left: instead they say that there is nothing.
    const mayBeDeleted = new Set(
      operations.filter(({ kind, outcome }) => kind === 'delete' && outcome === 'unknown').map(({ key }) => key),
    );
    const last = operations.findLast(
      ({ client, key, value }) => client < 0 && value !== null && !mayBeDeleted.has(key),
    );
    assert.ok(last !== undefined);
    const lost = operations.map((one) => (one.client < 0 && one.key === last.key ? { ...one, value: null } : one));
    assert.equal(judge(historyLines(lost)).length, 1);
  });
});
