/**
 * A snapshot on its way in from the leader: written to a file and loaded into a fresh state machine at the same time.
 *
 * What is acknowledged is on its way to the disk in order; nothing of it counts before the whole stream has arrived, its
 * checksums hold, and the file is durable under its final name. Only then is Raft told, and only if Raft accepts it does it
 * replace the state (raft-bugs 36, 53, 66). A transfer that is dropped takes its temporary file with it; after a crash the next
 * start removes that.
 */
import type { MemberId, Raft, SnapshotMetadata } from '@quorate/raft';
import type { Disk, DiskError, Platform, Trace } from '../seams/index.js';
import { type FolderIds, type SnapshotFile, SnapshotWriter } from '../wal/snapshot-file.js';
import { copyBytes, type PeerMessage, type SnapshotBegin, type SnapshotChunk } from '../wire/index.js';
import { StateMachine, type StateMachineLoader } from './state-machine.js';

export interface SnapshotReceiverOptions {
  readonly disk: Disk;
  readonly platform: Platform;
  readonly ids: FolderIds;
  /** Without its sender as the leader for so long, a transfer has failed. */
  readonly giveUpTicks: number;
  readonly trace: Trace;
  send(to: MemberId, message: PeerMessage): void;
  /** A whole, durable snapshot: answers with acknowledgement 'installed' or 'rejected' through `done`. */
  arrived(snapshot: ArrivedSnapshot): void;
  failed(error: DiskError): void;
  requestTurn(): void;
}

export interface ArrivedSnapshot {
  readonly from: MemberId;
  readonly term: number;
  readonly metadata: SnapshotMetadata;
  readonly state: StateMachine;
  readonly file: SnapshotFile;
  /** Tells the sender how it ended. */
  done(status: 'installed' | 'rejected'): void;
}

interface Transfer {
  readonly from: MemberId;
  readonly begin: SnapshotBegin;
  readonly loader: StateMachineLoader;
  readonly writer: SnapshotWriter;
  /** Bytes taken in. */
  receivedBytes: number;
  /** Bytes handed to the disk and confirmed by it. */
  writtenBytes: number;
  /** The last chunk was taken in. */
  isWhole: boolean;
  /** For so long its sender is not known as the leader. */
  leaderlessTicks: number;
}

/** A snapshot whose file is in place, while the last of its state is put in order. */
interface Settling {
  readonly transfer: Transfer;
  readonly file: SnapshotFile;
}

export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  #transfer: Transfer | undefined;
  #settling: Settling | undefined;

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  get active(): boolean {
    return this.#transfer !== undefined || this.#settling !== undefined;
  }

  /** One slice of putting in order what has arrived. */
  turn(): void {
    const settling = this.#settling;
    if (settling === undefined) return;
    if (settling.transfer.loader.settle()) {
      this.#options.requestTurn();
      return;
    }
    this.#settling = undefined;
    this.#offer(settling);
  }

  /**
   * Drops a transfer that nothing can come of any more. Its sender need not live to end it, and as long as it is here this member takes no
   * snapshot of its own. What has arrived as a whole is left: it soon comes before Raft, which decides.
   */
  tick({ term, commit, leader }: Pick<Raft, 'term' | 'commit' | 'leader'>): void {
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.isWhole) return;
    const { from, begin } = transfer;
    transfer.leaderlessTicks = leader === from ? 0 : transfer.leaderlessTicks + 1;
    // Raft would refuse it: nothing in it is new, or it is of an earlier term, whose leader has stopped sending or will.
    const isRefused = commit >= begin.metadata.index || term > begin.term;
    // By the leader's heartbeats and not by the chunks: they wait for the limit on bytes as long as it takes, and a transfer that is
    // dropped meanwhile would begin anew for ever. A sender that has not led for so long, or heard so long of nobody here, has given it up.
    if (!isRefused && transfer.leaderlessTicks < this.#options.giveUpTicks) return;
    this.#options.trace.event('snapshot-dropped', { from, index: begin.metadata.index, term: begin.term });
    // Chunks that come late meet no transfer of their number, and are refused as after a restart.
    this.abort();
  }

  begin(from: MemberId, begin: SnapshotBegin): void {
    // Raft decides on what has arrived first. Who begins anew is not answered, and repeats itself.
    if (this.#settling !== undefined) return;
    const present = this.#transfer;
    if (present !== undefined) {
      if (present.from === from && present.begin.transferId === begin.transferId) {
        this.#acknowledge(present);
        return;
      }
      if (present.begin.term > begin.term) return;
      this.abort();
    }
    const { disk, platform, ids, trace } = this.#options;
    trace.event('snapshot-receive', { from, index: begin.metadata.index, term: begin.metadata.term });
    this.#transfer = {
      from,
      begin,
      loader: StateMachine.loader(platform),
      writer: new SnapshotWriter(disk, platform, ids, begin.metadata),
      receivedBytes: 0,
      writtenBytes: 0,
      isWhole: false,
      leaderlessTicks: 0,
    };
  }

  /** `chunk.bytes` may be a view that is only valid during the call. */
  chunk(from: MemberId, chunk: SnapshotChunk): void {
    if (this.#settling?.transfer.begin.transferId === chunk.transferId) return;
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.from !== from || transfer.begin.transferId !== chunk.transferId) {
      // The beginning is missing: this member restarted, or gave the transfer up.
      this.#reply(from, chunk.transferId, 'rejected', 0);
      return;
    }
    if (chunk.offset !== transfer.receivedBytes) {
      // A gap (frames were lost) or a repetition: the sender goes on from what is acknowledged.
      this.#acknowledge(transfer);
      return;
    }
    const bytes = copyBytes(this.#options.platform, chunk.bytes);
    transfer.receivedBytes += bytes.length;
    transfer.isWhole = chunk.last;
    try {
      transfer.loader.push(bytes);
    } catch (error) {
      this.#refuse(transfer, error);
      return;
    }
    transfer.writer.write(bytes, (error) => {
      if (this.#transfer !== transfer) return;
      if (error !== undefined) {
        this.#options.failed(error);
        return;
      }
      transfer.writtenBytes += bytes.length;
      if (!chunk.last) this.#acknowledge(transfer);
    });
    if (chunk.last) this.#finish(transfer);
  }

  abort(): void {
    this.#transfer?.writer.abort();
    this.#transfer = undefined;
    // Its file is in place, as after a crash at this point: the next start takes it (docs/disk-format.md, case 14).
    this.#settling = undefined;
  }

  #finish(transfer: Transfer): void {
    transfer.writer.finish((error, file) => {
      if (this.#transfer !== transfer) return;
      this.#transfer = undefined;
      if (error !== undefined || file === undefined) {
        if (error !== undefined) this.#options.failed(error);
        return;
      }
      this.#settling = { transfer, file };
      this.#options.requestTurn();
    });
  }

  #offer({ transfer, file }: Settling): void {
    const { from, begin, loader } = transfer;
    const done = (status: 'installed' | 'rejected'): void =>
      this.#reply(from, begin.transferId, status, transfer.writtenBytes);
    let state: StateMachine;
    try {
      state = loader.finish(begin.metadata);
    } catch (loadError) {
      this.#options.trace.event('snapshot-refused', { from, reason: String(loadError) });
      done('rejected');
      return;
    }
    this.#options.arrived({ from, term: begin.term, metadata: begin.metadata, state, file, done });
  }

  #refuse(transfer: Transfer, error: unknown): void {
    this.#options.trace.event('snapshot-refused', { from: transfer.from, reason: String(error) });
    this.abort();
    this.#reply(transfer.from, transfer.begin.transferId, 'rejected', 0);
  }

  #acknowledge(transfer: Transfer): void {
    this.#reply(transfer.from, transfer.begin.transferId, 'receiving', transfer.writtenBytes);
  }

  #reply(to: MemberId, transferId: number, status: 'receiving' | 'installed' | 'rejected', offset: number): void {
    this.#options.send(to, { kind: 'snapshot-ack', transferId, offset, status });
  }
}
