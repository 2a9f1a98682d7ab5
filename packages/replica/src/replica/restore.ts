/**
 * A state that was saved becomes the beginning of a new cluster.
 *
 * Keys, history, leases, alarms and cluster time stay; who the members are is replaced, and revisions may go on higher. The new cluster's log
 * begins after a snapshot of that state, at RESTORED_INDEX in RESTORED_TERM, as if its one entry so far had been all of it. Every
 * member of the new cluster makes the same of the same saved state, each in its own folder, so no two of them can disagree about what is
 * committed; none has voted in any later term.
 *
 * The cluster and its members have other ids than those whose state was saved: nobody of the old cluster is taken for one of the new one.
 */
import { EMPTY_CONFIG, type SnapshotMetadata } from '@quorate/raft';
import type { Platform } from '../seams/index.js';
import type { WalBatch } from '../wal/wal.js';
import { Directory, type RecordedMember } from './directory.js';
import { StateMachine } from './state-machine.js';

const RESTORED_INDEX = 1;
const RESTORED_TERM = 1;

/** `members`: all of them, voters. `raiseRevisionBy`: see Store.raiseRevision; 0 leaves revisions and history as they are. */
export function restoredState(
  platform: Platform,
  saved: StateMachine,
  members: readonly RecordedMember[],
  raiseRevisionBy: number,
): StateMachine {
  const voters = members.map(({ id }) => id).toSorted((a, b) => a - b);
  const position: SnapshotMetadata = {
    index: RESTORED_INDEX,
    term: RESTORED_TERM,
    config: { ...EMPTY_CONFIG, voters },
  };
  if (raiseRevisionBy > 0) saved.store.raiseRevision(raiseRevisionBy);
  return new StateMachine(platform, saved.store, Directory.of(members), position);
}

/** What the new log begins with, once the snapshot of the restored state is durable. */
export function restoredBatch(): WalBatch {
  return {
    hardState: { term: RESTORED_TERM, vote: 0, commit: RESTORED_INDEX },
    entries: [],
    reset: { index: RESTORED_INDEX, term: RESTORED_TERM },
    mustSync: true,
  };
}
