/** Who calls the first election of a cluster, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_CONFIG, NO_MEMBER } from '@quorate/raft';
import { type AppliedView, FirstElection } from '../../src/replica/first-election.js';

const founding = { term: 1, leader: NO_MEMBER, commit: 3 };

function applied(voters: readonly number[], appliedIndex = founding.commit): AppliedView {
  return { appliedIndex, config: { ...EMPTY_CONFIG, voters } };
}

function electionOf(self: number, met: ReadonlySet<number>): FirstElection {
  return new FirstElection(self, (id) => met.has(id));
}

test('the first on the list calls it once a majority is there, and once only', () => {
  const met = new Set<number>();
  const election = electionOf(1, met);
  assert.equal(election.isDue(founding, applied([1, 2, 3, 4])), false);
  met.add(3);
  assert.equal(election.isDue(founding, applied([1, 2, 3, 4])), false);
  met.add(4);
  assert.equal(election.isDue(founding, applied([1, 2, 3, 4])), true);
  assert.equal(election.isDue(founding, applied([1, 2, 3, 4])), false);
});

test('nobody else calls it', () => {
  assert.equal(electionOf(2, new Set([1, 3])).isDue(founding, applied([1, 2, 3])), false);
});

test('it waits until all founding entries are applied', () => {
  const election = electionOf(1, new Set([2]));
  assert.equal(election.isDue(founding, applied([], 0)), false);
  assert.equal(election.isDue(founding, applied([1], 1)), false);
  assert.equal(election.isDue(founding, applied([1, 2, 3])), true);
});

test('nobody calls it in a cluster that has had an election', () => {
  const met = new Set([2, 3]);
  assert.equal(electionOf(1, met).isDue({ ...founding, term: 2 }, applied([1, 2, 3])), false);
  const election = electionOf(1, met);
  assert.equal(election.isDue({ ...founding, leader: 2 }, applied([1, 2, 3])), false);
  assert.equal(election.isDue(founding, applied([1, 2, 3])), false, 'nor later');
});

test('nobody calls it who belongs to no configuration yet: one that joins', () => {
  const election = electionOf(1, new Set([2]));
  assert.equal(election.isDue({ term: 0, leader: NO_MEMBER, commit: 0 }, applied([], 0)), false);
});
