/**
 * Every method: its messages, which sides stream, and the paths of etcd's JSON gateway, all of which are POST. RangeStream and the
 * health service are not in the gateway.
 */
export const SERVICE_TABLE = {
  'etcdserverpb.KV': {
    Range: {
      request: 'etcdserverpb.RangeRequest',
      response: 'etcdserverpb.RangeResponse',
      kind: 'unary',
      http: ['/v3/kv/range'],
    },
    Put: {
      request: 'etcdserverpb.PutRequest',
      response: 'etcdserverpb.PutResponse',
      kind: 'unary',
      http: ['/v3/kv/put'],
    },
    DeleteRange: {
      request: 'etcdserverpb.DeleteRangeRequest',
      response: 'etcdserverpb.DeleteRangeResponse',
      kind: 'unary',
      http: ['/v3/kv/deleterange'],
    },
    Txn: {
      request: 'etcdserverpb.TxnRequest',
      response: 'etcdserverpb.TxnResponse',
      kind: 'unary',
      http: ['/v3/kv/txn'],
    },
    Compact: {
      request: 'etcdserverpb.CompactionRequest',
      response: 'etcdserverpb.CompactionResponse',
      kind: 'unary',
      http: ['/v3/kv/compaction'],
    },
    RangeStream: {
      request: 'etcdserverpb.RangeRequest',
      response: 'etcdserverpb.RangeStreamResponse',
      kind: 'server-stream',
      http: [],
    },
  },
  'etcdserverpb.Watch': {
    Watch: {
      request: 'etcdserverpb.WatchRequest',
      response: 'etcdserverpb.WatchResponse',
      kind: 'duplex',
      http: ['/v3/watch'],
    },
  },
  'etcdserverpb.Lease': {
    LeaseGrant: {
      request: 'etcdserverpb.LeaseGrantRequest',
      response: 'etcdserverpb.LeaseGrantResponse',
      kind: 'unary',
      http: ['/v3/lease/grant'],
    },
    LeaseRevoke: {
      request: 'etcdserverpb.LeaseRevokeRequest',
      response: 'etcdserverpb.LeaseRevokeResponse',
      kind: 'unary',
      http: ['/v3/lease/revoke', '/v3/kv/lease/revoke'],
    },
    LeaseKeepAlive: {
      request: 'etcdserverpb.LeaseKeepAliveRequest',
      response: 'etcdserverpb.LeaseKeepAliveResponse',
      kind: 'duplex',
      http: ['/v3/lease/keepalive'],
    },
    LeaseTimeToLive: {
      request: 'etcdserverpb.LeaseTimeToLiveRequest',
      response: 'etcdserverpb.LeaseTimeToLiveResponse',
      kind: 'unary',
      http: ['/v3/lease/timetolive', '/v3/kv/lease/timetolive'],
    },
    LeaseLeases: {
      request: 'etcdserverpb.LeaseLeasesRequest',
      response: 'etcdserverpb.LeaseLeasesResponse',
      kind: 'unary',
      http: ['/v3/lease/leases', '/v3/kv/lease/leases'],
    },
  },
  'etcdserverpb.Cluster': {
    MemberAdd: {
      request: 'etcdserverpb.MemberAddRequest',
      response: 'etcdserverpb.MemberAddResponse',
      kind: 'unary',
      http: ['/v3/cluster/member/add'],
    },
    MemberRemove: {
      request: 'etcdserverpb.MemberRemoveRequest',
      response: 'etcdserverpb.MemberRemoveResponse',
      kind: 'unary',
      http: ['/v3/cluster/member/remove'],
    },
    MemberUpdate: {
      request: 'etcdserverpb.MemberUpdateRequest',
      response: 'etcdserverpb.MemberUpdateResponse',
      kind: 'unary',
      http: ['/v3/cluster/member/update'],
    },
    MemberList: {
      request: 'etcdserverpb.MemberListRequest',
      response: 'etcdserverpb.MemberListResponse',
      kind: 'unary',
      http: ['/v3/cluster/member/list'],
    },
    MemberPromote: {
      request: 'etcdserverpb.MemberPromoteRequest',
      response: 'etcdserverpb.MemberPromoteResponse',
      kind: 'unary',
      http: ['/v3/cluster/member/promote'],
    },
  },
  'etcdserverpb.Maintenance': {
    Alarm: {
      request: 'etcdserverpb.AlarmRequest',
      response: 'etcdserverpb.AlarmResponse',
      kind: 'unary',
      http: ['/v3/maintenance/alarm'],
    },
    Status: {
      request: 'etcdserverpb.StatusRequest',
      response: 'etcdserverpb.StatusResponse',
      kind: 'unary',
      http: ['/v3/maintenance/status'],
    },
    Defragment: {
      request: 'etcdserverpb.DefragmentRequest',
      response: 'etcdserverpb.DefragmentResponse',
      kind: 'unary',
      http: ['/v3/maintenance/defragment'],
    },
    Hash: {
      request: 'etcdserverpb.HashRequest',
      response: 'etcdserverpb.HashResponse',
      kind: 'unary',
      http: ['/v3/maintenance/hash'],
    },
    HashKV: {
      request: 'etcdserverpb.HashKVRequest',
      response: 'etcdserverpb.HashKVResponse',
      kind: 'unary',
      http: ['/v3/maintenance/hashkv'],
    },
    Snapshot: {
      request: 'etcdserverpb.SnapshotRequest',
      response: 'etcdserverpb.SnapshotResponse',
      kind: 'server-stream',
      http: ['/v3/maintenance/snapshot'],
    },
    MoveLeader: {
      request: 'etcdserverpb.MoveLeaderRequest',
      response: 'etcdserverpb.MoveLeaderResponse',
      kind: 'unary',
      http: ['/v3/maintenance/transfer-leadership'],
    },
    Downgrade: {
      request: 'etcdserverpb.DowngradeRequest',
      response: 'etcdserverpb.DowngradeResponse',
      kind: 'unary',
      http: ['/v3/maintenance/downgrade'],
    },
  },
  'etcdserverpb.Auth': {
    AuthEnable: {
      request: 'etcdserverpb.AuthEnableRequest',
      response: 'etcdserverpb.AuthEnableResponse',
      kind: 'unary',
      http: ['/v3/auth/enable'],
    },
    AuthDisable: {
      request: 'etcdserverpb.AuthDisableRequest',
      response: 'etcdserverpb.AuthDisableResponse',
      kind: 'unary',
      http: ['/v3/auth/disable'],
    },
    AuthStatus: {
      request: 'etcdserverpb.AuthStatusRequest',
      response: 'etcdserverpb.AuthStatusResponse',
      kind: 'unary',
      http: ['/v3/auth/status'],
    },
    Authenticate: {
      request: 'etcdserverpb.AuthenticateRequest',
      response: 'etcdserverpb.AuthenticateResponse',
      kind: 'unary',
      http: ['/v3/auth/authenticate'],
    },
    UserAdd: {
      request: 'etcdserverpb.AuthUserAddRequest',
      response: 'etcdserverpb.AuthUserAddResponse',
      kind: 'unary',
      http: ['/v3/auth/user/add'],
    },
    UserGet: {
      request: 'etcdserverpb.AuthUserGetRequest',
      response: 'etcdserverpb.AuthUserGetResponse',
      kind: 'unary',
      http: ['/v3/auth/user/get'],
    },
    UserList: {
      request: 'etcdserverpb.AuthUserListRequest',
      response: 'etcdserverpb.AuthUserListResponse',
      kind: 'unary',
      http: ['/v3/auth/user/list'],
    },
    UserDelete: {
      request: 'etcdserverpb.AuthUserDeleteRequest',
      response: 'etcdserverpb.AuthUserDeleteResponse',
      kind: 'unary',
      http: ['/v3/auth/user/delete'],
    },
    UserChangePassword: {
      request: 'etcdserverpb.AuthUserChangePasswordRequest',
      response: 'etcdserverpb.AuthUserChangePasswordResponse',
      kind: 'unary',
      http: ['/v3/auth/user/changepw'],
    },
    UserGrantRole: {
      request: 'etcdserverpb.AuthUserGrantRoleRequest',
      response: 'etcdserverpb.AuthUserGrantRoleResponse',
      kind: 'unary',
      http: ['/v3/auth/user/grant'],
    },
    UserRevokeRole: {
      request: 'etcdserverpb.AuthUserRevokeRoleRequest',
      response: 'etcdserverpb.AuthUserRevokeRoleResponse',
      kind: 'unary',
      http: ['/v3/auth/user/revoke'],
    },
    RoleAdd: {
      request: 'etcdserverpb.AuthRoleAddRequest',
      response: 'etcdserverpb.AuthRoleAddResponse',
      kind: 'unary',
      http: ['/v3/auth/role/add'],
    },
    RoleGet: {
      request: 'etcdserverpb.AuthRoleGetRequest',
      response: 'etcdserverpb.AuthRoleGetResponse',
      kind: 'unary',
      http: ['/v3/auth/role/get'],
    },
    RoleList: {
      request: 'etcdserverpb.AuthRoleListRequest',
      response: 'etcdserverpb.AuthRoleListResponse',
      kind: 'unary',
      http: ['/v3/auth/role/list'],
    },
    RoleDelete: {
      request: 'etcdserverpb.AuthRoleDeleteRequest',
      response: 'etcdserverpb.AuthRoleDeleteResponse',
      kind: 'unary',
      http: ['/v3/auth/role/delete'],
    },
    RoleGrantPermission: {
      request: 'etcdserverpb.AuthRoleGrantPermissionRequest',
      response: 'etcdserverpb.AuthRoleGrantPermissionResponse',
      kind: 'unary',
      http: ['/v3/auth/role/grant'],
    },
    RoleRevokePermission: {
      request: 'etcdserverpb.AuthRoleRevokePermissionRequest',
      response: 'etcdserverpb.AuthRoleRevokePermissionResponse',
      kind: 'unary',
      http: ['/v3/auth/role/revoke'],
    },
  },
  'v3lockpb.Lock': {
    Lock: {
      request: 'v3lockpb.LockRequest',
      response: 'v3lockpb.LockResponse',
      kind: 'unary',
      http: ['/v3/lock/lock'],
    },
    Unlock: {
      request: 'v3lockpb.UnlockRequest',
      response: 'v3lockpb.UnlockResponse',
      kind: 'unary',
      http: ['/v3/lock/unlock'],
    },
  },
  'v3electionpb.Election': {
    Campaign: {
      request: 'v3electionpb.CampaignRequest',
      response: 'v3electionpb.CampaignResponse',
      kind: 'unary',
      http: ['/v3/election/campaign'],
    },
    Proclaim: {
      request: 'v3electionpb.ProclaimRequest',
      response: 'v3electionpb.ProclaimResponse',
      kind: 'unary',
      http: ['/v3/election/proclaim'],
    },
    Leader: {
      request: 'v3electionpb.LeaderRequest',
      response: 'v3electionpb.LeaderResponse',
      kind: 'unary',
      http: ['/v3/election/leader'],
    },
    Observe: {
      request: 'v3electionpb.LeaderRequest',
      response: 'v3electionpb.LeaderResponse',
      kind: 'server-stream',
      http: ['/v3/election/observe'],
    },
    Resign: {
      request: 'v3electionpb.ResignRequest',
      response: 'v3electionpb.ResignResponse',
      kind: 'unary',
      http: ['/v3/election/resign'],
    },
  },
  'grpc.health.v1.Health': {
    Check: {
      request: 'grpc.health.v1.HealthCheckRequest',
      response: 'grpc.health.v1.HealthCheckResponse',
      kind: 'unary',
      http: [],
    },
    Watch: {
      request: 'grpc.health.v1.HealthCheckRequest',
      response: 'grpc.health.v1.HealthCheckResponse',
      kind: 'server-stream',
      http: [],
    },
  },
} as const;
