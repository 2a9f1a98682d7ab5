/**
 * What a member does with its data folder before it serves anybody: newest snapshot, then the log after it.
 *
 * Entries are applied while the log is read, as soon as the log itself says that they are committed: those can never be
 * replaced, and the memory needed stays bounded. The rest, and a window of recent entries for followers that lag a little,
 * is handed to Raft.
 */
import type { Entry, InitialState } from '@quorate/raft';
import type { Disk, Platform, Trace } from '../seams/index.js';
import type { EntryRun } from '../wal/entry-run.js';
import type { LogPosition } from '../wal/log.js';
import { recoverWal } from '../wal/recovery.js';
import { listSnapshots, readSnapshot, removeSnapshots, type SnapshotFile } from '../wal/snapshot-file.js';
import type { WalOptions } from '../wal/wal.js';
import { LOG_MEMORY_BYTES } from './limits.js';
import type { RecoveredState } from './replica-options.js';
import { StateMachine } from './state-machine.js';

export interface RecoverySeams {
  readonly disk: Disk;
  readonly platform: Platform;
  readonly trace: Trace;
}

/** Each yield lets the caller breathe. Throws a WalError if the folder does not hold what was acknowledged. */
export function* recover(seams: RecoverySeams, options: WalOptions): Generator<void, RecoveredState> {
  const [snapshot] = listSnapshots(seams.disk);
  const state = yield* loadSnapshot(seams, options, snapshot);
  const { index, term } = state.position;
  const recent = new RecentEntries({ index, term });
  const reader = recoverWal(seams.disk, seams.platform, options, { index, term });
  let step = reader.next();
  while (step.done !== true) {
    state.replay(step.value);
    recent.push(step.value);
    yield;
    step = reader.next(recent.before.index);
  }
  const recovered = step.value;
  if (recovered.tornTail !== undefined) seams.trace.event('log-torn-tail', { ...recovered.tornTail });
  const entries = [...recent.entries(), ...recovered.entries];
  const { hardState } = recovered;
  const initial: InitialState = {
    hardState: { ...hardState, commit: Math.max(hardState.commit, state.appliedIndex) },
    applied: state.position,
    compacted: recent.before,
    entries,
  };
  // Older ones go when the name of this one is surely durable.
  recovered.wal.whenStarted((error) => {
    if (error === undefined) removeSnapshots(seams.disk, snapshot);
  });
  const lastIndex = recent.before.index + entries.length;
  seams.trace.event('recovered', { snapshotIndex: snapshot?.index ?? 0, appliedIndex: state.appliedIndex, lastIndex });
  return { state, initial, wal: recovered.wal, snapshot };
}

function* loadSnapshot(
  seams: RecoverySeams,
  options: WalOptions,
  snapshot: SnapshotFile | undefined,
): Generator<void, StateMachine> {
  if (snapshot === undefined) return new StateMachine(seams.platform);
  const loader = StateMachine.loader(seams.platform);
  const reader = readSnapshot(seams.disk, seams.platform, options, snapshot);
  for (;;) {
    const step = reader.next();
    if (step.done === true) {
      while (loader.settle()) yield;
      return loader.finish(step.value);
    }
    loader.push(step.value);
    yield;
  }
}

/** The last entries that were applied, at least LOG_MEMORY_BYTES of them if there are as many. */
class RecentEntries {
  /** Contiguous, oldest first; none is empty. */
  readonly #runs: { readonly run: EntryRun; readonly bytes: number }[] = [];
  #bytes = 0;
  #before: LogPosition;

  constructor(before: LogPosition) {
    this.#before = before;
  }

  *entries(): Generator<Entry, void> {
    for (const { run } of this.#runs) yield* run;
  }

  /** The position before the first of them. */
  get before(): LogPosition {
    return this.#before;
  }

  push(run: EntryRun): void {
    if (run.length === 0) return;
    // Counted once: it takes a look at every entry.
    const { bytes } = run;
    this.#runs.push({ run, bytes });
    this.#bytes += bytes;
    for (let [oldest] = this.#runs; oldest !== undefined; [oldest] = this.#runs) {
      if (this.#bytes - oldest.bytes < LOG_MEMORY_BYTES) return;
      this.#runs.shift();
      this.#bytes -= oldest.bytes;
      const last = oldest.run.length - 1;
      this.#before = { index: oldest.run.firstIndex + last, term: oldest.run.term(last) };
    }
  }
}
