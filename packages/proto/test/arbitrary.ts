/** Random messages of any type, drawn from its descriptor, and protobufjs's view of the same types. */
import * as fc from 'fast-check';
import protobuf from 'protobufjs';
import {
  type EnumDescriptor,
  type FieldDescriptor,
  type MessageDescriptor,
  propertyName,
} from '../src/descriptors/shape.js';
import { ENUMS, MESSAGES } from '../src/index.js';
import { PROTO_TEXTS } from './fixtures/protos.js';

export const MESSAGE_TABLE: Readonly<Record<string, MessageDescriptor>> = MESSAGES;
export const ENUM_TABLE: Readonly<Record<string, EnumDescriptor>> = ENUMS;
export const MESSAGE_NAMES: readonly string[] = Object.keys(MESSAGES);

function parseFixtures(): protobuf.Root {
  const root = new protobuf.Root();
  for (const text of PROTO_TEXTS) protobuf.parse(text, root, { keepCase: true });
  root.resolveAll();
  return root;
}

/** The fixtures as protobufjs understands them. */
export const FOREIGN: protobuf.Root = parseFixtures();

const DEPTH_MAX = 4;

/** Numbers at which a varint grows, signs turn and doubles end. */
const INT64 = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    127,
    128,
    16_383,
    16_384,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    -(2 ** 31),
    -(2 ** 32),
  ),
  fc.maxSafeInteger(),
);
const UINT64 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1, 2 ** 32), fc.maxSafeNat());

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  // Views that do not start at the beginning of their memory must work like any other.
  bytes: fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(9, ...bytes).subarray(1)),
  int32: fc.integer(),
  int64: INT64,
  uint64: UINT64,
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  string: fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 60 })),
  'int64 bigint': fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  'uint64 bigint': fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

function single(field: FieldDescriptor, depth: number): fc.Arbitrary<unknown> {
  const scalar = SCALARS[field.bigint === true ? `${field.type} bigint` : field.type];
  if (scalar !== undefined) return scalar;
  const values = ENUM_TABLE[field.type];
  if (values === undefined) return message(field.type, depth + 1);
  return fc.oneof({ arbitrary: fc.constantFrom(...Object.keys(values)), weight: 9 }, fc.constantFrom(77, -3));
}

const missing = fc.constant(undefined);

const MADE = new Map<string, fc.Arbitrary<Record<string, unknown>>>();

/** A message with some of its fields set; oneofs have one member or none. */
export function message(name: string, depth: number = 0): fc.Arbitrary<Record<string, unknown>> {
  const key = `${name} ${depth}`;
  const made = MADE.get(key) ?? makeMessage(name, depth);
  MADE.set(key, made);
  return made;
}

function makeMessage(name: string, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const plain: Record<string, fc.Arbitrary<unknown>> = {};
  const oneofs = new Map<string, [string, FieldDescriptor][]>();
  for (const [field, descriptor] of Object.entries(MESSAGE_TABLE[name] as MessageDescriptor)) {
    const isMessage = descriptor.type in MESSAGE_TABLE;
    if (isMessage && depth >= DEPTH_MAX) continue;
    if (descriptor.oneof !== undefined) {
      oneofs.set(descriptor.oneof, [...(oneofs.get(descriptor.oneof) ?? []), [field, descriptor]]);
      continue;
    }
    const value = single(descriptor, depth);
    plain[propertyName(field)] =
      descriptor.repeated === true
        ? fc.array(value, { maxLength: isMessage ? 3 : 5 })
        : fc.option(value, { nil: undefined });
  }
  const members = [...oneofs.values()].map((fields) =>
    fc.oneof(
      missing.map(() => ({})),
      ...fields.map(([field, descriptor]) =>
        single(descriptor, depth).map((value) => ({ [propertyName(field)]: value })),
      ),
    ),
  );
  return fc
    .tuple(fc.record(plain), ...members)
    .map(([fields, ...parts]) => Object.assign({}, ...parts, definedOnly(fields)) as Record<string, unknown>);
}

function definedOnly(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
