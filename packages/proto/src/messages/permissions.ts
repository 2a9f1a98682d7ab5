/** Users, roles and permissions: package authpb. */
import { codecOf } from '../codec/registry.js';
import type { Codec, UnknownEnum } from '../codec/types.js';

export type PermissionType = 'READ' | 'WRITE' | 'READWRITE' | UnknownEnum;

export interface UserAddOptions {
  noPassword: boolean;
}
export const UserAddOptions: Codec<UserAddOptions> = codecOf('authpb.UserAddOptions');

export interface User {
  name: Uint8Array;
  password: Uint8Array;
  roles: string[];
  options: UserAddOptions | undefined;
}
export const User: Codec<User> = codecOf('authpb.User');

export interface Permission {
  permType: PermissionType;
  key: Uint8Array;
  rangeEnd: Uint8Array;
}
export const Permission: Codec<Permission> = codecOf('authpb.Permission');

export interface Role {
  name: Uint8Array;
  keyPermission: Permission[];
}
export const Role: Codec<Role> = codecOf('authpb.Role');
