/** Gathers what the core wants done into one Ready (types.ts has the contract). */
import type { Core } from './core.js';
import { askReads, readsAskable } from './read-index.js';
import { appendsWanted, makeAppends } from './replication.js';
import type { Entry, HardState, Message, ReadState, Ready, SoftState } from './types.js';

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);
const NO_MESSAGES: readonly Message[] = Object.freeze([]);
const NO_READ_STATES: readonly ReadState[] = Object.freeze([]);

function softStateNews(core: Core): SoftState | undefined {
  const { role, leader, softStateTold } = core;
  return role === softStateTold.role && leader === softStateTold.leader ? undefined : { role, leader };
}

function hardStateNews(core: Core): HardState | undefined {
  const { term, vote, hardStateTold: told } = core;
  const { commit } = core.log;
  return term === told.term && vote === told.vote && commit === told.commit ? undefined : { term, vote, commit };
}

/** Committed entries wait for a Ready of their own while a snapshot is being told: it replaces the state machine first. */
function hasEntriesToApply(core: Core): boolean {
  return core.snapshotUntold === undefined && core.log.hasEntriesToApply;
}

export function hasReady(core: Core): boolean {
  return (
    core.messages.length > 0 ||
    core.messagesAfterPersist.length > 0 ||
    core.readStates.length > 0 ||
    core.snapshotUntold !== undefined ||
    core.log.hasEntriesToWrite ||
    hasEntriesToApply(core) ||
    hardStateNews(core) !== undefined ||
    softStateNews(core) !== undefined ||
    readsAskable(core) ||
    appendsWanted(core)
  );
}

export function takeReady(core: Core): Ready {
  askReads(core);
  makeAppends(core);
  const { log, options, messages, messagesAfterPersist, readStates } = core;
  const id = core.lastReadyId + 1;
  core.lastReadyId = id;
  const softState = softStateNews(core);
  if (softState !== undefined) core.softStateTold = softState;
  const hardState = hardStateNews(core);
  const told = core.hardStateTold;
  if (hardState !== undefined) core.hardStateTold = hardState;
  const snapshot = core.snapshotUntold;
  core.snapshotUntold = undefined;
  const committedEntries =
    snapshot === undefined ? log.takeEntriesToApply(options.committedBytesPerReadyMax) : NO_ENTRIES;
  const entries = log.hasEntriesToWrite ? log.takeEntriesToWrite() : NO_ENTRIES;
  if (entries.length > 0 || hardState !== undefined || snapshot !== undefined) {
    log.handedOut(id, core.ticks, core.hardStateTold);
  }
  core.messages = messages.length > 0 ? [] : messages;
  core.messagesAfterPersist = messagesAfterPersist.length > 0 ? [] : messagesAfterPersist;
  core.readStates = readStates.length > 0 ? [] : readStates;
  return {
    id,
    softState,
    hardState,
    entries,
    snapshot,
    committedEntries,
    messages: messages.length > 0 ? messages : NO_MESSAGES,
    messagesAfterPersist: messagesAfterPersist.length > 0 ? messagesAfterPersist : NO_MESSAGES,
    readStates: readStates.length > 0 ? readStates : NO_READ_STATES,
    // Term and vote always count (raft-rs 2f5d963). The commit index only where others rely on this member's knowing it:
    // when it covers a change of the configuration (transfer.ts).
    mustSync:
      entries.length > 0 ||
      snapshot !== undefined ||
      core.hardStateTold.term !== told.term ||
      core.hardStateTold.vote !== told.vote ||
      (core.configCommit > told.commit && core.hardStateTold.commit >= core.configCommit),
  };
}
