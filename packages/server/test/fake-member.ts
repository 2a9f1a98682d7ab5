/**
 * A Member in memory: a Map with revisions, that does what it is told to: have no leader, lose the outcome of writes, be busy, be
 * slow. Made for tests of what stands in front of a member.
 */
import {
  type AddByUrls,
  type Bytes,
  type Cluster,
  type JoinRequest,
  type JoinResult,
  type KeyValue,
  type Kv,
  type Limits,
  type Member,
  type MemberDoor,
  type MemberInfo,
  type MemberMetrics,
  type MemberStatus,
  openStandalone,
  QuorateError,
} from '@quorate/replica';

export type Trouble = 'none' | 'no-leader' | 'outcome-unknown' | 'busy' | 'slow' | 'fault';

const toKey = (key: Bytes): string => Buffer.from(key as string).toString('latin1');

export class FakeMember implements Member {
  trouble: Trouble = 'none';
  /** How many calls `slow` holds back. */
  waiting = 0;
  /** Lets the last of them go. */
  release: () => void = () => {};
  readonly entries: Map<string, KeyValue> = new Map();
  readonly joins: JoinRequest[] = [];
  readonly lastReads: string[] = [];
  members: MemberInfo[];
  role: MemberStatus['role'] = 'leader';
  closed = 0;
  readonly stopped: Promise<Error | undefined>;
  settleStopped: (error: Error | undefined) => void = () => {};
  #revision = 1;
  #leaderId = 1;

  constructor(name = 'node1', clientAddress = '') {
    this.members = [info(1, name, 'localhost:21001', clientAddress)];
    this.stopped = new Promise((resolve) => (this.settleStopped = resolve));
  }

  /** Of a map of its own: what comes through it does not show in the rest. */
  readonly door: MemberDoor = openStandalone().door;
  readonly kv: Kv = {
    get: async (key, options = {}) => {
      this.lastReads.push(options.consistency ?? 'linearizable');
      if (options.consistency !== 'serializable') await this.#meet('read');
      return this.entries.get(toKey(key));
    },
    range: () => Promise.reject(new Error('not used')),
    put: async (key, value, options = {}) => {
      await this.#meet('write');
      return this.#put(key, value, options.limits);
    },
    create: async (key, value, options = {}) => {
      await this.#meet('write');
      if (this.entries.has(toKey(key))) return { revision: this.#revision, created: false };
      return this.#put(key, value, options.limits);
    },
    compareAndSet: () => Promise.reject(new Error('not used')),
    delete: async (key) => {
      await this.#meet('write');
      return { revision: this.#revision, deleted: this.entries.delete(toKey(key)) ? 1 : 0 };
    },
    compact: () => Promise.reject(new Error('not used')),
    execute: () => Promise.reject(new Error('not used')),
  };

  readonly cluster: Cluster = {
    status: () => this.#status(),
    members: async (options = {}) => {
      if (options.consistency !== 'serializable') await this.#meet('read');
      return this.members;
    },
    join: (request) => this.#add(request, true),
    add: (request) => {
      if ('peerUrls' in request) return this.#admit(request);
      return this.#add(request, request.promoteWhenCaughtUp === true);
    },
    update: () => Promise.reject(new Error('not used')),
    promote: async (id) => {
      await this.#meet('write');
      this.members = this.members.map((one) => (one.id === id ? { ...one, voter: true } : one));
    },
    remove: async (id) => {
      await this.#meet('write');
      if (this.members.length === 1) {
        throw new QuorateError('configuration-refused', 'rejected', 'the last member cannot be removed');
      }
      this.members = this.members.filter((one) => one.id !== id);
    },
    transferLeadership: async (target) => {
      await this.#meet('write');
      this.#leaderId = target ?? this.members.at(-1)?.id ?? 0;
    },
  };

  metrics(): MemberMetrics {
    return {
      leaderChanges: 1,
      proposalsCommitted: 12,
      proposalsApplied: 11,
      proposalsPending: 1,
      proposalsFailed: 0,
      readIndexesFailed: 0,
      heartbeatSendFailures: 0,
      puts: 7,
      deletes: 2,
      ranges: 9,
      txns: 0,
      compactions: 0,
      leasesGranted: 0,
      leasesRenewed: 0,
      leasesRevoked: 0,
      leasesExpired: 0,
      watchers: 0,
      slowWatchers: 0,
      watchersPending: 0,
      watchEventsDelivered: 0,
      walBytesWritten: 4096,
      walWritesAwaited: 2,
      snapshotsTaken: 0,
      walSyncSeconds: { bounds: [0.001, 0.01], cumulative: [3, 4, 5], sum: 0.07 },
      turnSeconds: { bounds: [0.0001, 0.05], cumulative: [7, 9, 10], sum: 0.1 },
      slowTurns: 1,
      peerBytesSent: { 2: 100, 31: 200 },
      peerBytesReceived: { 2: 50 },
    };
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed += 1;
    this.release();
    this.settleStopped(undefined);
    return Promise.resolve();
  }

  #put(key: Bytes, value: Bytes, limits: Limits | undefined): { revision: number; created: boolean } {
    const old = this.entries.get(toKey(key));
    if (old === undefined && limits !== undefined && this.entries.size >= limits.keysMax) {
      throw new QuorateError('too-many-keys', 'rejected', 'too many keys');
    }
    this.#revision += 1;
    this.entries.set(toKey(key), {
      key: Buffer.from(key as string),
      value: Buffer.from(value as string),
      createRevision: old?.createRevision ?? this.#revision,
      modRevision: this.#revision,
      version: (old?.version ?? 0) + 1,
    });
    return { revision: this.#revision, created: old === undefined };
  }

  async #add(request: JoinRequest, promoteWhenCaughtUp: boolean): Promise<JoinResult> {
    await this.#meet('write');
    this.joins.push(request);
    const known = this.members.find((one) => one.name === request.name);
    if (!request.peerAddress.includes(':')) {
      throw new QuorateError('invalid-argument', 'invalid', `"${request.peerAddress}" is not an address`);
    }
    if (known !== undefined && known.peerAddress !== request.peerAddress) {
      throw new QuorateError('member-exists', 'rejected', `${request.name} is another member`);
    }
    const id = known?.id ?? this.members.length + 1;
    if (known === undefined) {
      const added = info(id, request.name, request.peerAddress, request.clientAddress ?? '');
      this.members = [...this.members, { ...added, voter: false, promoteWhenCaughtUp }];
    }
    return { clusterId: 77, memberId: id, members: this.members };
  }

  async #admit({ peerUrls, isLearner = false }: AddByUrls): Promise<JoinResult> {
    await this.#meet('write');
    const id = this.members.length + 1;
    const address = peerUrls[0]?.replace('http://', '') ?? '';
    this.members = [...this.members, { ...info(id, '', address, ''), peerUrls, voter: !isLearner }];
    return { clusterId: 77, memberId: id, members: this.members };
  }

  async #meet(kind: 'read' | 'write'): Promise<void> {
    switch (this.trouble) {
      case 'no-leader':
        throw new QuorateError('no-leader', 'rejected', 'no leader');
      case 'outcome-unknown':
        if (kind === 'write') throw new QuorateError('outcome-unknown', 'unknown', 'the leader vanished');
        throw new QuorateError('timeout', 'rejected', 'the read timed out');
      case 'busy':
        throw new QuorateError('busy', 'rejected', 'busy');
      case 'slow':
        this.waiting += 1;
        await new Promise<void>((resolve) => (this.release = resolve));
        this.waiting -= 1;
        return;
      case 'fault':
        throw new TypeError('a fault');
      case 'none':
    }
  }

  #status(): MemberStatus {
    return {
      clusterId: 77,
      id: 1,
      name: this.members[0]?.name ?? '',
      role: this.role,
      term: 3,
      leaderId: this.trouble === 'no-leader' ? 0 : this.#leaderId,
      commitIndex: 12,
      appliedIndex: 11,
      lastIndex: 12,
      firstIndex: 1,
      persistedIndex: 12,
      revision: this.#revision,
      compactRevision: 0,
      keys: this.entries.size,
      storeBytes: 1000,
      historyBytes: 100,
      quotaBytes: -1,
      alarms: [],
      leases: 0,
      logBytes: 2000,
      snapshotIndex: 0,
      members: this.members,
      matchIndex: { 1: 12 },
    };
  }
}

export function info(id: number, name: string, peerAddress: string, clientAddress: string): MemberInfo {
  return {
    id,
    name,
    peerAddress,
    clientAddress,
    voter: true,
    promoteWhenCaughtUp: false,
    peerUrls: urls(peerAddress),
    clientUrls: urls(clientAddress),
  };
}

function urls(address: string): string[] {
  return address === '' ? [] : [`http://${address}`];
}
