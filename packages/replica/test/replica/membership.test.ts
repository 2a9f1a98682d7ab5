/** What a request to change the membership means: planAdd, planAdmit, planUpdate, planPromote, planRemove. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigState } from '@quorate/raft';
import { Directory, encodeMembers } from '../../src/replica/directory.js';
import {
  type AddRequest,
  type ClusterView,
  planAdd,
  planAdmit,
  planPromote,
  planRemove,
  planUpdate,
} from '../../src/replica/membership.js';

const NEW_ID = 99;

function cluster(
  options: {
    voters?: number[];
    learners?: number[];
    active?: number[];
    unreachable?: number[];
    self?: number;
    /** They have an id and no name yet. */
    unstarted?: number[];
  } = {},
): ClusterView {
  const { unstarted = [] } = options;
  const { voters = [1, 2, 3], learners = [], active = [...voters, ...learners], self = 1 } = options;
  const config: ConfigState = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
  const directory = new Directory();
  const members = [...voters, ...learners].map((id) => ({
    id,
    name: unstarted.includes(id) ? '' : `node${id}`,
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

/** The kinds of the changes, or why it was refused. */
function admit(view: ClusterView, peerUrls: string[], isLearner = false): string {
  const plan = planAdmit(view, { peerUrls, isLearner }, NEW_ID, 1);
  if (plan.kind === 'refused') return plan.failure.code;
  return plan.kind === 'change' ? plan.change.changes.map(({ type }) => type).join(',') : plan.kind;
}

/** What is published, or why it was refused. */
function update(id: number, peerUrls: string[]): string {
  const plan = planUpdate(cluster(), id, peerUrls);
  return plan.kind === 'refused' ? plan.failure.code : JSON.stringify(plan.publication);
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

  it('refuses a client address that is none, and takes one that is not known yet', () => {
    const plan = planAdd(cluster(), request({ clientAddress: 'host' }), NEW_ID);
    assert.equal(plan.kind === 'refused' && plan.failure.message, '"host" is not an address: host:port is expected');
    assert.equal(planAdd(cluster(), request({ clientAddress: '' }), NEW_ID).kind, 'change');
  });

  it('refuses a member without a name', () => {
    const plan = planAdd(cluster(), request({ name: '' }), NEW_ID);
    assert.equal(plan.kind === 'refused' && plan.failure.outcome, 'invalid');
  });
});

describe('planAdmit', () => {
  it('adds a voter, or a learner, without a name, known by its URLs', () => {
    assert.equal(admit(cluster(), ['http://new:1']), 'add-voter');
    assert.equal(admit(cluster(), ['http://new:1'], true), 'add-learner');
    const plan = planAdmit(cluster(), { peerUrls: ['http://b:2', 'http://a:1'], isLearner: false }, NEW_ID, 1);
    assert.deepEqual(plan.kind === 'change' && plan.member, {
      id: NEW_ID,
      name: '',
      peerAddress: 'a:1',
      clientAddress: '',
      instance: '',
      promoteWhenCaughtUp: false,
      peerUrls: ['http://a:1', 'http://b:2'],
      clientUrls: [],
    });
  });

  it('refuses a URL that is another member’s', () => {
    assert.equal(admit(cluster(), ['http://new:1', 'http://host3:1']), 'member-exists');
  });

  it('refuses a second learner', () => {
    assert.equal(admit(cluster({ learners: [4] }), ['http://new:1'], true), 'too-many-learners');
  });

  it('lets a cluster of one have a second member, and no third before that one has started', () => {
    assert.equal(admit(cluster({ voters: [1] }), ['http://new:1']), 'add-voter');
    const waiting = cluster({ voters: [1, 2], unstarted: [2], active: [1] });
    assert.equal(admit(waiting, ['http://new:1']), 'not-enough-started');
    assert.equal(admit(waiting, ['http://new:1'], true), 'add-learner');
  });

  it('refuses a voter that the members which are up could not do without', () => {
    assert.equal(admit(cluster({ active: [1, 2] }), ['http://new:1']), 'unhealthy');
    assert.equal(admit(cluster({ unreachable: [3] }), ['http://new:1']), 'unhealthy');
    assert.equal(admit(cluster({ voters: [1, 2, 3, 4], active: [1, 2, 3] }), ['http://new:1']), 'add-voter');
  });

  for (const urls of [
    [],
    ['new:1'],
    ['https://new:1'],
    ['http://new'],
    ['http://new:0'],
    ['http://a:1', 'http://a:1'],
  ]) {
    it(`refuses the URLs "${urls.join(',')}"`, () => assert.equal(admit(cluster(), urls), 'invalid-argument'));
  }
});

describe('planUpdate', () => {
  it('gives a member other URLs, also its own again', () => {
    const said = JSON.stringify({ id: 2, peerAddress: 'new:1', peerUrls: ['http://new:1'] });
    assert.equal(update(2, ['http://new:1']), said);
    assert.match(update(2, ['http://host2:1']), /host2:1/);
  });

  it('refuses a stranger, a taken URL, and what is no URL', () => {
    assert.equal(update(7, ['http://new:1']), 'member-not-found');
    assert.equal(update(2, ['http://host1:1']), 'member-exists');
    assert.equal(update(2, ['host2']), 'invalid-argument');
  });
});

describe('the directory', () => {
  it('gives members of before the URLs the ones that their addresses make', () => {
    assert.deepEqual(cluster().directory.get(2)?.peerUrls, ['http://host2:1']);
    assert.deepEqual(cluster().directory.get(2)?.clientUrls, []);
    assert.deepEqual(Directory.decode(cluster().directory.encode()).list(), cluster().directory.list());
  });

  it('follows what a member publishes, URLs or addresses alone', () => {
    const known = cluster().directory;
    known.applyPublication({ id: 2, name: 'b', peerAddress: 'new:1', clientAddress: 'new:2' });
    assert.deepEqual(known.get(2)?.peerUrls, ['http://new:1']);
    assert.deepEqual(known.get(2)?.clientUrls, ['http://new:2']);
    known.applyPublication({ id: 2, clientAddress: 'x:2', clientUrls: ['http://x:2', 'http://y:2'] });
    assert.deepEqual(known.get(2)?.clientUrls, ['http://x:2', 'http://y:2']);
    assert.deepEqual(known.get(2)?.peerAddress, 'new:1');
  });

  it('leaves a URL to the member that got it first', () => {
    const known = cluster().directory;
    known.applyPublication({ id: 1, peerAddress: 'new:1', peerUrls: ['http://new:1'] });
    known.applyPublication({ id: 2, peerAddress: 'new:1', peerUrls: ['http://new:1'] });
    assert.equal(known.get(2)?.peerAddress, 'host2:1');
  });

  it('[M4] leaves an id to the first folder that took it', () => {
    const known = cluster().directory;
    known.applyPublication({ id: 2, name: 'thief', clientAddress: 'x:1', instance: 'another folder' });
    assert.equal(known.get(2)?.name, 'node2');
    assert.equal(known.get(2)?.instance, 'folder2');
  });
});

describe('planPromote', () => {
  it('refuses a voter where only a learner will do', () => {
    const plan = planPromote(cluster(), 2, undefined, true);
    assert.equal(plan.kind === 'refused' && plan.failure.code, 'not-a-learner');
  });

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
