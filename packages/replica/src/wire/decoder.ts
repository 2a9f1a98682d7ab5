/**
 * Turns a frame back into a peer message, or throws a WireError: the connection that brought it is then closed, since frames are
 * checksummed and what does not decode was never said by this version.
 *
 * Entries of an append are kept for long (log, disk, state machine), the frame only for the moment: their data is copied once per
 * frame, into one block that the entries share. Every other byte range (a forward's body, a snapshot's chunk) is a view into the
 * frame: whoever keeps it copies it (`copyBytes`).
 */
import type { ConfigState, Entry, MemberId, SnapshotMetadata } from '@quorate/raft';
import type { Platform } from '../seams/platform.js';
import { ACK_STATUSES, ENTRY_CONFIG_BIT, ENTRY_TERM_BIT, FORWARD_STATUSES, PEER_CODES, RAFT_CODES } from './codes.js';
import { WireError } from './error.js';
import { type PeerMessage, REASON_CHARS_MAX, type WireMessage } from './messages.js';
import { ByteReader } from './reader.js';

const RAFT_TYPES: ReadonlyMap<number, WireMessage['type']> = new Map(
  Object.entries(RAFT_CODES).map(([type, code]) => [code, type as WireMessage['type']]),
);
/** An entry's header has at least a byte of bits and a byte of length. */
const ENTRY_HEADER_BYTES_MIN = 2;
const MEMBER_BYTES_MIN = 1;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Where a frame came from and who reads it: known from the connection. */
export interface FrameParties {
  readonly from: MemberId;
  readonly to: MemberId;
}

/** Throws a WireError for anything that encodePeerMessage would not have written. */
export function decodePeerMessage(platform: Platform, frame: Uint8Array, parties: FrameParties): PeerMessage {
  const reader = new ByteReader(frame);
  const code = reader.u8();
  const type = RAFT_TYPES.get(code);
  const message: PeerMessage =
    type === undefined
      ? readPeer(platform, reader, code)
      : { kind: 'raft', message: readRaft(platform, reader, type, parties) };
  reader.end();
  return message;
}

/** A copy that outlives the frame. */
export function copyBytes(platform: Platform, bytes: Uint8Array): Uint8Array {
  const copy = platform.allocate(bytes.length);
  copy.set(bytes);
  return copy;
}

export function readConfigState(reader: ByteReader): ConfigState {
  return {
    voters: readMembers(reader),
    learners: readMembers(reader),
    votersOutgoing: readMembers(reader),
    learnersNext: readMembers(reader),
    autoLeave: reader.flag(),
  };
}

function readPeer(platform: Platform, reader: ByteReader, code: number): PeerMessage {
  switch (code) {
    case PEER_CODES.forward:
      return { kind: 'forward', requestId: reader.varint(), body: reader.rest() };
    case PEER_CODES['forward-reply']:
      return {
        kind: 'forward-reply',
        requestId: reader.varint(),
        status: readStatus(reader, FORWARD_STATUSES),
        reason: reader.shortString(platform, REASON_CHARS_MAX, 'reason'),
        body: reader.rest(),
      };
    case PEER_CODES['snapshot-begin']:
      return {
        kind: 'snapshot-begin',
        transferId: reader.varint(),
        term: reader.varint(),
        totalBytesEstimate: reader.varint(),
        metadata: readSnapshotMetadata(reader),
      };
    case PEER_CODES['snapshot-chunk']:
      return {
        kind: 'snapshot-chunk',
        transferId: reader.varint(),
        offset: reader.varint(),
        last: reader.flag(),
        bytes: reader.rest(),
      };
    case PEER_CODES['snapshot-ack']:
      return {
        kind: 'snapshot-ack',
        transferId: reader.varint(),
        offset: reader.varint(),
        status: readStatus(reader, ACK_STATUSES),
      };
    default:
      throw new WireError(`no message has the code ${code}`);
  }
}

function readRaft(
  platform: Platform,
  reader: ByteReader,
  type: WireMessage['type'],
  { from, to }: FrameParties,
): WireMessage {
  const term = reader.varint();
  switch (type) {
    case 'append': {
      const previousIndex = reader.varint();
      const previousTerm = reader.varint();
      const commit = reader.varint();
      const entries = readEntries(platform, reader, previousIndex, previousTerm);
      return { type, from, to, term, previousIndex, previousTerm, entries, commit };
    }
    case 'append-response':
      return {
        type,
        from,
        to,
        term,
        index: reader.varint(),
        rejected: reader.flag(),
        hintIndex: reader.varint(),
        hintTerm: reader.varint(),
      };
    case 'heartbeat':
      return { type, from, to, term, commit: reader.varint(), readContext: reader.varint() };
    case 'heartbeat-response':
      return { type, from, to, term, readContext: reader.varint() };
    case 'vote':
    case 'pre-vote':
      return {
        type,
        from,
        to,
        term,
        lastIndex: reader.varint(),
        lastTerm: reader.varint(),
        transfer: reader.flag(),
      };
    case 'vote-response':
    case 'pre-vote-response':
      return { type, from, to, term, granted: reader.flag() };
    case 'timeout-now':
      return { type, from, to, term };
    case 'transfer-leader':
      return { type, from, to, term, transferee: reader.varint() };
    case 'read-index':
      return { type, from, to, term, context: reader.varint() };
    case 'read-index-response':
      return { type, from, to, term, context: reader.varint(), index: reader.varint() };
    default:
      throw new WireError(`no message has the type ${String(type satisfies never)}`);
  }
}

function readEntries(
  platform: Platform,
  reader: ByteReader,
  previousIndex: number,
  previousTerm: number,
): readonly Entry[] {
  const count = reader.count(ENTRY_HEADER_BYTES_MIN, 'entries');
  if (count === 0) return [];
  if (!Number.isSafeInteger(previousIndex + count)) throw new WireError('an index is not a safe integer');
  const entries: { index: number; term: number; type: Entry['type']; data: Uint8Array }[] = [];
  const lengths: number[] = [];
  let term = 0;
  let dataBytes = 0;
  for (let position = 0; position < count; position += 1) {
    const bits = reader.u8();
    if (bits > (ENTRY_CONFIG_BIT | ENTRY_TERM_BIT)) throw new WireError(`an entry's bits are ${bits}`);
    if ((bits & ENTRY_TERM_BIT) !== 0) {
      const termBefore = term;
      term = reader.varint();
      if (term <= termBefore) throw new WireError(`an entry's term goes from ${termBefore} to ${term}`);
    }
    if (position === 0 && term < previousTerm) throw new WireError(`term ${term} follows term ${previousTerm}`);
    const length = reader.varint();
    dataBytes += length;
    // Checked on each step, so that the sum stays a safe integer.
    if (dataBytes > reader.remainingBytes) throw new WireError(`entries are longer than their frame`);
    const type = (bits & ENTRY_CONFIG_BIT) === 0 ? 'normal' : 'config';
    entries.push({ index: previousIndex + 1 + position, term, type, data: NO_BYTES });
    lengths.push(length);
  }
  const block = copyBytes(platform, reader.view(dataBytes));
  let offset = block.byteOffset;
  for (let position = 0; position < count; position += 1) {
    const length = lengths[position] as number;
    (entries[position] as { data: Uint8Array }).data = new Uint8Array(block.buffer, offset, length);
    offset += length;
  }
  return entries;
}

function readSnapshotMetadata(reader: ByteReader): SnapshotMetadata {
  return { index: reader.varint(), term: reader.varint(), config: readConfigState(reader) };
}

function readMembers(reader: ByteReader): readonly MemberId[] {
  const count = reader.count(MEMBER_BYTES_MIN, 'members');
  const members: MemberId[] = [];
  let before = 0;
  for (let position = 0; position < count; position += 1) {
    const member = reader.varint();
    if (member <= before) throw new WireError(`member ${member} after ${before}: a configuration's lists ascend`);
    members.push(member);
    before = member;
  }
  return members;
}

function readStatus<Status>(reader: ByteReader, statuses: readonly Status[]): Status {
  const code = reader.u8();
  const status = statuses[code];
  if (status === undefined) throw new WireError(`no status has the code ${code}`);
  return status;
}
