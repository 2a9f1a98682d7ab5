/**
 * Snapshots on their way to followers that need entries this member no longer has.
 *
 * A transfer streams a frozen state in chunks over the snapshot channel, with a window of unacknowledged chunks and a limit on
 * bytes per second, so that it never delays heartbeats or appends. The follower acknowledges what it has written to its
 * disk. What is unacknowledged is kept, so that a transfer resumes after a lost connection where the follower stands; a
 * follower that restarted meanwhile has lost its half and refuses, and Raft starts over.
 */
import type { MemberId } from '@quorate/raft';
import type { Trace } from '../seams/index.js';
import type { PeerMessage, SnapshotAck } from '../wire/messages.js';
import { SNAPSHOT_WINDOW_CHUNKS } from './limits.js';
import type { FrozenState, StateChunks } from './state-machine.js';

export interface SnapshotSenderOptions {
  /** Bytes per tick over all transfers. */
  readonly bytesPerTickMax: number;
  readonly chunkBytes: number;
  /** Drawn anew at each start: a receiver may still hold half of a transfer of this member's former life. */
  readonly firstTransferId: number;
  /** Without an acknowledgement for so long, what is unacknowledged is sent again. */
  readonly resendTicks: number;
  /** Without an acknowledgement for so long, the transfer has failed. */
  readonly giveUpTicks: number;
  readonly trace: Trace;
  send(to: MemberId, message: PeerMessage): void;
  finished(to: MemberId, outcome: 'finished' | 'failed'): void;
}

interface Chunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

interface Transfer {
  readonly id: number;
  readonly term: number;
  readonly state: FrozenState;
  readonly source: StateChunks;
  /** Read ahead by one chunk, to know which one is the last. Empty: there is more to look for, and more to come. */
  ahead: Uint8Array | undefined;
  /** Bytes taken from the source. */
  produced: number;
  /** Sent and not acknowledged, in order. */
  unacknowledged: Chunk[];
  /** How many of them have been sent since the last (re)start. */
  sent: number;
  /** A chunk was sent since the follower was heard of: it is its turn. */
  isAsked: boolean;
  lastHeardTick: number;
  lastSentTick: number;
}

export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #transfers = new Map<MemberId, Transfer>();
  #nextId: number;
  #budgetBytes: number;
  #nowTick = 0;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
    this.#nextId = options.firstTransferId;
    this.#budgetBytes = options.bytesPerTickMax;
  }

  /** The lowest index among the states under way: the log after it must be kept for those who will have them. */
  get floorIndex(): number {
    let floor = Number.POSITIVE_INFINITY;
    for (const transfer of this.#transfers.values()) floor = Math.min(floor, transfer.state.metadata.index);
    return floor;
  }

  get active(): number {
    return this.#transfers.size;
  }

  /** Begins a transfer, in place of one to the same member that may be under way. The state is released when it ends. */
  start(to: MemberId, term: number, state: FrozenState): void {
    this.#drop(to);
    const source = state.chunks();
    this.#transfers.set(to, {
      id: this.#nextId++,
      term,
      state,
      source,
      ahead: source.next(this.#options.chunkBytes),
      produced: 0,
      unacknowledged: [],
      sent: 0,
      isAsked: false,
      lastHeardTick: this.#nowTick,
      lastSentTick: this.#nowTick,
    });
    this.#options.trace.event('snapshot-send', { to, index: state.metadata.index, term });
    this.#begin(to);
    this.pump();
  }

  acknowledge(from: MemberId, ack: SnapshotAck): void {
    const transfer = this.#transfers.get(from);
    if (transfer === undefined || transfer.id !== ack.transferId) return;
    if (ack.status !== 'receiving') {
      this.#end(from, ack.status === 'installed' ? 'finished' : 'failed');
      return;
    }
    transfer.lastHeardTick = this.#nowTick;
    transfer.isAsked = false;
    while (transfer.unacknowledged.length > 0) {
      const [first] = transfer.unacknowledged;
      if (first === undefined || first.offset + first.bytes.length > ack.offset) break;
      transfer.unacknowledged.shift();
      transfer.sent = Math.max(0, transfer.sent - 1);
    }
    this.pump();
  }

  tick(): void {
    this.#nowTick += 1;
    const { bytesPerTickMax, resendTicks, giveUpTicks } = this.#options;
    this.#budgetBytes = Math.min(this.#budgetBytes + bytesPerTickMax, 2 * bytesPerTickMax);
    for (const [to, transfer] of this.#transfers) {
      // Silent because of the limit on bytes, not because the follower is.
      if (!transfer.isAsked && this.#budgetBytes <= 0) transfer.lastHeardTick = this.#nowTick;
      if (this.#nowTick - transfer.lastHeardTick >= giveUpTicks) {
        this.#end(to, 'failed');
      } else if (this.#nowTick - Math.max(transfer.lastHeardTick, transfer.lastSentTick) >= resendTicks) {
        if (transfer.unacknowledged[0]?.offset === 0 || transfer.produced === 0) this.#begin(to);
        transfer.sent = 0;
      }
    }
    this.pump();
  }

  /** Whoever has left needs nothing, and would take from the others' share of the bytes until its transfer is given up. */
  dropAllBut(members: ReadonlySet<MemberId>): void {
    for (const to of this.#transfers.keys()) if (!members.has(to)) this.#drop(to);
  }

  /** This member leads no more: its transfers are worth nothing. */
  stop(): void {
    for (const to of this.#transfers.keys()) this.#drop(to);
  }

  /** Sends what window and rate allow, a chunk of each transfer in turn. Returns its bytes. */
  pump(): number {
    let bytes = 0;
    for (const [to, transfer] of this.#transfers) {
      if (this.#budgetBytes <= 0) break;
      const chunk = transfer.unacknowledged[transfer.sent] ?? this.#produce(transfer);
      if (chunk === undefined) continue;
      transfer.sent += 1;
      transfer.isAsked = true;
      transfer.lastSentTick = this.#nowTick;
      this.#budgetBytes -= chunk.bytes.length;
      bytes += chunk.bytes.length;
      this.#options.send(to, { kind: 'snapshot-chunk', transferId: transfer.id, ...chunk });
      // To the end of the queue, where this very loop meets it again.
      this.#transfers.delete(to);
      this.#transfers.set(to, transfer);
    }
    return bytes;
  }

  #begin(to: MemberId): void {
    const transfer = this.#transfers.get(to);
    if (transfer === undefined) return;
    transfer.lastSentTick = this.#nowTick;
    this.#options.send(to, {
      kind: 'snapshot-begin',
      transferId: transfer.id,
      metadata: transfer.state.metadata,
      term: transfer.term,
      totalBytesEstimate: transfer.state.bytesEstimate,
    });
  }

  #produce(transfer: Transfer): Chunk | undefined {
    if (transfer.unacknowledged.length >= SNAPSHOT_WINDOW_CHUNKS || transfer.ahead === undefined) return undefined;
    const bytes = transfer.ahead;
    transfer.ahead = transfer.source.next(this.#options.chunkBytes);
    if (bytes.length === 0) return undefined;
    const chunk: Chunk = { offset: transfer.produced, bytes, last: transfer.ahead === undefined };
    transfer.produced += bytes.length;
    transfer.unacknowledged.push(chunk);
    return chunk;
  }

  #end(to: MemberId, outcome: 'finished' | 'failed'): void {
    this.#options.trace.event('snapshot-sent', { to, outcome });
    this.#drop(to);
    this.#options.finished(to, outcome);
  }

  #drop(to: MemberId): void {
    this.#transfers.get(to)?.state.release();
    this.#transfers.delete(to);
  }
}
