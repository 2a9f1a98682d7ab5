/**
 * A member's snapshots: taken for its own restart, sent to followers that need entries it no longer has, received from a
 * leader; and which file is the newest.
 */
import type { InstallSnapshotMessage, MemberId, Raft } from '@quorate/raft';
import type { Disk, DiskError, Platform, Random, Trace } from '../seams/index.js';
import type { SnapshotFile } from '../wal/snapshot-file.js';
import type { Wal } from '../wal/wal.js';
import type { PeerMessage, SnapshotAck, SnapshotBegin, SnapshotChunk } from '../wire/index.js';
import { assert } from './assert.js';
import { REPLICA_LIMITS } from './limits.js';
import type { ReplicaOptions } from './replica-options.js';
import { type ArrivedSnapshot, SnapshotReceiver } from './snapshot-receiver.js';
import { SnapshotSender } from './snapshot-sender.js';
import { SnapshotTaker } from './snapshot-taker.js';
import type { StateMachine } from './state-machine.js';

/** A transfer without a word from the other side for so many election timeouts has failed. */
const GIVE_UP_ELECTIONS = 20;
/** Transfers are numbered from below this on, which leaves room for as many as there will ever be. */
const TRANSFER_ID_BOUND = 2 ** 52;
/** Of the log that makes a snapshot due, one such part lies between one voter's snapshot and the next one's. */
const SNAPSHOT_STAGGER = 8;

export interface SnapshotsPort {
  readonly disk: Disk;
  readonly platform: Platform;
  readonly trace: Trace;
  readonly random: Random;
  readonly raft: Raft;
  readonly wal: Wal;
  readonly state: () => StateMachine;
  sendPeer(to: MemberId, message: PeerMessage): void;
  /** The disk failed: this member must stop. */
  failed(error: DiskError): void;
  requestTurn(): void;
}

export class Snapshots {
  readonly #options: ReplicaOptions;
  readonly #port: SnapshotsPort;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #taker: SnapshotTaker;
  /** The newest that is durable. */
  #newest: SnapshotFile | undefined;
  /** Arrived, offered to Raft, not decided on yet. */
  #arrived: ArrivedSnapshot | undefined;
  #aborted = false;
  takenTotal = 0;

  constructor(options: ReplicaOptions, newest: SnapshotFile | undefined, port: SnapshotsPort) {
    this.#options = options;
    this.#port = port;
    this.#newest = newest;
    const { disk, platform, trace } = port;
    const { electionTicks, tickMs, snapshotBytesPerSecondMax } = options;
    const send = (to: MemberId, message: PeerMessage): void => port.sendPeer(to, message);
    const requestTurn = (): void => port.requestTurn();
    const failed = (error: DiskError): void => port.failed(error);
    const { snapshotChunkBytes: chunkBytes, snapshotSliceBytes: sliceBytes } = { ...REPLICA_LIMITS, ...options.limits };
    const giveUpTicks = GIVE_UP_ELECTIONS * electionTicks;
    this.#sender = new SnapshotSender({
      chunkBytes,
      firstTransferId: 1 + port.random.stream('transfer-ids').integer(TRANSFER_ID_BOUND),
      bytesPerTickMax: Math.max(1, Math.floor((snapshotBytesPerSecondMax * tickMs) / 1000)),
      resendTicks: electionTicks,
      giveUpTicks,
      trace,
      send,
      finished: (to, outcome) => {
        port.raft.reportSnapshot(to, outcome);
        requestTurn();
      },
    });
    const arrived = (snapshot: ArrivedSnapshot): void => this.#offer(snapshot);
    const ends = { arrived, failed, requestTurn };
    this.#receiver = new SnapshotReceiver({ disk, platform, ids: options, giveUpTicks, trace, send, ...ends });
    const taken = (snapshot: SnapshotFile): void => {
      this.takenTotal += 1;
      this.#supersede(snapshot);
    };
    this.#taker = new SnapshotTaker({ disk, platform, ids: options, trace, sliceBytes, taken, failed, requestTurn });
  }

  /** Index of the newest durable snapshot; 0 if there is none. */
  get index(): number {
    return this.#newest?.index ?? 0;
  }

  /** The lowest index among the snapshots being sent: the log after it must be kept in memory. */
  get floorIndex(): number {
    return this.#sender.floorIndex;
  }

  /** The next turn may serialise a slice of a snapshot that is being taken, or end it. */
  get hasSlice(): boolean {
    return this.#taker.hasSlice;
  }

  /** A follower needs the state. Called before anything of the same Ready is applied, so that the state is the one named. */
  send(message: InstallSnapshotMessage): void {
    const state = this.#port.state().freeze();
    assert(
      state.metadata.index === message.snapshot.index,
      () => `the snapshot to send is of ${message.snapshot.index}, the state is at ${state.metadata.index}`,
    );
    this.#sender.start(message.to, message.term, state);
  }

  receive(from: MemberId, message: SnapshotBegin | SnapshotChunk | SnapshotAck): void {
    switch (message.kind) {
      case 'snapshot-begin':
        this.#receiveBegin(from, message);
        break;
      case 'snapshot-chunk':
        this.#receiver.chunk(from, message);
        break;
      case 'snapshot-ack':
        this.#sender.acknowledge(from, message);
        break;
    }
  }

  tick(): void {
    this.#sender.tick();
    this.#receiver.tick(this.#port.raft);
    this.#taker.tick();
    this.#maybeTake();
  }

  /** After the turn's Ready was carried out: a snapshot that Raft was offered and did not take is refused. Returns the bytes serialised. */
  turn(): number {
    const arrived = this.#arrived;
    if (arrived !== undefined) {
      this.#arrived = undefined;
      this.#port.trace.event('snapshot-rejected', { index: arrived.metadata.index, from: arrived.from });
      this.#remove(arrived.file);
      arrived.done('rejected');
    }
    this.#receiver.turn();
    return this.#sender.pump() + this.#taker.step(this.#port.raft.persistedIndex);
  }

  /** The snapshot that Raft has accepted; the caller replaces its state by it and then calls installed(). */
  takeArrived(index: number): ArrivedSnapshot {
    const arrived = this.#arrived;
    assert(arrived?.metadata.index === index, () => `no snapshot of index ${index} has arrived`);
    this.#arrived = undefined;
    this.#taker.abort();
    this.#port.trace.event('snapshot-installed', { index, from: arrived.from });
    return arrived;
  }

  /** The log says durably that it begins after this snapshot. */
  installed(arrived: ArrivedSnapshot): void {
    this.#supersede(arrived.file);
    arrived.done('installed');
  }

  /** Only `members` can still need a snapshot. */
  membersChanged(members: ReadonlySet<MemberId>): void {
    this.#sender.dropAllBut(members);
  }

  leadershipLost(): void {
    this.#sender.stop();
  }

  abort(): void {
    this.#aborted = true;
    this.#taker.abort();
    this.#receiver.abort();
    this.#sender.stop();
  }

  #receiveBegin(from: MemberId, begin: SnapshotBegin): void {
    if (begin.metadata.index > this.#port.raft.commit) {
      this.#receiver.begin(from, begin);
      return;
    }
    // Nothing in it is new: Raft's answer tells the leader where this member stands.
    this.#stepInstall(from, begin);
    this.#port.sendPeer(from, { kind: 'snapshot-ack', transferId: begin.transferId, offset: 0, status: 'installed' });
  }

  /** Offers a whole snapshot to Raft; the next turn carries out what Raft decides. */
  #offer(arrived: ArrivedSnapshot): void {
    if (this.#aborted) return;
    this.#arrived = arrived;
    this.#stepInstall(arrived.from, arrived);
    this.#port.requestTurn();
  }

  #stepInstall(from: MemberId, { term, metadata: snapshot }: Pick<SnapshotBegin, 'term' | 'metadata'>): void {
    this.#port.raft.step({ type: 'install-snapshot', from, to: this.#options.memberId, term, snapshot });
  }

  #maybeTake(): void {
    const { store } = this.#port.state();
    if (this.#taker.active || this.#receiver.active || this.#port.state().appliedIndex <= this.index) return;
    // Bytes of log against bytes of snapshot, not of memory: with small values that is three times as much, and replaying that much log
    // would take several times as long as loading. Against the last one: a state that only grows never falls behind its log.
    const bytes = Math.min(store.streamBytes, this.#newest?.bytes ?? 0);
    const dueBytes = Math.max(this.#options.snapshotLogBytesMin, bytes) * this.#patience();
    if (this.#port.wal.bytesAfter(this.index) < dueBytes) return;
    this.#taker.start(this.#port.state().freeze());
  }

  /** Logs grow alike on all members, and should not all be due at once: each voter waits an eighth longer than the one before. */
  #patience(): number {
    const { voters } = this.#port.state().config;
    return 1 + Math.max(0, voters.indexOf(this.#options.memberId)) / SNAPSHOT_STAGGER;
  }

  /** A newer snapshot is durable: what it makes superfluous may go. */
  #supersede(snapshot: SnapshotFile): void {
    const former = this.#newest;
    this.#newest = snapshot;
    if (former !== undefined) this.#remove(former);
    this.#port.wal.release(snapshot.index, this.#tolerate);
  }

  /** Of the same index and term as the newest, it has the newest's name and has replaced it: then there is nothing to remove. */
  #remove(snapshot: SnapshotFile): void {
    if (snapshot.file !== this.#newest?.file) this.#port.disk.remove(snapshot.file, this.#tolerate);
  }

  /** What could not be removed takes space and does no harm: the next start removes it. */
  readonly #tolerate = (error: DiskError | undefined): void => {
    if (error !== undefined) this.#port.trace.event('remove-failed', { reason: error.message });
  };
}
