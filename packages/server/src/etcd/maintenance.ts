/** Service Maintenance (contract 36 to 38). */
import {
  type AlarmMember,
  type AlarmRequest,
  type AlarmResponse,
  type AlarmType,
  type DowngradeRequest,
  type DowngradeResponse,
  type HashKVRequest,
  type HashKVResponse,
  type HashResponse,
  type MoveLeaderRequest,
  type MoveLeaderResponse,
  SERVICES,
  type StatusResponse,
} from '@quorate/proto';
import type { Alarm, AlarmKind, StoreHash } from '@quorate/replica/internal';
import { ETCD_CLUSTER_VERSION, ETCD_VERSION } from '../version.js';
import type { EtcdBackend } from './backend.js';
import { memberIdOf } from './cluster.js';
import { errorFailure, etcdFailure, memberFailure, storeFailure } from './errors.js';
import { type Reply, type Served, stream, unary } from './service.js';
import { streamSnapshot } from './snapshot-stream.js';

const ALARM_TYPES: Readonly<Record<AlarmKind, AlarmType>> = { 'no-space': 'NOSPACE', corrupt: 'CORRUPT' };

function alarmKindOf(type: AlarmType): AlarmKind | undefined {
  return type === 'NOSPACE' ? 'no-space' : type === 'CORRUPT' ? 'corrupt' : undefined;
}

function alarmMessage({ member, alarm }: Alarm): AlarmMember {
  return { memberID: BigInt(member), alarm: ALARM_TYPES[alarm] };
}

export class MaintenanceService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    const methods = SERVICES['etcdserverpb.Maintenance'];
    return [
      unary(methods.Status, (_request, _call, reply) => reply.ok(this.#status())),
      unary(methods.Alarm, (request, _call, reply) => this.#alarm(request, reply)),
      // Space comes back by itself: there is nothing to wait for, and no header in etcd's reply (contract 37).
      unary(methods.Defragment, (_request, _call, reply) => reply.ok({ header: undefined })),
      unary(methods.Hash, (_request, _call, reply) => this.#hash(reply)),
      unary(methods.HashKV, (request, _call, reply) => this.#hashKv(request, reply)),
      unary(methods.MoveLeader, (request, _call, reply) => this.#moveLeader(request, reply)),
      unary(methods.Downgrade, (request, _call, reply) => this.#downgrade(request, reply)),
      stream(methods.Snapshot, (blobs, call) => {
        blobs.onMessage(() => streamSnapshot(this.#backend.door.snapshot(), blobs, call, ETCD_VERSION));
      }),
    ];
  }

  #status(): StatusResponse {
    const { cluster, headers } = this.#backend;
    const status = cluster.status();
    const { leaderId, alarms, quotaBytes } = status;
    return {
      header: headers.now(),
      version: ETCD_VERSION,
      dbSize: status.storeBytes,
      leader: BigInt(leaderId),
      raftIndex: status.commitIndex,
      raftTerm: status.term,
      raftAppliedIndex: status.appliedIndex,
      errors: [
        ...(leaderId === 0 ? [etcdFailure('NoLeader').message] : []),
        ...alarms.map(({ member, alarm }) => `memberID:${member} alarm:${ALARM_TYPES[alarm]} `),
      ],
      dbSizeInUse: status.storeBytes - status.historyBytes,
      isLearner: status.role === 'learner',
      storageVersion: ETCD_CLUSTER_VERSION,
      dbSizeQuota: Math.max(0, quotaBytes),
      downgradeInfo: { enabled: false, targetVersion: '' },
    };
  }

  #alarm(request: AlarmRequest, reply: Reply<AlarmResponse>): void {
    const { door, headers } = this.#backend;
    const alarm = alarmKindOf(request.alarm);
    if (request.action === 'GET') {
      const alarms = door
        .store()
        .alarms()
        .filter((one) => alarm === undefined || one.alarm === alarm);
      reply.ok({ header: headers.now(), alarms: alarms.map(alarmMessage) });
      return;
    }
    if (alarm === undefined || (request.action !== 'ACTIVATE' && request.action !== 'DEACTIVATE')) {
      reply.ok({ header: headers.now(), alarms: [] });
      return;
    }
    const action = request.action === 'ACTIVATE' ? 'activate' : 'deactivate';
    const operation = { kind: 'alarm', action, alarm, member: memberIdOf(request.memberID) } as const;
    door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (result.value.kind === 'error') reply.fail(storeFailure(result.value.code));
      else if (result.value.kind === 'alarm') {
        reply.ok({ header: headers.now(), alarms: result.value.alarms.map(alarmMessage) });
      }
    });
  }

  #hash(reply: Reply<HashResponse>): void {
    this.#hashAt(0, reply, ({ hash }) => reply.ok({ header: this.#backend.headers.now(), hash }));
  }

  #hashKv(request: HashKVRequest, reply: Reply<HashKVResponse>): void {
    this.#hashAt(request.revision, reply, ({ hash, compactRevision, revision: hashRevision }) =>
      reply.ok({ header: this.#backend.headers.now(), hash, compactRevision, hashRevision }),
    );
  }

  #hashAt(revision: number, reply: Pick<Reply<never>, 'fail'>, done: (hash: StoreHash) => void): void {
    this.#backend.door.hash(revision, (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (result.value.kind === 'error') reply.fail(storeFailure(result.value.code));
      else done(result.value);
    });
  }

  /** Only the leader may be asked (contract 35). */
  #moveLeader(request: MoveLeaderRequest, reply: Reply<MoveLeaderResponse>): void {
    const { cluster } = this.#backend;
    const { leaderId, id } = cluster.status();
    const target = memberIdOf(request.targetID);
    if (leaderId !== id) {
      reply.fail(etcdFailure('NotLeader'));
    } else if (target === 0) {
      reply.fail(etcdFailure('BadLeaderTransferee'));
    } else {
      cluster.transferLeadership(target).then(
        () => reply.ok({ header: undefined }),
        (error: unknown) => reply.fail(errorFailure(error)),
      );
    }
  }

  /** There is one version of this store's data: a downgrade can be asked about, and is never under way. */
  #downgrade(request: DowngradeRequest, reply: Reply<DowngradeResponse>): void {
    if (request.action === 'CANCEL') {
      reply.fail(etcdFailure('NoInflightDowngrade'));
      return;
    }
    const target = /^v?(\d+)\.(\d+)(?:\.\d+)?$/.exec(request.version);
    if (target === null) {
      reply.fail(etcdFailure('WrongDowngradeVersionFormat'));
      return;
    }
    const [major = 0, minor = 0] = ETCD_VERSION.split('.').map(Number);
    const isOneBelow = Number(target[1]) === major && Number(target[2]) === minor - 1;
    if (!isOneBelow) reply.fail(etcdFailure('InvalidDowngradeTargetVersion'));
    else if (request.action === 'VALIDATE')
      reply.ok({ header: this.#backend.headers.now(), version: ETCD_CLUSTER_VERSION });
    else reply.fail(etcdFailure('NotCapable'));
  }
}
