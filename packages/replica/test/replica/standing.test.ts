/** When a member must not go on: it was removed, or what it had promised is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConfigState, EMPTY_CONFIG } from '@quorate/raft';
import { nodePlatform } from '../../src/adapters/platform.js';
import { Directory, encodeMembers } from '../../src/replica/directory.js';
import type { Replica } from '../../src/replica/replica.js';
import { impostorOf, isOnlyVoter, isStranger, reasonToStop } from '../../src/replica/standing.js';
import { PeerEncoder } from '../../src/wire/encoder.js';
import { VirtualCluster, type VirtualMember } from './virtual-cluster.js';

type State = Parameters<typeof reasonToStop>[1];
type Consensus = Parameters<typeof reasonToStop>[2];

const self = { memberId: 1, folderOfGivenId: 'folder' };
const leading: Consensus = { role: 'leader', term: 3, core: { pendingConfigIndex: 7 } };

function configOf(voters: readonly number[], learners: readonly number[] = []): ConfigState {
  return { ...EMPTY_CONFIG, voters, learners };
}

/** Members under these ids were there, those in `config` still are; `instance`: the folder that has the id 1. */
function stateOf(config: ConfigState, ids: readonly number[] = [1], instance = 'folder'): State {
  const members = ids.map((id) => ({
    id,
    name: `n${id}`,
    peerAddress: `peer:${id}`,
    clientAddress: '',
    instance: id === 1 ? instance : '',
    promoteWhenCaughtUp: false,
  }));
  const directory = new Directory();
  const all = configOf(ids);
  directory.applyConfigChange({ changes: [], transition: 'auto', context: encodeMembers(members) }, all);
  directory.applyConfigChange({ changes: [], transition: 'auto', context: new Uint8Array(0) }, config);
  return { appliedIndex: 9, appliedTerm: 3, config, directory };
}

describe('a member that was removed', () => {
  it('stops, but for a leader, which sees to it first that the others know', () => {
    const state = stateOf(configOf([2, 3]), [1, 2, 3]);
    assert.equal(reasonToStop(self, state, { ...leading, role: 'follower' }, [])?.code, 'removed');
    assert.equal(reasonToStop(self, state, leading, []), undefined);
  });
});

describe('a member whose id was given before its folder was there', () => {
  it('[M4] stops where another folder has the id', () => {
    assert.equal(impostorOf(self, stateOf(configOf([1])).directory), undefined);
    assert.equal(impostorOf(self, stateOf(configOf([1]), [1], '').directory), undefined);
    assert.equal(impostorOf(self, new Directory()), undefined);
    const found = impostorOf(self, stateOf(configOf([1]), [1], 'another').directory);
    assert.equal(found?.code, 'data-folder');
    assert.match(found?.message ?? '', /member 1 has already been bootstrapped/);
  });

  it('does not look for another folder if it joined by its own call: the folder was known before the id', () => {
    const state = stateOf(configOf([1]), [1], 'another');
    assert.equal(impostorOf({ memberId: 1, folderOfGivenId: undefined }, state.directory), undefined);
  });
});

describe('a member that is alone in its cluster', () => {
  const alone = stateOf(configOf([1]));

  it('[M6] stops when a member of its cluster comes that it has never heard of', () => {
    const found = reasonToStop(self, alone, leading, [2]);
    assert.equal(found?.code, 'data-folder');
    assert.match(found?.message ?? '', /member 2 belongs to this cluster and is unknown to member 1/);
    const withLearner = stateOf(configOf([1], [2]), [1, 2]);
    assert.equal(reasonToStop(self, withLearner, leading, [2, 3])?.code, 'data-folder');
  });

  it('goes on when those come whom it knows, or has removed', () => {
    assert.equal(reasonToStop(self, alone, leading, []), undefined);
    assert.equal(reasonToStop(self, stateOf(configOf([1], [2]), [1, 2]), leading, [2]), undefined);
    assert.equal(reasonToStop(self, stateOf(configOf([1]), [1, 2]), leading, [2]), undefined);
  });

  it('[M6] takes nothing from a stranger, however early it comes', () => {
    const cluster = new VirtualCluster(1);
    const [member] = cluster.members as [VirtualMember];
    member.kill();
    member.start();
    cluster.until(() => member.replica !== undefined);
    const replica = member.replica as Replica;
    // Another log's next entry, of which this one would take the one before for its own.
    const { index: previousIndex, term: previousTerm } = replica.state.position;
    const append = {
      type: 'append',
      from: 2,
      to: 1,
      term: 9,
      previousIndex,
      previousTerm,
      entries: [],
      commit: 0,
    } as const;
    const chunks = new PeerEncoder(nodePlatform).encode({ kind: 'raft', message: append });
    replica.frame(2, 'append', Buffer.concat(chunks));
    assert.notEqual(replica.raft.term, 9);
    cluster.until(() => cluster.leader === member);
    assert.throws(() => replica.introduced({ id: 2, address: 'member-2:1' }), /halts: .* unknown to member 1/);
  });

  it('does not judge before it has applied all that its log says of the configuration', () => {
    assert.equal(reasonToStop(self, alone, { ...leading, role: 'candidate' }, [2]), undefined);
    assert.equal(reasonToStop(self, alone, { ...leading, term: 4 }, [2]), undefined);
    assert.equal(reasonToStop(self, alone, { ...leading, core: { pendingConfigIndex: 10 } }, [2]), undefined);
  });
});

it('with other voters a stranger may be somebody whom a later leader has added', () => {
  assert.equal(reasonToStop(self, stateOf(configOf([1, 2]), [1, 2]), leading, [3]), undefined);
  assert.equal(isStranger(3, 1, stateOf(configOf([1, 2]), [1, 2])), false);
  assert.equal(isStranger(3, 1, stateOf(configOf([1]))), true);
  assert.equal(isStranger(2, 1, stateOf(configOf([1], [2]), [1, 2])), false);
  assert.equal(isOnlyVoter(configOf([1]), 1), true);
  assert.equal(isOnlyVoter(configOf([2]), 1), false);
  assert.equal(isOnlyVoter({ ...configOf([1]), votersOutgoing: [1, 2] }, 1), false);
});
