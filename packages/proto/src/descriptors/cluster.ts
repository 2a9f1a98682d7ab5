/** Service Cluster. */
export const CLUSTER_MESSAGES = {
  'etcdserverpb.Member': {
    ID: { number: 1, type: 'uint64', bigint: true },
    name: { number: 2, type: 'string' },
    peerURLs: { number: 3, type: 'string', repeated: true },
    clientURLs: { number: 4, type: 'string', repeated: true },
    isLearner: { number: 5, type: 'bool' },
  },
  'etcdserverpb.MemberAddRequest': {
    peerURLs: { number: 1, type: 'string', repeated: true },
    isLearner: { number: 2, type: 'bool' },
  },
  'etcdserverpb.MemberAddResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    member: { number: 2, type: 'etcdserverpb.Member' },
    members: { number: 3, type: 'etcdserverpb.Member', repeated: true },
  },
  'etcdserverpb.MemberRemoveRequest': {
    ID: { number: 1, type: 'uint64', bigint: true },
  },
  'etcdserverpb.MemberRemoveResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    members: { number: 2, type: 'etcdserverpb.Member', repeated: true },
  },
  'etcdserverpb.MemberUpdateRequest': {
    ID: { number: 1, type: 'uint64', bigint: true },
    peerURLs: { number: 2, type: 'string', repeated: true },
  },
  'etcdserverpb.MemberUpdateResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    members: { number: 2, type: 'etcdserverpb.Member', repeated: true },
  },
  'etcdserverpb.MemberListRequest': {
    linearizable: { number: 1, type: 'bool' },
  },
  'etcdserverpb.MemberListResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    members: { number: 2, type: 'etcdserverpb.Member', repeated: true },
  },
  'etcdserverpb.MemberPromoteRequest': {
    ID: { number: 1, type: 'uint64', bigint: true },
  },
  'etcdserverpb.MemberPromoteResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    members: { number: 2, type: 'etcdserverpb.Member', repeated: true },
  },
} as const;
