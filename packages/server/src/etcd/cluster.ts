/** Service Cluster (contract 33 to 35). */
import {
  type Member,
  type MemberAddRequest,
  type MemberAddResponse,
  type MemberListRequest,
  type MemberListResponse,
  type MemberPromoteResponse,
  type MemberRemoveResponse,
  type MemberUpdateRequest,
  type MemberUpdateResponse,
  SERVICES,
} from '@quorate/proto';
import { type MemberInfo, QuorateError } from '@quorate/replica';
import type { EtcdBackend } from './backend.js';
import { errorFailure } from './errors.js';
import { type Reply, type Served, unary } from './service.js';

/** Membership has no place in the order of the store's changes: as etcd, these answers tell no revision. */
const NO_REVISION = 0;

export function memberMessage(member: MemberInfo): Member {
  return {
    ID: BigInt(member.id),
    name: member.name,
    peerURLs: [...member.peerUrls],
    clientURLs: [...member.clientUrls],
    isLearner: !member.voter,
  };
}

/** Ids are given by this system and fit a number: what does not is nobody's. */
export function memberIdOf(id: bigint): number {
  return id > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(id);
}

export class ClusterService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    const methods = SERVICES['etcdserverpb.Cluster'];
    const { cluster } = this.#backend;
    return [
      unary(methods.MemberAdd, (request, _call, reply) => this.#add(request, reply)),
      unary(methods.MemberRemove, ({ ID }, _call, reply) => this.#change(cluster.remove(memberIdOf(ID)), reply)),
      unary(methods.MemberUpdate, (request, _call, reply) => this.#update(request, reply)),
      unary(methods.MemberList, (request, _call, reply) => this.#list(request, reply)),
      unary(methods.MemberPromote, ({ ID }, _call, reply) =>
        this.#change(cluster.promote(memberIdOf(ID), { learnerOnly: true }), reply),
      ),
    ];
  }

  #add(request: MemberAddRequest, reply: Reply<MemberAddResponse>): void {
    const { cluster, headers } = this.#backend;
    cluster.add({ peerUrls: request.peerURLs, isLearner: request.isLearner }).then(
      ({ memberId, members }) => {
        const messages = members.map(memberMessage);
        const member = messages.find(({ ID }) => ID === BigInt(memberId));
        reply.ok({ header: headers.now(NO_REVISION), member, members: messages });
      },
      (error: unknown) => reply.fail(errorFailure(error)),
    );
  }

  #update(request: MemberUpdateRequest, reply: Reply<MemberUpdateResponse>): void {
    const { cluster } = this.#backend;
    // Whoever is not there is not found, whatever the URLs are.
    const changed = cluster.members({ consistency: 'serializable' }).then((members) => {
      const isThere = members.some(({ id }) => BigInt(id) === request.ID);
      if (!isThere) throw new QuorateError('member-not-found', 'invalid', 'there is no such member');
      return cluster.update(memberIdOf(request.ID), request.peerURLs);
    });
    this.#change(changed, reply);
  }

  /** The members as they are after the change. */
  #change(changed: Promise<unknown>, reply: Reply<MemberRemoveResponse | MemberPromoteResponse>): void {
    changed
      .then(() => this.#backend.cluster.members({ consistency: 'serializable' }))
      .then(
        (members) => reply.ok({ header: this.#backend.headers.now(NO_REVISION), members: members.map(memberMessage) }),
        (error: unknown) => reply.fail(errorFailure(error)),
      );
  }

  #list(request: MemberListRequest, reply: Reply<MemberListResponse>): void {
    const consistency = request.linearizable ? 'linearizable' : 'serializable';
    this.#backend.cluster.members({ consistency }).then(
      (members) => reply.ok({ header: this.#backend.headers.now(NO_REVISION), members: members.map(memberMessage) }),
      (error: unknown) => reply.fail(errorFailure(error)),
    );
  }
}
