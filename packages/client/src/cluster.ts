/** The members of the cluster. Ids are bigint: etcd's have 64 bits. */
import { type Member, SERVICES } from '@quorate/proto';
import type { CallOptions, Calls } from './calls.js';

export interface MemberInfo {
  readonly id: bigint;
  /** '' until it has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Empty until it has started. */
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface MemberList {
  readonly clusterId: bigint;
  readonly members: readonly MemberInfo[];
}

function memberOf({ ID, name, peerURLs, clientURLs, isLearner }: Member): MemberInfo {
  return { id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
}

const METHODS = SERVICES['etcdserverpb.Cluster'];

export class Cluster {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Linearizable by default (etcd 3.4 answers what the asked member knows). */
  async members(options: CallOptions & { readonly linearizable?: boolean } = {}): Promise<MemberList> {
    const { linearizable = true, ...call } = options;
    const { header, members } = await this.#calls.call(METHODS.MemberList, { linearizable }, call);
    return { clusterId: header?.clusterId ?? 0n, members: members.map(memberOf) };
  }

  /** Before the member is started, which then finds itself by its peer URLs. */
  async add(
    peerUrls: readonly string[],
    options: CallOptions & { readonly isLearner?: boolean } = {},
  ): Promise<MemberInfo> {
    const { isLearner, ...call } = options;
    const answer = await this.#calls.call(METHODS.MemberAdd, { peerURLs: peerUrls, isLearner }, call);
    return memberOf(answer.member ?? { ID: 0n, name: '', peerURLs: [...peerUrls], clientURLs: [], isLearner: false });
  }

  async remove(id: bigint, options?: CallOptions): Promise<readonly MemberInfo[]> {
    return (await this.#calls.call(METHODS.MemberRemove, { ID: id }, options)).members.map(memberOf);
  }

  async update(id: bigint, peerUrls: readonly string[], options?: CallOptions): Promise<readonly MemberInfo[]> {
    const { members } = await this.#calls.call(METHODS.MemberUpdate, { ID: id, peerURLs: peerUrls }, options);
    return members.map(memberOf);
  }

  /** Makes a learner a voter. */
  async promote(id: bigint, options?: CallOptions): Promise<readonly MemberInfo[]> {
    return (await this.#calls.call(METHODS.MemberPromote, { ID: id }, options)).members.map(memberOf);
  }
}
