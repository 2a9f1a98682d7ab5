/** Service Cluster. */
import { codecOf } from '../codec/registry.js';
import type { Codec } from '../codec/types.js';
import type { ResponseHeader } from './range.js';

export interface Member {
  ID: bigint;
  /** Empty until the member has started. */
  name: string;
  peerURLs: string[];
  clientURLs: string[];
  isLearner: boolean;
}
export const Member: Codec<Member> = codecOf('etcdserverpb.Member');

export interface MemberAddRequest {
  peerURLs: string[];
  isLearner: boolean;
}
export const MemberAddRequest: Codec<MemberAddRequest> = codecOf('etcdserverpb.MemberAddRequest');

export interface MemberAddResponse {
  header: ResponseHeader | undefined;
  member: Member | undefined;
  members: Member[];
}
export const MemberAddResponse: Codec<MemberAddResponse> = codecOf('etcdserverpb.MemberAddResponse');

export interface MemberRemoveRequest {
  ID: bigint;
}
export const MemberRemoveRequest: Codec<MemberRemoveRequest> = codecOf('etcdserverpb.MemberRemoveRequest');

export interface MemberRemoveResponse {
  header: ResponseHeader | undefined;
  members: Member[];
}
export const MemberRemoveResponse: Codec<MemberRemoveResponse> = codecOf('etcdserverpb.MemberRemoveResponse');

export interface MemberUpdateRequest {
  ID: bigint;
  peerURLs: string[];
}
export const MemberUpdateRequest: Codec<MemberUpdateRequest> = codecOf('etcdserverpb.MemberUpdateRequest');

export interface MemberUpdateResponse {
  header: ResponseHeader | undefined;
  members: Member[];
}
export const MemberUpdateResponse: Codec<MemberUpdateResponse> = codecOf('etcdserverpb.MemberUpdateResponse');

export interface MemberListRequest {
  linearizable: boolean;
}
export const MemberListRequest: Codec<MemberListRequest> = codecOf('etcdserverpb.MemberListRequest');

export interface MemberListResponse {
  header: ResponseHeader | undefined;
  members: Member[];
}
export const MemberListResponse: Codec<MemberListResponse> = codecOf('etcdserverpb.MemberListResponse');

export interface MemberPromoteRequest {
  ID: bigint;
}
export const MemberPromoteRequest: Codec<MemberPromoteRequest> = codecOf('etcdserverpb.MemberPromoteRequest');

export interface MemberPromoteResponse {
  header: ResponseHeader | undefined;
  members: Member[];
}
export const MemberPromoteResponse: Codec<MemberPromoteResponse> = codecOf('etcdserverpb.MemberPromoteResponse');
