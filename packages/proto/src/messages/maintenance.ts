/** Service Maintenance. Sizes are in bytes. */
import { codecOf } from '../codec/registry.js';
import type { Codec, Empty, UnknownEnum } from '../codec/types.js';
import type { ResponseHeader } from './range.js';

export type AlarmType = 'NONE' | 'NOSPACE' | 'CORRUPT' | UnknownEnum;

export type AlarmAction = 'GET' | 'ACTIVATE' | 'DEACTIVATE' | UnknownEnum;

export type DowngradeAction = 'VALIDATE' | 'ENABLE' | 'CANCEL' | UnknownEnum;

export interface AlarmRequest {
  action: AlarmAction;
  /** 0n for every member. */
  memberID: bigint;
  alarm: AlarmType;
}
export const AlarmRequest: Codec<AlarmRequest> = codecOf('etcdserverpb.AlarmRequest');

export interface AlarmMember {
  memberID: bigint;
  alarm: AlarmType;
}
export const AlarmMember: Codec<AlarmMember> = codecOf('etcdserverpb.AlarmMember');

export interface AlarmResponse {
  header: ResponseHeader | undefined;
  alarms: AlarmMember[];
}
export const AlarmResponse: Codec<AlarmResponse> = codecOf('etcdserverpb.AlarmResponse');

export type StatusRequest = Empty;
export const StatusRequest: Codec<StatusRequest> = codecOf('etcdserverpb.StatusRequest');

export interface StatusResponse {
  header: ResponseHeader | undefined;
  version: string;
  dbSize: number;
  /** 0n when the member knows none. */
  leader: bigint;
  raftIndex: number;
  raftTerm: number;
  raftAppliedIndex: number;
  errors: string[];
  dbSizeInUse: number;
  isLearner: boolean;
  storageVersion: string;
  dbSizeQuota: number;
  downgradeInfo: DowngradeInfo | undefined;
}
export const StatusResponse: Codec<StatusResponse> = codecOf('etcdserverpb.StatusResponse');

export interface DowngradeInfo {
  enabled: boolean;
  targetVersion: string;
}
export const DowngradeInfo: Codec<DowngradeInfo> = codecOf('etcdserverpb.DowngradeInfo');

export type DefragmentRequest = Empty;
export const DefragmentRequest: Codec<DefragmentRequest> = codecOf('etcdserverpb.DefragmentRequest');

export interface DefragmentResponse {
  header: ResponseHeader | undefined;
}
export const DefragmentResponse: Codec<DefragmentResponse> = codecOf('etcdserverpb.DefragmentResponse');

export type HashRequest = Empty;
export const HashRequest: Codec<HashRequest> = codecOf('etcdserverpb.HashRequest');

export interface HashResponse {
  header: ResponseHeader | undefined;
  hash: number;
}
export const HashResponse: Codec<HashResponse> = codecOf('etcdserverpb.HashResponse');

export interface HashKVRequest {
  /** Revision up to which to hash, 0 for the present. */
  revision: number;
}
export const HashKVRequest: Codec<HashKVRequest> = codecOf('etcdserverpb.HashKVRequest');

export interface HashKVResponse {
  header: ResponseHeader | undefined;
  hash: number;
  compactRevision: number;
  hashRevision: number;
}
export const HashKVResponse: Codec<HashKVResponse> = codecOf('etcdserverpb.HashKVResponse');

export type SnapshotRequest = Empty;
export const SnapshotRequest: Codec<SnapshotRequest> = codecOf('etcdserverpb.SnapshotRequest');

export interface SnapshotResponse {
  header: ResponseHeader | undefined;
  remainingBytes: number;
  blob: Uint8Array;
  version: string;
}
export const SnapshotResponse: Codec<SnapshotResponse> = codecOf('etcdserverpb.SnapshotResponse');

export interface MoveLeaderRequest {
  targetID: bigint;
}
export const MoveLeaderRequest: Codec<MoveLeaderRequest> = codecOf('etcdserverpb.MoveLeaderRequest');

export interface MoveLeaderResponse {
  header: ResponseHeader | undefined;
}
export const MoveLeaderResponse: Codec<MoveLeaderResponse> = codecOf('etcdserverpb.MoveLeaderResponse');

export interface DowngradeRequest {
  action: DowngradeAction;
  version: string;
}
export const DowngradeRequest: Codec<DowngradeRequest> = codecOf('etcdserverpb.DowngradeRequest');

export interface DowngradeResponse {
  header: ResponseHeader | undefined;
  version: string;
}
export const DowngradeResponse: Codec<DowngradeResponse> = codecOf('etcdserverpb.DowngradeResponse');

/** Only for etcd's own tests. */
export interface DowngradeVersionTestRequest {
  ver: string;
}
export const DowngradeVersionTestRequest: Codec<DowngradeVersionTestRequest> = codecOf(
  'etcdserverpb.DowngradeVersionTestRequest',
);
