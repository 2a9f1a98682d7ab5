/** Service Lease. Times to live are in seconds. */
import { codecOf } from '../codec/registry.js';
import type { Codec, Empty } from '../codec/types.js';
import type { ResponseHeader } from './range.js';

export interface LeaseGrantRequest {
  TTL: number;
  /** Wanted ID, 0n to get one. */
  ID: bigint;
}
export const LeaseGrantRequest: Codec<LeaseGrantRequest> = codecOf('etcdserverpb.LeaseGrantRequest');

export interface LeaseGrantResponse {
  header: ResponseHeader | undefined;
  ID: bigint;
  TTL: number;
  error: string;
}
export const LeaseGrantResponse: Codec<LeaseGrantResponse> = codecOf('etcdserverpb.LeaseGrantResponse');

export interface LeaseRevokeRequest {
  ID: bigint;
}
export const LeaseRevokeRequest: Codec<LeaseRevokeRequest> = codecOf('etcdserverpb.LeaseRevokeRequest');

export interface LeaseRevokeResponse {
  header: ResponseHeader | undefined;
}
export const LeaseRevokeResponse: Codec<LeaseRevokeResponse> = codecOf('etcdserverpb.LeaseRevokeResponse');

export interface LeaseCheckpoint {
  ID: bigint;
  remainingTTL: number;
}
export const LeaseCheckpoint: Codec<LeaseCheckpoint> = codecOf('etcdserverpb.LeaseCheckpoint');

export interface LeaseCheckpointRequest {
  checkpoints: LeaseCheckpoint[];
}
export const LeaseCheckpointRequest: Codec<LeaseCheckpointRequest> = codecOf('etcdserverpb.LeaseCheckpointRequest');

export interface LeaseCheckpointResponse {
  header: ResponseHeader | undefined;
}
export const LeaseCheckpointResponse: Codec<LeaseCheckpointResponse> = codecOf('etcdserverpb.LeaseCheckpointResponse');

export interface LeaseKeepAliveRequest {
  ID: bigint;
}
export const LeaseKeepAliveRequest: Codec<LeaseKeepAliveRequest> = codecOf('etcdserverpb.LeaseKeepAliveRequest');

export interface LeaseKeepAliveResponse {
  header: ResponseHeader | undefined;
  ID: bigint;
  /** 0 when there is no such lease. */
  TTL: number;
}
export const LeaseKeepAliveResponse: Codec<LeaseKeepAliveResponse> = codecOf('etcdserverpb.LeaseKeepAliveResponse');

export interface LeaseTimeToLiveRequest {
  ID: bigint;
  /** Tell the lease's keys too. */
  keys: boolean;
}
export const LeaseTimeToLiveRequest: Codec<LeaseTimeToLiveRequest> = codecOf('etcdserverpb.LeaseTimeToLiveRequest');

export interface LeaseTimeToLiveResponse {
  header: ResponseHeader | undefined;
  ID: bigint;
  /** Seconds that remain, -1 when there is no such lease. */
  TTL: number;
  grantedTTL: number;
  keys: Uint8Array[];
}
export const LeaseTimeToLiveResponse: Codec<LeaseTimeToLiveResponse> = codecOf('etcdserverpb.LeaseTimeToLiveResponse');

export type LeaseLeasesRequest = Empty;
export const LeaseLeasesRequest: Codec<LeaseLeasesRequest> = codecOf('etcdserverpb.LeaseLeasesRequest');

export interface LeaseStatus {
  ID: bigint;
}
export const LeaseStatus: Codec<LeaseStatus> = codecOf('etcdserverpb.LeaseStatus');

export interface LeaseLeasesResponse {
  header: ResponseHeader | undefined;
  leases: LeaseStatus[];
}
export const LeaseLeasesResponse: Codec<LeaseLeasesResponse> = codecOf('etcdserverpb.LeaseLeasesResponse');
