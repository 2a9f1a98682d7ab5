/** The leader's view of one member: each rule by itself, then random histories that must keep the invariants. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Progress, type ProgressState } from '../src/progress.js';

interface Start {
  readonly state?: ProgressState;
  readonly match?: number;
  readonly next?: number;
  readonly snapshot?: number;
  readonly messagesMax?: number;
  readonly bytesMax?: number;
}

/** A progress in the given state. In `replicate`, one message is in flight if `next` is beyond match + 1. */
function progressAt(start: Start): Progress {
  const { state = 'probe', match = 0, next = match + 1, messagesMax = 8, bytesMax = 1_000 } = start;
  const progress = new Progress({
    next: state === 'replicate' ? match + 1 : next,
    match,
    learner: false,
    inflightMessagesMax: messagesMax,
    inflightBytesMax: bytesMax,
  });
  if (state === 'snapshot') progress.becomeSnapshot(start.snapshot ?? next);
  if (state === 'replicate') {
    progress.becomeReplicate();
    if (next > match + 1) progress.sentEntries(next - match - 1, 10);
  }
  return progress;
}

describe('Progress: states', () => {
  it('begins by probing, unpaused, taken for active', () => {
    assert.equal(progressAt({ next: 1 }).describe(), 'StateProbe match=0 next=1');
  });

  it('probes from behind what matches, and drops what was in flight', () => {
    const progress = progressAt({ state: 'replicate', match: 3, next: 9 });
    assert.equal(progress.describe(), 'StateReplicate match=3 next=9 inflight=1');
    progress.becomeProbe();
    assert.equal(progress.describe(), 'StateProbe match=3 next=4');
  });

  it('probes from behind the snapshot once that was sent', () => {
    const progress = progressAt({ state: 'snapshot', match: 1, snapshot: 10 });
    assert.equal(progress.describe(), 'StateSnapshot match=1 next=11 paused pendingSnap=10');
    progress.becomeProbe();
    assert.equal(progress.describe(), 'StateProbe match=1 next=11');
  });

  it('probes from behind what matches once the snapshot failed', () => {
    const progress = progressAt({ state: 'snapshot', match: 1, snapshot: 10 });
    progress.pendingSnapshot = 0;
    progress.becomeProbe();
    assert.equal(progress.describe(), 'StateProbe match=1 next=2');
  });

  it('probes from behind what matches if that is beyond the snapshot', () => {
    const progress = progressAt({ state: 'snapshot', match: 1, snapshot: 10 });
    assert.ok(progress.maybeUpdate(20));
    progress.becomeProbe();
    assert.equal(progress.describe(), 'StateProbe match=20 next=21');
  });

  it('replicates from behind what matches', () => {
    const progress = progressAt({ match: 4, next: 20 });
    progress.sentEntries(1, 1);
    assert.ok(progress.isPaused());
    progress.becomeReplicate();
    assert.equal(progress.describe(), 'StateReplicate match=4 next=5');
  });

  it('refuses a snapshot of what the member has', () => {
    assert.throws(() => progressAt({ match: 5 }).becomeSnapshot(5), /assertion failed/);
  });

  it('prints every field that matters', () => {
    const progress = progressAt({ state: 'replicate', match: 4, next: 6, messagesMax: 2 });
    progress.learner = true;
    progress.recentlyActive = false;
    progress.sentEntries(2, 10);
    assert.equal(progress.describe(), 'StateReplicate match=4 next=8 learner paused inactive inflight=2[full]');
  });
});

describe('Progress: acknowledgements', () => {
  it('raise match and next, and end the pause', () => {
    const progress = progressAt({ match: 3, next: 5 });
    progress.sentEntries(1, 1);
    assert.ok(progress.maybeUpdate(4));
    assert.equal(progress.describe(), 'StateProbe match=4 next=5');
    assert.ok(progress.maybeUpdate(9));
    assert.equal(progress.describe(), 'StateProbe match=9 next=10');
  });

  it('that are late or doubled change nothing', () => {
    const progress = progressAt({ match: 3, next: 5 });
    progress.sentEntries(1, 1);
    for (const index of [0, 2, 3]) assert.ok(!progress.maybeUpdate(index));
    assert.equal(progress.describe(), 'StateProbe match=3 next=5 paused');
  });
});

describe('Progress: refusals', () => {
  it('lead a probe to the hint, at least one back', () => {
    const cases = [
      { match: 0, next: 10, hint: 9, expected: 9 },
      { match: 0, next: 10, hint: 20, expected: 9 },
      { match: 0, next: 10, hint: 2, expected: 3 },
      { match: 0, next: 10, hint: 0, expected: 1 },
      { match: 0, next: 2, hint: 0, expected: 1 },
    ];
    for (const { match, next, hint, expected } of cases) {
      const progress = progressAt({ match, next });
      progress.sentEntries(1, 1);
      assert.ok(progress.maybeDecrementTo(next - 1, hint));
      assert.equal(progress.describe(), `StateProbe match=${match} next=${expected}`);
    }
  });

  it('never lead a probe to or below what is acknowledged (bug 22)', () => {
    const progress = progressAt({ match: 5, next: 10 });
    assert.ok(progress.maybeDecrementTo(9, 2));
    assert.equal(progress.describe(), 'StateProbe match=5 next=6');
  });

  it('of another probe than the one under way are late', () => {
    const progress = progressAt({ next: 10 });
    progress.sentEntries(1, 1);
    for (const rejected of [0, 8, 10, 12]) assert.ok(!progress.maybeDecrementTo(rejected, 3));
    assert.equal(progress.describe(), 'StateProbe match=0 next=10 paused');
  });

  it('of what was acknowledged since are late (bug 22)', () => {
    const progress = progressAt({ state: 'replicate', match: 5, next: 10 });
    for (const rejected of [0, 4, 5]) assert.ok(!progress.maybeDecrementTo(rejected, 0));
    assert.equal(progress.describe(), 'StateReplicate match=5 next=10 inflight=1');
  });

  it('of something in flight lead back to what is acknowledged', () => {
    for (const rejected of [6, 9, 30]) {
      const progress = progressAt({ state: 'replicate', match: 5, next: 10 });
      assert.ok(progress.maybeDecrementTo(rejected, 8));
      assert.equal(progress.next, 6);
    }
  });

  it('from before a snapshot change nothing', () => {
    const progress = progressAt({ state: 'snapshot', snapshot: 10 });
    for (const rejected of [3, 10]) assert.ok(!progress.maybeDecrementTo(rejected, 1));
    assert.equal(progress.describe(), 'StateSnapshot match=0 next=11 paused pendingSnap=10');
  });
});

describe('Progress: flow', () => {
  it('takes one probe at a time, with entries or without', () => {
    for (const count of [0, 3]) {
      const progress = progressAt({ next: 5 });
      assert.ok(!progress.isPaused());
      progress.sentEntries(count, 10);
      assert.equal(progress.describe(), 'StateProbe match=0 next=5 paused');
    }
  });

  it('runs ahead in replicate until the window is full of messages', () => {
    const progress = progressAt({ state: 'replicate', match: 0, messagesMax: 2 });
    progress.sentEntries(3, 10);
    assert.equal(progress.describe(), 'StateReplicate match=0 next=4 inflight=1');
    progress.sentEntries(0, 0);
    assert.equal(progress.describe(), 'StateReplicate match=0 next=4 inflight=1');
    progress.sentEntries(1, 10);
    assert.equal(progress.describe(), 'StateReplicate match=0 next=5 paused inflight=2[full]');
  });

  it('runs ahead in replicate until the window is full of bytes', () => {
    const progress = progressAt({ state: 'replicate', match: 0, bytesMax: 100 });
    progress.sentEntries(1, 99);
    assert.ok(!progress.isPaused());
    progress.sentEntries(1, 99);
    assert.ok(progress.isPaused());
  });

  it('lets one empty append through a full window for each heartbeat answer', () => {
    const progress = progressAt({ state: 'replicate', match: 0, messagesMax: 1 });
    progress.sentEntries(1, 10);
    progress.probeSent = false;
    assert.ok(!progress.isPaused());
    progress.sentEntries(0, 0);
    assert.ok(progress.isPaused());
    assert.throws(() => progress.sentEntries(1, 10), /full window/);
  });

  it('goes on after an acknowledgement', () => {
    const progress = progressAt({ state: 'replicate', match: 0, messagesMax: 1 });
    progress.sentEntries(2, 10);
    assert.ok(progress.maybeUpdate(2));
    progress.inflights.freeUpTo(2);
    assert.equal(progress.describe(), 'StateReplicate match=2 next=3');
  });

  it('stops while a snapshot is under way', () => {
    const progress = progressAt({ state: 'snapshot', snapshot: 10 });
    assert.ok(progress.isPaused());
    assert.throws(() => progress.sentEntries(1, 1), /assertion failed/);
  });
});

describe('Progress: the commit index', () => {
  it('is worth sending when it is news', () => {
    const progress = progressAt({ state: 'replicate', match: 0, next: 10 });
    assert.ok(!progress.canBumpCommit(0));
    assert.ok(progress.canBumpCommit(5));
    progress.sentCommit(5);
    assert.ok(!progress.canBumpCommit(5));
    assert.ok(progress.canBumpCommit(6));
  });

  it('is not worth sending when the last one covered everything that was sent', () => {
    const progress = progressAt({ state: 'replicate', match: 0, next: 10 });
    progress.sentCommit(9);
    assert.ok(!progress.canBumpCommit(12));
    progress.sentEntries(1, 1);
    assert.ok(progress.canBumpCommit(12));
  });

  it('is sent again after the flow went back', () => {
    const progress = progressAt({ state: 'replicate', match: 3, next: 10 });
    progress.sentCommit(9);
    progress.becomeProbe();
    assert.ok(!progress.canBumpCommit(9), 'next - 1 = 3 is covered');
    progress.becomeReplicate();
    progress.sentEntries(6, 10);
    assert.ok(progress.canBumpCommit(9));
  });

  it('is sent again after a refusal', () => {
    const probing = progressAt({ match: 3, next: 10 });
    probing.sentEntries(1, 1);
    probing.sentCommit(9);
    assert.ok(probing.maybeDecrementTo(9, 6));
    assert.ok(probing.maybeUpdate(7));
    probing.becomeReplicate();
    probing.sentEntries(2, 10);
    assert.ok(probing.canBumpCommit(9), 'the refused message carried it');

    const replicating = progressAt({ state: 'replicate', match: 3, next: 10 });
    replicating.sentCommit(9);
    assert.ok(replicating.maybeDecrementTo(7, 5));
    replicating.becomeProbe();
    assert.ok(replicating.maybeUpdate(9));
    replicating.becomeReplicate();
    assert.ok(replicating.canBumpCommit(9));
  });

  it('is carried by a snapshot', () => {
    const progress = progressAt({ state: 'snapshot', snapshot: 10 });
    assert.ok(!progress.canBumpCommit(20));
    progress.maybeUpdate(10);
    progress.becomeReplicate();
    assert.ok(!progress.canBumpCommit(10));
    progress.sentEntries(1, 1);
    assert.ok(progress.canBumpCommit(11));
  });
});

type Event =
  | { readonly kind: 'send'; readonly count: number }
  | { readonly kind: 'acknowledge' | 'refuse'; readonly part: number; readonly hint: number }
  | { readonly kind: 'heartbeat' | 'unreachable' }
  | { readonly kind: 'snapshot'; readonly ahead: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const), count: fc.nat(4) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('acknowledge' as const, 'refuse' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      hint: fc.nat(40),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('heartbeat' as const, 'unreachable' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('snapshot' as const), ahead: fc.integer({ min: 1, max: 9 }) }),
  },
);

/** What a leader does with each event. Answers concern any index up to what was ever sent: late, doubled, reordered. */
function apply(progress: Progress, event: Event, sentMax: number): void {
  switch (event.kind) {
    case 'send':
      if (!progress.isPaused()) progress.sentEntries(progress.inflights.full() ? 0 : event.count, event.count * 10);
      break;
    case 'acknowledge': {
      const index = Math.floor(sentMax * event.part);
      if (progress.maybeUpdate(index)) {
        if (progress.state === 'replicate') progress.inflights.freeUpTo(index);
        else if (progress.state === 'probe' || progress.match >= progress.pendingSnapshot) progress.becomeReplicate();
      }
      break;
    }
    case 'refuse': {
      const rejected = Math.floor(sentMax * event.part);
      const before = { next: progress.next, match: progress.match, description: progress.describe() };
      if (progress.maybeDecrementTo(rejected, event.hint)) {
        assert.ok(progress.next <= before.next);
        if (progress.state === 'replicate') progress.becomeProbe();
      } else {
        assert.equal(progress.describe(), before.description);
      }
      assert.equal(progress.match, before.match);
      break;
    }
    case 'heartbeat':
      progress.probeSent = false;
      break;
    case 'unreachable':
      if (progress.state !== 'probe') progress.becomeProbe();
      break;
    case 'snapshot':
      progress.becomeSnapshot(progress.match + event.ahead);
      break;
  }
}

describe('Progress: any history', () => {
  it('keeps match growing, below next, and the window within its limits', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (events, messagesMax) => {
        const progress = progressAt({ match: 0, next: 10, messagesMax, bytesMax: 60 });
        let sentMax = 9;
        for (const event of events) {
          const matchBefore = progress.match;
          apply(progress, event, sentMax);
          sentMax = Math.max(sentMax, progress.next - 1);
          assert.ok(progress.match >= matchBefore);
          assert.ok(progress.match < progress.next);
          assert.equal(progress.pendingSnapshot > 0, progress.state === 'snapshot');
          assert.ok(progress.inflights.count <= messagesMax);
          if (progress.state !== 'replicate')
            assert.deepEqual([progress.inflights.count, progress.inflights.bytes], [0, 0]);
        }
      }),
    );
  });

  it('can always go on: an answer to everything in flight reopens the flow (bug 57)', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const progress = progressAt({ match: 0, next: 10, messagesMax: 2, bytesMax: 30 });
        for (const event of events) apply(progress, event, Math.max(9, progress.next - 1));
        progress.maybeUpdate(progress.next);
        if (progress.state !== 'replicate') progress.becomeReplicate();
        progress.inflights.freeUpTo(progress.match);
        assert.ok(!progress.isPaused() && !progress.inflights.full());
        assert.equal(progress.inflights.bytes, 0);
      }),
    );
  });
});
