/** The type of every message, by its full name. */

import type {
  AuthDisableRequest,
  AuthDisableResponse,
  AuthEnableRequest,
  AuthEnableResponse,
  AuthenticateRequest,
  AuthenticateResponse,
  AuthRoleAddRequest,
  AuthRoleAddResponse,
  AuthRoleDeleteRequest,
  AuthRoleDeleteResponse,
  AuthRoleGetRequest,
  AuthRoleGetResponse,
  AuthRoleGrantPermissionRequest,
  AuthRoleGrantPermissionResponse,
  AuthRoleListRequest,
  AuthRoleListResponse,
  AuthRoleRevokePermissionRequest,
  AuthRoleRevokePermissionResponse,
  AuthStatusRequest,
  AuthStatusResponse,
  AuthUserAddRequest,
  AuthUserAddResponse,
  AuthUserChangePasswordRequest,
  AuthUserChangePasswordResponse,
  AuthUserDeleteRequest,
  AuthUserDeleteResponse,
  AuthUserGetRequest,
  AuthUserGetResponse,
  AuthUserGrantRoleRequest,
  AuthUserGrantRoleResponse,
  AuthUserListRequest,
  AuthUserListResponse,
  AuthUserRevokeRoleRequest,
  AuthUserRevokeRoleResponse,
} from './auth.js';
import type {
  Member,
  MemberAddRequest,
  MemberAddResponse,
  MemberListRequest,
  MemberListResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
} from './cluster.js';
import type {
  CampaignRequest,
  CampaignResponse,
  LeaderKey,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ProclaimResponse,
  ResignRequest,
  ResignResponse,
} from './election.js';
import type { HealthCheckRequest, HealthCheckResponse } from './health.js';
import type { Event, KeyValue } from './kv.js';
import type {
  LeaseCheckpoint,
  LeaseCheckpointRequest,
  LeaseCheckpointResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseStatus,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from './lease.js';
import type { LockRequest, LockResponse, UnlockRequest, UnlockResponse } from './lock.js';
import type {
  AlarmMember,
  AlarmRequest,
  AlarmResponse,
  DefragmentRequest,
  DefragmentResponse,
  DowngradeInfo,
  DowngradeRequest,
  DowngradeResponse,
  DowngradeVersionTestRequest,
  HashKVRequest,
  HashKVResponse,
  HashRequest,
  HashResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
  SnapshotRequest,
  SnapshotResponse,
  StatusRequest,
  StatusResponse,
} from './maintenance.js';
import type { Permission, Role, User, UserAddOptions } from './permissions.js';
import type {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RangeStreamResponse,
  ResponseHeader,
} from './range.js';
import type { Compare, RequestOp, ResponseOp, TxnRequest, TxnResponse } from './txn.js';
import type {
  WatchCancelRequest,
  WatchCreateRequest,
  WatchProgressRequest,
  WatchRequest,
  WatchResponse,
} from './watch.js';

/** Full protobuf name to type; `src/descriptors/agreement.ts` holds it to the descriptors. */
export interface MessageTypes {
  'mvccpb.KeyValue': KeyValue;
  'mvccpb.Event': Event;
  'etcdserverpb.ResponseHeader': ResponseHeader;
  'etcdserverpb.RangeRequest': RangeRequest;
  'etcdserverpb.RangeResponse': RangeResponse;
  'etcdserverpb.RangeStreamResponse': RangeStreamResponse;
  'etcdserverpb.PutRequest': PutRequest;
  'etcdserverpb.PutResponse': PutResponse;
  'etcdserverpb.DeleteRangeRequest': DeleteRangeRequest;
  'etcdserverpb.DeleteRangeResponse': DeleteRangeResponse;
  'etcdserverpb.CompactionRequest': CompactionRequest;
  'etcdserverpb.CompactionResponse': CompactionResponse;
  'etcdserverpb.RequestOp': RequestOp;
  'etcdserverpb.ResponseOp': ResponseOp;
  'etcdserverpb.Compare': Compare;
  'etcdserverpb.TxnRequest': TxnRequest;
  'etcdserverpb.TxnResponse': TxnResponse;
  'etcdserverpb.WatchRequest': WatchRequest;
  'etcdserverpb.WatchCreateRequest': WatchCreateRequest;
  'etcdserverpb.WatchCancelRequest': WatchCancelRequest;
  'etcdserverpb.WatchProgressRequest': WatchProgressRequest;
  'etcdserverpb.WatchResponse': WatchResponse;
  'etcdserverpb.LeaseGrantRequest': LeaseGrantRequest;
  'etcdserverpb.LeaseGrantResponse': LeaseGrantResponse;
  'etcdserverpb.LeaseRevokeRequest': LeaseRevokeRequest;
  'etcdserverpb.LeaseRevokeResponse': LeaseRevokeResponse;
  'etcdserverpb.LeaseCheckpoint': LeaseCheckpoint;
  'etcdserverpb.LeaseCheckpointRequest': LeaseCheckpointRequest;
  'etcdserverpb.LeaseCheckpointResponse': LeaseCheckpointResponse;
  'etcdserverpb.LeaseKeepAliveRequest': LeaseKeepAliveRequest;
  'etcdserverpb.LeaseKeepAliveResponse': LeaseKeepAliveResponse;
  'etcdserverpb.LeaseTimeToLiveRequest': LeaseTimeToLiveRequest;
  'etcdserverpb.LeaseTimeToLiveResponse': LeaseTimeToLiveResponse;
  'etcdserverpb.LeaseLeasesRequest': LeaseLeasesRequest;
  'etcdserverpb.LeaseStatus': LeaseStatus;
  'etcdserverpb.LeaseLeasesResponse': LeaseLeasesResponse;
  'etcdserverpb.Member': Member;
  'etcdserverpb.MemberAddRequest': MemberAddRequest;
  'etcdserverpb.MemberAddResponse': MemberAddResponse;
  'etcdserverpb.MemberRemoveRequest': MemberRemoveRequest;
  'etcdserverpb.MemberRemoveResponse': MemberRemoveResponse;
  'etcdserverpb.MemberUpdateRequest': MemberUpdateRequest;
  'etcdserverpb.MemberUpdateResponse': MemberUpdateResponse;
  'etcdserverpb.MemberListRequest': MemberListRequest;
  'etcdserverpb.MemberListResponse': MemberListResponse;
  'etcdserverpb.MemberPromoteRequest': MemberPromoteRequest;
  'etcdserverpb.MemberPromoteResponse': MemberPromoteResponse;
  'etcdserverpb.AlarmRequest': AlarmRequest;
  'etcdserverpb.AlarmMember': AlarmMember;
  'etcdserverpb.AlarmResponse': AlarmResponse;
  'etcdserverpb.StatusRequest': StatusRequest;
  'etcdserverpb.StatusResponse': StatusResponse;
  'etcdserverpb.DowngradeInfo': DowngradeInfo;
  'etcdserverpb.DefragmentRequest': DefragmentRequest;
  'etcdserverpb.DefragmentResponse': DefragmentResponse;
  'etcdserverpb.HashRequest': HashRequest;
  'etcdserverpb.HashResponse': HashResponse;
  'etcdserverpb.HashKVRequest': HashKVRequest;
  'etcdserverpb.HashKVResponse': HashKVResponse;
  'etcdserverpb.SnapshotRequest': SnapshotRequest;
  'etcdserverpb.SnapshotResponse': SnapshotResponse;
  'etcdserverpb.MoveLeaderRequest': MoveLeaderRequest;
  'etcdserverpb.MoveLeaderResponse': MoveLeaderResponse;
  'etcdserverpb.DowngradeRequest': DowngradeRequest;
  'etcdserverpb.DowngradeResponse': DowngradeResponse;
  'etcdserverpb.DowngradeVersionTestRequest': DowngradeVersionTestRequest;
  'authpb.UserAddOptions': UserAddOptions;
  'authpb.User': User;
  'authpb.Permission': Permission;
  'authpb.Role': Role;
  'etcdserverpb.AuthEnableRequest': AuthEnableRequest;
  'etcdserverpb.AuthDisableRequest': AuthDisableRequest;
  'etcdserverpb.AuthStatusRequest': AuthStatusRequest;
  'etcdserverpb.AuthenticateRequest': AuthenticateRequest;
  'etcdserverpb.AuthUserAddRequest': AuthUserAddRequest;
  'etcdserverpb.AuthUserGetRequest': AuthUserGetRequest;
  'etcdserverpb.AuthUserDeleteRequest': AuthUserDeleteRequest;
  'etcdserverpb.AuthUserChangePasswordRequest': AuthUserChangePasswordRequest;
  'etcdserverpb.AuthUserGrantRoleRequest': AuthUserGrantRoleRequest;
  'etcdserverpb.AuthUserRevokeRoleRequest': AuthUserRevokeRoleRequest;
  'etcdserverpb.AuthRoleAddRequest': AuthRoleAddRequest;
  'etcdserverpb.AuthRoleGetRequest': AuthRoleGetRequest;
  'etcdserverpb.AuthUserListRequest': AuthUserListRequest;
  'etcdserverpb.AuthRoleListRequest': AuthRoleListRequest;
  'etcdserverpb.AuthRoleDeleteRequest': AuthRoleDeleteRequest;
  'etcdserverpb.AuthRoleGrantPermissionRequest': AuthRoleGrantPermissionRequest;
  'etcdserverpb.AuthRoleRevokePermissionRequest': AuthRoleRevokePermissionRequest;
  'etcdserverpb.AuthEnableResponse': AuthEnableResponse;
  'etcdserverpb.AuthDisableResponse': AuthDisableResponse;
  'etcdserverpb.AuthStatusResponse': AuthStatusResponse;
  'etcdserverpb.AuthenticateResponse': AuthenticateResponse;
  'etcdserverpb.AuthUserAddResponse': AuthUserAddResponse;
  'etcdserverpb.AuthUserGetResponse': AuthUserGetResponse;
  'etcdserverpb.AuthUserDeleteResponse': AuthUserDeleteResponse;
  'etcdserverpb.AuthUserChangePasswordResponse': AuthUserChangePasswordResponse;
  'etcdserverpb.AuthUserGrantRoleResponse': AuthUserGrantRoleResponse;
  'etcdserverpb.AuthUserRevokeRoleResponse': AuthUserRevokeRoleResponse;
  'etcdserverpb.AuthRoleAddResponse': AuthRoleAddResponse;
  'etcdserverpb.AuthRoleGetResponse': AuthRoleGetResponse;
  'etcdserverpb.AuthRoleListResponse': AuthRoleListResponse;
  'etcdserverpb.AuthUserListResponse': AuthUserListResponse;
  'etcdserverpb.AuthRoleDeleteResponse': AuthRoleDeleteResponse;
  'etcdserverpb.AuthRoleGrantPermissionResponse': AuthRoleGrantPermissionResponse;
  'etcdserverpb.AuthRoleRevokePermissionResponse': AuthRoleRevokePermissionResponse;
  'v3lockpb.LockRequest': LockRequest;
  'v3lockpb.LockResponse': LockResponse;
  'v3lockpb.UnlockRequest': UnlockRequest;
  'v3lockpb.UnlockResponse': UnlockResponse;
  'v3electionpb.CampaignRequest': CampaignRequest;
  'v3electionpb.CampaignResponse': CampaignResponse;
  'v3electionpb.LeaderKey': LeaderKey;
  'v3electionpb.LeaderRequest': LeaderRequest;
  'v3electionpb.LeaderResponse': LeaderResponse;
  'v3electionpb.ResignRequest': ResignRequest;
  'v3electionpb.ResignResponse': ResignResponse;
  'v3electionpb.ProclaimRequest': ProclaimRequest;
  'v3electionpb.ProclaimResponse': ProclaimResponse;
  'grpc.health.v1.HealthCheckRequest': HealthCheckRequest;
  'grpc.health.v1.HealthCheckResponse': HealthCheckResponse;
}
