/** The checks can fail: each invariant, broken on purpose, is reported under its id. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkState, checkTransition, Raft, snapshotState } from '../src/index.js';
import { configOf, initialOf } from './support/member.js';

const DATA = new Uint8Array(10);

function settle(raft: Raft): Raft {
  while (raft.hasReady()) {
    const ready = raft.ready();
    raft.persisted(ready.id);
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) raft.applied(last.index);
  }
  return raft;
}

/** The only voter, leading, with one applied entry of its own. */
function leader(): Raft {
  const raft = new Raft(configOf(), initialOf([1]));
  raft.campaign();
  settle(raft);
  raft.propose(DATA);
  return settle(raft);
}

/** The core's state as something that a test may write to. */
function writable(raft: Raft): Record<string, unknown> & { log: Record<string, unknown> } {
  return raft.core as unknown as Record<string, unknown> & { log: Record<string, unknown> };
}

/** Overrides a getter or field of `target`. */
function set(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

function broken(id: string): RegExp {
  return new RegExp(`assertion failed: ${id.slice(1, -1)} `);
}

describe('a state that no member may be in', () => {
  it('is not what a leader is in', () => {
    checkState(leader());
  });

  const cases: readonly (readonly [string, string, (raft: Raft) => void])[] = [
    ['[S1]', 'more applied than committed', (raft) => set(writable(raft).log, 'commit', 1)],
    ['[S1]', 'more durable than was handed to the disk', (raft) => set(writable(raft).log, 'persistedIndex', 99)],
    ['[S2]', 'an entry of a later term than the member', (raft) => set(writable(raft), 'term', 1)],
    ['[S3]', 'a leader that believes in another', (raft) => set(writable(raft), 'leader', 2)],
    ['[S3]', 'a leader that voted for another', (raft) => set(writable(raft), 'vote', 2)],
    ['[S4]', 'a leader without its own progress', (raft) => raft.core.progress.clear()],
    ['[S6]', 'bytes that nobody proposed', (raft) => set(writable(raft), 'uncommittedBytes', 7)],
    [
      '[S7]',
      'a follower with a leader’s state',
      (raft) => {
        set(writable(raft), 'role', 'follower');
        set(writable(raft), 'leader', 0);
      },
    ],
  ];
  for (const [id, name, breakIt] of cases) {
    it(`${id} ${name}`, () => {
      const raft = leader();
      breakIt(raft);
      assert.throws(() => checkState(raft), broken(id));
    });
  }

  it('[S5] two configuration changes of one term under way', () => {
    const raft = leader();
    const change = { changes: [], transition: 'auto', context: DATA } as const;
    raft.proposeConfigChange({ ...change, changes: [{ type: 'add-learner', member: 2 }] });
    const { log } = raft.core;
    const last = log.entry(log.lastIndex);
    log.append({ ...last, index: last.index + 1 });
    assert.throws(() => checkState(raft), /assertion failed: S5 /);
  });
});

describe('a step that no member may take', () => {
  const cases: readonly (readonly [string, string, (before: ReturnType<typeof snapshotState>) => object])[] = [
    ['[T1]', 'the term goes back', (before) => ({ term: before.term + 1 })],
    ['[T2]', 'the vote changes within a term', () => ({ vote: 3 })],
    ['[T3]', 'the commit index goes back', (before) => ({ commit: before.commit + 1 })],
    ['[T3]', 'the applied index goes back', (before) => ({ applied: before.applied + 1 })],
    ['[T4]', 'a committed entry changes', (before) => ({ commitTerm: before.commitTerm + 1 })],
    ['[T5]', 'a leader loses an entry', (before) => ({ lastIndex: before.lastIndex + 1 })],
    ['[T6]', 'a follower leads without having been a candidate', () => ({ role: 'follower' })],
  ];
  for (const [id, name, wrongBefore] of cases) {
    it(`${id} ${name}`, () => {
      const raft = leader();
      const before = snapshotState(raft);
      checkTransition(before, raft);
      assert.throws(() => checkTransition({ ...before, ...wrongBefore(before) }, raft), broken(id));
    });
  }
});
