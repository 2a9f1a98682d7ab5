/**
 * The map alone, without Raft, log or network: what the seed's SERVICE_DEBUG runs. Everything is lost when it closes.
 */

import { EMPTY_CONFIG } from '@quorate/raft';
import { nodePlatform } from './adapters/platform.js';
import { systemClock } from './adapters/system.js';
import {
  type Cluster,
  type Consistency,
  type Member,
  type MemberDoor,
  type MemberMetrics,
  type MemberStatus,
  QuorateError,
} from './api.js';
import { faultsTo, streamState } from './door.js';
import { type StoreBackend, StoreKv } from './key-value.js';
import { count, type ReplicaCounters, zeroCounters } from './replica/counters.js';
import { Directory } from './replica/directory.js';
import { type Result, stopping, success } from './replica/failure.js';
import { LEASES_EXPIRED_AT_ONCE_MAX, WATCH_SLICE } from './replica/limits.js';
import { FrozenState } from './replica/state-machine.js';
import { type Command, decodeCommand, type Response, Store } from './store/index.js';
import { WatchHub } from './watch/index.js';

export interface StandaloneOptions {
  readonly name?: string;
  readonly clientAddress?: string;
  /** See OpenOptions. */
  readonly onFault?: (error: unknown) => void;
}

export function openStandalone({ name = 'default', clientAddress = '', onFault }: StandaloneOptions = {}): Member {
  return new Standalone(name, clientAddress, faultsTo(onFault));
}

const MEMBER_ID = 1;
const IDS = { clusterId: MEMBER_ID, memberId: MEMBER_ID } as const;
/** How often leases are looked after (contract 28). */
const EXPIRY_INTERVAL_MS = 500;

class Standalone implements Member, StoreBackend {
  readonly kv: StoreKv = new StoreKv(this);
  readonly cluster: Cluster;
  readonly stopped: Promise<Error | undefined>;
  readonly door: MemberDoor;
  readonly #store: Store = new Store(nodePlatform, { collectEvents: false });
  readonly #watches: WatchHub;
  readonly #counters: ReplicaCounters = zeroCounters();
  readonly #startMs: number = systemClock.nowMs();
  readonly #expiry: NodeJS.Timeout;
  readonly #stopListeners = new Set<() => void>();
  #hasStopped = false;
  #pollRequested = false;
  #applied = 0;
  #settleStopped: (reason: Error | undefined) => void = () => {};

  constructor(name: string, clientAddress: string, faulted: (error: unknown) => void) {
    this.stopped = new Promise((resolve) => {
      this.#settleStopped = resolve;
    });
    this.cluster = new AloneCluster(() => this.#status(name, clientAddress));
    this.#watches = new WatchHub(() => this.#store, { requestTurn: () => this.#requestPoll(), faulted });
    this.door = this.#makeDoor();
    this.#expiry = setInterval(() => this.#expire(), EXPIRY_INTERVAL_MS);
    this.#expiry.unref();
  }

  store(): Store {
    return this.#store;
  }

  execute(command: Command): Promise<Response> {
    return Promise.resolve(this.#apply(command));
  }

  readable(): Promise<void> {
    return Promise.resolve();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  metrics(): MemberMetrics {
    const { watchers, slowWatchers, pendingWatchers, eventsDelivered } = this.#watches.stats;
    return {
      proposalsCommitted: this.#applied,
      proposalsApplied: this.#applied,
      proposalsPending: 0,
      proposalsFailed: 0,
      readIndexesFailed: 0,
      heartbeatSendFailures: 0,
      ...this.#counters,
      ranges: this.kv.rangesTotal,
      watchers,
      slowWatchers,
      watchersPending: pendingWatchers,
      watchEventsDelivered: eventsDelivered,
      walBytesWritten: 0,
      walWritesAwaited: 0,
      snapshotsTaken: 0,
      walSyncSeconds: { bounds: [], cumulative: [0], sum: 0 },
      turnSeconds: { bounds: [], cumulative: [0], sum: 0 },
      slowTurns: 0,
      peerBytesSent: {},
      peerBytesReceived: {},
    };
  }

  close(): Promise<void> {
    clearInterval(this.#expiry);
    this.#hasStopped = true;
    const listeners = [...this.#stopListeners];
    this.#stopListeners.clear();
    for (const listener of listeners) listener();
    this.#settleStopped(undefined);
    return Promise.resolve();
  }

  #apply({ operation, limits }: Command): Response {
    this.#applied += 1;
    const timed = 'timeMs' in operation ? { ...operation, timeMs: this.#timeMs() } : operation;
    const { response, events } = this.#store.apply({ operation: timed, limits });
    count(this.#counters, { kind: operation.kind, response, events });
    if (events.length > 0) this.#watches.publish(events, this.#store.revision);
    this.#store.sweep(1);
    return response;
  }

  #timeMs(): number {
    return Math.floor(systemClock.nowMs() - this.#startMs);
  }

  #expire(): void {
    const timeMs = this.#timeMs();
    const leases = this.#store.leasesDue(timeMs, LEASES_EXPIRED_AT_ONCE_MAX);
    if (leases.length > 0) this.#apply({ operation: { kind: 'lease-expire', leases, timeMs }, limits: undefined });
  }

  #requestPoll(): void {
    if (this.#pollRequested) return;
    this.#pollRequested = true;
    setImmediate(() => {
      this.#pollRequested = false;
      if (!this.#hasStopped && this.#watches.poll(WATCH_SLICE)) this.#requestPoll();
    });
  }

  #makeDoor(): MemberDoor {
    const store = this.#store;
    const watches = this.#watches;
    const answer = <T>(done: (result: Result<T>) => void, value: () => T): void =>
      done(this.#hasStopped ? stopping : success(value()));
    return {
      header: {
        ...IDS,
        get revision(): number {
          return store.revision;
        },
        raftTerm: 0,
      },
      execute: (command: Command, done: (result: Result<Response>) => void) => answer(done, () => this.#apply(command)),
      put: (command, waiter) =>
        answer(
          (result) => waiter.done(result),
          () => this.#apply(decodeCommand(nodePlatform, command)),
        ),
      read: (_: Consistency, done: (result: Result<undefined>) => void) => answer(done, () => undefined),
      store: () => store,
      hash: (revision, done) => answer(done, () => store.hash(revision)),
      watch: (options, sink) => watches.watch(options, sink),
      get canWatch(): boolean {
        return !watches.isFull;
      },
      timeMs: () => this.#timeMs(),
      quota: () => ({ bytesMax: -1, bytesUsed: store.bytes }),
      hasLeader: () => !this.#hasStopped,
      isLearner: () => false,
      onLeaderChange: () => () => {},
      onStop: (listener) => {
        if (this.#hasStopped) listener();
        else this.#stopListeners.add(listener);
        return () => this.#stopListeners.delete(listener);
      },
      snapshot: () => {
        const position = { index: this.#applied, term: 0, config: { ...EMPTY_CONFIG, voters: [MEMBER_ID] } };
        return streamState(IDS, new FrozenState(position, new Directory().encode(), store.freeze()), store.revision);
      },
    };
  }

  #status(name: string, clientAddress: string): MemberStatus {
    const member = {
      id: MEMBER_ID,
      name,
      peerAddress: '',
      clientAddress,
      voter: true,
      promoteWhenCaughtUp: false,
      peerUrls: [],
      clientUrls: clientAddress === '' ? [] : [`http://${clientAddress}`],
    };
    return {
      clusterId: MEMBER_ID,
      id: MEMBER_ID,
      name,
      role: 'leader',
      term: 0,
      leaderId: MEMBER_ID,
      commitIndex: this.#applied,
      appliedIndex: this.#applied,
      lastIndex: this.#applied,
      firstIndex: 1,
      persistedIndex: 0,
      revision: this.#store.revision,
      compactRevision: this.#store.compactRevision,
      keys: this.#store.keyCount,
      storeBytes: this.#store.bytes,
      historyBytes: this.#store.historyBytes,
      quotaBytes: -1,
      alarms: this.#store.alarms(),
      leases: this.#store.leaseCount,
      logBytes: 0,
      snapshotIndex: 0,
      members: [member],
      matchIndex: {},
    };
  }
}

/** There is no cluster to change. */
class AloneCluster implements Cluster {
  readonly status: () => MemberStatus;

  constructor(status: () => MemberStatus) {
    this.status = status;
  }

  members(): ReturnType<Cluster['members']> {
    return Promise.resolve(this.status().members);
  }

  join(): Promise<never> {
    return refuse();
  }

  add(): Promise<never> {
    return refuse();
  }

  update(): Promise<never> {
    return refuse();
  }

  promote(): Promise<never> {
    return refuse();
  }

  remove(): Promise<never> {
    return refuse();
  }

  transferLeadership(): Promise<never> {
    return refuse();
  }
}

function refuse(): Promise<never> {
  const message = 'this member runs without Raft: it has no cluster';
  return Promise.reject(new QuorateError('configuration-refused', 'rejected', message));
}
