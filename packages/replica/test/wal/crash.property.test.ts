/**
 * Any history of appends, replaced suffixes, votes, commit indexes, snapshots and releases, with the power cut or the process
 * killed at any point: what comes back is a state that the log was in after some append, no earlier than the last one that was
 * acknowledged. In particular nothing acknowledged is lost and nothing replaced comes back (bug 32).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, HardState } from '@quorate/raft';
import * as fc from 'fast-check';
import type { LogPosition, Wal, WalBatch } from '../../src/wal/wal.js';
import { hardState, makeBatch, ORIGIN, type Recovered, recover, show, World } from './support.js';

interface LogState {
  readonly hardState: HardState;
  /** The log begins after this. */
  readonly base: LogPosition;
  readonly entries: readonly Entry[];
}

type Action =
  | { readonly kind: 'append'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'replace'; readonly back: number; readonly count: number; readonly bytes: number }
  | { readonly kind: 'vote'; readonly member: number }
  | { readonly kind: 'commit'; readonly count: number }
  | { readonly kind: 'install'; readonly ahead: number; readonly tellLog: boolean }
  | { readonly kind: 'release' }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'crash' }
  | { readonly kind: 'kill' };

const small = fc.nat({ max: 4 });
const bytes = fc.constantFrom(0, 3, 100, 500, 1100, 3000);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), count: small, bytes }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('replace' as const), back: small, count: small, bytes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vote' as const), member: small }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit' as const), count: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('install' as const), ahead: small, tellLog: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'release' as const }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('steps' as const), count: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
);

function lastOf(state: LogState): LogPosition {
  return state.entries.at(-1) ?? state.base;
}

/** What the member has, given its snapshot: as a member would put the two together. */
function withSnapshot(state: LogState, snapshot: LogPosition): LogState {
  const { base, entries, hardState: before } = state;
  const at = snapshot.index === base.index ? base : entries.find((entry) => entry.index === snapshot.index);
  const commit = Math.max(before.commit, snapshot.index);
  const raised = snapshot.term > before.term ? { term: snapshot.term, vote: 0, commit } : { ...before, commit };
  const matches = at?.term === snapshot.term;
  return {
    hardState: raised,
    base: snapshot,
    entries: matches ? entries.filter((entry) => entry.index > snapshot.index) : [],
  };
}

function describeState(state: LogState): unknown {
  return { hardState: state.hardState, last: lastOf(state).index, entries: show(state.entries) };
}

class Member {
  readonly #world: World;
  readonly #options: { readonly segmentBytes: number };
  #wal: Wal | undefined;
  /** Durable before the log hears of it. */
  #snapshot: LogPosition = ORIGIN;
  /** The state after each append since the last one that is known to be durable; that one first. */
  #states: LogState[] = [{ hardState: hardState(0, 0, 0), base: ORIGIN, entries: [] }];
  /** Positions in #states: acknowledged with a sync; acknowledged at all. */
  #durable = 0;
  #written = 0;
  #fill = 0;

  constructor(world: World, segmentBytes: number) {
    this.#world = world;
    this.#options = { segmentBytes };
    this.#start(this.#recover());
  }

  get #state(): LogState {
    return this.#states.at(-1) as LogState;
  }

  run(step: Action): void {
    if (step.kind === 'steps') for (let i = 0; i < step.count; i += 1) this.#world.scheduler.step();
    else if (step.kind === 'crash' || step.kind === 'kill') this.#restart(step.kind);
    else if (this.#wal !== undefined) this.#act(this.#wal, step);
  }

  finish(): void {
    this.#world.scheduler.drain();
    this.#restart('crash');
    this.#world.scheduler.drain();
    assert.ok(this.#wal !== undefined, 'started');
    this.#restart('crash');
  }

  #act(wal: Wal, step: Exclude<Action, { kind: 'steps' | 'crash' | 'kill' }>): void {
    const { hardState: state, entries } = this.#state;
    const last = lastOf(this.#state);
    switch (step.kind) {
      case 'append':
        this.#append(wal, { entries: this.#make(last.index + 1, step.count, Math.max(1, state.term), step.bytes) });
        break;
      case 'replace': {
        const from = Math.max(state.commit + 1, last.index + 1 - step.back);
        const term = Math.max(state.term, last.term) + 1;
        this.#append(wal, {
          hardState: { ...state, term, vote: 0 },
          entries: this.#make(from, step.count, term, step.bytes),
        });
        break;
      }
      case 'vote':
        this.#append(wal, { hardState: { ...state, term: state.term + 1, vote: step.member } });
        break;
      case 'commit': {
        const commit = Math.min(last.index, state.commit + step.count);
        if (commit > state.commit) this.#append(wal, { hardState: { ...state, commit }, mustSync: false });
        break;
      }
      case 'install':
        this.#install(wal, step.ahead, step.tellLog);
        break;
      case 'release': {
        const at = entries.find((entry) => entry.index === state.commit);
        // As a member does: only what is durable in the log goes into a snapshot of its own.
        if (at === undefined || !this.#isDurable(at)) break;
        this.#snapshot = { index: at.index, term: at.term };
        wal.release(at.index, () => {});
        break;
      }
    }
  }

  #isDurable(at: Entry): boolean {
    const durable = this.#states[this.#durable] as LogState;
    return durable.entries.includes(at);
  }

  /** A snapshot from a leader: durable as a file first; the log may or may not hear of it before the crash. */
  #install(wal: Wal, ahead: number, tellLog: boolean): void {
    const { hardState: state } = this.#state;
    const index = Math.max(state.commit, this.#snapshot.index) + 1 + ahead;
    const term = state.term + 1;
    this.#snapshot = { index, term };
    if (!tellLog) {
      this.#wal = undefined;
      return;
    }
    this.#append(wal, { hardState: { term, vote: 0, commit: index }, reset: { index, term } });
  }

  #make(first: number, count: number, term: number, size: number): readonly Entry[] {
    return Array.from({ length: count }, (_, i) => {
      this.#fill += 1;
      const type = this.#fill % 7 === 0 ? 'config' : 'normal';
      // Zeros among the data: they must not be taken for sectors that were not written.
      const data = new Uint8Array(size).fill(this.#fill % 3 === 0 ? 0 : this.#fill);
      return { index: first + i, term, type, data };
    });
  }

  #append(wal: Wal, partial: Partial<WalBatch>): void {
    const before = this.#state;
    const given = partial.entries ?? [];
    const term = given.at(-1)?.term ?? 0;
    const raised =
      term > (partial.hardState ?? before.hardState).term ? { ...before.hardState, term, vote: 0 } : undefined;
    const batch = makeBatch({ ...partial, hardState: partial.hardState ?? raised });
    const base = batch.reset ?? before.base;
    const kept = batch.reset === undefined ? before.entries : [];
    const [first] = given;
    const entries = [...(first === undefined ? kept : kept.filter((entry) => entry.index < first.index)), ...given];
    this.#states.push({ hardState: batch.hardState ?? before.hardState, base, entries });
    const position = this.#states.length - 1;
    const { mustSync } = batch;
    wal.append(batch, (error) => {
      assert.equal(error, undefined);
      assert.ok(position > this.#written, 'answered in order');
      this.#written = position;
      if (mustSync) this.#durable = position;
    });
  }

  #restart(kind: 'crash' | 'kill'): void {
    // What was written without a sync outlives the process, not the power; not even after a restart that has shown it.
    if (kind === 'crash') this.#written = this.#durable;
    this.#world.disk = kind === 'crash' ? this.#world.disk.crash() : this.#world.disk.kill();
    this.#start(this.#recover());
  }

  #recover(): Recovered {
    return recover(this.#world.disk, this.#options, this.#snapshot);
  }

  #start(recovered: Recovered): void {
    const found: LogState = { hardState: recovered.hardState, base: this.#snapshot, entries: recovered.all };
    const candidates = this.#states.slice(this.#written).map((state) => withSnapshot(state, this.#snapshot));
    const match = candidates.findIndex((state) => isSame(state, found));
    if (match < 0)
      assert.deepEqual(describeState(found), candidates.map(describeState), 'none of the states that may be');
    assert.equal(recovered.lastIndex, lastOf(found).index);
    this.#wal = undefined;
    // Until the log has started, a crash may still bring back any of the states.
    this.#states = this.#states.slice(this.#durable);
    this.#written -= this.#durable;
    this.#durable = 0;
    recovered.wal.whenStarted((error) => {
      assert.equal(error, undefined);
      this.#states = [found];
      this.#written = 0;
      this.#wal = recovered.wal;
    });
  }
}

function isSame(a: LogState, b: LogState): boolean {
  return JSON.stringify(describeState(a)) === JSON.stringify(describeState(b));
}

/** Found later: a crash leaves the second segment with its header alone, and the snapshot in place lies beyond the log. */
const SNAPSHOT_BEYOND_A_BARE_SEGMENT: [number, number, Action[]] = [
  0,
  1024,
  [
    { kind: 'steps', count: 2 },
    { kind: 'steps', count: 12 },
    { kind: 'append', count: 1, bytes: 500 },
    { kind: 'steps', count: 2 },
    { kind: 'steps', count: 6 },
    { kind: 'commit', count: 1 },
    { kind: 'replace', back: 0, count: 1, bytes: 3000 },
    { kind: 'steps', count: 1 },
    { kind: 'steps', count: 7 },
    { kind: 'vote', member: 0 },
    { kind: 'install', ahead: 0, tellLog: false },
    { kind: 'install', ahead: 0, tellLog: false },
    { kind: 'crash' },
    { kind: 'release' },
  ],
];

test('[D1] whatever happens and wherever it crashes, recovery gives a state no older than the last acknowledged one', () => {
  const history = fc.array(action, { minLength: 5, maxLength: 60, size: 'max' });
  const property = fc.property(
    fc.nat(),
    fc.constantFrom(1024, 4096, 65_536),
    history,
    (seed, segmentBytes, actions) => {
      const member = new Member(new World(seed), segmentBytes);
      for (const step of actions) member.run(step);
      member.finish();
    },
  );
  fc.assert(property, { numRuns: 400, examples: [SNAPSHOT_BEYOND_A_BARE_SEGMENT] });
});
