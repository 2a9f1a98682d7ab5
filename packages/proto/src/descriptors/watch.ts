/** Service Watch. */
export const WATCH_ENUMS = {
  'etcdserverpb.WatchCreateRequest.FilterType': { NOPUT: 0, NODELETE: 1 },
} as const;

export const WATCH_MESSAGES = {
  'etcdserverpb.WatchRequest': {
    create_request: { number: 1, type: 'etcdserverpb.WatchCreateRequest', oneof: 'request_union' },
    cancel_request: { number: 2, type: 'etcdserverpb.WatchCancelRequest', oneof: 'request_union' },
    progress_request: { number: 3, type: 'etcdserverpb.WatchProgressRequest', oneof: 'request_union' },
  },
  'etcdserverpb.WatchCreateRequest': {
    key: { number: 1, type: 'bytes' },
    range_end: { number: 2, type: 'bytes' },
    start_revision: { number: 3, type: 'int64' },
    progress_notify: { number: 4, type: 'bool' },
    filters: { number: 5, type: 'etcdserverpb.WatchCreateRequest.FilterType', repeated: true },
    prev_kv: { number: 6, type: 'bool' },
    watch_id: { number: 7, type: 'int64' },
    fragment: { number: 8, type: 'bool' },
  },
  'etcdserverpb.WatchCancelRequest': {
    watch_id: { number: 1, type: 'int64' },
  },
  'etcdserverpb.WatchProgressRequest': {},
  'etcdserverpb.WatchResponse': {
    header: { number: 1, type: 'etcdserverpb.ResponseHeader' },
    watch_id: { number: 2, type: 'int64' },
    created: { number: 3, type: 'bool' },
    canceled: { number: 4, type: 'bool' },
    compact_revision: { number: 5, type: 'int64' },
    cancel_reason: { number: 6, type: 'string' },
    fragment: { number: 7, type: 'bool' },
    events: { number: 11, type: 'mvccpb.Event', repeated: true },
  },
} as const;
