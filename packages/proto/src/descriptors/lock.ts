/** Service Lock: package v3lockpb. */
export const LOCK_MESSAGES = {
  'v3lockpb.LockRequest': {
    name: { number: 1, type: 'bytes' },
    lease: { number: 2, type: 'int64', bigint: true },
  },
  'v3lockpb.LockResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    key: { number: 2, type: 'bytes' },
  },
  'v3lockpb.UnlockRequest': {
    key: { number: 1, type: 'bytes' },
  },
  'v3lockpb.UnlockResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
} as const;
