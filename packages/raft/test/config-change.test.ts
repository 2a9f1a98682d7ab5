/** Configuration changes: the rules that keep quorums intersecting, over random histories; and each choice by example. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  applyConfigChange,
  CONFIG_CHANGES_MAX,
  ConfigChangeError,
  checkInvariants,
  configMembers,
  describeConfig,
  EMPTY_CONFIG,
  enterJoint,
  isJoint,
  isLearner,
  isVoter,
  leaveJoint,
  leavesJoint,
  simple,
} from '../src/config-change.js';
import type { ConfigChange, ConfigState, MemberId, SingleChange } from '../src/types.js';
import { isQuorum, subsetsOf } from './support/naive-quorum.js';

const MEMBER_MAX = 6;
const CHANGE_TYPES = ['add-voter', 'add-learner', 'remove', 'update'] as const;
const TRANSITIONS = ['auto', 'joint-implicit', 'joint-explicit'] as const;

const singleChange: fc.Arbitrary<SingleChange> = fc.record({
  type: fc.constantFrom(...CHANGE_TYPES),
  member: fc.integer({ min: 0, max: MEMBER_MAX }),
});
const changeList = fc.array(singleChange, { maxLength: 5 });
const change: fc.Arbitrary<ConfigChange> = fc.record({
  changes: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 4, arbitrary: changeList }),
  transition: fc.oneof({ weight: 3, arbitrary: fc.constant('auto' as const) }, fc.constantFrom(...TRANSITIONS)),
  context: fc.constant(new Uint8Array()),
});
/** Outside joint, with at least one voter. */
const stableConfig: fc.Arbitrary<ConfigState> = fc
  .array(fc.constantFrom('voter', 'learner', 'absent'), { minLength: MEMBER_MAX, maxLength: MEMBER_MAX })
  .map((roles) => {
    const inRole = (role: string): MemberId[] => roles.flatMap((other, place) => (other === role ? [place + 1] : []));
    return configOf({ voters: inRole('voter'), learners: inRole('learner') });
  })
  .filter((config) => config.voters.length > 0);

/** Frozen: whoever writes to a configuration throws. */
function configOf(parts: Partial<ConfigState>): ConfigState {
  return frozen({ ...EMPTY_CONFIG, ...parts });
}

function frozen(config: ConfigState): ConfigState {
  for (const list of [config.voters, config.learners, config.votersOutgoing, config.learnersNext]) Object.freeze(list);
  return Object.freeze(config);
}

function changes(text: string): SingleChange[] {
  const types: Readonly<Record<string, SingleChange['type']>> = {
    v: 'add-voter',
    l: 'add-learner',
    r: 'remove',
    u: 'update',
  };
  return text.split(' ').map((word) => ({ type: types[word.charAt(0)] ?? 'update', member: Number(word.slice(1)) }));
}

function changeOf(text: string, transition: ConfigChange['transition'] = 'auto'): ConfigChange {
  return { changes: text === '' ? [] : changes(text), transition, context: new Uint8Array() };
}

/** Undefined if the change is refused. Any other error is a defect. */
function attempt(step: () => ConfigState): ConfigState | undefined {
  try {
    return frozen(step());
  } catch (error) {
    if (error instanceof ConfigChangeError) return undefined;
    throw error;
  }
}

/** What each member is to be in the end, computed one change after the other. */
function targetOf(config: ConfigState, list: readonly SingleChange[]): ConfigState {
  const roles = new Map<MemberId, 'voter' | 'learner'>();
  for (const member of config.voters) roles.set(member, 'voter');
  for (const member of config.learners) roles.set(member, 'learner');
  for (const { type, member } of list) {
    if (member === 0 || type === 'update') continue;
    if (type === 'remove') roles.delete(member);
    else roles.set(member, type === 'add-voter' ? 'voter' : 'learner');
  }
  const ids = Array.from({ length: MEMBER_MAX }, (_, place) => place + 1);
  return configOf({
    voters: ids.filter((id) => roles.get(id) === 'voter'),
    learners: ids.filter((id) => roles.get(id) === 'learner'),
  });
}

/** By definition: no set of members is a quorum of one while all the others are a quorum of the other. */
function assertQuorumsIntersect(before: ConfigState, after: ConfigState): void {
  const members = [...new Set([...configMembers(before), ...configMembers(after)])];
  for (const subset of subsetsOf(members)) {
    const inside = new Set(subset);
    const outside = new Set(members.filter((member) => !inside.has(member)));
    assert.ok(
      !(isQuorum(before, inside) && isQuorum(after, outside)),
      `${subset.join()} decides in ${describeConfig(before)} and the others in ${describeConfig(after)}`,
    );
  }
}

describe('configuration changes, over any history', () => {
  it('keep the invariants, and the quorums of each step share a member with those of the step before', () => {
    fc.assert(
      fc.property(stableConfig, fc.array(change, { maxLength: 12 }), (start, history) => {
        let config = start;
        for (const change of history) {
          const next = attempt(() => applyConfigChange(config, change));
          if (next === undefined) continue;
          checkInvariants(next);
          assertQuorumsIntersect(config, next);
          assert.equal(isJoint(next) && !isJoint(config), isJoint(next), 'no step from joint to joint');
          config = next;
        }
      }),
    );
  });

  it('lead to the target when a joint configuration is entered and left', () => {
    fc.assert(
      fc.property(stableConfig, changeList, fc.boolean(), (config, list, autoLeave) => {
        const target = targetOf(config, list);
        const joint = attempt(() => enterJoint(config, autoLeave, list));
        assert.equal(joint === undefined, target.voters.length === 0);
        if (joint === undefined) return;
        assert.deepEqual(joint.votersOutgoing, config.voters);
        assert.deepEqual(joint.voters, target.voters);
        assert.equal(joint.autoLeave, autoLeave);
        const left = leaveJoint(joint);
        assert.deepEqual(left, target);
        assertQuorumsIntersect(joint, left);
      }),
    );
  });

  it('lead to the target in one step exactly if at most one voter changes', () => {
    fc.assert(
      fc.property(stableConfig, changeList, (config, list) => {
        const target = targetOf(config, list);
        const differing = [...config.voters, ...target.voters].filter(
          (member) => !(config.voters.includes(member) && target.voters.includes(member)),
        );
        const legal = target.voters.length > 0 && differing.length <= 1;
        const direct = attempt(() => simple(config, list));
        assert.deepEqual(direct, legal ? target : undefined);
      }),
    );
  });

  it('reach the same target under every transition', () => {
    fc.assert(
      fc.property(stableConfig, change, (config, change) => {
        fc.pre(!leavesJoint(change));
        const target = targetOf(config, change.changes);
        let next = attempt(() => applyConfigChange(config, change));
        if (next !== undefined && isJoint(next)) {
          assert.equal(next.autoLeave, change.transition !== 'joint-explicit');
          next = applyConfigChange(next, changeOf(''));
        }
        assert.deepEqual(next, target.voters.length > 0 ? target : undefined);
      }),
    );
  });

  it('are refused while a joint configuration is in force, all but the one that leaves it', () => {
    fc.assert(
      fc.property(stableConfig, changeList, change, (config, list, change) => {
        const joint = attempt(() => enterJoint(config, false, list));
        fc.pre(joint !== undefined);
        const next = attempt(() => applyConfigChange(joint, change));
        assert.equal(next !== undefined, leavesJoint(change));
      }),
    );
  });
});

const three = configOf({ voters: [1, 2, 3], learners: [7] });

function result(config: ConfigState, change: ConfigChange): string {
  return describeConfig(applyConfigChange(config, change));
}

function refuses(config: ConfigState, change: ConfigChange, message: string): void {
  assert.throws(() => applyConfigChange(config, change), new ConfigChangeError(message));
}

describe('applyConfigChange', () => {
  it('takes one step for one voter', () => {
    assert.equal(result(three, changeOf('v4')), 'voters=(1 2 3 4) learners=(7)');
    assert.equal(result(three, changeOf('r1')), 'voters=(2 3) learners=(7)');
    assert.equal(result(three, changeOf('l1')), 'voters=(2 3) learners=(1 7)');
    assert.equal(result(three, changeOf('v7')), 'voters=(1 2 3 7)');
  });

  it('takes one step for one voter and any number of learners', () => {
    assert.equal(result(three, changeOf('r1 l4')), 'voters=(2 3) learners=(4 7)');
    assert.equal(result(three, changeOf('l4 l5 r7 r1')), 'voters=(2 3) learners=(4 5)');
    assert.equal(result(three, changeOf('r1 v1')), 'voters=(1 2 3) learners=(7)');
  });

  it('goes through joint for more voters, left automatically', () => {
    assert.equal(result(three, changeOf('r1 v4')), 'voters=(2 3 4)&&(1 2 3) learners=(7) autoleave');
    assert.equal(result(three, changeOf('l1 v7')), 'voters=(2 3 7)&&(1 2 3) learners_next=(1) autoleave');
  });

  it('goes through joint when told to, also for one voter or none', () => {
    assert.equal(result(three, changeOf('v4', 'joint-implicit')), 'voters=(1 2 3 4)&&(1 2 3) learners=(7) autoleave');
    assert.equal(result(three, changeOf('v4', 'joint-explicit')), 'voters=(1 2 3 4)&&(1 2 3) learners=(7)');
    assert.equal(result(three, changeOf('', 'joint-explicit')), 'voters=(1 2 3)&&(1 2 3) learners=(7)');
  });

  it('leaves joint by an empty change', () => {
    const joint = applyConfigChange(three, changeOf('l1 v7', 'joint-explicit'));
    assert.equal(result(joint, changeOf('')), 'voters=(2 3 7) learners=(1)');
    assert.throws(
      () => applyConfigChange(three, changeOf('')),
      new ConfigChangeError("can't leave a non-joint config"),
    );
  });

  it('refuses to remove the last voter, to become joint twice, and to begin as joint', () => {
    refuses(configOf({ voters: [1] }), changeOf('r1'), 'removed all voters');
    refuses(three, changeOf('r1 r2 r3'), 'removed all voters');
    const joint = enterJoint(three, true, changes('r1 v4'));
    refuses(joint, changeOf('v5'), "can't apply simple config change in joint config");
    refuses(joint, changeOf('v5 v6'), 'config is already joint');
    refuses(joint, changeOf('v5', 'joint-explicit'), 'config is already joint');
    refuses(EMPTY_CONFIG, changeOf('v1 v2'), "can't make a zero-voter config joint");
    assert.equal(result(EMPTY_CONFIG, changeOf('v1 l2')), 'voters=(1) learners=(2)');
  });

  it('refuses what is not a change', () => {
    refuses(three, { ...changeOf('v4'), transition: 'later' as 'auto' }, 'unexpected transition later');
    const ban = { type: 'ban' as 'remove', member: 1 };
    refuses(three, { ...changeOf(''), changes: [ban] }, 'unexpected conf type ban');
    for (const member of [-1, 1.5, Number.NaN, 2 ** 53]) {
      const change = { ...changeOf(''), changes: [{ type: 'add-learner' as const, member }] };
      refuses(three, change, `${member} is not a member id`);
    }
    const update: SingleChange = { type: 'update', member: 1 };
    const tooMany = Array.from({ length: CONFIG_CHANGES_MAX + 1 }, () => update);
    refuses(three, { ...changeOf(''), changes: tooMany }, 'more than 1024 changes at once');
  });
});

describe('checkInvariants', () => {
  it('names the rule that a configuration breaks', () => {
    const broken: readonly (readonly [Partial<ConfigState>, string])[] = [
      [{ voters: [1], learnersNext: [2] }, '2 is in LearnersNext, but not Voters[1]'],
      [{ voters: [1, 2], votersOutgoing: [2], learnersNext: [2] }, '2 is in LearnersNext and Voters[0]'],
      [
        { voters: [1], votersOutgoing: [2], learnersNext: [2], learners: [2] },
        '2 is in LearnersNext, but is already marked as learner',
      ],
      [{ voters: [1], votersOutgoing: [2], learners: [2] }, '2 is in Learners and Voters[1]'],
      [{ voters: [1, 2], learners: [2] }, '2 is in Learners and Voters[0]'],
      [{ voters: [1], autoLeave: true }, 'AutoLeave must be false when not joint'],
      [{ votersOutgoing: [1] }, 'removed all voters'],
      [{ learners: [1] }, 'removed all voters'],
      [{ voters: [2, 1] }, '(2 1) is not sorted or names a member twice'],
      [{ voters: [1, 1] }, '(1 1) is not sorted or names a member twice'],
      [{ voters: [0] }, '0 is not a member id'],
    ];
    for (const [parts, message] of broken) {
      assert.throws(() => checkInvariants(configOf(parts)), new ConfigChangeError(message));
      assert.throws(() => simple(configOf(parts), []), ConfigChangeError);
    }
    checkInvariants(EMPTY_CONFIG);
  });
});

describe('questions to a configuration', () => {
  const joint = configOf({
    voters: [2, 10],
    votersOutgoing: [1, 2],
    learners: [4],
    learnersNext: [1],
    autoLeave: true,
  });

  it('are answered for both halves', () => {
    assert.deepEqual(configMembers(joint), [1, 2, 4, 10]);
    assert.deepEqual(
      [1, 2, 4, 10, 11].map((member) => isVoter(joint, member)),
      [true, true, false, true, false],
    );
    assert.deepEqual(
      [1, 2, 4].map((member) => isLearner(joint, member)),
      [false, false, true],
    );
    assert.ok(isJoint(joint) && !isJoint(EMPTY_CONFIG));
    assert.equal(describeConfig(joint), 'voters=(2 10)&&(1 2) learners=(4) learners_next=(1) autoleave');
    assert.equal(describeConfig(EMPTY_CONFIG), 'voters=()');
  });
});
