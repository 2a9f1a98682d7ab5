/** What waits for answers and watches may throw: the turn in which it is told goes on as if it had not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePlatform } from '../../src/adapters/platform.js';
import type { CommandWaiter } from '../../src/replica/requests.js';
import { type Command, encodeCommand, putOf } from '../../src/store/index.js';
import { VirtualCluster } from './virtual-cluster.js';

function bytesOf(operation: Command['operation']): Uint8Array {
  return encodeCommand(nodePlatform, { operation, limits: undefined });
}

const fault = (name: string) => (): never => {
  throw new Error(name);
};

test('whoever throws in a turn is reported, and everybody behind it is answered', () => {
  const cluster = new VirtualCluster(3);
  const faults: string[] = [];
  cluster.faulted = (error) => faults.push((error as Error).message);
  const leader = cluster.theLeader.replica;
  const follower = cluster.followers[0]?.replica;
  assert.ok(leader && follower);
  const answers: string[] = [];
  const expected: string[] = [];
  const watched: string[] = [];
  for (const [name, replica] of Object.entries({ leader, follower })) {
    const put = (key: string): Uint8Array => bytesOf(putOf(key, new Uint8Array(1)));
    const txn = bytesOf({ kind: 'txn', compares: [], success: [putOf('t', new Uint8Array(1))], failure: [] });
    const bad = (what: string): CommandWaiter => ({ done: fault(`${name} ${what}`) });
    const good = (what: string): CommandWaiter => ({ done: ({ ok }) => void answers.push(`${name} ${what} ${ok}`) });
    const plain = (waiter: CommandWaiter): CommandWaiter => ({ ...waiter, put: () => waiter.done(SOME) });
    const options = { rangeEnd: undefined, startRevision: 0, previous: false, noPut: false, noDelete: false };
    const sink = { compacted: () => assert.fail() };
    replica.submit(put('p'), plain(bad('put')));
    replica.submit(put('p'), plain(good('put')));
    replica.submit(put('p'), bad('put without a word of its own'));
    replica.submit(txn, bad('txn'));
    replica.submit(txn, good('txn'));
    replica.read(fault(`${name} read`));
    replica.read(({ ok }) => void answers.push(`${name} read ${ok}`));
    cluster.run(1_000);
    replica.watches.watch({ ...options, key: 'w' }, { ...sink, events: fault(`${name} watch`) });
    replica.watches.watch({ ...options, key: 'w' }, { ...sink, events: () => watched.push(name) > 0 });
    replica.submit(put('w'), bad('put that is watched'));
    cluster.run(1_000);
    expected.push(...['put', 'txn', 'read'].map((what) => `${name} ${what} true`));
  }
  assert.deepEqual(answers.toSorted(), expected.toSorted());
  assert.deepEqual(new Set(watched), new Set(['leader', 'follower']));
  const sources = ['put', 'put without a word of its own', 'txn', 'read', 'watch', 'put that is watched'];
  const all = ['leader', 'follower'].flatMap((name) => sources.map((source) => `${name} ${source}`));
  assert.deepEqual(faults.toSorted(), all.toSorted());
  cluster.settle();
  for (const { store, replica } of cluster.members) {
    assert.deepEqual(store.hash(), cluster.theLeader.store.hash());
    assert.deepEqual([replica?.requests.pending, replica?.reads.pending], [0, 0]);
  }
});

const SOME = { ok: true, value: { kind: 'put', revision: 1, previous: undefined } } as const;
