/** Keys, values and events: package mvccpb. */
export const KV_ENUMS = {
  'mvccpb.Event.EventType': { PUT: 0, DELETE: 1 },
} as const;

export const KV_MESSAGES = {
  'mvccpb.KeyValue': {
    key: { number: 1, type: 'bytes' },
    create_revision: { number: 2, type: 'int64' },
    mod_revision: { number: 3, type: 'int64' },
    version: { number: 4, type: 'int64' },
    value: { number: 5, type: 'bytes' },
    lease: { number: 6, type: 'int64', bigint: true },
  },
  'mvccpb.Event': {
    type: { number: 1, type: 'mvccpb.Event.EventType' },
    kv: { number: 2, type: 'mvccpb.KeyValue' },
    prev_kv: { number: 3, type: 'mvccpb.KeyValue' },
  },
} as const;
