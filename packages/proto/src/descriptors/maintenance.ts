/** Service Maintenance. Sizes are in bytes. */
export const MAINTENANCE_ENUMS = {
  'etcdserverpb.AlarmType': { NONE: 0, NOSPACE: 1, CORRUPT: 2 },
  'etcdserverpb.AlarmRequest.AlarmAction': { GET: 0, ACTIVATE: 1, DEACTIVATE: 2 },
  'etcdserverpb.DowngradeRequest.DowngradeAction': { VALIDATE: 0, ENABLE: 1, CANCEL: 2 },
} as const;

export const MAINTENANCE_MESSAGES = {
  'etcdserverpb.AlarmRequest': {
    action: { number: 1, type: 'etcdserverpb.AlarmRequest.AlarmAction' },
    memberID: { number: 2, type: 'uint64', bigint: true },
    alarm: { number: 3, type: 'etcdserverpb.AlarmType' },
  },
  'etcdserverpb.AlarmMember': {
    memberID: { number: 1, type: 'uint64', bigint: true },
    alarm: { number: 2, type: 'etcdserverpb.AlarmType' },
  },
  'etcdserverpb.AlarmResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    alarms: { number: 2, type: 'etcdserverpb.AlarmMember', repeated: true },
  },
  'etcdserverpb.StatusRequest': {},
  'etcdserverpb.StatusResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    version: { number: 2, type: 'string' },
    dbSize: { number: 3, type: 'int64' },
    leader: { number: 4, type: 'uint64', bigint: true },
    raftIndex: { number: 5, type: 'uint64' },
    raftTerm: { number: 6, type: 'uint64' },
    raftAppliedIndex: { number: 7, type: 'uint64' },
    errors: { number: 8, type: 'string', repeated: true },
    dbSizeInUse: { number: 9, type: 'int64' },
    isLearner: { number: 10, type: 'bool' },
    storageVersion: { number: 11, type: 'string' },
    dbSizeQuota: { number: 12, type: 'int64' },
    downgradeInfo: { number: 13, type: 'etcdserverpb.DowngradeInfo' },
  },
  'etcdserverpb.DowngradeInfo': {
    enabled: { number: 1, type: 'bool' },
    targetVersion: { number: 2, type: 'string' },
  },
  'etcdserverpb.DefragmentRequest': {},
  'etcdserverpb.DefragmentResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.HashRequest': {},
  'etcdserverpb.HashResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    hash: { number: 2, type: 'uint32' },
  },
  'etcdserverpb.HashKVRequest': {
    revision: { number: 1, type: 'int64' },
  },
  'etcdserverpb.HashKVResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    hash: { number: 2, type: 'uint32' },
    compact_revision: { number: 3, type: 'int64' },
    hash_revision: { number: 4, type: 'int64' },
  },
  'etcdserverpb.SnapshotRequest': {},
  'etcdserverpb.SnapshotResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    remaining_bytes: { number: 2, type: 'uint64' },
    blob: { number: 3, type: 'bytes' },
    version: { number: 4, type: 'string' },
  },
  'etcdserverpb.MoveLeaderRequest': {
    targetID: { number: 1, type: 'uint64', bigint: true },
  },
  'etcdserverpb.MoveLeaderResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'etcdserverpb.DowngradeRequest': {
    action: { number: 1, type: 'etcdserverpb.DowngradeRequest.DowngradeAction' },
    version: { number: 2, type: 'string' },
  },
  'etcdserverpb.DowngradeResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    version: { number: 2, type: 'string' },
  },
  'etcdserverpb.DowngradeVersionTestRequest': {
    ver: { number: 1, type: 'string' },
  },
} as const;
