/**
 * What a member does with its data folder before it serves anybody: newest snapshot, then the log after it.
 *
 * Entries are applied while the log is read, as soon as the log itself says that they are committed: those can never be
 * replaced, and the memory needed stays bounded. The rest, and a window of recent entries for followers that lag a little,
 * is handed to Raft.
 */
import type { Entry, InitialState } from '@quorate/raft';
import type { Disk, Platform, Trace } from '../seams/index.js';
import { type RecoveredWal, recoverWal } from '../wal/recovery.js';
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
  const recent = new RecentEntries(index, term);
  const reader = recoverWal(seams.disk, seams.platform, options, { index, term });
  let recovered: RecoveredWal;
  for (;;) {
    const step = reader.next();
    if (step.done === true) {
      recovered = step.value;
      break;
    }
    for (const entry of step.value) {
      state.replay(entry);
      recent.push(entry);
    }
    yield;
  }
  if (recovered.tornTail !== undefined) seams.trace.event('log-torn-tail', { ...recovered.tornTail });
  for (const entry of recovered.entries) recent.push(entry);
  const { hardState } = recovered;
  const initial: InitialState = {
    hardState: { ...hardState, commit: Math.max(hardState.commit, state.appliedIndex) },
    applied: state.position,
    compacted: recent.before,
    entries: recent.entries,
  };
  // Older ones go when the name of this one is surely durable.
  recovered.wal.whenStarted((error) => {
    if (error === undefined) removeSnapshots(seams.disk, snapshot);
  });
  const { lastIndex } = recent;
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
    if (step.done === true) return loader.finish(step.value);
    loader.push(step.value);
    yield;
  }
}

/** The last entries by bytes, contiguous. */
class RecentEntries {
  #entries: Entry[] = [];
  #bytes = 0;
  #before: { readonly index: number; readonly term: number };

  constructor(index: number, term: number) {
    this.#before = { index, term };
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The position before the first of them. */
  get before(): { readonly index: number; readonly term: number } {
    return this.#before;
  }

  get lastIndex(): number {
    return this.#before.index + this.#entries.length;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.data.length;
    // Halved at twice the size: dropping the oldest one by one would cost a copy of the list each time.
    if (this.#bytes < 2 * LOG_MEMORY_BYTES) return;
    let dropped = 0;
    while (this.#bytes > LOG_MEMORY_BYTES && dropped < this.#entries.length - 1) {
      const oldest = this.#entries[dropped++] as Entry;
      this.#bytes -= oldest.data.length;
      this.#before = { index: oldest.index, term: oldest.term };
    }
    this.#entries = this.#entries.slice(dropped);
  }
}
