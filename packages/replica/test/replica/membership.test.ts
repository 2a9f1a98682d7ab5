/** What a request to change the membership means: planAdd, planPromote, planRemove. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigState } from '@quorate/raft';
import { Directory, encodeMembers } from '../../src/replica/directory.js';
import { type AddRequest, type ClusterView, planAdd, planPromote, planRemove } from '../../src/replica/membership.js';

const NEW_ID = 99;

function cluster(
  options: { voters?: number[]; learners?: number[]; active?: number[]; unreachable?: number[]; self?: number } = {},
): ClusterView {
  const { voters = [1, 2, 3], learners = [], active = [...voters, ...learners], self = 1 } = options;
  const config: ConfigState = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
  const directory = new Directory();
  const members = [...voters, ...learners].map((id) => ({
    id,
    name: `node${id}`,
    peerAddress: `host${id}:1`,
    clientAddress: '',
    instance: `folder${id}`,
    promoteWhenCaughtUp: false,
  }));
  directory.applyConfigChange({ changes: [], transition: 'auto', context: encodeMembers(members) }, config);
  const { unreachable = [] } = options;
  return {
    self,
    directory,
    config,
    isActive: (id) => active.includes(id),
    isUnreachable: (id) => unreachable.includes(id),
  };
}

function request(changes: Partial<AddRequest> = {}): AddRequest {
  return {
    name: 'node4',
    peerAddress: 'host4:1',
    clientAddress: '',
    instance: 'folder4',
    promoteWhenCaughtUp: true,
    ...changes,
  };
}

describe('planAdd', () => {
  it('adds a newcomer as a learner', () => {
    const plan = planAdd(cluster(), request(), NEW_ID);
    assert.equal(plan.kind, 'change');
    assert.deepEqual(plan.kind === 'change' && plan.change.changes, [{ type: 'add-learner', member: NEW_ID }]);
  });

  it('answers a repeated request of the same folder with the same member', () => {
    const plan = planAdd(cluster(), request({ name: 'node2', peerAddress: 'host2:1', instance: 'folder2' }), NEW_ID);
    assert.deepEqual([plan.kind, plan.kind === 'exists' && plan.member.id], ['exists', 2]);
  });

  it("answers the seed's call, which names no folder, with the member of that name and address", () => {
    const plan = planAdd(cluster(), request({ name: 'node2', peerAddress: 'host2:1', instance: '' }), NEW_ID);
    assert.equal(plan.kind, 'exists');
  });

  it('[M1] replaces a member that lost its folder, in one change', () => {
    const view = cluster({ active: [1, 3] });
    const plan = planAdd(view, request({ name: 'node2', peerAddress: 'host2:1', instance: 'another' }), NEW_ID);
    assert.equal(plan.kind, 'change');
    assert.deepEqual(plan.kind === 'change' && plan.change.changes, [
      { type: 'remove', member: 2 },
      { type: 'add-learner', member: NEW_ID },
    ]);
    assert.equal(plan.kind === 'change' && plan.replaces, 2);
  });

  it('[M2] does not replace a member that is running', () => {
    const plan = planAdd(cluster(), request({ name: 'node2', peerAddress: 'host2:1', instance: 'another' }), NEW_ID);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'member-exists');
  });

  it('[M1] replaces a member whose connection broke without waiting for an election timeout', () => {
    const again = request({ name: 'node2', peerAddress: 'host2:1', instance: 'another' });
    assert.equal(planAdd(cluster({ unreachable: [2] }), again, NEW_ID).kind, 'change');
  });

  it('[M3] does not replace a member if the others would be no quorum', () => {
    const view = cluster({ active: [1] });
    const plan = planAdd(view, request({ name: 'node2', peerAddress: 'host2:1', instance: 'another' }), NEW_ID);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'configuration-refused');
  });

  it('refuses an address that is another member’s', () => {
    const plan = planAdd(cluster(), request({ peerAddress: 'host3:1' }), NEW_ID);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'member-exists');
  });

  for (const peerAddress of ['', 'host', 'host:', ':1', 'host:port']) {
    it(`refuses the address "${peerAddress}"`, () => {
      const plan = planAdd(cluster(), request({ peerAddress }), NEW_ID);
      assert.equal(plan.kind === 'refused' && plan.failure.code, 'invalid-argument');
    });
  }

  it('refuses a member without a name', () => {
    const plan = planAdd(cluster(), request({ name: '' }), NEW_ID);
    assert.equal(plan.kind === 'refused' && plan.failure.outcome, 'invalid');
  });
});

describe('planPromote', () => {
  it('promotes a learner that has caught up', () => {
    const plan = planPromote(cluster({ learners: [4] }), 4, { match: 95, lastIndex: 100 });
    assert.deepEqual(plan.kind === 'change' && plan.change.changes, [{ type: 'add-voter', member: 4 }]);
  });

  it('refuses a learner that has not', () => {
    const plan = planPromote(cluster({ learners: [4] }), 4, { match: 50, lastIndex: 100 });
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'member-not-caught-up');
  });

  it('refuses a learner that does not answer', () => {
    const plan = planPromote(cluster({ learners: [4], active: [1, 2, 3] }), 4, { match: 100, lastIndex: 100 });
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'member-not-caught-up');
  });

  it('has nothing to do for a voter', () => {
    assert.equal(planPromote(cluster(), 2, undefined).kind, 'done');
  });

  it('knows no stranger', () => {
    const plan = planPromote(cluster(), 7, undefined);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'member-not-found');
  });
});

describe('planRemove', () => {
  it('removes a follower, a dead one too', () => {
    for (const active of [
      [1, 2, 3],
      [1, 3],
    ]) {
      const plan = planRemove(cluster({ active }), 2);
      assert.deepEqual(plan.kind === 'change' && plan.change.changes, [{ type: 'remove', member: 2 }]);
    }
  });

  it('hands over before the leader is removed', () => {
    assert.equal(planRemove(cluster(), 1).kind, 'hand-over');
  });

  it('refuses to remove the last voter', () => {
    const plan = planRemove(cluster({ voters: [1] }), 1);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'configuration-refused');
  });

  it('[M3] refuses if those who would remain are no quorum', () => {
    const plan = planRemove(cluster({ active: [1, 2] }), 2);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'configuration-refused');
  });

  it('knows no stranger', () => {
    const plan = planRemove(cluster(), 7);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'member-not-found');
  });
});
