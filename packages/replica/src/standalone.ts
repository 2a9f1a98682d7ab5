/**
 * The map alone, without Raft, log or network: what the seed's SERVICE_DEBUG runs. Everything is lost when it closes.
 */

import { nodePlatform } from './adapters/platform.js';
import { type Cluster, type Member, type MemberMetrics, type MemberStatus, QuorateError } from './api.js';
import { type StoreBackend, StoreKv } from './key-value.js';
import { type Command, type Response, Store } from './store/index.js';

export function openStandalone(options: { readonly name?: string; readonly clientAddress?: string } = {}): Member {
  return new Standalone(options.name ?? 'default', options.clientAddress ?? '');
}

const MEMBER_ID = 1;

class Standalone implements Member, StoreBackend {
  readonly kv: StoreKv = new StoreKv(this);
  readonly cluster: Cluster;
  readonly stopped: Promise<Error | undefined>;
  readonly #store: Store = new Store(nodePlatform);
  #applied = 0;
  #settleStopped: (reason: Error | undefined) => void = () => {};

  constructor(name: string, clientAddress: string) {
    this.stopped = new Promise((resolve) => {
      this.#settleStopped = resolve;
    });
    this.cluster = new AloneCluster(() => this.#status(name, clientAddress));
  }

  store(): Store {
    return this.#store;
  }

  execute(command: Command): Promise<Response> {
    this.#applied += 1;
    const { response } = this.#store.apply(command);
    this.#store.sweep(1);
    return Promise.resolve(response);
  }

  readable(): Promise<void> {
    return Promise.resolve();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  metrics(): MemberMetrics {
    return {
      leaderChanges: 0,
      proposalsCommitted: this.#applied,
      proposalsApplied: this.#applied,
      proposalsPending: 0,
      proposalsFailed: 0,
      readIndexesFailed: 0,
      heartbeatSendFailures: 0,
      puts: 0,
      deletes: 0,
      ranges: this.kv.rangesTotal,
      txns: 0,
      walBytesWritten: 0,
      snapshotsTaken: 0,
      walSyncSeconds: { bounds: [], cumulative: [0], sum: 0 },
      peerBytesSent: {},
      peerBytesReceived: {},
    };
  }

  close(): Promise<void> {
    this.#settleStopped(undefined);
    return Promise.resolve();
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
