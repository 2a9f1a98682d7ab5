/** Service Lease. Times to live are in seconds. */
export const LEASE_MESSAGES = {
  'etcdserverpb.LeaseGrantRequest': {
    TTL: { number: 1, type: 'int64' },
    ID: { number: 2, type: 'int64', bigint: true },
  },
  'etcdserverpb.LeaseGrantResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    ID: { number: 2, type: 'int64', bigint: true },
    TTL: { number: 3, type: 'int64' },
    error: { number: 4, type: 'string' },
  },
  'etcdserverpb.LeaseRevokeRequest': {
    ID: { number: 1, type: 'int64', bigint: true },
  },
  'etcdserverpb.LeaseRevokeResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.LeaseCheckpoint': {
    ID: { number: 1, type: 'int64', bigint: true },
    remaining_TTL: { number: 2, type: 'int64' },
  },
  'etcdserverpb.LeaseCheckpointRequest': {
    checkpoints: { number: 1, type: 'etcdserverpb.LeaseCheckpoint', repeated: true },
  },
  'etcdserverpb.LeaseCheckpointResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.LeaseKeepAliveRequest': {
    ID: { number: 1, type: 'int64', bigint: true },
  },
  'etcdserverpb.LeaseKeepAliveResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    ID: { number: 2, type: 'int64', bigint: true },
    TTL: { number: 3, type: 'int64' },
  },
  'etcdserverpb.LeaseTimeToLiveRequest': {
    ID: { number: 1, type: 'int64', bigint: true },
    keys: { number: 2, type: 'bool' },
  },
  'etcdserverpb.LeaseTimeToLiveResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    ID: { number: 2, type: 'int64', bigint: true },
    TTL: { number: 3, type: 'int64' },
    grantedTTL: { number: 4, type: 'int64' },
    keys: { number: 5, type: 'bytes', repeated: true },
  },
  'etcdserverpb.LeaseLeasesRequest': {},
  'etcdserverpb.LeaseStatus': {
    ID: { number: 1, type: 'int64', bigint: true },
  },
  'etcdserverpb.LeaseLeasesResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    leases: { number: 2, type: 'etcdserverpb.LeaseStatus', repeated: true },
  },
} as const;
