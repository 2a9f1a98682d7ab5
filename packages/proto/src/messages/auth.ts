/** Service Auth. */
import { codecOf } from '../codec/registry.js';
import type { Codec, Empty } from '../codec/types.js';
import type { Permission, UserAddOptions } from './permissions.js';
import type { ResponseHeader } from './range.js';

export type AuthEnableRequest = Empty;
export const AuthEnableRequest: Codec<AuthEnableRequest> = codecOf('etcdserverpb.AuthEnableRequest');

export type AuthDisableRequest = Empty;
export const AuthDisableRequest: Codec<AuthDisableRequest> = codecOf('etcdserverpb.AuthDisableRequest');

export type AuthStatusRequest = Empty;
export const AuthStatusRequest: Codec<AuthStatusRequest> = codecOf('etcdserverpb.AuthStatusRequest');

export interface AuthenticateRequest {
  name: string;
  password: string;
}
export const AuthenticateRequest: Codec<AuthenticateRequest> = codecOf('etcdserverpb.AuthenticateRequest');

export interface AuthUserAddRequest {
  name: string;
  password: string;
  options: UserAddOptions | undefined;
  hashedPassword: string;
}
export const AuthUserAddRequest: Codec<AuthUserAddRequest> = codecOf('etcdserverpb.AuthUserAddRequest');

export interface AuthUserGetRequest {
  name: string;
}
export const AuthUserGetRequest: Codec<AuthUserGetRequest> = codecOf('etcdserverpb.AuthUserGetRequest');

export interface AuthUserDeleteRequest {
  name: string;
}
export const AuthUserDeleteRequest: Codec<AuthUserDeleteRequest> = codecOf('etcdserverpb.AuthUserDeleteRequest');

export interface AuthUserChangePasswordRequest {
  name: string;
  password: string;
  hashedPassword: string;
}
export const AuthUserChangePasswordRequest: Codec<AuthUserChangePasswordRequest> = codecOf(
  'etcdserverpb.AuthUserChangePasswordRequest',
);

export interface AuthUserGrantRoleRequest {
  user: string;
  role: string;
}
export const AuthUserGrantRoleRequest: Codec<AuthUserGrantRoleRequest> = codecOf(
  'etcdserverpb.AuthUserGrantRoleRequest',
);

export interface AuthUserRevokeRoleRequest {
  name: string;
  role: string;
}
export const AuthUserRevokeRoleRequest: Codec<AuthUserRevokeRoleRequest> = codecOf(
  'etcdserverpb.AuthUserRevokeRoleRequest',
);

export interface AuthRoleAddRequest {
  name: string;
}
export const AuthRoleAddRequest: Codec<AuthRoleAddRequest> = codecOf('etcdserverpb.AuthRoleAddRequest');

export interface AuthRoleGetRequest {
  role: string;
}
export const AuthRoleGetRequest: Codec<AuthRoleGetRequest> = codecOf('etcdserverpb.AuthRoleGetRequest');

export type AuthUserListRequest = Empty;
export const AuthUserListRequest: Codec<AuthUserListRequest> = codecOf('etcdserverpb.AuthUserListRequest');

export type AuthRoleListRequest = Empty;
export const AuthRoleListRequest: Codec<AuthRoleListRequest> = codecOf('etcdserverpb.AuthRoleListRequest');

export interface AuthRoleDeleteRequest {
  role: string;
}
export const AuthRoleDeleteRequest: Codec<AuthRoleDeleteRequest> = codecOf('etcdserverpb.AuthRoleDeleteRequest');

export interface AuthRoleGrantPermissionRequest {
  name: string;
  perm: Permission | undefined;
}
export const AuthRoleGrantPermissionRequest: Codec<AuthRoleGrantPermissionRequest> = codecOf(
  'etcdserverpb.AuthRoleGrantPermissionRequest',
);

export interface AuthRoleRevokePermissionRequest {
  role: string;
  key: Uint8Array;
  rangeEnd: Uint8Array;
}
export const AuthRoleRevokePermissionRequest: Codec<AuthRoleRevokePermissionRequest> = codecOf(
  'etcdserverpb.AuthRoleRevokePermissionRequest',
);

export interface AuthEnableResponse {
  header: ResponseHeader | undefined;
}
export const AuthEnableResponse: Codec<AuthEnableResponse> = codecOf('etcdserverpb.AuthEnableResponse');

export interface AuthDisableResponse {
  header: ResponseHeader | undefined;
}
export const AuthDisableResponse: Codec<AuthDisableResponse> = codecOf('etcdserverpb.AuthDisableResponse');

export interface AuthStatusResponse {
  header: ResponseHeader | undefined;
  enabled: boolean;
  authRevision: number;
}
export const AuthStatusResponse: Codec<AuthStatusResponse> = codecOf('etcdserverpb.AuthStatusResponse');

export interface AuthenticateResponse {
  header: ResponseHeader | undefined;
  token: string;
}
export const AuthenticateResponse: Codec<AuthenticateResponse> = codecOf('etcdserverpb.AuthenticateResponse');

export interface AuthUserAddResponse {
  header: ResponseHeader | undefined;
}
export const AuthUserAddResponse: Codec<AuthUserAddResponse> = codecOf('etcdserverpb.AuthUserAddResponse');

export interface AuthUserGetResponse {
  header: ResponseHeader | undefined;
  roles: string[];
}
export const AuthUserGetResponse: Codec<AuthUserGetResponse> = codecOf('etcdserverpb.AuthUserGetResponse');

export interface AuthUserDeleteResponse {
  header: ResponseHeader | undefined;
}
export const AuthUserDeleteResponse: Codec<AuthUserDeleteResponse> = codecOf('etcdserverpb.AuthUserDeleteResponse');

export interface AuthUserChangePasswordResponse {
  header: ResponseHeader | undefined;
}
export const AuthUserChangePasswordResponse: Codec<AuthUserChangePasswordResponse> = codecOf(
  'etcdserverpb.AuthUserChangePasswordResponse',
);

export interface AuthUserGrantRoleResponse {
  header: ResponseHeader | undefined;
}
export const AuthUserGrantRoleResponse: Codec<AuthUserGrantRoleResponse> = codecOf(
  'etcdserverpb.AuthUserGrantRoleResponse',
);

export interface AuthUserRevokeRoleResponse {
  header: ResponseHeader | undefined;
}
export const AuthUserRevokeRoleResponse: Codec<AuthUserRevokeRoleResponse> = codecOf(
  'etcdserverpb.AuthUserRevokeRoleResponse',
);

export interface AuthRoleAddResponse {
  header: ResponseHeader | undefined;
}
export const AuthRoleAddResponse: Codec<AuthRoleAddResponse> = codecOf('etcdserverpb.AuthRoleAddResponse');

export interface AuthRoleGetResponse {
  header: ResponseHeader | undefined;
  perm: Permission[];
}
export const AuthRoleGetResponse: Codec<AuthRoleGetResponse> = codecOf('etcdserverpb.AuthRoleGetResponse');

export interface AuthRoleListResponse {
  header: ResponseHeader | undefined;
  roles: string[];
}
export const AuthRoleListResponse: Codec<AuthRoleListResponse> = codecOf('etcdserverpb.AuthRoleListResponse');

export interface AuthUserListResponse {
  header: ResponseHeader | undefined;
  users: string[];
}
export const AuthUserListResponse: Codec<AuthUserListResponse> = codecOf('etcdserverpb.AuthUserListResponse');

export interface AuthRoleDeleteResponse {
  header: ResponseHeader | undefined;
}
export const AuthRoleDeleteResponse: Codec<AuthRoleDeleteResponse> = codecOf('etcdserverpb.AuthRoleDeleteResponse');

export interface AuthRoleGrantPermissionResponse {
  header: ResponseHeader | undefined;
}
export const AuthRoleGrantPermissionResponse: Codec<AuthRoleGrantPermissionResponse> = codecOf(
  'etcdserverpb.AuthRoleGrantPermissionResponse',
);

export interface AuthRoleRevokePermissionResponse {
  header: ResponseHeader | undefined;
}
export const AuthRoleRevokePermissionResponse: Codec<AuthRoleRevokePermissionResponse> = codecOf(
  'etcdserverpb.AuthRoleRevokePermissionResponse',
);
