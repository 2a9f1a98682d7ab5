/** Appends that tell of a commit alone: held back, superseded, sent in time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppendMessage, Message } from '@quorate/raft';
import { CommitNotices } from '../../src/replica/commit-notices.js';
import { HEARTBEAT_MS, VirtualCluster, type VirtualMember } from './virtual-cluster.js';

function notice(to: number, commit: number): AppendMessage {
  return { type: 'append', from: 1, to, term: 3, previousIndex: commit, previousTerm: 3, entries: [], commit };
}

function notices(): { readonly held: CommitNotices; readonly sent: Message[] } {
  const sent: Message[] = [];
  return { held: new CommitNotices((message) => void sent.push(message)), sent };
}

test('a notice leaves at the second telling, and only the last one for each member', () => {
  const { held, sent } = notices();
  held.hold(notice(2, 5));
  held.hold(notice(3, 5));
  held.hold(notice(2, 6));
  assert.equal(held.tell(), true);
  assert.deepEqual(sent, []);
  assert.equal(held.tell(), false);
  assert.deepEqual(sent, [notice(2, 6), notice(3, 5)]);
});

test('one that is replaced between two tellings waits for two more', () => {
  const { held, sent } = notices();
  held.hold(notice(2, 5));
  held.tell();
  held.hold(notice(2, 6));
  assert.equal(held.tell(), true);
  assert.deepEqual(sent, []);
  held.tell();
  assert.deepEqual(sent, [notice(2, 6)]);
});

test('what leaves for a member supersedes its notice, and an answer has it sent before', () => {
  const { held, sent } = notices();
  held.hold(notice(2, 5));
  held.hold(notice(3, 5));
  held.supersede(2);
  held.sendTo(2);
  held.sendTo(3);
  assert.deepEqual(sent, [notice(3, 5)]);
  assert.equal(held.tell(), false);
});

test('who leads no more tells everything', () => {
  const { held, sent } = notices();
  held.hold(notice(2, 5));
  held.hold(notice(3, 5));
  held.sendAll();
  assert.deepEqual(
    sent.map(({ to }) => to),
    [2, 3],
  );
});

test('followers hear of the last commit without another write, long before the next heartbeat', () => {
  const cluster = new VirtualCluster(3);
  const leader = cluster.theLeader;
  cluster.settle();
  leader.put('a', '1');
  const index = leader.replica?.state.appliedIndex ?? Number.NaN;
  const waitedMs = cluster.until(() => cluster.members.every(({ replica }) => replica?.state.appliedIndex === index));
  assert.ok(waitedMs < HEARTBEAT_MS / 2, `${waitedMs} ms`);
});

test('a read at a follower does not wait for the pause: the notice leaves before the answer', () => {
  const cluster = new VirtualCluster(3);
  const leader = cluster.theLeader;
  const [follower] = cluster.followers as [VirtualMember, VirtualMember];
  cluster.settle();
  leader.put('a', '1');
  const index = leader.replica?.state.appliedIndex ?? Number.NaN;
  let isServed = false;
  follower.replica?.read(() => {
    isServed = true;
    assert.ok((follower.replica?.state.appliedIndex ?? 0) >= index);
  });
  cluster.until(() => isServed);
});
