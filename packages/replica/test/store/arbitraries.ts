/** Random operations over few keys, so that they meet; for fast-check. */
import * as fc from 'fast-check';
import {
  type AlarmOperation,
  type Command,
  type Compare,
  type DeleteOperation,
  type KeyRange,
  type LeaseOperation,
  type Operation,
  type PutOperation,
  type RangeOperation,
  TIME_MS_MAX,
  type TxnOperation,
} from '../../src/store/index.js';
import { bytes } from './support.js';

/** Records as the decoders make them: with the ordinary prototype. */
function record<Fields>(fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }): fc.Arbitrary<Fields> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Fields>;
}

const KEYS = ['a', 'aa', 'ab', 'b', 'ba', 'c', 'd', '\0', '\0\0', '\xfe', '\xff', '\xff\xff', 'k1', 'k2', 'k3', 'k4'];

export const anyKey = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.constant('') },
);

/** The first three are often granted. */
const LEASES = [1n, 2n, 9_223_372_036_854_775_807n, -5n, 0n];

const anyValue = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('', 'v', 'w', 'value', 'x'.repeat(20)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }).map((length) => 'y'.repeat(length)) },
);

const anyRangeEnd = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.constant('\0') },
  { weight: 4, arbitrary: fc.constantFrom(...KEYS) },
);

export const anyRange: fc.Arbitrary<KeyRange> = record({ key: anyKey, rangeEnd: anyRangeEnd });

const rarely = (weight: number): fc.Arbitrary<boolean> => fc.integer({ min: 0, max: weight }).map((draw) => draw === 0);

/** Around the revisions that a short run reaches, and nonsense. */
const anyRevision = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 2 ** 40, Number.MAX_SAFE_INTEGER) },
);

export const anyPut: fc.Arbitrary<PutOperation> = record({
  key: anyKey,
  value: anyValue,
  lease: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0n) },
    { weight: 5, arbitrary: fc.constantFrom(...LEASES.slice(0, 3)) },
    { weight: 1, arbitrary: fc.constantFrom(77n, -1n) },
  ),
  returnPrevious: fc.boolean(),
  ignoreValue: rarely(6),
  ignoreLease: rarely(10),
}).map((fields) => ({
  kind: 'put',
  ...fields,
  // Beside an ignore-lease flag a lease is refused: seldom enough to see what the flag does.
  lease: fields.ignoreLease && fields.lease !== 77n ? 0n : fields.lease,
  value: bytes(fields.ignoreValue && fields.value.length < 5 ? '' : fields.value),
}));

export const anyDelete: fc.Arbitrary<DeleteOperation> = fc
  .tuple(anyRange, fc.boolean())
  .map(([keys, returnPrevious]) => ({ kind: 'delete', ...keys, returnPrevious }));

export const anyRangeOperation: fc.Arbitrary<RangeOperation> = fc
  .tuple(
    anyRange,
    record({
      limit: fc.constantFrom(0, 0, 1, 2, 3, 5, -1),
      revision: anyRevision,
      sortOrder: fc.constantFrom('none', 'ascending', 'descending'),
      sortTarget: fc.constantFrom('key', 'key', 'version', 'create', 'mod', 'value'),
      keysOnly: rarely(4),
      countOnly: rarely(6),
    }),
    record({
      minModRevision: fc.oneof(fc.constant(0), anyRevision),
      maxModRevision: fc.oneof(fc.constant(0), anyRevision),
      minCreateRevision: fc.oneof(fc.constant(0), anyRevision),
      maxCreateRevision: fc.oneof(fc.constant(0), anyRevision),
    }),
    fc.boolean(),
  )
  .map(([keys, options, filters, filtered]) => ({
    kind: 'range',
    ...keys,
    ...options,
    ...(filtered ? filters : { minModRevision: 0, maxModRevision: 0, minCreateRevision: 0, maxCreateRevision: 0 }),
  }));

const anyCompare: fc.Arbitrary<Compare> = fc
  .tuple(
    anyRange,
    fc.constantFrom('equal', 'greater', 'less', 'not-equal'),
    fc.oneof(
      fc.tuple(fc.constantFrom('version', 'create', 'mod'), fc.constantFrom(0, 0, 1, 2, 5, 10, -3)),
      fc.tuple(fc.constant('value'), anyValue.map(bytes)),
      fc.tuple(fc.constant('lease'), fc.constantFrom(0n, 1n, 2n, -1n)),
    ),
  )
  .map(([keys, result, [target, operand]]) => ({ ...keys, result, target, operand }) as Compare);

export const { txn: anyTxn } = fc.letrec<{ txn: TxnOperation; operation: Operation }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 6, arbitrary: anyPut },
    { weight: 2, arbitrary: anyDelete },
    { weight: 2, arbitrary: anyRangeOperation.filter(({ revision }) => revision < 30) },
    { weight: 2, arbitrary: tie('txn') },
  ),
  txn: record({
    compares: fc.array(anyCompare, { maxLength: 3 }),
    success: fc.array(tie('operation'), { maxLength: 4 }),
    failure: fc.array(tie('operation'), { maxLength: 4 }),
  }).map((fields) => ({ kind: 'txn', ...fields })),
}));

const anyLease = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...LEASES.slice(0, 3)) },
  { weight: 1, arbitrary: fc.constantFrom(...LEASES) },
);

/** Often around one another, so that deadlines pass; now and then back in time. */
const anyTime = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 60_000, TIME_MS_MAX / 2) },
);

const anyTtl = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -3, 9_000_000_000, 9_000_000_001) },
);

export const anyControl: fc.Arbitrary<LeaseOperation | AlarmOperation> = fc.oneof(
  {
    weight: 6,
    arbitrary: record({ lease: anyLease, ttlSeconds: anyTtl, timeMs: anyTime }).map((fields) => ({
      kind: 'lease-grant' as const,
      ...fields,
    })),
  },
  {
    weight: 3,
    arbitrary: record({ lease: anyLease, timeMs: anyTime }).map((fields) => ({
      kind: 'lease-renew' as const,
      ...fields,
    })),
  },
  { weight: 2, arbitrary: anyLease.map((lease) => ({ kind: 'lease-revoke' as const, lease })) },
  {
    weight: 4,
    arbitrary: record({ leases: fc.array(anyLease, { maxLength: 4 }), timeMs: anyTime }).map((fields) => ({
      kind: 'lease-expire' as const,
      ...fields,
    })),
  },
  {
    weight: 1,
    arbitrary: record<Omit<AlarmOperation, 'kind'>>({
      action: fc.constantFrom('activate', 'deactivate', 'deactivate', 'deactivate'),
      alarm: fc.constantFrom('no-space', 'no-space', 'corrupt'),
      member: fc.constantFrom(1, 2),
    }).map((fields) => ({ kind: 'alarm' as const, ...fields })),
  },
);

const anyLimits = fc.option(
  record({
    keyBytesMax: fc.constantFrom(1, 2, 100),
    valueBytesMax: fc.constantFrom(4, 10, 1000),
    keysMax: fc.integer({ min: 0, max: 8 }),
  }),
  { nil: undefined, freq: 3 },
);

const anyKeyCommand: fc.Arbitrary<Command> = record({
  operation: fc.oneof(
    { weight: 10, arbitrary: anyPut },
    { weight: 4, arbitrary: anyDelete },
    { weight: 8, arbitrary: anyTxn },
    { weight: 2, arbitrary: anyRevision.map((revision) => ({ kind: 'compact' as const, revision })) },
  ),
  limits: anyLimits,
});

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: anyKeyCommand },
  { weight: 1, arbitrary: anyControl.map((operation) => ({ operation, limits: undefined })) },
);
