/** Header, Range, Put, DeleteRange and Compact: the plain half of service KV. */
export const RANGE_ENUMS = {
  'etcdserverpb.RangeRequest.SortOrder': { NONE: 0, ASCEND: 1, DESCEND: 2 },
  'etcdserverpb.RangeRequest.SortTarget': { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 },
} as const;

export const RANGE_MESSAGES = {
  'etcdserverpb.ResponseHeader': {
    cluster_id: { number: 1, type: 'uint64', bigint: true },
    member_id: { number: 2, type: 'uint64', bigint: true },
    revision: { number: 3, type: 'int64' },
    raft_term: { number: 4, type: 'uint64' },
  },
  'etcdserverpb.RangeRequest': {
    key: { number: 1, type: 'bytes' },
    range_end: { number: 2, type: 'bytes' },
    limit: { number: 3, type: 'int64' },
    revision: { number: 4, type: 'int64' },
    sort_order: { number: 5, type: 'etcdserverpb.RangeRequest.SortOrder' },
    sort_target: { number: 6, type: 'etcdserverpb.RangeRequest.SortTarget' },
    serializable: { number: 7, type: 'bool' },
    keys_only: { number: 8, type: 'bool' },
    count_only: { number: 9, type: 'bool' },
    min_mod_revision: { number: 10, type: 'int64' },
    max_mod_revision: { number: 11, type: 'int64' },
    min_create_revision: { number: 12, type: 'int64' },
    max_create_revision: { number: 13, type: 'int64' },
  },
  'etcdserverpb.RangeResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    kvs: { number: 2, type: 'mvccpb.KeyValue', repeated: true },
    more: { number: 3, type: 'bool' },
    count: { number: 4, type: 'int64' },
  },
  'etcdserverpb.RangeStreamResponse': {
    range_response: { number: 1, type: 'etcdserverpb.RangeResponse' },
  },
  'etcdserverpb.PutRequest': {
    key: { number: 1, type: 'bytes' },
    value: { number: 2, type: 'bytes' },
    lease: { number: 3, type: 'int64', bigint: true },
    prev_kv: { number: 4, type: 'bool' },
    ignore_value: { number: 5, type: 'bool' },
    ignore_lease: { number: 6, type: 'bool' },
  },
  'etcdserverpb.PutResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    prev_kv: { number: 2, type: 'mvccpb.KeyValue' },
  },
  'etcdserverpb.DeleteRangeRequest': {
    key: { number: 1, type: 'bytes' },
    range_end: { number: 2, type: 'bytes' },
    prev_kv: { number: 3, type: 'bool' },
  },
  'etcdserverpb.DeleteRangeResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    deleted: { number: 2, type: 'int64' },
    prev_kvs: { number: 3, type: 'mvccpb.KeyValue', repeated: true },
  },
  'etcdserverpb.CompactionRequest': {
    revision: { number: 1, type: 'int64' },
    physical: { number: 2, type: 'bool' },
  },
  'etcdserverpb.CompactionResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
  },
} as const;
