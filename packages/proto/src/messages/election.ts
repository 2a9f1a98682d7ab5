/** Service Election: package v3electionpb. */
import { codecOf } from '../codec/registry.js';
import type { Codec } from '../codec/types.js';
import type { KeyValue } from './kv.js';
import type { ResponseHeader } from './range.js';

export interface CampaignRequest {
  name: Uint8Array;
  lease: bigint;
  value: Uint8Array;
}
export const CampaignRequest: Codec<CampaignRequest> = codecOf('v3electionpb.CampaignRequest');

export interface CampaignResponse {
  header: ResponseHeader | undefined;
  leader: LeaderKey | undefined;
}
export const CampaignResponse: Codec<CampaignResponse> = codecOf('v3electionpb.CampaignResponse');

/** Proof of having been elected. */
export interface LeaderKey {
  name: Uint8Array;
  key: Uint8Array;
  rev: number;
  lease: bigint;
}
export const LeaderKey: Codec<LeaderKey> = codecOf('v3electionpb.LeaderKey');

export interface LeaderRequest {
  name: Uint8Array;
}
export const LeaderRequest: Codec<LeaderRequest> = codecOf('v3electionpb.LeaderRequest');

export interface LeaderResponse {
  header: ResponseHeader | undefined;
  kv: KeyValue | undefined;
}
export const LeaderResponse: Codec<LeaderResponse> = codecOf('v3electionpb.LeaderResponse');

export interface ResignRequest {
  leader: LeaderKey | undefined;
}
export const ResignRequest: Codec<ResignRequest> = codecOf('v3electionpb.ResignRequest');

export interface ResignResponse {
  header: ResponseHeader | undefined;
}
export const ResignResponse: Codec<ResignResponse> = codecOf('v3electionpb.ResignResponse');

export interface ProclaimRequest {
  leader: LeaderKey | undefined;
  value: Uint8Array;
}
export const ProclaimRequest: Codec<ProclaimRequest> = codecOf('v3electionpb.ProclaimRequest');

export interface ProclaimResponse {
  header: ResponseHeader | undefined;
}
export const ProclaimResponse: Codec<ProclaimResponse> = codecOf('v3electionpb.ProclaimResponse');
