/** What the transcripts cannot say: refusals of wrong use, and rules of the paper at a single member. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_CONFIG, type Message, type ProgressStatus, Raft, type RaftConfig, type Ready } from '../src/index.js';
import { configOf, initialOf } from './support/member.js';

const NO_DATA = new Uint8Array(0);

/** Does all duties of a member alone; gives what would be sent. */
function drain(raft: Raft): Message[] {
  const messages: Message[] = [];
  while (raft.hasReady()) {
    const ready: Ready = raft.ready();
    messages.push(...ready.messages, ...ready.messagesAfterPersist);
    raft.persisted(ready.id);
    for (const entry of ready.committedEntries) {
      if (entry.type === 'config') raft.applyConfigChange(entry);
      else raft.applied(entry.index);
    }
  }
  return messages;
}

function leaderOfThree(): Raft {
  const raft = new Raft(configOf(), initialOf([1, 2, 3]));
  raft.campaign();
  drain(raft);
  raft.step({ type: 'pre-vote-response', from: 2, to: 1, term: 2, granted: true });
  drain(raft);
  raft.step({ type: 'vote-response', from: 2, to: 1, term: 2, granted: true });
  drain(raft);
  assert.equal(raft.role, 'leader');
  return raft;
}

test('settings outside of what is allowed are refused by name', () => {
  const cases: [Partial<RaftConfig>, RegExp][] = [
    [{ id: 0 }, /id is 0, must be a positive integer/],
    [{ electionTicks: 1 }, /electionTicks is 1, must be greater than heartbeatTicks, which is 1/],
    [{ heartbeatTicks: 1.5 }, /heartbeatTicks is 1.5/],
    [{ inflightBytesMax: 10 }, /inflightBytesMax is 10, must be at least appendBytesMax, which is 1000/],
    [{ priority: 256 }, /priority is 256, must be an integer from 0 to 255/],
    [{ reads: 'fast' as 'safe' }, /reads is fast, must be 'safe' or 'lease'/],
  ];
  for (const [changes, message] of cases) {
    assert.throws(
      () => new Raft(configOf(changes), initialOf([1])),
      (error) => error instanceof RangeError && message.test(error.message),
    );
  }
});

test('a state that no member can have been in is refused', () => {
  const initial = initialOf([1]);
  const applied = { ...initial.applied, term: 2 };
  assert.throws(() => new Raft(configOf(), { ...initial, applied }), /applied 1@2 is not in the log/);
  assert.throws(
    () => new Raft(configOf(), { ...initial, hardState: { term: 0, vote: 0, commit: 0 } }),
    /the log ends in term 1/,
  );
});

test('messages for others, and reports out of order, are mistakes of the owner', () => {
  const raft = new Raft(configOf(), initialOf([1, 2]));
  assert.throws(() => raft.step({ type: 'timeout-now', from: 2, to: 3, term: 1 }), /message for 3 given to 1/);
  assert.throws(() => raft.step({ type: 'timeout-now', from: 2, to: 1, term: 0 }), /of term 0/);
  assert.throws(() => raft.persisted(1), /persisted\(1\) after 0, last Ready 0/);
  assert.throws(() => raft.applied(5), /applied 5 but only 1 was handed out/);
});

test('an append with a hole in it is refused (logcabin#160)', () => {
  const raft = new Raft(configOf(), initialOf([1, 2]));
  const entries = [2, 4].map((index) => ({ index, term: 1, type: 'normal', data: NO_DATA }) as const);
  assert.throws(
    () => raft.step({ type: 'append', from: 2, to: 1, term: 1, previousIndex: 1, previousTerm: 1, entries, commit: 1 }),
    /does not hold the entries up to 3/,
  );
});

test('two leaders in one term are noticed (Raft paper 5.2)', () => {
  const raft = leaderOfThree();
  assert.throws(
    () => raft.step({ type: 'heartbeat', from: 2, to: 1, term: 2, commit: 1, readContext: 0 }),
    /two leaders in term 2/,
  );
});

test('a follower takes over the commit index only as far as the message vouches for (Raft paper figure 2, etcd#10166)', () => {
  const raft = new Raft(configOf(), initialOf([1, 2, 3]));
  const old = [2, 3].map((index) => ({ index, term: 1, type: 'normal', data: NO_DATA }) as const);
  raft.step({ type: 'append', from: 2, to: 1, term: 1, previousIndex: 1, previousTerm: 1, entries: old, commit: 1 });
  // The leader of term 2 has other entries at 3 and after, which are committed; this message only says that 2 matches.
  raft.step({ type: 'append', from: 3, to: 1, term: 2, previousIndex: 2, previousTerm: 1, entries: [], commit: 9 });
  assert.equal(raft.commit, 2);
});

test('a heartbeat for a commit index beyond the log tells of a lost log', () => {
  const raft = new Raft(configOf(), initialOf([1, 2]));
  assert.throws(
    () => raft.step({ type: 'heartbeat', from: 2, to: 1, term: 1, commit: 5, readContext: 0 }),
    /this member has lost a part of its log/,
  );
});

test('a snapshot of the committed index is not taken, whatever its term (openraft ac3e5a89), nor one without this member', () => {
  const raft = new Raft(configOf(), initialOf([1, 2], 3));
  const config = { ...EMPTY_CONFIG, voters: [1, 2] };
  raft.step({ type: 'install-snapshot', from: 2, to: 1, term: 3, snapshot: { index: 1, term: 2, config } });
  assert.equal(raft.ready().snapshot, undefined);
  const strangers = { ...EMPTY_CONFIG, voters: [2] };
  raft.step({ type: 'install-snapshot', from: 2, to: 1, term: 3, snapshot: { index: 9, term: 2, config: strangers } });
  assert.equal(raft.ready().snapshot, undefined);
  raft.step({ type: 'install-snapshot', from: 2, to: 1, term: 3, snapshot: { index: 9, term: 2, config } });
  assert.equal(raft.ready().snapshot?.index, 9);
  assert.equal(raft.appliedIndex, 9);
});

test('reports about what a snapshot overtook are ignored (openraft eed681d5)', () => {
  const raft = new Raft(configOf(), initialOf([1, 2]));
  const entries = [2, 3].map((index) => ({ index, term: 1, type: 'normal', data: NO_DATA }) as const);
  raft.step({ type: 'append', from: 2, to: 1, term: 1, previousIndex: 1, previousTerm: 1, entries, commit: 3 });
  assert.equal(raft.ready().committedEntries.length, 2);
  const config = { ...EMPTY_CONFIG, voters: [1, 2] };
  raft.step({ type: 'install-snapshot', from: 2, to: 1, term: 1, snapshot: { index: 9, term: 1, config } });
  raft.applied(3);
  assert.equal(raft.appliedIndex, 9);
});

test('one acknowledgement is not a quorum of four, and two of five are not either (hashicorp/raft 163a55f)', () => {
  for (const [voters, needed] of [
    [[1, 2, 3, 4], 2],
    [[1, 2, 3, 4, 5], 2],
  ] as const) {
    const raft = new Raft(configOf(), initialOf(voters));
    raft.campaign();
    drain(raft);
    for (const type of ['pre-vote-response', 'vote-response'] as const) {
      for (const from of [2, 3]) {
        raft.step({ type, from, to: 1, term: 2, granted: true });
        drain(raft);
      }
    }
    assert.equal(raft.role, 'leader');
    for (let from = 2; from <= needed + 1; from++) {
      assert.equal(raft.commit, 1);
      raft.step({
        type: 'append-response',
        from,
        to: 1,
        term: 2,
        index: 2,
        rejected: false,
        hintIndex: 0,
        hintTerm: 0,
      });
    }
    assert.equal(raft.commit, 2);
  }
});

test('a term that is not a safe integer is refused', () => {
  const raft = new Raft(configOf(), initialOf([1, 2]));
  assert.throws(() => raft.step({ type: 'timeout-now', from: 2, to: 1, term: 2 ** 53 }), /of term 9007199254740992/);
});

test('a stopped disk at a follower keeps its promises back, not the log it was sent', () => {
  const raft = new Raft(configOf(), initialOf([1, 2]));
  const entries = [{ index: 2, term: 1, type: 'normal', data: NO_DATA }] as const;
  raft.step({ type: 'append', from: 2, to: 1, term: 1, previousIndex: 1, previousTerm: 1, entries, commit: 2 });
  const ready = raft.ready();
  assert.deepEqual(ready.messages, []);
  assert.deepEqual(ready.committedEntries, entries);
  assert.equal(ready.messagesAfterPersist[0]?.type, 'append-response');
  assert.equal(ready.mustSync, true);
});

test('a follower that answers is never taken for silent: not between a check of the quorum and its next answer either', () => {
  const { electionTicks } = configOf();
  const raft = leaderOfThree();
  const isActive = (id: number): boolean => raft.status().progress.some((p) => p.member === id && p.isActive);
  for (let tick = 1; tick <= 3 * electionTicks; tick++) {
    raft.tick();
    drain(raft);
    // It answers once in an election timeout, at another moment than the check.
    if (tick % electionTicks === electionTicks - 2) {
      raft.step({ type: 'heartbeat-response', from: 2, to: 1, term: 2, readContext: 0 });
      drain(raft);
    }
    assert.equal(raft.role, 'leader');
    if (tick > electionTicks) assert.ok(isActive(2), `at tick ${tick}`);
  }
  assert.ok(!isActive(3), 'one that never answered is silent');
});

test('what a member needs after the snapshot that it is receiving is kept also right behind a check of the quorum', () => {
  const raft = leaderOfThree();
  const { electionTicks } = configOf();
  for (let i = 0; i < 5; i += 1) raft.propose(NO_DATA);
  drain(raft);
  const acknowledge = (index: number, rejected: boolean): void => {
    const hint = { hintIndex: 0, hintTerm: 0 };
    raft.step({ type: 'append-response', from: rejected ? 3 : 2, to: 1, term: 2, index, rejected, ...hint });
    drain(raft);
  };
  acknowledge(raft.status().lastIndex, false);
  raft.compact(raft.appliedIndex);
  const pendingSnapshot = raft.appliedIndex;
  // It has nothing of the log: only a snapshot helps it.
  acknowledge(1, true);
  const third = (): ProgressStatus | undefined => raft.status().progress.find(({ member }) => member === 3);
  assert.equal(third()?.state, 'snapshot');
  for (let i = 0; i < 5; i += 1) raft.propose(NO_DATA);
  drain(raft);
  acknowledge(raft.status().lastIndex, false);
  for (let tick = 0; tick < electionTicks; tick += 1) {
    for (const from of [2, 3]) {
      raft.step({ type: 'heartbeat-response', from, to: 1, term: 2, readContext: 0 });
    }
    raft.tick();
    drain(raft);
    raft.compact(raft.appliedIndex);
    const { firstIndex } = raft.status();
    assert.ok(firstIndex <= pendingSnapshot + 1, `the log begins at ${firstIndex} in tick ${tick}`);
  }
});

test('with lease reads nobody answers a heartbeat before a restart would show that it was there', () => {
  for (const reads of ['lease', 'safe'] as const) {
    const fresh = { index: 0, term: 0 };
    const hardState = { term: 0, vote: 0, commit: 0 };
    const applied = { ...fresh, config: EMPTY_CONFIG };
    const raft = new Raft(configOf({ reads }), { hardState, applied, compacted: fresh, entries: [] });
    raft.step({ type: 'heartbeat', from: 2, to: 1, term: 7, commit: 0, readContext: 3 });
    const { id, messages, messagesAfterPersist, mustSync } = raft.ready();
    const [early, late] = reads === 'lease' ? [0, 1] : [1, 0];
    assert.deepEqual([messages.length, messagesAfterPersist.length], [early, late], reads);
    assert.ok(mustSync);
    raft.persisted(id);
    raft.step({ type: 'heartbeat', from: 2, to: 1, term: 7, commit: 0, readContext: 4 });
    assert.equal(raft.ready().messages.length, 1);
  }
});
