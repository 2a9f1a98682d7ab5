/**
 * Turns peer messages into frames, as lists of chunks that the network writes one after the other.
 *
 * Nothing big is copied but small entries: an append's entries are a table of headers followed by their data (docs/wire-format.md).
 * Data of at least VIEW_BYTES_MIN stays a view of its own; smaller data is gathered behind the table, because a chunk costs the
 * socket more than copying a few hundred bytes does.
 *
 * The leader sends the same entries to every follower in the same turn, in messages that differ in `to` and perhaps in what they
 * say of the commit index. The entries' block does not depend on either, so it is encoded once and kept for the next message:
 * an encoder remembers its latest blocks with the entries they were made of, and compares these by identity, one by one, which
 * costs a nanosecond an entry and cannot mistake one log for another. Entries are immutable, so a block never goes stale.
 */
import type { AppendMessage, ConfigState, Entry } from '@quorate/raft';
import type { Platform } from '../seams/platform.js';
import { ACK_STATUSES, ENTRY_CONFIG_BIT, ENTRY_TERM_BIT, FORWARD_STATUSES, PEER_CODES, RAFT_CODES } from './codes.js';
import { type PeerMessage, REASON_CHARS_MAX, type WireMessage } from './messages.js';
import { ByteWriter } from './writer.js';

/** From this size on an entry's data is a chunk of its own instead of being copied. */
const VIEW_BYTES_MIN = 2048;
/** How many entries' blocks an encoder remembers: followers at different positions need different ones. */
const BLOCKS_KEPT = 4;

interface EntriesBlock {
  readonly entries: readonly Entry[];
  readonly chunks: readonly Uint8Array[];
}

/** Encodes one message after the other; keep one for the life of a member. */
export class PeerEncoder {
  readonly #platform: Platform;
  readonly #writer: ByteWriter;
  /** Latest first. */
  #blocks: EntriesBlock[] = [];

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#writer = new ByteWriter(platform);
  }

  /**
   * The frame's chunks: memory that is not written to again, partly views of the message's own bytes. Throws a RangeError for a
   * message that cannot be said (entries with a gap, a term that goes back, a number that is not a safe integer).
   */
  encode(message: PeerMessage): readonly Uint8Array[] {
    this.#writer.discard();
    const writer = this.#writer;
    switch (message.kind) {
      case 'raft':
        return this.#raft(message.message);
      case 'forward':
        writer.u8(PEER_CODES.forward);
        writer.varint(message.requestId);
        return [writer.take(), message.body];
      case 'forward-reply':
        writer.u8(PEER_CODES['forward-reply']);
        writer.varint(message.requestId);
        writer.u8(FORWARD_STATUSES.indexOf(message.status));
        writer.shortString(message.reason, REASON_CHARS_MAX);
        return [writer.take(), message.body];
      case 'snapshot-begin':
        writer.u8(PEER_CODES['snapshot-begin']);
        writer.varint(message.transferId);
        writer.varint(message.term);
        writer.varint(message.totalBytesEstimate);
        writer.varint(message.metadata.index);
        writer.varint(message.metadata.term);
        writeConfigState(writer, message.metadata.config);
        return [writer.take()];
      case 'snapshot-chunk':
        writer.u8(PEER_CODES['snapshot-chunk']);
        writer.varint(message.transferId);
        writer.varint(message.offset);
        writer.flag(message.last);
        return [writer.take(), message.bytes];
      case 'snapshot-ack':
        writer.u8(PEER_CODES['snapshot-ack']);
        writer.varint(message.transferId);
        writer.varint(message.offset);
        writer.u8(ACK_STATUSES.indexOf(message.status));
        return [writer.take()];
      default:
        throw unknownMessage(message);
    }
  }

  #raft(message: WireMessage): readonly Uint8Array[] {
    const writer = this.#writer;
    writer.u8(RAFT_CODES[message.type]);
    writer.varint(message.term);
    if (message.type === 'append') return this.#append(message);
    writeRaftFields(writer, message);
    return [writer.take()];
  }

  #append(message: AppendMessage): readonly Uint8Array[] {
    const writer = this.#writer;
    writer.varint(message.previousIndex);
    writer.varint(message.previousTerm);
    writer.varint(message.commit);
    const first = message.entries[0];
    if (first === undefined) {
      writer.varint(0);
      return [writer.take()];
    }
    if (first.index !== message.previousIndex + 1 || first.term < message.previousTerm) {
      throw new RangeError(
        `entry ${first.index} of term ${first.term} does not follow ${message.previousIndex} of term ${message.previousTerm}`,
      );
    }
    const head = writer.take();
    return [head, ...this.#block(message.entries)];
  }

  #block(entries: readonly Entry[]): readonly Uint8Array[] {
    for (const block of this.#blocks) {
      if (sameEntries(block.entries, entries)) return block.chunks;
    }
    const block: EntriesBlock = { entries, chunks: encodeEntries(this.#platform, this.#writer, entries) };
    this.#blocks = [block, ...this.#blocks.slice(0, BLOCKS_KEPT - 1)];
    return block.chunks;
  }
}

/** One message's frame, without what a PeerEncoder remembers from message to message. */
export function encodePeerMessage(platform: Platform, message: PeerMessage): readonly Uint8Array[] {
  return new PeerEncoder(platform).encode(message);
}

/** The configuration's four lists and its flag. */
export function writeConfigState(writer: ByteWriter, config: ConfigState): void {
  for (const members of [config.voters, config.learners, config.votersOutgoing, config.learnersNext]) {
    writer.varint(members.length);
    let before = 0;
    for (const member of members) {
      if (member <= before) throw new RangeError(`member ${member} after ${before}: a configuration's lists ascend`);
      writer.varint(member);
      before = member;
    }
  }
  writer.flag(config.autoLeave);
}

function writeRaftFields(writer: ByteWriter, message: Exclude<WireMessage, AppendMessage>): void {
  switch (message.type) {
    case 'append-response':
      writer.varint(message.index);
      writer.flag(message.rejected);
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      return;
    case 'heartbeat':
      writer.varint(message.commit);
      writer.varint(message.readContext);
      return;
    case 'heartbeat-response':
      writer.varint(message.readContext);
      return;
    case 'vote':
    case 'pre-vote':
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      writer.flag(message.transfer);
      return;
    case 'vote-response':
    case 'pre-vote-response':
      writer.flag(message.granted);
      return;
    case 'timeout-now':
      return;
    case 'transfer-leader':
      writer.varint(message.transferee);
      return;
    case 'read-index':
      writer.varint(message.context);
      return;
    case 'read-index-response':
      writer.varint(message.context);
      writer.varint(message.index);
      return;
    default:
      throw unknownMessage(message);
  }
}

/** The number of entries, the table of their headers, and their data one after the other. */
function encodeEntries(platform: Platform, writer: ByteWriter, entries: readonly Entry[]): readonly Uint8Array[] {
  writer.varint(entries.length);
  let index = (entries[0] as Entry).index;
  let term = 0;
  let dataBytes = 0;
  for (const entry of entries) {
    if (entry.index !== index || entry.term < term) {
      throw new RangeError(
        `entry ${entry.index} of term ${entry.term} where ${index} of term ${term} or later belongs`,
      );
    }
    writer.u8((entry.type === 'config' ? ENTRY_CONFIG_BIT : 0) | (entry.term === term ? 0 : ENTRY_TERM_BIT));
    if (entry.term !== term) writer.varint(entry.term);
    writer.varint(entry.data.length);
    dataBytes += entry.data.length;
    index += 1;
    term = entry.term;
  }
  if (dataBytes < VIEW_BYTES_MIN) {
    // A block this small is not worth memory of its own.
    for (const { data } of entries) writer.bytes(data);
    return [writer.take()];
  }
  return gather(platform, writer.take(), entries);
}

/** The table and the small entries' data in as few chunks as possible, large data as the views that they are. */
function gather(platform: Platform, table: Uint8Array, entries: readonly Entry[]): readonly Uint8Array[] {
  let copiedBytes = table.length;
  for (const { data } of entries) if (data.length < VIEW_BYTES_MIN) copiedBytes += data.length;
  const copied = platform.allocate(copiedBytes);
  copied.set(table);
  const chunks: Uint8Array[] = [];
  let start = 0;
  let offset = table.length;
  for (const { data } of entries) {
    if (data.length < VIEW_BYTES_MIN) {
      copied.set(data, offset);
      offset += data.length;
      continue;
    }
    if (offset > start) chunks.push(copied.subarray(start, offset));
    chunks.push(data);
    start = offset;
  }
  if (offset > start) chunks.push(copied.subarray(start, offset));
  return chunks;
}

function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, position) => entry === b[position]);
}

function unknownMessage(message: never): RangeError {
  return new RangeError(`no such message: ${JSON.stringify(message)}`);
}
