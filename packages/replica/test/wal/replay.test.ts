/** What recovery makes of the log's records, and which it refuses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry, HardState } from '@quorate/raft';
import { Replay, type ReplayRefusal } from '../../src/wal/replay.js';
import { entry, hardState, ORIGIN } from './support.js';

const NOTHING = ORIGIN;

type LogRecord =
  | { readonly type: 'hard-state'; readonly hardState: HardState }
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'reset'; readonly index: number; readonly term: number };

function take(replay: Replay, record: LogRecord): ReplayRefusal | undefined {
  if (record.type === 'hard-state') return replay.takeHardState(record.hardState);
  if (record.type === 'reset') return replay.takeReset(record);
  const { index, term, type, data } = record.entry;
  return replay.takeEntry(index, term, type, data, 0, data.length);
}

function state(term: number, vote: number, commit: number): LogRecord {
  return { type: 'hard-state', hardState: hardState(term, vote, commit) };
}

function put(index: number, term: number): LogRecord {
  return { type: 'entry', entry: entry(index, term) };
}

/** The refusal of the last record; those before it must be accepted. */
function refusal(records: readonly LogRecord[], snapshot = NOTHING): string | undefined {
  const replay = new Replay(snapshot);
  for (const [i, record] of records.entries()) {
    const refused = take(replay, record);
    if (i === records.length - 1) return refused === undefined ? undefined : `${refused.code}: ${refused.detail}`;
    assert.equal(refused, undefined, `record ${i}`);
  }
  return undefined;
}

describe('replay of a log', () => {
  const filled = [state(2, 3, 0), put(1, 1), put(2, 2), put(3, 2), state(2, 3, 2)];
  const cases: readonly [title: string, LogRecord, RegExp][] = [
    ['an entry that leaves a gap', put(5, 2), /^corrupt: entry 5 after index 3/],
    ['an entry that replaces a committed one', put(2, 2), /^corrupt: entry 2 replaces a committed one/],
    ['an entry of an earlier term than the one before', put(4, 1), /^corrupt: entry 4 of term 1 after one of term 2/],
    ['an entry of a later term than the hard state', put(4, 3), /^corrupt: entry 4 of term 3 in term 2/],
    ['a term that goes back', state(1, 0, 2), /^corrupt: term 1 after term 2/],
    ['a commit index that goes back', state(2, 3, 1), /^corrupt: commit index 1 after 2/],
    ['a commit index beyond the log', state(2, 3, 4), /^corrupt: commit index 4 beyond the log's end 3/],
    ['a second vote in a term', state(2, 4, 2), /^corrupt: two votes in term 2/],
    ['a vote that is taken back', state(2, 0, 2), /^corrupt: two votes in term 2/],
    ['a reset behind what is committed', { type: 'reset', index: 1, term: 1 }, /^corrupt: begins anew at 1/],
    ['a reset beyond the snapshot', { type: 'reset', index: 9, term: 2 }, /^missing: .*snapshot at 9/],
  ];
  for (const [title, record, expected] of cases) {
    test(`${title} is refused`, () => assert.match(refusal([...filled, record]) ?? 'accepted', expected));
  }

  test('a vote where there was none, a later term and an equal hard state are accepted', () => {
    assert.equal(refusal([state(1, 0, 0), state(1, 2, 0), state(2, 0, 0), state(2, 0, 0)]), undefined);
  });

  test('entries are handed out once they are committed, in pieces of bounded size, and never again', () => {
    const replay = new Replay(NOTHING);
    take(replay, state(1, 0, 0));
    for (let i = 1; i <= 10; i += 1) take(replay, put(i, 1));
    assert.equal(replay.takeFinal(1000).length, 0);
    take(replay, state(1, 0, 7));
    const pieces: number[][] = [];
    for (;;) {
      const piece = replay.takeFinal(16);
      if (piece.length === 0) break;
      pieces.push([...piece].map((one) => one.index));
    }
    assert.deepEqual(pieces, [[1, 2], [3, 4], [5, 6], [7]]);
    take(replay, put(8, 1));
    take(replay, state(1, 0, 8));
    assert.deepEqual(
      [...replay.takeFinal(16)].map((one) => one.index),
      [8],
    );
    assert.equal(replay.entries.length, 0);
  });

  test('what was truncated stays away, also when the end lies before the snapshot for a while (bug 32)', () => {
    const replay = new Replay({ index: 3, term: 2 });
    for (const record of [state(1, 0, 0), put(1, 1), put(2, 1), put(3, 1), put(4, 1), put(5, 1)]) take(replay, record);
    assert.equal(replay.entries.length, 2);
    for (const record of [state(2, 0, 0), put(2, 2), put(3, 2)]) take(replay, record);
    assert.equal(replay.entries.length, 0);
    assert.deepEqual(replay.finish(), { hardState: hardState(2, 0, 3), reset: undefined });
  });
});
