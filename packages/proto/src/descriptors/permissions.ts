/** Users, roles and permissions: package authpb. */
export const PERMISSIONS_ENUMS = {
  'authpb.Permission.Type': { READ: 0, WRITE: 1, READWRITE: 2 },
} as const;

export const PERMISSIONS_MESSAGES = {
  'authpb.UserAddOptions': {
    no_password: { number: 1, type: 'bool' },
  },
  'authpb.User': {
    name: { number: 1, type: 'bytes' },
    password: { number: 2, type: 'bytes' },
    roles: { number: 3, type: 'string', repeated: true },
    options: { number: 4, type: 'authpb.UserAddOptions' },
  },
  'authpb.Permission': {
    permType: { number: 1, type: 'authpb.Permission.Type' },
    key: { number: 2, type: 'bytes' },
    range_end: { number: 3, type: 'bytes' },
  },
  'authpb.Role': {
    name: { number: 1, type: 'bytes' },
    keyPermission: { number: 2, type: 'authpb.Permission', repeated: true },
  },
} as const;
