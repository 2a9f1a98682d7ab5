/** What a follower does with its leader's messages (Raft paper 5.3, 7). They are of the present term. */
import { assert } from './assert.js';
import { configMembers } from './config-change.js';
import type { Core } from './core.js';
import { campaign } from './election.js';
import { raiseCommit } from './replication.js';
import type {
  AppendMessage,
  AppendResponseMessage,
  HeartbeatMessage,
  InstallSnapshotMessage,
  MemberId,
  SnapshotMetadata,
} from './types.js';

/** It is alive: the clock of the next campaign starts anew. */
export function heardFromLeader(core: Core, leader: MemberId): void {
  core.electionElapsed = 0;
  core.leader = leader;
}

export function handleAppend(core: Core, message: AppendMessage): void {
  const { log } = core;
  const { from, previousIndex, previousTerm, entries } = message;
  const lastNewIndex = previousIndex + entries.length;
  // Entries with a hole between them would be written under wrong indexes (logcabin#160).
  assert(
    entries.length === 0 || (entries[0]?.index === previousIndex + 1 && entries.at(-1)?.index === lastNewIndex),
    () => `append after ${previousIndex} does not hold the entries up to ${lastNewIndex}`,
  );
  // What is committed here agrees with every leader, also where it is compacted away (openraft 71a290cd).
  if (previousIndex < log.commit) {
    accept(core, from, log.commit);
    return;
  }
  if (log.tryAppend(previousIndex, previousTerm, entries)) {
    // Only what this message vouches for: entries after it may be of another leader (etcd#10166).
    raiseCommit(core, Math.min(message.commit, lastNewIndex));
    accept(core, from, lastNewIndex);
    return;
  }
  // The leader has previousTerm at previousIndex: above that term the logs cannot agree.
  const hint = log.lastPositionAtOrBelowTerm(Math.min(previousIndex, log.lastIndex), previousTerm);
  core.sendAfterPersist({
    type: 'append-response',
    from: core.id,
    to: from,
    term: core.term,
    index: previousIndex,
    rejected: true,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}

export function handleHeartbeat(core: Core, message: HeartbeatMessage): void {
  raiseCommit(core, message.commit);
  const response = {
    type: 'heartbeat-response',
    from: core.id,
    to: message.from,
    term: core.term,
    readContext: message.readContext,
  } as const;
  const { hardStatePersisted, options } = core;
  // The answer tells a removed leader that this member knows of the removal: it must not forget it (transfer.ts).
  const tellsOfConfig = core.configCommit > hardStatePersisted.commit;
  // It renews a lease, which a member that restarts keeps if it knows that it was there before: by its term (inLease).
  const isForgetful = options.reads === 'lease' && hardStatePersisted.term === 0;
  if (tellsOfConfig || isForgetful) core.sendAfterPersist(response);
  else core.send(response);
}

/** The data has arrived and is durable; whether the log is replaced by it is decided here. */
export function handleInstallSnapshot(core: Core, message: InstallSnapshotMessage): void {
  if (restore(core, message.snapshot)) accept(core, message.from, core.log.lastIndex);
  else accept(core, message.from, core.log.commit);
}

/** True if the log and the configuration were replaced. */
function restore(core: Core, snapshot: SnapshotMetadata): boolean {
  const { log } = core;
  // Stale; with the committed index but another term it cannot be of this cluster's history (openraft ac3e5a89).
  if (snapshot.index <= log.commit) return false;
  if (log.matches(snapshot.index, snapshot.term)) {
    // The log holds it and may go on after it: it is kept (etcd PR#1763, camunda#6092), and all before is committed.
    raiseCommit(core, snapshot.index);
    return false;
  }
  // Made before this member was added: it would not know that it is a member.
  if (!configMembers(snapshot.config).includes(core.id)) return false;
  log.reset(snapshot);
  // Whatever configuration was in the log is gone with it (openraft 01e813a5).
  core.config = snapshot.config;
  core.pendingConfigIndex = 0;
  // Its configuration is known durably once its index is.
  core.configCommit = snapshot.index;
  core.snapshotUntold = snapshot;
  return true;
}

/** The leader ordered a campaign. It has to wait for committed configurations to be applied, like every campaign. */
export function handleTimeoutNow(core: Core): void {
  if (!core.isVoter) return;
  if (core.hasUnappliedConfig) core.campaignOrdered = true;
  else campaign(core, 'transfer');
}

/** Something was applied: an order that waited for it can be followed. */
export function resumeOrderedCampaign(core: Core): void {
  if (!core.campaignOrdered || core.role !== 'follower' || core.hasUnappliedConfig) return;
  core.campaignOrdered = false;
  campaign(core, 'transfer');
}

/**
 * It promises to hold everything up to `index`: true once that is durable. Of the appends of one turn only the last is
 * acknowledged, since it says what the others would say and leaves at the same time.
 */
function accept(core: Core, to: MemberId, index: number): void {
  const response: AppendResponseMessage = {
    type: 'append-response',
    from: core.id,
    to,
    term: core.term,
    index,
    rejected: false,
    hintIndex: 0,
    hintTerm: 0,
  };
  const last = core.messagesAfterPersist.at(-1);
  const supersedes =
    last?.type === 'append-response' &&
    !last.rejected &&
    last.to === to &&
    last.term === core.term &&
    last.index <= index;
  if (supersedes) core.messagesAfterPersist.pop();
  core.sendAfterPersist(response);
}
