/**
 * One compact notation for everything that passes through the core; transcripts, logs and tools use the same.
 *
 *     5@2 "put"                                  entry 5 of term 2; 5@2 alone is an empty one
 *     6@2 add-learner(4)                         a configuration entry
 *     1>2 append t2 prev=4@1 commit=3 [5@2]      a message from member 1 to member 2 of term 2
 *     n1 leader t2 vote=1 leader=1 log=(1,5] last=5@2 persisted=5 commit=5 applied=5 voters=(1 2 3)
 */
import { describeConfig } from './config-change.js';
import { decodeConfigChange } from './config-change-codec.js';
import type { ConfigChange, Entry, Message, RaftStatus, Ready, SnapshotMetadata } from './types.js';

/** Longer data is shown by its size. */
const DATA_SHOWN_BYTES_MAX = 32;
const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;

export function describeEntry(entry: Entry): string {
  const position = `${entry.index}@${entry.term}`;
  if (entry.type === 'config') return `${position} ${describeConfigChange(decodeConfigChange(entry.data))}`;
  return entry.data.length === 0 ? position : `${position} ${describeData(entry.data)}`;
}

export function describeEntries(entries: readonly Entry[]): string {
  return `[${entries.map(describeEntry).join(', ')}]`;
}

export function describeConfigChange(change: ConfigChange): string {
  if (change.changes.length === 0 && change.transition === 'auto') return 'leave-joint';
  const changes = change.changes.map(({ type, member }) => `${type}(${member})`).join(' ');
  return change.transition === 'auto' ? changes : `${change.transition} ${changes}`;
}

export function describeSnapshot(snapshot: SnapshotMetadata): string {
  return `${snapshot.index}@${snapshot.term} ${describeConfig(snapshot.config)}`;
}

export function describeMessage(message: Message): string {
  return `${message.from}>${message.to} ${message.type} t${message.term}${describeBody(message)}`;
}

function describeBody(message: Message): string {
  switch (message.type) {
    case 'append': {
      const { previousIndex, previousTerm, commit, entries } = message;
      const list = entries.length > 0 ? ` ${describeEntries(entries)}` : '';
      return ` prev=${previousIndex}@${previousTerm} commit=${commit}${list}`;
    }
    case 'append-response':
      return message.rejected
        ? ` rejected prev=${message.index} hint=${message.hintIndex}@${message.hintTerm}`
        : ` match=${message.index}`;
    case 'heartbeat':
      return ` commit=${message.commit}${describeRound(message.readContext)}`;
    case 'heartbeat-response':
      return describeRound(message.readContext);
    case 'vote':
    case 'pre-vote':
      return ` last=${message.lastIndex}@${message.lastTerm}${message.transfer ? ' transfer' : ''}`;
    case 'vote-response':
    case 'pre-vote-response':
      return message.granted ? ' granted' : ' refused';
    case 'install-snapshot':
      return ` ${describeSnapshot(message.snapshot)}`;
    case 'timeout-now':
      return '';
    case 'transfer-leader':
      return ` to=${message.transferee}`;
    case 'read-index':
      return ` context=${message.context}`;
    case 'read-index-response':
      return ` context=${message.context} index=${message.index}`;
    default:
      return message satisfies never;
  }
}

function describeRound(round: number): string {
  return round === 0 ? '' : ` round=${round}`;
}

/** One line per thing to do; a Ready in which there is nothing is one line. */
export function describeReady(ready: Ready): string[] {
  const { softState, hardState, snapshot, entries, committedEntries } = ready;
  const lines = [`ready ${ready.id}${ready.mustSync ? ' sync' : ''}`];
  if (softState !== undefined) lines.push(`  ${softState.role} leader=${softState.leader}`);
  if (hardState !== undefined) {
    lines.push(`  hard-state t${hardState.term} vote=${hardState.vote} commit=${hardState.commit}`);
  }
  if (snapshot !== undefined) lines.push(`  snapshot ${describeSnapshot(snapshot)}`);
  if (entries.length > 0) lines.push(`  write ${describeEntries(entries)}`);
  if (committedEntries.length > 0) lines.push(`  apply ${describeEntries(committedEntries)}`);
  for (const { context, index } of ready.readStates) lines.push(`  read context=${context} index=${index}`);
  for (const message of ready.messages) lines.push(`  send ${describeMessage(message)}`);
  for (const message of ready.messagesAfterPersist) lines.push(`  send after persist ${describeMessage(message)}`);
  return lines;
}

export function describeStatus(status: RaftStatus): string {
  const { id, role, term, vote, leader, firstIndex, lastIndex, lastTerm, persistedIndex, commit, applied } = status;
  const transfer = status.transferee === 0 ? '' : ` transferee=${status.transferee}`;
  return (
    `n${id} ${role} t${term} vote=${vote} leader=${leader}${transfer} log=(${firstIndex - 1},${lastIndex}] ` +
    `last=${lastIndex}@${lastTerm} persisted=${persistedIndex} commit=${commit} applied=${applied} ` +
    describeConfig(status.config)
  );
}

export function describeProgress(status: RaftStatus): string[] {
  return status.progress.map(
    ({ member, match, next, state, learner, isActive }) =>
      `  n${member} ${state} match=${match} next=${next}${learner ? ' learner' : ''}${isActive ? '' : ' silent'}`,
  );
}

function describeData(data: Uint8Array): string {
  const printable = data.every((byte) => byte >= FIRST_PRINTABLE && byte <= LAST_PRINTABLE);
  if (!printable || data.length > DATA_SHOWN_BYTES_MAX) return `<${data.length} bytes>`;
  return JSON.stringify(String.fromCharCode(...data));
}
