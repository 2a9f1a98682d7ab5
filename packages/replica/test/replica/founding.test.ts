/** Whether a member with an empty folder may become one: judgeFounding, judgeJoining; and the entries that founders write. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  applyConfigChange,
  type ConfigState,
  decodeConfigChange,
  EMPTY_CONFIG,
  type InitialState,
} from '@quorate/raft';
import { commonFoundingBatch } from '../../src/replica/bootstrap.js';
import { judgeFounding, judgeJoining } from '../../src/replica/founding.js';
import { decodePeerView, encodePeerView, type KnownMember, type PeerView } from '../../src/replica/peer-view.js';
import { planSoleMember } from '../../src/replica/sole-member.js';

const CLUSTER = 77;
const plan = { clusterId: CLUSTER, memberId: 1, size: 3 };

/** A member that is about to found the cluster. */
function founder(memberId: number, clusterId = CLUSTER): PeerView {
  return { isMember: false, clusterId, memberId, members: [], isRemoved: false };
}

function member(memberId: number, started: readonly number[] = [], changes: Partial<PeerView> = {}): PeerView {
  const members = [1, 2, 3].map((id) => known(id, started.includes(id)));
  return { isMember: true, clusterId: CLUSTER, memberId, members, isRemoved: false, ...changes };
}

function known(id: number, isStarted: boolean): KnownMember {
  return { id, name: `node${id}`, peerUrls: [`http://host${id}:1`], isStarted };
}

describe('a founder', () => {
  it('founds when all have answered, whether they have founded or are about to', () => {
    assert.equal(judgeFounding(plan, [founder(2), founder(3)], false).kind, 'go');
    assert.equal(judgeFounding(plan, [member(2), founder(3)], false).kind, 'go');
    assert.equal(judgeFounding({ ...plan, size: 1 }, [], false).kind, 'go');
  });

  it('founds with a majority, once nobody else is to be expected', () => {
    assert.equal(judgeFounding(plan, [founder(2)], false).kind, 'wait');
    assert.equal(judgeFounding(plan, [founder(2)], true).kind, 'go');
    assert.equal(judgeFounding({ ...plan, size: 4 }, [founder(2)], true).kind, 'wait');
  });

  it('waits for ever while it is alone', () => {
    const verdict = judgeFounding(plan, [], true);
    assert.deepEqual(verdict, { kind: 'wait', reason: '1 of 3 members are there, 2 are needed' });
  });

  it('may come late, if it was never there', () => {
    assert.equal(judgeFounding(plan, [member(2, [2, 3]), member(3, [2, 3])], false).kind, 'go');
  });

  it('[M4] is refused if anybody has ever seen it', () => {
    const verdict = judgeFounding(plan, [member(2), member(3, [1])], true);
    assert.match(verdict.kind === 'refuse' ? verdict.reason : verdict.kind, /member 1 has already been bootstrapped/);
  });

  it('is refused if it was removed, and by members of another cluster', () => {
    const removed = judgeFounding(plan, [member(2, [], { isRemoved: true, members: [known(2, true)] })], true);
    assert.match(removed.kind === 'refuse' ? removed.reason : removed.kind, /permanently removed/);
    const foreign = judgeFounding(plan, [member(2, [], { clusterId: 78 })], true);
    assert.match(foreign.kind === 'refuse' ? foreign.reason : foreign.kind, /cluster ID mismatch/);
  });

  it('does not count who would found another cluster, who joins one, and the same one twice', () => {
    for (const view of [founder(2, 78), founder(2, 0), founder(1)]) {
      assert.equal(judgeFounding(plan, [view], true).kind, 'wait');
    }
    assert.equal(judgeFounding(plan, [founder(2), founder(2)], false).kind, 'wait');
  });
});

describe('a member that was added', () => {
  const listed = [1, 2, 3].map((id) => [`http://host${id}:1`]);
  const joining = { peerUrls: ['http://host1:1'], listed };

  it('finds its id by its URLs', () => {
    const verdict = judgeJoining(joining, [member(2, [2, 3]), member(3, [2, 3])], false);
    assert.deepEqual(verdict.kind === 'go' && [verdict.value.clusterId, verdict.value.memberId], [CLUSTER, 1]);
  });

  it('waits for the others, and joins without them in the end', () => {
    assert.equal(judgeJoining(joining, [], true).kind, 'wait');
    assert.equal(judgeJoining(joining, [member(2, [2, 3])], false).kind, 'wait');
    assert.equal(judgeJoining(joining, [member(2, [2, 3])], true).kind, 'go');
  });

  it('believes the one that knows of it, and in the end nobody', () => {
    const behind = member(2, [2, 3], { members: [known(2, true), known(3, true)] });
    assert.equal(judgeJoining(joining, [behind, member(3, [2, 3])], false).kind, 'go');
    assert.equal(judgeJoining(joining, [behind], false).kind, 'wait');
    const verdict = judgeJoining(joining, [behind], true);
    assert.match(verdict.kind === 'refuse' ? verdict.reason : verdict.kind, /error validating peerURLs: no member/);
  });

  it('[M4] is refused if it has been there already', () => {
    const verdict = judgeJoining(joining, [member(2, [1, 2, 3])], true);
    assert.match(verdict.kind === 'refuse' ? verdict.reason : verdict.kind, /already been bootstrapped/);
  });

  it('is refused if its list is not the cluster’s', () => {
    const short = judgeJoining({ ...joining, listed: listed.slice(0, 2) }, [member(2)], true);
    assert.match(short.kind === 'refuse' ? short.reason : short.kind, /member count is unequal/);
    const other = judgeJoining({ ...joining, listed: [...listed.slice(0, 2), ['http://x:1']] }, [member(2)], true);
    assert.match(other.kind === 'refuse' ? other.reason : other.kind, /unmatched member/);
  });
});

describe('what founders write', () => {
  const members = [
    { id: 9, name: 'b', peerUrls: ['http://b:2380'] },
    { id: 4, name: 'a', peerUrls: ['http://a:2380', 'http://a:7001'] },
  ];
  const batch = commonFoundingBatch(members);

  it('is the same whatever the order of the list, and leads to a configuration of all of them', () => {
    assert.deepEqual(commonFoundingBatch(members.toReversed()), batch);
    assert.deepEqual(batch.hardState, { term: 1, vote: 0, commit: 2 });
    let config = EMPTY_CONFIG;
    for (const entry of batch.entries) config = applyConfigChange(config, decodeConfigChange(entry.data));
    assert.deepEqual(config.voters, [4, 9]);
  });

  it('[M5] never changes from one version to the next', () => {
    const texts = batch.entries.map(({ data }) => Buffer.from(decodeConfigChange(data).context).toString());
    assert.deepEqual(texts, [
      '[{"id":4,"name":"a","peerAddress":"a:2380","clientAddress":"","instance":"","promoteWhenCaughtUp":false,' +
        '"peerUrls":["http://a:2380","http://a:7001"],"clientUrls":[]}]',
      '[{"id":9,"name":"b","peerAddress":"b:2380","clientAddress":"","instance":"","promoteWhenCaughtUp":false,' +
        '"peerUrls":["http://b:2380"],"clientUrls":[]}]',
    ]);
  });
});

describe('the view that is told', () => {
  it('survives the wire, and what is none is refused', () => {
    const view = member(2, [3]);
    assert.deepEqual(decodePeerView(encodePeerView(view)), view);
    for (const json of ['', '{}', 'null', '[]', JSON.stringify({ ...view, members: [{}] }), '{"isMember":true}']) {
      assert.throws(() => decodePeerView(Buffer.from(json)));
    }
  });
});

function config(voters: number[], learners: number[] = [], votersOutgoing: number[] = []): ConfigState {
  return { voters, learners, votersOutgoing, learnersNext: [], autoLeave: votersOutgoing.length > 0 };
}

function quiet(voters: number[]): InitialState {
  return {
    hardState: { term: 5, vote: 1, commit: 7 },
    applied: { index: 7, term: 5, config: config(voters) },
    compacted: { index: 7, term: 5 },
    entries: [],
  };
}

describe('one member forced to be the only one', () => {
  for (const [what, from] of [
    ['a voter of three', config([1, 2, 3])],
    ['a learner', config([2, 3], [1])],
    ['a voter among learners', config([1, 2], [3, 4])],
    ['a voter in a joint configuration', config([1, 2, 4], [], [1, 2, 3])],
  ] as const) {
    it(`is left alone as ${what}, step by step, behind all that stands in its log`, () => {
      const entries = [7, 8].map((index) => ({ index, term: 4, type: 'normal' as const, data: new Uint8Array(1) }));
      const made = planSoleMember(
        {
          hardState: { term: 5, vote: 2, commit: 7 },
          applied: { index: 7, term: 4, config: from },
          compacted: { index: 6, term: 4 },
          entries,
        },
        1,
      );
      assert.ok(made.kind === 'change');
      let present: ConfigState = from;
      for (const [position, entry] of made.batch.entries.entries()) {
        assert.deepEqual([entry.index, entry.term], [9 + position, 5]);
        present = applyConfigChange(present, decodeConfigChange(entry.data));
      }
      assert.deepEqual([present.voters, present.learners, present.votersOutgoing], [[1], [], []]);
      assert.deepEqual(made.batch.hardState, { term: 5, vote: 2, commit: 8 + made.batch.entries.length });
    });
  }

  it('has nothing to do alone, and is refused as a stranger', () => {
    assert.equal(planSoleMember(quiet([1]), 1).kind, 'done');
    assert.equal(planSoleMember(quiet([2, 3]), 1).kind, 'stranger');
    assert.equal(planSoleMember(quiet([]), 1).kind, 'stranger');
  });
});
