/** When a member takes a turn: not behind an input that leaves nothing to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEARTBEAT_MS, VirtualCluster } from './virtual-cluster.js';

const HEARTBEATS = 50;

test('an idle member takes a turn for each heartbeat that it sends or answers, and none for ticks and answers', () => {
  const cluster = new VirtualCluster(3);
  cluster.settle();
  cluster.run(10 * HEARTBEAT_MS);
  const before = cluster.members.map(({ turns }) => turns);
  cluster.run(HEARTBEATS * HEARTBEAT_MS);
  const taken = cluster.members.map(({ turns }, place) => turns - (before[place] ?? 0));
  for (const turns of taken) assert.ok(Math.abs(turns - HEARTBEATS) <= 2, `turns of each member: ${taken.join()}`);
});

test('a read that found no leader is asked again by the ticks, until there is one', () => {
  const cluster = new VirtualCluster(3);
  cluster.settle();
  const [follower] = cluster.followers;
  assert.ok(follower?.replica);
  cluster.theLeader.kill();
  let isServed = false;
  cluster.until(() => follower.replica?.raft.leader === 0);
  follower.replica.read((result) => {
    isServed = result.ok;
  });
  cluster.until(() => isServed);
});

test('a read ends when its time is up, also while a leader is known that never hears the question', () => {
  const cluster = new VirtualCluster(3);
  cluster.settle();
  const [follower] = cluster.followers;
  assert.ok(follower?.replica);
  const leader = cluster.theLeader;
  // Each direction is a connection of its own: the leader's heartbeats still arrive.
  cluster.network.cut(follower.id, leader.id);
  let code: string | undefined;
  follower.replica.read((result) => {
    code = result.ok ? 'served' : result.code;
  });
  cluster.until(() => code !== undefined);
  assert.equal(code, 'timeout');
  assert.equal(follower.replica.raft.leader, leader.id);
});
