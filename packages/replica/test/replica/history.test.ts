/** How much of the past is kept: by time, by count, and within a budget of memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  HistoryKeeper,
  type HistoryOptions,
  type HistoryView,
  type NeededRevisions,
} from '../../src/replica/history.js';

const NOBODY = (): NeededRevisions => ({});
const needing = (revision: number) => (): NeededRevisions => ({ revision });
const pausedAt = (pausedRevision: number) => (): NeededRevisions => ({ pausedRevision });

function keeper(options: Partial<HistoryOptions>): HistoryKeeper {
  return new HistoryKeeper({
    historyMode: 'off',
    historyRetentionMs: 1_000,
    historyRetentionRevisions: 100,
    historyBytesMax: 1_000_000,
    ...options,
  });
}

function weighing(historyBytes: number): HistoryView {
  return { revision: 1_000, compactRevision: 0, historyBytes };
}

describe('history by budget', () => {
  it('loses about half when it outgrows its budget, and nothing before', () => {
    const history = keeper({ historyBytesMax: 800 });
    let compacted: number | undefined;
    let revision = 1;
    for (; compacted === undefined && revision < 10_000; revision++) {
      const view = { revision, compactRevision: 0, historyBytes: revision };
      history.sample(view, revision);
      compacted = history.due(view, revision, NOBODY);
    }
    assert.ok(revision > 800, `compacted at ${revision}`);
    assert.ok(compacted !== undefined && compacted > 200 && compacted < 600, `compacts at ${compacted}`);
  });

  it('asks for nothing that is compacted already', () => {
    const view = { revision: 5, compactRevision: 5, historyBytes: 100 };
    const history = keeper({ historyBytesMax: 10 });
    history.sample(view, 0);
    assert.equal(history.due(view, 0, NOBODY), undefined);
  });

  for (const [who, needs] of [
    ['is catching up', needing(3)],
    ['waits for its client', pausedAt(3)],
  ] as const) {
    it(`loses first what no watch needs, and what one does that ${who} when it has become very much`, () => {
      const history = keeper({ historyBytesMax: 10 });
      let compactRevision = 0;
      for (let revision = 1; revision <= 40; revision++) {
        const view = { revision, compactRevision, historyBytes: revision };
        history.sample(view, revision);
        compactRevision = history.due(view, revision, needs) ?? compactRevision;
        assert.ok(compactRevision <= 3, `compacted at ${compactRevision} of ${revision}`);
      }
      assert.equal(compactRevision, 3);
      const forced = history.due({ revision: 50, compactRevision, historyBytes: 50 }, 50, needs);
      assert.ok(forced !== undefined && forced > 3);
    });
  }

  it('waits for the sweep to give memory back before it discards more', () => {
    const history = keeper({ historyBytesMax: 800 });
    history.sample(weighing(801), 0);
    assert.equal(history.due(weighing(801), 0, NOBODY), 1_000);
    assert.equal(history.due(weighing(805), 0, NOBODY), undefined);
    assert.equal(history.due(weighing(950), 0, NOBODY), 1_000);
  });
});

describe('history by time', () => {
  it('stays readable for the retention after it was superseded, and goes soon after', () => {
    const history = keeper({ historyMode: 'periodic', historyRetentionMs: 1_000 });
    let compactRevision = 0;
    for (let nowMs = 0; nowMs <= 5_000; nowMs += 10) {
      // Revision r is superseded at 100 * r.
      const view = { revision: 1 + Math.floor(nowMs / 100), compactRevision, historyBytes: 0 };
      history.sample(view, nowMs);
      const due = history.due(view, nowMs, NOBODY);
      if (due === undefined) continue;
      assert.ok(due > compactRevision);
      assert.ok(100 * (due - 1) <= nowMs - 1_000, `at ${nowMs} compacts at ${due}`);
      compactRevision = due;
    }
    assert.ok(compactRevision >= 38, `is at ${compactRevision} in the end`);
  });

  it('goes also when nothing is written any more', () => {
    const history = keeper({ historyMode: 'periodic', historyRetentionMs: 1_000 });
    const view = { revision: 9, compactRevision: 0, historyBytes: 0 };
    for (let nowMs = 0; nowMs < 1_000; nowMs += 10) {
      history.sample(view, nowMs);
      assert.equal(history.due(view, nowMs, NOBODY), undefined);
    }
    history.sample(view, 1_000);
    assert.equal(history.due(view, 1_000, NOBODY), 9);
  });

  it('stays for a watch that catches up, but not for one whose client does not read', () => {
    const history = keeper({ historyMode: 'periodic', historyRetentionMs: 1_000 });
    const view = { revision: 9, compactRevision: 0, historyBytes: 0 };
    history.sample(view, 0);
    assert.equal(history.due(view, 2_000, needing(5)), 5);
    assert.equal(history.due({ ...view, compactRevision: 5 }, 2_000, needing(5)), undefined);
    assert.equal(history.due({ ...view, compactRevision: 5 }, 2_000, pausedAt(5)), 9);
  });
});

describe('history by count', () => {
  it('is the last revisions, to a tenth', () => {
    const history = keeper({ historyMode: 'revision', historyRetentionRevisions: 100 });
    const at = (revision: number, compactRevision: number): number | undefined =>
      history.due({ revision, compactRevision, historyBytes: 0 }, 0, NOBODY);
    assert.equal(at(105, 0), undefined);
    assert.equal(at(110, 0), 10);
    assert.equal(at(115, 10), undefined);
    assert.equal(at(500, 10), 400);
  });
});
