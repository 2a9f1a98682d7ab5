/**
 * One member of a cluster, as a state machine without any I/O of its own: the turn loop.
 *
 * Inputs (requests, frames from other members, ticks, completions of the disk) only change state and ask for a turn. A turn,
 * taken when the inputs at hand are drained, asks Raft for ONE Ready and carries it out:
 *
 *   inputs ... -> turn:  reads share one read index
 *                        Ready.messages leave                     followers write while this member writes (thesis 10.2.1)
 *                        snapshot, hardState, entries -> wal      one write and one sync for all of it (group commit)
 *                        committedEntries -> state machine        answers leave, watchers hear of it
 *                        readStates -> reads that are due
 *   wal done ->          messagesAfterPersist leave, raft.persisted
 *
 * The order is Raft's contract (see Ready): nothing that promises durability leaves before the disk has confirmed it, and a
 * snapshot message leaves before entries behind its index are applied, so that the frozen state is the one it names.
 */
import { configMembers, type Entry, type MemberId, type Message, NO_MEMBER, Raft, type Ready } from '@quorate/raft';
import type { Channel, DiskError, NetworkInput, PeerAddress } from '../seams/index.js';
import { carriesTime, type Response } from '../store/index.js';
import type { SnapshotFile } from '../wal/snapshot-file.js';
import type { Wal } from '../wal/wal.js';
import { WatchHub } from '../watch/index.js';
import { decodePeerMessage, PeerEncoder, type PeerMessage } from '../wire/index.js';
import type { AdminAnswer, AdminOperation } from './admin.js';
import { channelOf } from './channels.js';
import { ClusterTime } from './cluster-time.js';
import { CommitNotices } from './commit-notices.js';
import { count, type ReplicaCounters, zeroCounters } from './counters.js';
import { Departure } from './departure.js';
import { PUBLICATION_TAG } from './directory.js';
import { commandTooLarge, type Failure, noLeader, type Result, stopping } from './failure.js';
import { FirstElection } from './first-election.js';
import { LeaderDuties } from './leader-duties.js';
import {
  COMMAND_BYTES_MAX,
  FORWARD_ID_BOUND,
  LEARNERS_MAX,
  READ_CONTEXT_BOUND,
  REPLICA_LIMITS,
  SWEEP_KEYS_PER_TICK,
  WATCH_SLICE,
} from './limits.js';
import { LogWindow } from './log-window.js';
import { type PeerView, peerViewOf, tracesIn } from './peer-view.js';
import { Peers } from './peers.js';
import { Publishing } from './publishing.js';
import { type ReadDone, Reads } from './reads.js';
import {
  type RecoveredState,
  type ReplicaHost,
  type ReplicaOptions,
  type ReplicaSeams,
  raftOptions,
} from './replica-options.js';
import { RequestRouter } from './request-router.js';
import { type CommandWaiter, Requests } from './requests.js';
import type { ArrivedSnapshot } from './snapshot-receiver.js';
import { Snapshots } from './snapshots.js';
import { isOnlyVoter, isStranger, reasonToStop, removed } from './standing.js';
import type { AppliedCommand, FrozenState, StateMachine } from './state-machine.js';
import { StoreDuties } from './store-duties.js';
import { TurnMeter } from './turn-meter.js';

/** A Ready whose write is under way, or that waits behind one. */
interface Unpersisted {
  readonly id: number;
  readonly messages: readonly Message[];
  durable: boolean;
}

export class Replica implements NetworkInput {
  readonly #options: ReplicaOptions;
  readonly #seams: ReplicaSeams;
  readonly #host: ReplicaHost;
  readonly #raft: Raft;
  readonly #wal: Wal;
  readonly #requests: Requests;
  readonly #reads: Reads;
  readonly #window: LogWindow;
  readonly #snapshots: Snapshots;
  readonly #duties: LeaderDuties;
  readonly #storeDuties: StoreDuties;
  readonly #encoder: PeerEncoder;
  readonly #peers: Peers;
  readonly #router: RequestRouter;
  readonly #publishing: Publishing;
  #state: StateMachine;
  #unpersisted: Unpersisted[] = [];
  /** A commit index that is durable enough with the next write (Ready.mustSync was false). */
  #lazyHardState: Ready['hardState'];
  readonly #notices: CommitNotices;
  /** The leader that was last told of. */
  #leader: MemberId = NO_MEMBER;
  readonly #firstElection: FirstElection;
  #nowTick = 0;
  #leaderlessTicks = 0;
  readonly #departure: Departure;
  #halted = false;
  readonly counters: ReplicaCounters = zeroCounters();
  /** Those who watch the store here. */
  readonly watches: WatchHub;
  /** Cluster time as this member estimates it. */
  readonly time: ClusterTime;
  readonly turns: TurnMeter;

  constructor(options: ReplicaOptions, seams: ReplicaSeams, recovered: RecoveredState, host: ReplicaHost) {
    this.#options = options;
    this.#seams = seams;
    this.#host = host;
    this.turns = new TurnMeter(seams.clock, seams.trace, (milliseconds) => host.turnEnded?.(milliseconds));
    this.#state = recovered.state;
    this.#wal = recovered.wal;
    this.#requests = new Requests(1 + seams.random.stream('forward-ids').integer(FORWARD_ID_BOUND));
    this.#reads = new Reads(seams.random.stream('read-contexts').integer(READ_CONTEXT_BOUND), host);
    const limits = { ...REPLICA_LIMITS, ...options.limits };
    this.#window = new LogWindow(limits.logMemoryStepBytes);
    this.#raft = new Raft(raftOptions(options, limits, seams.random), recovered.initial);
    this.#window.appendedAll(recovered.initial.entries);
    this.#encoder = new PeerEncoder(seams.platform);
    this.#notices = new CommitNotices((message) => this.#sendPeer(message.to, { kind: 'raft', message }));
    this.#peers = new Peers(options.memberId, seams.network, options.initialPeers, options.electionTicks);
    const isUnreachable = (id: MemberId): boolean => this.#peers.isUnreachable(id);
    this.#departure = new Departure({ ...options, raft: this.#raft, isUnreachable });
    this.#firstElection = new FirstElection(options.memberId, (id) => this.#peers.met.has(id));
    this.#snapshots = this.#makeSnapshots(recovered.snapshot);
    this.time = new ClusterTime(seams.clock, this.#state.store.timeMs);
    this.watches = new WatchHub(() => this.#state.store, host);
    this.#storeDuties = this.#makeStoreDuties();
    this.#duties = this.#makeDuties();
    this.#router = this.#makeRouter();
    this.#publishing = new Publishing(options, (operation, done) => this.administer(operation, done));
    this.#updatePeers();
    // The only voter need not wait for anybody's silence.
    if (isOnlyVoter(this.#state.config, options.memberId)) this.#raft.campaign();
    this.#host.requestTurn();
  }

  get state(): StateMachine {
    return this.#state;
  }

  get raft(): Raft {
    return this.#raft;
  }

  get snapshots(): Snapshots {
    return this.#snapshots;
  }

  get requests(): Requests {
    return this.#requests;
  }

  get reads(): Reads {
    return this.#reads;
  }

  get wal(): Wal {
    return this.#wal;
  }

  /** Nothing is served any more. */
  get hasHalted(): boolean {
    return this.#halted;
  }

  /** The present state, untouched by what is applied later; to be released. It holds memory back as long as it lives. */
  freeze(): FrozenState {
    return this.#state.freeze();
  }

  // ---- inputs: requests ------------------------------------------------------------------------------------------

  /**
   * Proposes an encoded store command, here or at the leader. `done` is called once, later or within the call. The bytes are the
   * replica's from now on: the leader's time is written into them.
   */
  execute(data: Uint8Array, done: (result: Result<Response>) => void): void {
    this.submit(data, { done });
  }

  /** The same for who may be told less: see CommandWaiter. */
  submit(data: Uint8Array, waiter: CommandWaiter): void {
    if (data.length > COMMAND_BYTES_MAX) waiter.done(commandTooLarge(data.length, COMMAND_BYTES_MAX));
    else this.#router.submitCommand(data, waiter, false);
  }

  administer(operation: AdminOperation, done: (result: Result<AdminAnswer>) => void): void {
    this.#router.submit({ kind: 'admin', operation, done, deadlineTick: this.#deadline() });
  }

  /** Calls `done` once a read of the state is linearizable. */
  read(done: ReadDone): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      done(refusal);
      return;
    }
    this.#reads.add(done, this.#deadline());
    this.#host.requestTurn();
  }

  // ---- inputs: network -------------------------------------------------------------------------------------------

  frame(from: MemberId, _channel: Channel, frame: Uint8Array): void {
    if (this.#halted || isStranger(from, this.#options.memberId, this.#state)) return;
    this.#peers.heardFrom(from);
    // A frame that makes no sense throws a WireError: the network closes the connection that it came from.
    const message = decodePeerMessage(this.#seams.platform, frame, { from, to: this.#options.memberId });
    this.#receive(from, message);
    this.#requestTurnIfDue();
  }

  unreachable(peer: MemberId): void {
    if (this.#halted) return;
    this.#peers.lost(peer);
    this.#raft.reportUnreachable(peer);
    this.#requests.unreachable(peer);
  }

  introduced(peer: PeerAddress): void {
    if (this.#halted) return;
    const isNews = this.#peers.introduced(peer);
    if (!this.#hasToStop() && isNews) this.#updatePeers();
  }

  /** For somebody who is no member yet and asks about the id that it would have. */
  peerView(about: MemberId): PeerView {
    return peerViewOf(this.#options, this.#state.directory, [...this.#peers.met, ...tracesIn(this.#raft)], about);
  }

  refused(peer: MemberId, reason: 'removed' | 'other-cluster' | 'version'): void {
    if (this.#halted) return;
    this.#seams.trace.event('refused-by-peer', { peer, reason });
    if (reason === 'removed') this.#halt(removed);
  }

  // ---- inputs: time ----------------------------------------------------------------------------------------------

  tick(): void {
    if (this.#halted) return;
    this.turns.begin();
    this.#tick();
    this.turns.end('tick');
  }

  #tick(): void {
    this.#nowTick += 1;
    this.#departure.tick(this.#nowTick);
    this.#raft.tick();
    if (this.#firstElection.isDue(this.#raft, this.#state)) this.#raft.campaign();
    this.#watchLeader();
    this.#requests.expire(this.#nowTick);
    this.#reads.expire(this.#nowTick);
    this.#reads.reissue(this.#nowTick - this.#options.electionTicks);
    this.#duties.tick(this.#nowTick);
    this.#storeDuties.tick(this.#nowTick);
    this.turns.keysSwept = SWEEP_KEYS_PER_TICK;
    this.#state.store.sweep(SWEEP_KEYS_PER_TICK);
    this.#compactMemory();
    if (this.#peers.isUpdateDue(this.#nowTick)) this.#updatePeers();
    if (this.#raft.leader !== NO_MEMBER) this.#publishing.tick(this.#state.directory);
    this.#snapshots.tick();
    if (!this.#hasToStop()) this.#requestTurnIfDue();
  }

  /** If so it stops. */
  #hasToStop(): boolean {
    const reason = reasonToStop(this.#options, this.#state, this.#raft, this.#peers.met);
    // What it has asked another member is answered yet: its own removal, say. Or it is lost, with the connection or in time.
    if (reason === undefined || (reason === removed && this.#requests.forwarded > 0)) return false;
    this.#halt(reason);
    return true;
  }

  // ---- the turn --------------------------------------------------------------------------------------------------

  /**
   * Behind inputs that mostly leave nothing to do: ticks, heartbeats and their answers, writes that have ended. What a turn looks after
   * besides asks for turns itself: a snapshot that has arrived, or is being put in order.
   */
  #requestTurnIfDue(): void {
    const isDue = this.#raft.hasReady() || this.#reads.hasWaiting || this.#snapshots.hasSlice || this.watches.hasWork;
    if (isDue || this.#departure.isAwaited) this.#host.requestTurn();
  }

  turn(): void {
    if (this.#halted) return;
    const { turns, watches } = this;
    turns.begin();
    const { eventsDelivered } = watches;
    this.#turn();
    turns.watchEvents = watches.eventsDelivered - eventsDelivered;
    turns.end('turn');
  }

  #turn(): void {
    this.#reads.issue(this.#raft, this.#nowTick);
    if (this.#raft.hasReady()) this.#carryOut(this.#raft.ready());
    this.turns.snapshotBytes += this.#snapshots.turn();
    // A slice only: watchers that catch up must not hold up what comes next.
    if (this.watches.poll(WATCH_SLICE)) this.#host.requestTurn();
    if (this.#raft.hasReady()) this.#host.requestTurn();
    this.#checkDrained();
  }

  /** See ReplicaHost.requestCommitNotices. */
  tellCommits(): void {
    if (!this.#halted && this.#notices.tell()) this.#host.requestCommitNotices();
  }

  #carryOut(ready: Ready): void {
    this.turns.entriesAppended += ready.entries.length;
    this.turns.entriesApplied += ready.committedEntries.length;
    if (ready.softState !== undefined) this.#roleChanged(ready.softState.leader);
    const { committedEntries } = ready;
    // Of a change of the configuration everybody is told at once: what follows it waits until they know.
    const mayWait = committedEntries.length > 0 && committedEntries.every(({ type }) => type === 'normal');
    for (const message of ready.messages) {
      if (mayWait && message.type === 'append' && message.entries.length === 0) this.#notices.hold(message);
      else this.#send(message);
    }
    if (this.#notices.isHolding) this.#host.requestCommitNotices();
    // Before the write, which costs this thread more than the rest of the turn (it wakes another one): followers write meanwhile.
    if (ready.messages.length > 0 && ready.entries.length > 0) this.#seams.network.flush();
    const installed = ready.snapshot && this.#install(ready.snapshot.index);
    this.#persist(ready, installed);
    this.#apply(ready.committedEntries);
    for (const state of ready.readStates) this.#reads.confirm(state);
    const { pending } = this.#reads;
    this.#reads.release(this.#state.appliedIndex);
    this.turns.readsServed += pending - this.#reads.pending;
  }

  /** The whole state is replaced by a snapshot that has arrived. */
  #install(index: number): ArrivedSnapshot {
    const arrived = this.#snapshots.takeArrived(index);
    this.#state = arrived.state;
    this.#window.reset();
    this.#requests.skippedTo(index);
    this.time.follow(this.#state.store.timeMs, false);
    this.watches.replaced();
    this.#updatePeers();
    return arrived;
  }

  #persist(ready: Ready, installed: ArrivedSnapshot | undefined): void {
    this.#window.appendedAll(ready.entries);
    const unpersisted: Unpersisted = { id: ready.id, messages: ready.messagesAfterPersist, durable: true };
    this.#unpersisted.push(unpersisted);
    if (!ready.mustSync && ready.entries.length === 0 && ready.snapshot === undefined) {
      this.#lazyHardState = ready.hardState ?? this.#lazyHardState;
      this.#settlePersisted();
      return;
    }
    unpersisted.durable = false;
    const hardState = ready.hardState ?? this.#lazyHardState;
    this.#lazyHardState = undefined;
    const reset = ready.snapshot && { index: ready.snapshot.index, term: ready.snapshot.term };
    this.#wal.append({ hardState, entries: ready.entries, reset, mustSync: true }, (error) => {
      if (this.#halted) return;
      if (error !== undefined) {
        this.#halt(error);
        return;
      }
      unpersisted.durable = true;
      if (installed !== undefined) this.#snapshots.installed(installed);
      this.#settlePersisted();
      this.#requestTurnIfDue();
    });
  }

  /** In the order of the Readys: one without a write still waits for the writes before it, which its messages may rely on. */
  #settlePersisted(): void {
    while (this.#unpersisted[0]?.durable === true) {
      const [first] = this.#unpersisted;
      this.#unpersisted.shift();
      for (const message of first.messages) this.#send(message);
      this.#raft.persisted(first.id);
    }
  }

  #apply(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    // By index: an iterator makes an object for each entry as long as this is not compiled, and it is called but once a turn.
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at] as Entry;
      if (entry.type === 'config') {
        this.#applyConfig(entry);
      } else if (this.#state.applyPlainPut(entry)) {
        this.counters.puts += 1;
        this.#requests.appliedPut(entry.index, entry.term, this.#state.store.revision);
      } else {
        this.#applyNormal(entry);
      }
    }
    this.#raft.applied(this.#state.appliedIndex);
  }

  #applyConfig(entry: Entry): void {
    this.#state.applyConfig(entry, this.#raft.applyConfigChange(entry));
    this.#updatePeers();
    const members = new Set(configMembers(this.#state.config));
    this.#router.membersChanged(members);
    this.#snapshots.membersChanged(members);
    this.#seams.trace.event('configuration', { index: entry.index, config: this.#state.config });
    this.#requests.applied(entry.index, entry.term, undefined);
  }

  #applyNormal(entry: Entry): void {
    const applied = this.#state.applyNormal(entry);
    if (applied !== undefined) this.#note(entry, applied);
    else if (entry.data[0] === PUBLICATION_TAG) this.#updatePeers();
    this.#requests.applied(entry.index, entry.term, applied?.response);
    // After the answer, and before the next one is applied.
    const { events = [] } = applied ?? {};
    if (events.length > 0) this.watches.publish(events, this.#state.store.revision);
  }

  #note(entry: Entry, applied: AppliedCommand): void {
    count(this.counters, applied);
    if (!carriesTime(entry.data)) return;
    const isOwn = this.#raft.role === 'leader' && entry.term === this.#raft.term;
    this.time.follow(this.#state.store.timeMs, isOwn);
  }

  // ---- requests --------------------------------------------------------------------------------------------------

  #refusal(): Failure | undefined {
    if (this.#halted) return stopping;
    if (this.#raft.leader === NO_MEMBER && this.#leaderlessTicks >= this.#options.electionTicks) return noLeader;
    return undefined;
  }

  #deadline(): number {
    return this.#nowTick + this.#options.requestTimeoutTicks;
  }

  // ---- leadership ------------------------------------------------------------------------------------------------

  #roleChanged(leader: MemberId): void {
    this.#seams.trace.event('role', { role: this.#raft.role, term: this.#raft.term, leader });
    if (this.#raft.role !== 'leader') {
      this.#snapshots.leadershipLost();
      this.#notices.sendAll();
    }
    this.#duties.leaderChanged(leader, this.#nowTick);
    if (leader !== this.#leader) {
      this.#leader = leader;
      this.#host.leaderChanged?.(leader);
    }
    if (leader === NO_MEMBER) return;
    this.counters.leaderChanges += 1;
    this.#leaderlessTicks = 0;
    this.#requests.leaderChanged(leader, this.#nowTick + this.#options.electionTicks);
    this.#reads.reissue(this.#nowTick + 1);
    this.#router.submitWaiting();
  }

  #watchLeader(): void {
    if (this.#raft.leader !== NO_MEMBER) {
      this.#leaderlessTicks = 0;
      this.#router.submitWaiting();
      return;
    }
    this.#leaderlessTicks += 1;
    if (this.#leaderlessTicks >= this.#options.electionTicks) {
      this.#requests.failWaiting(noLeader);
      this.#reads.failWaiting();
    }
    // Twice as long without a leader: whoever holds the entries may still commit them, but nobody should wait for that.
    if (this.#leaderlessTicks >= 2 * this.#options.electionTicks) this.#requests.failUndecided();
  }

  // ---- messages --------------------------------------------------------------------------------------------------

  #receive(from: MemberId, message: PeerMessage): void {
    switch (message.kind) {
      case 'raft':
        if (!this.#departure.ignores(message.message)) this.#raft.step(message.message);
        break;
      case 'forward':
        this.#router.receive(from, message);
        break;
      case 'forward-reply':
        this.#router.receiveReply(from, message);
        break;
      case 'snapshot-begin':
      case 'snapshot-chunk':
      case 'snapshot-ack':
        this.#snapshots.receive(from, message);
        break;
    }
  }

  #send(message: Message): void {
    const { type, to } = message;
    if (type === 'append' || type === 'install-snapshot') this.#notices.supersede(to);
    else if (type === 'read-index-response') this.#notices.sendTo(to);
    if (message.type === 'install-snapshot') this.#snapshots.send(message);
    else this.#sendPeer(to, { kind: 'raft', message });
  }

  #sendPeer(to: MemberId, message: PeerMessage): void {
    this.turns.messagesSent += 1;
    this.#seams.network.send(to, channelOf(message), this.#encoder.encode(message));
  }

  // ---- upkeep ----------------------------------------------------------------------------------------------------

  #compactMemory(): void {
    const neededFrom = Math.min(this.#snapshots.floorIndex, this.#raft.slowestMatch);
    const index = Math.min(this.#window.compactTo(neededFrom), this.#state.appliedIndex);
    if (index > 0) this.#raft.compact(index);
  }

  #updatePeers(): void {
    this.#peers.update(this.#state.directory, this.#state.config, this.#nowTick);
  }

  // ---- stopping --------------------------------------------------------------------------------------------------

  /** Hands leadership over and calls `drained` when nothing is under way any more. Requests are still served meanwhile. */
  drain(drained: () => void): void {
    if (this.#halted) {
      drained();
      return;
    }
    this.#departure.begin(this.#nowTick, drained);
    this.#host.requestTurn();
  }

  /** Ends everything. The write-ahead log's last word (the commit index) is written; `closed` follows. */
  stop(closed: () => void): void {
    this.#halted = true;
    this.#snapshots.abort();
    this.#requests.failAll(stopping);
    this.#duties.failAll(stopping);
    this.#reads.failAll(stopping);
    if (this.#lazyHardState !== undefined) {
      this.#wal.append({ hardState: this.#lazyHardState, entries: [], reset: undefined, mustSync: false }, () => {});
    }
    this.#wal.close(() => closed());
  }

  #checkDrained(): void {
    if (!this.#departure.isAwaited || !this.#departure.isFree(this.#nowTick)) return;
    if (this.#requests.pending + this.#reads.pending + this.#duties.pending === 0) this.#departure.end();
  }

  #halt(reason: Failure | DiskError): void {
    if (this.#halted) return;
    this.#halted = true;
    this.#requests.failAll(stopping);
    this.#duties.failAll(stopping);
    this.#reads.failAll(stopping);
    this.#host.halted(reason);
    this.#departure.end();
  }

  // ---- construction ----------------------------------------------------------------------------------------------

  #makeSnapshots(newest: SnapshotFile | undefined): Snapshots {
    return new Snapshots(this.#options, newest, {
      ...this.#seams,
      raft: this.#raft,
      wal: this.#wal,
      state: () => this.#state,
      sendPeer: (to, message) => this.#sendPeer(to, message),
      failed: (error) => this.#halt(error),
      requestTurn: () => this.#host.requestTurn(),
    });
  }

  #makeRouter(): RequestRouter {
    return new RequestRouter({
      raft: this.#raft,
      requests: this.#requests,
      peers: this.#peers,
      platform: this.#seams.platform,
      refusal: () => this.#refusal(),
      isRemoved: (member) => this.#state.directory.isRemoved(member),
      nowTick: () => this.#nowTick,
      deadlineTick: () => this.#deadline(),
      send: (to, message) => {
        if (message.kind === 'forward-reply') this.#notices.sendTo(to);
        this.#sendPeer(to, message);
      },
      perform: (request) => this.#duties.perform(request),
      stampMs: () => (this.#state.appliedTerm === this.#raft.term ? this.time.nowMs : undefined),
      admit: (data) => this.#storeDuties.admit(data),
      requestTurn: () => this.#host.requestTurn(),
      faulted: (error) => this.#host.faulted(error),
    });
  }

  #makeStoreDuties(): StoreDuties {
    return new StoreDuties(this.#options, {
      ...this.#seams,
      raft: this.#raft,
      requests: this.#requests,
      time: this.time,
      store: () => this.#state.store,
      appliedTerm: () => this.#state.appliedTerm,
      neededRevisions: () => ({
        revision: this.watches.lowestRevisionNeeded,
        pausedRevision: this.watches.lowestRevisionPaused,
      }),
      administer: (operation, done) => this.administer(operation, done),
      requestTurn: () => this.#host.requestTurn(),
    });
  }

  #makeDuties(): LeaderDuties {
    return new LeaderDuties(
      { ...this.#options, learnersMax: this.#options.learnersMax ?? LEARNERS_MAX },
      {
        raft: this.#raft,
        state: () => this.#state,
        requests: this.#requests,
        peers: this.#peers,
        identifiers: this.#seams.random.stream('member-ids'),
        trace: this.#seams.trace,
        hold: (member, needed) => this.#storeDuties.hold(member, needed),
        resubmit: (request) => this.#router.submit(request),
        requestTurn: () => this.#host.requestTurn(),
      },
    );
  }
}
