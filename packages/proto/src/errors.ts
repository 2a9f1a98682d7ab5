/**
 * Every error that an etcd v3 server answers with: its exact text, by which clients tell errors apart, and its gRPC code.
 * From etcd's rpctypes/error.go and v3rpc/util.go; the code is the one on the wire.
 */
import { GRPC_CODES, type GrpcCode, type GrpcCodeName } from './status.js';

export interface EtcdErrorEntry {
  readonly grpcCode: GrpcCode;
  readonly text: string;
}

const TABLE = {
  EmptyKey: ['INVALID_ARGUMENT', 'etcdserver: key is not provided'],
  KeyNotFound: ['INVALID_ARGUMENT', 'etcdserver: key not found'],
  ValueProvided: ['INVALID_ARGUMENT', 'etcdserver: value is provided'],
  LeaseProvided: ['INVALID_ARGUMENT', 'etcdserver: lease is provided'],
  TooManyOps: ['INVALID_ARGUMENT', 'etcdserver: too many operations in txn request'],
  DuplicateKey: ['INVALID_ARGUMENT', 'etcdserver: duplicate key given in txn request'],
  InvalidClientApiVersion: ['INVALID_ARGUMENT', 'etcdserver: invalid client api version'],
  InvalidSortOption: ['INVALID_ARGUMENT', 'etcdserver: invalid sort option'],
  MemberBadUrls: ['INVALID_ARGUMENT', 'etcdserver: given member URLs are invalid'],
  RequestTooLarge: ['INVALID_ARGUMENT', 'etcdserver: request is too large'],
  UserEmpty: ['INVALID_ARGUMENT', 'etcdserver: user name is empty'],
  RoleEmpty: ['INVALID_ARGUMENT', 'etcdserver: role name is empty'],
  AuthFailed: ['INVALID_ARGUMENT', 'etcdserver: authentication failed, invalid user ID or password'],
  PermissionNotGiven: ['INVALID_ARGUMENT', 'etcdserver: permission not given'],
  InvalidAuthManagement: ['INVALID_ARGUMENT', 'etcdserver: invalid auth management'],
  AuthOldRevision: ['INVALID_ARGUMENT', 'etcdserver: revision of auth store is old'],
  WrongDowngradeVersionFormat: ['INVALID_ARGUMENT', 'etcdserver: wrong downgrade target version format'],
  InvalidDowngradeTargetVersion: ['INVALID_ARGUMENT', 'etcdserver: invalid downgrade target version'],
  Compacted: ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision has been compacted'],
  FutureRevision: ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision is a future revision'],
  LeaseTtlTooLarge: ['OUT_OF_RANGE', 'etcdserver: too large lease TTL'],
  NoSpace: ['RESOURCE_EXHAUSTED', 'etcdserver: mvcc: database space exceeded'],
  LeaseNotFound: ['NOT_FOUND', 'etcdserver: requested lease not found'],
  MemberNotFound: ['NOT_FOUND', 'etcdserver: member not found'],
  LeaseExists: ['FAILED_PRECONDITION', 'etcdserver: lease already exists'],
  MemberExists: ['FAILED_PRECONDITION', 'etcdserver: member ID already exist'],
  PeerUrlExists: ['FAILED_PRECONDITION', 'etcdserver: Peer URLs already exists'],
  MemberNotLearner: ['FAILED_PRECONDITION', 'etcdserver: can only promote a learner member'],
  LearnerNotReady: [
    'FAILED_PRECONDITION',
    'etcdserver: can only promote a learner member which is in sync with leader',
  ],
  TooManyLearners: ['FAILED_PRECONDITION', 'etcdserver: too many learner members in cluster'],
  ClusterIdMismatch: ['FAILED_PRECONDITION', 'etcdserver: cluster ID mismatch'],
  RootUserNotExist: ['FAILED_PRECONDITION', 'etcdserver: root user does not exist'],
  RootRoleNotExist: ['FAILED_PRECONDITION', 'etcdserver: root user does not have root role'],
  UserAlreadyExists: ['FAILED_PRECONDITION', 'etcdserver: user name already exists'],
  UserNotFound: ['FAILED_PRECONDITION', 'etcdserver: user name not found'],
  RoleAlreadyExists: ['FAILED_PRECONDITION', 'etcdserver: role name already exists'],
  RoleNotFound: ['FAILED_PRECONDITION', 'etcdserver: role name not found'],
  RoleNotGranted: ['FAILED_PRECONDITION', 'etcdserver: role is not granted to the user'],
  PermissionNotGranted: ['FAILED_PRECONDITION', 'etcdserver: permission is not granted to the role'],
  AuthNotEnabled: ['FAILED_PRECONDITION', 'etcdserver: authentication is not enabled'],
  NotLeader: ['FAILED_PRECONDITION', 'etcdserver: not leader'],
  NotCapable: ['FAILED_PRECONDITION', 'etcdserver: not capable'],
  NotSupportedForLearner: ['FAILED_PRECONDITION', 'etcdserver: rpc not supported for learner'],
  BadLeaderTransferee: ['FAILED_PRECONDITION', 'etcdserver: bad leader transferee'],
  ClusterVersionUnavailable: ['FAILED_PRECONDITION', 'etcdserver: cluster version not found during downgrade'],
  DowngradeInProcess: ['FAILED_PRECONDITION', 'etcdserver: cluster has a downgrade job in progress'],
  NoInflightDowngrade: ['FAILED_PRECONDITION', 'etcdserver: no inflight downgrade job'],
  PermissionDenied: ['PERMISSION_DENIED', 'etcdserver: permission denied'],
  InvalidAuthToken: ['UNAUTHENTICATED', 'etcdserver: invalid auth token'],
  WatchCanceled: ['CANCELED', 'etcdserver: watch canceled'],
  RequestCanceled: ['CANCELED', 'etcdserver: request canceled'],
  DeadlineExceeded: ['DEADLINE_EXCEEDED', 'etcdserver: context deadline exceeded'],
  Corrupt: ['DATA_LOSS', 'etcdserver: corrupt cluster'],
  NoLeader: ['UNAVAILABLE', 'etcdserver: no leader'],
  LeaderChanged: ['UNAVAILABLE', 'etcdserver: leader changed'],
  Stopped: ['UNAVAILABLE', 'etcdserver: server stopped'],
  Timeout: ['UNAVAILABLE', 'etcdserver: request timed out'],
  TimeoutDueToLeaderFail: ['UNAVAILABLE', 'etcdserver: request timed out, possibly due to previous leader failure'],
  TimeoutDueToConnectionLost: ['UNAVAILABLE', 'etcdserver: request timed out, possibly due to connection lost'],
  TimeoutWaitAppliedIndex: [
    'UNAVAILABLE',
    'etcdserver: request timed out, waiting for the applied index took too long',
  ],
  Unhealthy: ['UNAVAILABLE', 'etcdserver: unhealthy cluster'],
  RangeStreamSortUnsupported: ['UNIMPLEMENTED', 'RangeStream does not support custom sort orders'],
  RangeStreamFilterUnsupported: ['UNIMPLEMENTED', 'RangeStream does not support revision filters'],
  // etcd means these for RESOURCE_EXHAUSTED and FAILED_PRECONDITION, but hands them to gRPC in a type that has no code.
  TooManyRequests: ['UNKNOWN', 'etcdserver: too many requests'],
  MemberNotEnoughStarted: ['UNKNOWN', 'etcdserver: re-configuration failed due to not enough started members'],
  // These are not in etcd's map from errors to codes at all, and so arrive with their own text.
  LeaderTransferTimeout: ['UNKNOWN', 'etcdserver: request timed out, leader transfer took too long'],
  NoPasswordUser: ['UNKNOWN', 'auth: authentication failed, password was given for no password user'],
  SessionExpired: ['UNKNOWN', 'mutex: session is expired'],
  ElectionNotLeader: ['UNKNOWN', 'election: not leader'],
  ElectionNoLeader: ['UNKNOWN', 'election: no leader'],
  MissingElectionLeader: ['UNKNOWN', '"leader" field must be provided'],
} as const;

const ROWS: Readonly<Record<string, readonly [code: GrpcCodeName, text: string]>> = TABLE;

/** The name of an error: etcd's own without `ErrGRPC`, in words. */
export type EtcdErrorName = keyof typeof TABLE;

/** Every error by its name. */
export const ETCD_ERRORS: Readonly<Record<EtcdErrorName, EtcdErrorEntry>> = Object.fromEntries(
  Object.entries(ROWS).map(([name, [code, text]]) => [name, { grpcCode: GRPC_CODES[code], text }]),
) as Record<EtcdErrorName, EtcdErrorEntry>;

const NAMES: ReadonlyMap<string, EtcdErrorName> = new Map(
  Object.entries(ROWS).map(([name, [, text]]) => [text, name as EtcdErrorName]),
);

/** The error that has this text, or undefined: how a client learns which error it was answered with. */
export function etcdErrorNameOf(text: string): EtcdErrorName | undefined {
  return NAMES.get(text);
}
