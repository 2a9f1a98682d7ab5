/** etcd v3 messages: codecs for the wire and for JSON, and the error table. */

export { MAX_DEPTH } from './codec/reader.js';
export { CODECS, codecOf } from './codec/registry.js';
export type { Codec, Empty, JsonObject, JsonValue, MessageInit, UnknownEnum } from './codec/types.js';
export { GRPC_PREFIX_BYTES, Writer } from './codec/writer.js';
export { ENUMS, type EnumTable, MESSAGES, type MessageTable } from './descriptors/index.js';
export { MessageTooLargeError, ProtoError } from './error.js';
export { ETCD_ERRORS, type EtcdErrorEntry, type EtcdErrorName, etcdErrorNameOf } from './errors.js';
export { parseJson } from './json/parse.js';
export {
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
} from './messages/auth.js';
export {
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
} from './messages/cluster.js';
export {
  CampaignRequest,
  CampaignResponse,
  LeaderKey,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ProclaimResponse,
  ResignRequest,
  ResignResponse,
} from './messages/election.js';
export { HealthCheckRequest, HealthCheckResponse, type ServingStatus } from './messages/health.js';
export { Event, type EventType, KeyValue } from './messages/kv.js';
export {
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
} from './messages/lease.js';
export { LockRequest, LockResponse, UnlockRequest, UnlockResponse } from './messages/lock.js';
export {
  type AlarmAction,
  AlarmMember,
  AlarmRequest,
  AlarmResponse,
  type AlarmType,
  DefragmentRequest,
  DefragmentResponse,
  type DowngradeAction,
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
} from './messages/maintenance.js';
export { Permission, type PermissionType, Role, User, UserAddOptions } from './messages/permissions.js';
export {
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
  type SortOrder,
  type SortTarget,
} from './messages/range.js';
export {
  Compare,
  type CompareResult,
  type CompareTarget,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from './messages/txn.js';
export type { MessageTypes } from './messages/types.js';
export {
  type FilterType,
  WatchCancelRequest,
  WatchCreateRequest,
  WatchProgressRequest,
  WatchRequest,
  WatchResponse,
} from './messages/watch.js';
export {
  type AnyMethod,
  METHODS_BY_HTTP_PATH,
  METHODS_BY_PATH,
  type Method,
  type MethodKind,
  type RequestOf,
  type ResponseOf,
  SERVICES,
  type Services,
} from './services.js';
export { GRPC_CODES, type GrpcCode, type GrpcCodeName, httpStatusOf } from './status.js';
