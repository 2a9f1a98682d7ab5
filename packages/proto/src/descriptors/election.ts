/** Service Election: package v3electionpb. */
export const ELECTION_MESSAGES = {
  'v3electionpb.CampaignRequest': {
    name: { number: 1, type: 'bytes' },
    lease: { number: 2, type: 'int64', bigint: true },
    value: { number: 3, type: 'bytes' },
  },
  'v3electionpb.CampaignResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    leader: { number: 2, type: 'v3electionpb.LeaderKey' },
  },
  'v3electionpb.LeaderKey': {
    name: { number: 1, type: 'bytes' },
    key: { number: 2, type: 'bytes' },
    rev: { number: 3, type: 'int64' },
    lease: { number: 4, type: 'int64', bigint: true },
  },
  'v3electionpb.LeaderRequest': {
    name: { number: 1, type: 'bytes' },
  },
  'v3electionpb.LeaderResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    kv: { number: 2, type: 'mvccpb.KeyValue' },
  },
  'v3electionpb.ResignRequest': {
    leader: { number: 1, type: 'v3electionpb.LeaderKey' },
  },
  'v3electionpb.ResignResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
  'v3electionpb.ProclaimRequest': {
    leader: { number: 1, type: 'v3electionpb.LeaderKey' },
    value: { number: 2, type: 'bytes' },
  },
  'v3electionpb.ProclaimResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
} as const;
