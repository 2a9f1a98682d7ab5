/**
 * The leader's side of replication that sends: appends, snapshots, heartbeats; and the commit rule (Raft paper 5.3, 5.4.2).
 *
 * Appends are not made when something happens but when the owner takes the Ready (makeAppends), so that a turn of a
 * thousand proposals and a dozen acknowledgements ends in one message per follower. What happened only sets appendsDue.
 */
import type { Core } from './core.js';
import type { Progress } from './progress.js';
import { committedIndex } from './quorum.js';
import type { Entry, EntryType, MemberId } from './types.js';

/** Appends to the leader's own log. Nothing counts as held by this member before it is durable. */
export function appendOwn(core: Core, type: EntryType, data: Uint8Array): Entry {
  const entry: Entry = { index: core.log.lastIndex + 1, term: core.term, type, data };
  core.log.append(entry);
  core.uncommittedBytes += data.length;
  core.appendsDue = true;
  return entry;
}

/**
 * Raises the commit index to what a quorum holds durably, if that is an entry of this leader's own term: entries of
 * earlier terms are only ever committed by one that comes after them (Raft paper 5.4.2 and figure 8; logcabin#44).
 */
export function advanceCommit(core: Core): boolean {
  const { log } = core;
  const index = committedIndex(core.config, core.matchOf);
  if (index <= log.commit || log.termAt(index) !== core.term) return false;
  const before = log.commit;
  core.uncommittedBytes -= log.bytesBetween(before, index);
  raiseCommit(core, index);
  core.appendsDue = true;
  return true;
}

/** Every way to a higher commit index leads through here. */
export function raiseCommit(core: Core, index: number): void {
  const before = core.log.commit;
  if (!core.log.commitTo(index)) return;
  for (let position = before + 1; position <= index; position++) {
    if (core.log.type(position) === 'config') core.configCommit = position;
  }
}

/** Whether makeAppends would send something to this member. Exact, since hasReady() promises what ready() gives. */
function appendWanted(core: Core, id: MemberId, progress: Progress): boolean {
  if (progress.isPaused()) return false;
  const { log } = core;
  // A member that does not answer is not sent a snapshot: heartbeats find out when it is back.
  if (progress.next - 1 < log.compactedIndex) return progress.recentlyActive;
  if (core.appendOwed.has(id)) return true;
  if (progress.state !== 'replicate') return progress.next <= log.lastIndex;
  if (progress.next <= log.lastIndex && !progress.inflights.full()) return true;
  return progress.canBumpCommit(log.commit);
}

export function appendsWanted(core: Core): boolean {
  if (!core.appendsDue) return false;
  for (const id of core.peers) {
    if (appendWanted(core, id, core.progress.get(id) as Progress)) return true;
  }
  return false;
}

/** Sends every member what it may be sent now. */
export function makeAppends(core: Core): void {
  if (!core.appendsDue) return;
  for (const id of core.peers) {
    const progress = core.progress.get(id) as Progress;
    while (appendWanted(core, id, progress)) sendAppend(core, id, progress);
    core.appendOwed.delete(id);
  }
  core.appendsDue = false;
}

/** One append from `next` on; or the snapshot, if the entries before it are gone. */
export function sendAppend(core: Core, to: MemberId, progress: Progress): void {
  const { log, options } = core;
  const previousIndex = progress.next - 1;
  const previousTerm = log.termAt(previousIndex);
  core.appendOwed.delete(to);
  if (previousTerm === undefined) {
    sendSnapshot(core, to, progress);
    return;
  }
  // Through a full window goes only an append without entries: it finds out whether the earlier ones got lost.
  const withheld = progress.state === 'replicate' && progress.inflights.full();
  const entries = withheld ? [] : log.slice(progress.next, options.appendBytesMax);
  const bytes = log.bytesBetween(previousIndex, previousIndex + entries.length);
  core.send({
    type: 'append',
    from: core.id,
    to,
    term: core.term,
    previousIndex,
    previousTerm,
    entries,
    commit: log.commit,
  });
  progress.sentEntries(entries.length, bytes);
  progress.sentCommit(log.commit);
}

/**
 * The snapshot is that of the owner's state machine at this moment, hence `applied`, under the configuration that is in
 * force there. The log after it stays in memory until it has arrived (see compact in raft.ts).
 */
function sendSnapshot(core: Core, to: MemberId, progress: Progress): void {
  const { log } = core;
  const index = log.applied;
  progress.becomeSnapshot(index);
  core.send({
    type: 'install-snapshot',
    from: core.id,
    to,
    term: core.term,
    snapshot: { index, term: log.termAt(index) as number, config: core.config },
  });
}

/** `readContext` names the round of reads that the answers confirm; 0 for none. */
export function broadcastHeartbeat(core: Core, readContext: number): void {
  for (const to of core.peers) {
    const progress = core.progress.get(to) as Progress;
    // Never beyond what the member is known to hold: what is after that may differ from our log.
    const commit = Math.min(progress.match, core.log.commit);
    if (core.isRetiring && commit >= core.configCommit && readContext > 0 && !core.farewellRounds.has(to)) {
      core.farewellRounds.set(to, readContext);
    }
    core.send({ type: 'heartbeat', from: core.id, to, term: core.term, commit, readContext });
    progress.sentCommit(commit);
  }
}
