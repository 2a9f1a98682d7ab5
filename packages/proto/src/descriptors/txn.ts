/** Transactions: the other half of service KV. A request may hold transactions again. */
export const TXN_ENUMS = {
  'etcdserverpb.Compare.CompareResult': { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 },
  'etcdserverpb.Compare.CompareTarget': { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 },
} as const;

export const TXN_MESSAGES = {
  'etcdserverpb.RequestOp': {
    request_range: { number: 1, type: 'etcdserverpb.RangeRequest', oneof: 'request' },
    request_put: { number: 2, type: 'etcdserverpb.PutRequest', oneof: 'request' },
    request_delete_range: { number: 3, type: 'etcdserverpb.DeleteRangeRequest', oneof: 'request' },
    request_txn: { number: 4, type: 'etcdserverpb.TxnRequest', oneof: 'request' },
  },
  'etcdserverpb.ResponseOp': {
    response_range: { number: 1, type: 'etcdserverpb.RangeResponse', oneof: 'response' },
    response_put: { number: 2, type: 'etcdserverpb.PutResponse', oneof: 'response' },
    response_delete_range: { number: 3, type: 'etcdserverpb.DeleteRangeResponse', oneof: 'response' },
    response_txn: { number: 4, type: 'etcdserverpb.TxnResponse', oneof: 'response' },
  },
  'etcdserverpb.Compare': {
    result: { number: 1, type: 'etcdserverpb.Compare.CompareResult' },
    target: { number: 2, type: 'etcdserverpb.Compare.CompareTarget' },
    key: { number: 3, type: 'bytes' },
    version: { number: 4, type: 'int64', oneof: 'target_union' },
    create_revision: { number: 5, type: 'int64', oneof: 'target_union' },
    mod_revision: { number: 6, type: 'int64', oneof: 'target_union' },
    value: { number: 7, type: 'bytes', oneof: 'target_union' },
    lease: { number: 8, type: 'int64', bigint: true, oneof: 'target_union' },
    range_end: { number: 64, type: 'bytes' },
  },
  'etcdserverpb.TxnRequest': {
    compare: { number: 1, type: 'etcdserverpb.Compare', repeated: true },
    success: { number: 2, type: 'etcdserverpb.RequestOp', repeated: true },
    failure: { number: 3, type: 'etcdserverpb.RequestOp', repeated: true },
  },
  'etcdserverpb.TxnResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    succeeded: { number: 2, type: 'bool' },
    responses: { number: 3, type: 'etcdserverpb.ResponseOp', repeated: true },
  },
} as const;
