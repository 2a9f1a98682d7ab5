/**
 * A running member: the composition root, and the promise face over the turn loop.
 *
 *   open():  lock the folder -> who am I? (found, join, or belong already) -> recover -> listen -> ticks and turns
 *   close(): hand leadership over -> what is under way ends -> last words to the log -> unlock
 *
 * Turns run in setImmediate: everything that the poll phase has read from sockets and disks is in before one is taken. When hardly
 * anything is under way they run right behind what asked for them (docs/decisions/0019-turns-at-once.md).
 */
import { isVoter } from '@quorate/raft';
import { FileDisk } from './adapters/file-disk.js';
import { type FolderLock, lockFolder } from './adapters/folder-lock.js';
import { withPort } from './adapters/free-port.js';
import { Histogram, TURN_BOUNDS_SECONDS } from './adapters/histogram.js';
import { makeFolder } from './adapters/make-folder.js';
import { nodePlatform } from './adapters/platform.js';
import { systemClock, systemRandom } from './adapters/system.js';
import { type PeerStats, TcpNetwork, type TcpNetworkStats } from './adapters/tcp-network.js';
import { parseAddress } from './adapters/tcp-sockets.js';
import {
  type AddByUrls,
  type Cluster,
  type Consistency,
  type JoinRequest,
  type JoinResult,
  type Member,
  type MemberInfo,
  type MemberMetrics,
  type MemberStatus,
  QuorateError,
  type ReadOptions,
} from './api.js';
import { adopt, type Belonging, claimFolder, done, found, unusable } from './data-folder.js';
import { faultsTo, ReplicaDoor } from './door.js';
import { type StoreBackend, StoreKv } from './key-value.js';
import { type MemberSettings, type OpenOptions, settle } from './options.js';
import type { AdminAnswer, AdminOperation } from './replica/admin.js';
import type { DirectoryMember } from './replica/directory.js';
import type { Failure, Result } from './replica/failure.js';
import { COMMIT_NOTICE_PAUSE_MS } from './replica/limits.js';
import { encodePeerView } from './replica/peer-view.js';
import { Replica } from './replica/replica.js';
import type { RecoveredState } from './replica/replica-options.js';
import { DiskError, type Network, noTrace, type Trace } from './seams/index.js';
import { becomeOnlyMember, recoverInSlices } from './start.js';
import { settleInStaticCluster } from './static-cluster.js';
import { type Command, encodeCommand, type Response, type Store, StoreCodecError } from './store/index.js';
import { WalError } from './wal/errors.js';

/** Opens the member that lives in a data folder, and with a fresh folder founds a cluster or joins one. */
export async function open(options: OpenOptions): Promise<Member> {
  const settings = settle(options);
  const folder = await claim(options.dir);
  try {
    return await start({ ...options, trace: options.trace ?? noTrace }, settings, folder);
  } catch (error) {
    await within(DISK_GRACE_MS, leave(folder));
    throw asOpenError(error, options.signal);
  }
}

/** How long at least to wait for a disk that may hang. */
const DISK_GRACE_MS = 2_000;
/** So many in a row: then the event loop reads, and timers end, whatever is asked for meanwhile. */
const TURNS_AT_ONCE_MAX = 8;
/** With more serializable reads than that between two writes somebody else may wait for this thread; they are part of no turn. */
const READS_BESIDE_WRITE_MAX = 4;

/** The lock goes when the disk has nothing under way any more, however late: what still writes must not meet another member. */
function leave(folder: Folder): Promise<void> {
  return new Promise((resolve) => {
    folder.disk.close(() => {
      folder.lock.release();
      resolve();
    });
  });
}

/** Waits for it, but no longer than that; it goes on by itself. */
async function within(timeoutMs: number, ended: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([ended, late]);
  clearTimeout(timer);
}

async function claim(dir: string): Promise<Folder> {
  try {
    await makeFolder(dir);
    return { lock: lockFolder(dir), disk: new FileDisk(dir) };
  } catch (error) {
    throw unusable(error);
  }
}

interface Folder {
  readonly lock: FolderLock;
  readonly disk: FileDisk;
}

async function start(
  options: OpenOptions & { readonly trace: Trace },
  settings: MemberSettings,
  folder: Folder,
): Promise<Member> {
  const { disk } = folder;
  const { trace } = options;
  const seams = { disk, platform: nodePlatform, trace };
  const identity = await claimFolder(seams, settings.name);
  const listen = options.peer && (await withPort(options.peer.listen));
  const peerAddress = options.peer?.advertise ?? listen ?? '';
  const about = { name: settings.name, peerAddress, clientAddress: options.clientAddress ?? '' };
  const alsoListen = options.peer?.alsoListen ?? [];
  let belonging: Belonging = { clusterId: identity.clusterId, memberId: identity.memberId, peers: [] };
  const { segmentBytes } = settings;
  const wasFresh = identity.memberId === 0;
  if (wasFresh) {
    const { join, cluster, signal } = options;
    const places = listen === undefined ? [] : [listen, ...alsoListen];
    if (cluster === undefined) {
      const joined = await join?.({ ...about, instance: identity.instance });
      belonging =
        joined === undefined
          ? await found(seams, identity, about, segmentBytes)
          : await adopt(seams, identity, joined, segmentBytes);
    } else {
      belonging = await settleInStaticCluster({ seams, identity, cluster, segmentBytes, listen: places, signal });
    }
  }
  const { clusterId, memberId } = belonging;
  const syncSeconds = new Histogram();
  const walOptions = {
    clusterId,
    memberId,
    segmentBytes,
    mustExist: true,
    onSync: (milliseconds: number) => syncSeconds.observe(milliseconds / 1000),
    clock: systemClock,
  };
  if (options.forceNewCluster === true && !wasFresh) await becomeOnlyMember(seams, walOptions);
  const recovered = await recoverInSlices(seams, walOptions);
  // Nothing may be said before what was read is surely durable.
  await done((callback) => recovered.wal.whenStarted(callback));
  return await RunningMember.start(
    {
      ...about,
      ...settings,
      ...belonging,
      clientUrls: options.clientUrls,
      folderOfGivenId: options.cluster === undefined ? undefined : identity.instance,
      faulted: faultsTo(options.onFault),
      listen,
      alsoListen,
      trace,
    },
    folder,
    recovered,
    syncSeconds,
  );
}

interface RunningOptions extends MemberSettings, Belonging {
  readonly peerAddress: string;
  readonly clientAddress: string;
  /** Undefined: no port, a cluster of one. */
  readonly listen: string | undefined;
  readonly alsoListen: readonly string[];
  readonly clientUrls: readonly string[] | undefined;
  /** See ReplicaOptions. */
  readonly folderOfGivenId: string | undefined;
  readonly trace: Trace;
  readonly faulted: (error: unknown) => void;
}

/** A network for a member that has nobody to talk to. */
const nobody: Network = { setPeers: () => {}, send: () => {}, flush: () => {} };

class RunningMember implements Member, StoreBackend {
  readonly kv: StoreKv;
  readonly cluster: Cluster;
  readonly door: ReplicaDoor;
  readonly stopped: Promise<Error | undefined>;
  readonly #options: RunningOptions;
  readonly #folder: Folder;
  readonly #network: TcpNetwork | undefined;
  readonly #replica: Replica;
  readonly #syncSeconds: Histogram;
  readonly #turnSeconds = new Histogram(TURN_BOUNDS_SECONDS);
  readonly #ticker: NodeJS.Timeout;
  #settleStopped: (reason: Error | undefined) => void = () => {};
  #turnRequested = false;
  #turnsAtOnce = 0;
  #noticesRequested = false;
  /** Made when it is first needed, and used again. */
  #noticeTimer: NodeJS.Timeout | undefined;
  #lastTickMs: number;
  #closing: Promise<void> | undefined;

  private constructor(options: RunningOptions, folder: Folder, recovered: RecoveredState, syncSeconds: Histogram) {
    this.#options = options;
    this.#folder = folder;
    this.#syncSeconds = syncSeconds;
    this.#network =
      options.listen === undefined ? undefined : makeNetwork(options, options.listen, () => this.#replica);
    this.stopped = new Promise((resolve) => {
      this.#settleStopped = resolve;
    });
    this.#replica = new Replica(
      { ...options, initialPeers: options.peers },
      {
        clock: systemClock,
        disk: folder.disk,
        network: this.#network ?? nobody,
        random: systemRandom,
        trace: options.trace,
        platform: nodePlatform,
      },
      recovered,
      {
        requestTurn: () => this.#requestTurn(),
        requestCommitNotices: () => this.#requestCommitNotices(),
        halted: (reason) => this.#halted(reason),
        faulted: options.faulted,
        turnEnded: (milliseconds) => this.#turnSeconds.observe(milliseconds / 1000),
        leaderChanged: (leader) => this.door.leaderChanged(leader),
      },
    );
    this.door = new ReplicaDoor(this.#replica, options);
    this.kv = new StoreKv(this);
    this.cluster = new MemberCluster(this.#replica, options);
    if (options.awaitDisk === 'brief') this.#awaitDisk();
    this.#lastTickMs = systemClock.nowMs();
    this.#ticker = setInterval(() => this.#tick(), options.tickMs);
  }

  static async start(
    options: RunningOptions,
    folder: Folder,
    recovered: RecoveredState,
    syncSeconds: Histogram,
  ): Promise<RunningMember> {
    const member = new RunningMember(options, folder, recovered, syncSeconds);
    try {
      await member.#network?.start(member.#replica);
    } catch (error) {
      clearInterval(member.#ticker);
      await within(DISK_GRACE_MS, member.#stopReplica());
      throw error;
    }
    return member;
  }

  store(): Store {
    return this.#replica.state.store;
  }

  execute(command: Command): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#replica.execute(encoded(command), settler(resolve, reject));
    });
  }

  async readable(consistency: Consistency): Promise<void> {
    if (consistency === 'serializable') {
      this.#replica.reads.serializableTotal += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.#replica.read(settler(resolve, reject));
    });
  }

  async ready(): Promise<void> {
    for (;;) {
      const ended = await Promise.race([
        this.readable('linearizable').then(() => 'ready' as const, asOutcome),
        this.stopped,
      ]);
      if (ended === 'ready') return;
      if (ended !== 'again') throw ended ?? new QuorateError('stopped', 'rejected', 'this member has stopped');
      // Without a leader the refusal comes at once: asking again at once would starve the ticks that elect one.
      await new Promise((resolve) => setTimeout(resolve, this.#options.tickMs));
    }
  }

  metrics(): MemberMetrics {
    const { counters, raft, state, requests, reads, wal, snapshots, watches, turns } = this.#replica;
    const { leaderChanges, ...applied } = counters;
    const { watchers, slowWatchers, pendingWatchers, eventsDelivered } = watches.stats;
    const network = this.#network?.stats();
    return {
      ...applied,
      leaderChanges,
      proposalsCommitted: raft.commit,
      proposalsApplied: state.appliedIndex,
      proposalsPending: requests.pending,
      proposalsFailed: requests.failedTotal,
      readIndexesFailed: reads.failedTotal,
      heartbeatSendFailures: sum(network, (peer) => peer.dialFailures + peer.droppedFrames),
      ranges: this.kv.rangesTotal,
      watchers,
      slowWatchers,
      watchersPending: pendingWatchers,
      watchEventsDelivered: eventsDelivered,
      walBytesWritten: wal.bytesWritten,
      walWritesAwaited: this.#folder.disk.awaitedWrites,
      snapshotsTaken: snapshots.takenTotal,
      walSyncSeconds: this.#syncSeconds.snapshot(),
      turnSeconds: this.#turnSeconds.snapshot(),
      slowTurns: turns.slowTotal,
      peerBytesSent: byPeer(network, (peer) => peer.sentBytes),
      peerBytesReceived: byPeer(network, (peer) => peer.receivedBytes),
    };
  }

  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? 5_000);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const begunMs = systemClock.nowMs();
    await within(timeoutMs, new Promise((resolve) => this.#replica.drain(resolve)));
    await this.#shutDown(undefined, timeoutMs - (systemClock.nowMs() - begunMs));
  }

  async #shutDown(reason: Error | undefined, timeoutMs: number): Promise<void> {
    clearInterval(this.#ticker);
    this.door.stopped();
    await within(Math.max(timeoutMs, DISK_GRACE_MS), this.#end());
    // Closed already, unless the disk hangs: the ports need not wait for it.
    await this.#network?.close();
    this.#settleStopped(reason);
  }

  /** Nobody else gets the folder before the log has its last words. */
  async #end(): Promise<void> {
    await this.#stopReplica();
    await this.#network?.close();
    await leave(this.#folder);
  }

  async #stopReplica(): Promise<void> {
    await new Promise<void>((resolve) => this.#replica.stop(resolve));
  }

  #halted(reason: Failure | DiskError): void {
    const error =
      reason instanceof DiskError
        ? new QuorateError('disk', 'unknown', `the disk failed, this member stops: ${reason.message}`, {
            cause: reason,
          })
        : toError(reason);
    this.#options.trace.event('halted', { reason: error.message });
    this.#closing ??= this.#shutDown(error, DISK_GRACE_MS);
  }

  #requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    // While it is constructed the replica asks for its first turn. What a turn leaves to the next is for after the event loop has read.
    const isRunning = (this.#replica as Replica | undefined)?.turns.isRunning ?? true;
    if (this.#turnsAtOnce < TURNS_AT_ONCE_MAX && !isRunning && this.#isCalm()) {
      this.#turnsAtOnce += 1;
      process.nextTick(this.#turn);
      return;
    }
    this.#turnsAtOnce = 0;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnRequested = false;
    this.#replica.turn();
  };

  /**
   * One request at most is under way: a turn that waits for what else is to be read would have nothing more to do (decision 0019), and
   * while this thread waits for the disk nobody else waits for this thread (decision 0021).
   */
  #isCalm(): boolean {
    const { turns, requests, reads } = this.#replica;
    return turns.isQuiet && requests.pending + reads.pending <= 1;
  }

  #awaitDisk(): void {
    let readsBefore = 0;
    this.#folder.disk.allowWaiting({
      mayWait: () => {
        const { serializableTotal } = this.#replica.reads;
        const reads = serializableTotal - readsBefore;
        readsBefore = serializableTotal;
        return reads <= READS_BESIDE_WRITE_MAX && this.#isCalm();
      },
      waited: (milliseconds) => {
        this.#replica.turns.diskMs += milliseconds;
      },
    });
  }

  #requestCommitNotices(): void {
    if (this.#noticesRequested) return;
    this.#noticesRequested = true;
    if (this.#noticeTimer === undefined)
      this.#noticeTimer = setTimeout(this.#tellCommits, COMMIT_NOTICE_PAUSE_MS).unref();
    else this.#noticeTimer.refresh();
  }

  readonly #tellCommits = (): void => {
    this.#noticesRequested = false;
    this.#replica.tellCommits();
  };

  #tick(): void {
    const nowMs = systemClock.nowMs();
    // A process that was stopped or starved must not believe in a lease that time has ended: with lease reads the ticks that
    // were missed are made up for. Without them a late tick is a late tick, and the silence of others may be our own fault.
    const missed = Math.floor((nowMs - this.#lastTickMs) / this.#options.tickMs) - 1;
    this.#lastTickMs = nowMs;
    const ticks = this.#options.reads === 'lease' ? 1 + Math.min(Math.max(missed, 0), this.#options.electionTicks) : 1;
    for (let i = 0; i < ticks; i++) this.#replica.tick();
  }
}

/** What has no place in the log (a limit that is no integer, transactions nested too deeply) is the caller's mistake. */
function encoded(command: Command): Uint8Array {
  try {
    return encodeCommand(nodePlatform, command);
  } catch (error) {
    if (!(error instanceof StoreCodecError)) throw error;
    throw new QuorateError('invalid-argument', 'invalid', `this is no command: ${error.message}`, { cause: error });
  }
}

function makeNetwork(options: RunningOptions, listen: string, replica: () => Replica): TcpNetwork {
  const { clusterId, memberId, peerAddress, trace } = options;
  const { host: listenHost, port: listenPort } = parseAddress(listen);
  return new TcpNetwork({
    listenHost,
    listenPort,
    platform: nodePlatform,
    advertisedAddress: peerAddress,
    clusterId,
    memberId,
    presentAddress: () =>
      options.folderOfGivenId === undefined ? undefined : replica().state.directory.get(memberId)?.peerAddress,
    alsoListen: options.alsoListen.map(parseAddress),
    view: (about) => encodePeerView(replica().peerView(about)),
    isRemoved: (id) => replica().state.directory.isRemoved(id),
    random: systemRandom,
    trace,
  });
}

function byPeer(stats: TcpNetworkStats | undefined, value: (peer: PeerStats) => number): Record<number, number> {
  return Object.fromEntries((stats?.peers ?? []).map((peer) => [peer.id, value(peer)]));
}

function sum(stats: TcpNetworkStats | undefined, value: (peer: PeerStats) => number): number {
  return (stats?.peers ?? []).reduce((total, peer) => total + value(peer), 0);
}

class MemberCluster implements Cluster {
  readonly #replica: Replica;
  readonly #options: RunningOptions;

  constructor(replica: Replica, options: RunningOptions) {
    this.#replica = replica;
    this.#options = options;
  }

  status(): MemberStatus {
    const { state, raft, wal, snapshots } = this.#replica;
    const { memberId: id, clusterId, name } = this.#options;
    const status = raft.status();
    const { voters, votersOutgoing } = status.config;
    const isMember = voters.includes(id) || votersOutgoing.includes(id);
    const role = state.directory.isRemoved(id) ? 'removed' : isMember ? status.role : 'learner';
    return {
      clusterId,
      id,
      name,
      role,
      term: status.term,
      leaderId: status.leader,
      commitIndex: status.commit,
      appliedIndex: state.appliedIndex,
      lastIndex: status.lastIndex,
      firstIndex: status.firstIndex,
      persistedIndex: status.persistedIndex,
      revision: state.store.revision,
      compactRevision: state.store.compactRevision,
      keys: state.store.keyCount,
      storeBytes: state.store.bytes,
      historyBytes: state.store.historyBytes,
      quotaBytes: this.#options.quotaBytes,
      alarms: state.store.alarms(),
      leases: state.store.leaseCount,
      logBytes: wal.bytesAfter(snapshots.index),
      snapshotIndex: snapshots.index,
      members: this.#members(state.directory.list()),
      matchIndex: Object.fromEntries(status.progress.map((progress) => [progress.member, progress.match])),
    };
  }

  async members(options: ReadOptions = {}): Promise<readonly MemberInfo[]> {
    if (options.consistency !== 'serializable') {
      await new Promise<void>((resolve, reject) => {
        this.#replica.read(settler(resolve, reject));
      });
    }
    return this.#members(this.#replica.state.directory.list());
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    return await this.add({ ...request, promoteWhenCaughtUp: true });
  }

  async add(request: AddByUrls | (JoinRequest & { readonly promoteWhenCaughtUp?: boolean })): Promise<JoinResult> {
    const { clusterId, memberId, members } = await this.#administer(addition(request));
    return { clusterId, memberId, members: this.#members(members) };
  }

  async update(id: number, peerUrls: readonly string[]): Promise<readonly MemberInfo[]> {
    const { members } = await this.#administer({ kind: 'update', id, peerUrls });
    return this.#members(members);
  }

  async promote(id: number, options: { readonly learnerOnly?: boolean } = {}): Promise<void> {
    await this.#administer({ kind: 'promote', id, learnerOnly: options.learnerOnly ?? false });
  }

  async remove(id: number): Promise<void> {
    await this.#administer({ kind: 'remove', id });
  }

  async transferLeadership(target = 0): Promise<void> {
    await this.#administer({ kind: 'transfer', target });
  }

  #administer(operation: AdminOperation): Promise<AdminAnswer> {
    return new Promise((resolve, reject) => {
      this.#replica.administer(operation, settler(resolve, reject));
    });
  }

  #members(members: readonly DirectoryMember[]): readonly MemberInfo[] {
    const { config } = this.#replica.state.position;
    return members.map(({ instance: _instance, ...member }) => ({ ...member, voter: isVoter(config, member.id) }));
  }
}

function addition(request: AddByUrls | (JoinRequest & { readonly promoteWhenCaughtUp?: boolean })): AdminOperation {
  if ('peerUrls' in request) {
    const { peerUrls, isLearner = false } = request;
    return { kind: 'admit', request: { peerUrls, isLearner } };
  }
  const { name, peerAddress, clientAddress = '', instance = '', promoteWhenCaughtUp = false } = request;
  return { kind: 'add', request: { name, peerAddress, clientAddress, instance, promoteWhenCaughtUp } };
}

function settler<T>(resolve: (value: T) => void, reject: (error: Error) => void): (result: Result<T>) => void {
  return (result) => (result.ok ? resolve(result.value) : reject(toError(result)));
}

const DAMAGE_ADVICE =
  '; nothing was changed: start this member with an empty folder, so that it joins again and gets everything from the others, or restore a snapshot';

function isDamage({ code }: WalError): boolean {
  return code === 'corrupt' || code === 'gap' || code === 'missing';
}

/** Every way in which opening a folder can fail, as this package's error. */
function asOpenError(error: unknown, signal: AbortSignal | undefined): QuorateError {
  if (error instanceof QuorateError) return error;
  if (error instanceof WalError) return unusable(error, isDamage(error) ? DAMAGE_ADVICE : '');
  if (error instanceof DiskError) return new QuorateError('disk', 'rejected', error.message, { cause: error });
  const isStopped = signal?.aborted === true;
  const reason: unknown = isStopped ? signal.reason : error;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new QuorateError(isStopped ? 'stopped' : 'not-opened', 'rejected', message, { cause: error });
}

function toError(reason: Failure): QuorateError {
  return new QuorateError(reason.code, reason.outcome, reason.message);
}

/** Waiting for readiness goes on while there is no leader. */
function asOutcome(error: unknown): 'again' | Error {
  if (error instanceof QuorateError && (error.code === 'no-leader' || error.code === 'timeout')) return 'again';
  return error instanceof Error ? error : new Error(String(error));
}
