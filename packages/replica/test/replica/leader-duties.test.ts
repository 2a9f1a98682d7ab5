/** Requests about the membership end, whatever becomes of the leader that they wait at. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdminOperation } from '../../src/replica/admin.js';
import { VirtualCluster, type VirtualMember } from './virtual-cluster.js';

/** A leader that has just lost the others, and a follower that it has lost. */
function setUp(): { cluster: VirtualCluster; leader: VirtualMember; follower: VirtualMember } {
  const cluster = new VirtualCluster(3);
  cluster.settle();
  const leader = cluster.theLeader;
  const [follower] = cluster.followers;
  assert.ok(follower);
  cluster.network.partition([[leader.id]]);
  return { cluster, leader, follower };
}

/** The answer appears in the returned object. */
function ask({ replica }: VirtualMember, operation: AdminOperation): { answer?: string } {
  const asked: { answer?: string } = {};
  replica?.administer(operation, (result) => {
    assert.equal(asked.answer, undefined, 'answered once');
    asked.answer = result.ok ? 'done' : `${result.code}/${result.outcome}`;
  });
  return asked;
}

const newcomer: AdminOperation = {
  kind: 'add',
  request: { name: 'n4', peerAddress: 'n4:1', clientAddress: '', instance: 'y', promoteWhenCaughtUp: false },
};

/** One of each kind that waits at a leader. */
function askAll(leader: VirtualMember, follower: VirtualMember): { answer?: string }[] {
  const proposed = ask(leader, { kind: 'remove', id: follower.id });
  const waiting = ask(leader, newcomer);
  const transfer = ask(leader, { kind: 'transfer', target: follower.id });
  const handedOver = ask(leader, { kind: 'remove', id: leader.id });
  return [proposed, waiting, transfer, handedOver];
}

const answersOf = (asked: readonly { answer?: string }[]): (string | undefined)[] => asked.map(({ answer }) => answer);

describe('a request about the membership', () => {
  it('ends when its leader has lost the others, and no other leader appears', () => {
    const { cluster, leader, follower } = setUp();
    const asked = askAll(leader, follower);
    cluster.until(() => leader.replica?.raft.leader === 0);
    cluster.until(() => asked.every(({ answer }) => answer !== undefined));
    // A transfer that has begun may have come to its end without the one that began it.
    assert.deepEqual(answersOf(asked), [
      'outcome-unknown/unknown',
      'no-leader/rejected',
      'timeout/unknown',
      'no-leader/rejected',
    ]);
  });

  it('ends when its member stops', () => {
    const { leader, follower } = setUp();
    const asked = askAll(leader, follower);
    leader.replica?.stop(() => {});
    assert.deepEqual(answersOf(asked), [
      'outcome-unknown/unknown',
      'stopped/rejected',
      'stopped/unknown',
      'stopped/rejected',
    ]);
  });

  it('ends when its member stops itself', () => {
    const { leader, follower } = setUp();
    const asked = askAll(leader, follower);
    assert.throws(() => leader.replica?.refused(follower.id, 'removed'), /halts/);
    assert.deepEqual(answersOf(asked), [
      'outcome-unknown/unknown',
      'stopped/rejected',
      'stopped/unknown',
      'stopped/rejected',
    ]);
  });

  it('is waited for by a member that is to stop', () => {
    const { cluster, leader, follower } = setUp();
    const asked = ask(leader, { kind: 'transfer', target: follower.id });
    let isDrained = false;
    leader.replica?.drain(() => {
      isDrained = true;
      assert.ok(asked.answer !== undefined);
    });
    cluster.until(() => isDrained);
  });

  it('is decided by the next leader, also if there is none for a while', () => {
    const { cluster, leader, follower } = setUp();
    ask(leader, { kind: 'remove', id: follower.id });
    const waiting = ask(leader, newcomer);
    cluster.until(() => leader.replica?.raft.leader === 0);
    assert.equal(waiting.answer, undefined);
    cluster.network.heal();
    cluster.until(() => waiting.answer !== undefined);
    assert.equal(waiting.answer, 'done');
    assert.notEqual(cluster.theLeader, leader);
  });
});
