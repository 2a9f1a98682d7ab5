/** Service Auth. */
export const AUTH_MESSAGES = {
  'etcdserverpb.AuthEnableRequest': {},
  'etcdserverpb.AuthDisableRequest': {},
  'etcdserverpb.AuthStatusRequest': {},
  'etcdserverpb.AuthenticateRequest': {
    name: { number: 1, type: 'string' },
    password: { number: 2, type: 'string' },
  },
  'etcdserverpb.AuthUserAddRequest': {
    name: { number: 1, type: 'string' },
    password: { number: 2, type: 'string' },
    options: { number: 3, type: 'authpb.UserAddOptions' },
    hashedPassword: { number: 4, type: 'string' },
  },
  'etcdserverpb.AuthUserGetRequest': {
    name: { number: 1, type: 'string' },
  },
  'etcdserverpb.AuthUserDeleteRequest': {
    name: { number: 1, type: 'string' },
  },
  'etcdserverpb.AuthUserChangePasswordRequest': {
    name: { number: 1, type: 'string' },
    password: { number: 2, type: 'string' },
    hashedPassword: { number: 3, type: 'string' },
  },
  'etcdserverpb.AuthUserGrantRoleRequest': {
    user: { number: 1, type: 'string' },
    role: { number: 2, type: 'string' },
  },
  'etcdserverpb.AuthUserRevokeRoleRequest': {
    name: { number: 1, type: 'string' },
    role: { number: 2, type: 'string' },
  },
  'etcdserverpb.AuthRoleAddRequest': {
    name: { number: 1, type: 'string' },
  },
  'etcdserverpb.AuthRoleGetRequest': {
    role: { number: 1, type: 'string' },
  },
  'etcdserverpb.AuthUserListRequest': {},
  'etcdserverpb.AuthRoleListRequest': {},
  'etcdserverpb.AuthRoleDeleteRequest': {
    role: { number: 1, type: 'string' },
  },
  'etcdserverpb.AuthRoleGrantPermissionRequest': {
    name: { number: 1, type: 'string' },
    perm: { number: 2, type: 'authpb.Permission' },
  },
  'etcdserverpb.AuthRoleRevokePermissionRequest': {
    role: { number: 1, type: 'string' },
    key: { number: 2, type: 'bytes' },
    range_end: { number: 3, type: 'bytes' },
  },
  'etcdserverpb.AuthEnableResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthDisableResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthStatusResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    enabled: { number: 2, type: 'bool' },
    authRevision: { number: 3, type: 'uint64' },
  },
  'etcdserverpb.AuthenticateResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    token: { number: 2, type: 'string' },
  },
  'etcdserverpb.AuthUserAddResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthUserGetResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    roles: { number: 2, type: 'string', repeated: true },
  },
  'etcdserverpb.AuthUserDeleteResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthUserChangePasswordResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthUserGrantRoleResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthUserRevokeRoleResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthRoleAddResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthRoleGetResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    perm: { number: 2, type: 'authpb.Permission', repeated: true },
  },
  'etcdserverpb.AuthRoleListResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    roles: { number: 2, type: 'string', repeated: true },
  },
  'etcdserverpb.AuthUserListResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    users: { number: 2, type: 'string', repeated: true },
  },
  'etcdserverpb.AuthRoleDeleteResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthRoleGrantPermissionResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.AuthRoleRevokePermissionResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
} as const;
