/**
 * Makes a codec for any message from its descriptor: two functions for each field, made once when the module loads. Messages
 * that every request carries have codecs by hand (`hand/`), which the tests hold to these.
 */
import { ENUMS, MESSAGES } from '../descriptors/index.js';
import {
  type EnumDescriptor,
  type FieldDescriptor,
  type MessageDescriptor,
  propertyName,
} from '../descriptors/shape.js';
import { EnumNames } from './names.js';
import { ambiguous, readMessage, writeMessage } from './nested.js';
import { EMPTY_BYTES, type Reader, WIRE_BYTES, WIRE_VARINT } from './reader.js';
import type { MessageCodec } from './types.js';
import type { Writer } from './writer.js';

/** A message as the table sees it. */
export type AnyMessage = Record<string, unknown>;
export type AnyCodec = MessageCodec<AnyMessage>;

const MESSAGE_TABLE: Readonly<Record<string, MessageDescriptor>> = MESSAGES;
const ENUM_TABLE: Readonly<Record<string, EnumDescriptor>> = ENUMS;

/** One value of a field: how it is read, written and what it is when it is missing. */
interface ValueCodec {
  readonly wireType: number;
  readonly missing: unknown;
  read(reader: Reader, existing: unknown): unknown;
  write(writer: Writer, tag: number, value: unknown): void;
  isMissing(value: unknown): boolean;
  /** The int32 that an element of a packed field is written as; only the kinds that are repeated somewhere have it. */
  readonly packed?: (value: unknown) => number;
}

type ReadField = (reader: Reader, message: AnyMessage) => void;
type WriteField = (writer: Writer, message: AnyMessage) => void;

function varint<T>(
  missing: T,
  read: (reader: Reader) => T,
  write: (writer: Writer, tag: number, value: T) => void,
): ValueCodec {
  return {
    wireType: WIRE_VARINT,
    missing,
    read,
    write: (writer, tag, value) => write(writer, tag, value as T),
    isMissing: (value) => value === missing || value === undefined,
  };
}

const SCALARS: Readonly<Record<string, ValueCodec>> = {
  bool: varint(
    false,
    (reader) => reader.bool(),
    (writer, tag, value) => writer.boolValue(tag, value),
  ),
  int32: {
    ...varint(
      0,
      (reader) => reader.int32(),
      (writer, tag, value) => writer.int32(tag, value),
    ),
    packed: (value) => value as number,
  },
  uint32: varint(
    0,
    (reader) => reader.uint32(),
    (writer, tag, value) => writer.uint32(tag, value),
  ),
  int64: varint(
    0,
    (reader) => reader.int64(),
    (writer, tag, value) => writer.int64(tag, value),
  ),
  uint64: varint(
    0,
    (reader) => reader.uint64(),
    (writer, tag, value) => writer.uint64(tag, value),
  ),
  'int64 bigint': varint(
    0n,
    (reader) => reader.int64Bigint(),
    (writer, tag, value) => writer.int64Bigint(tag, value),
  ),
  'uint64 bigint': varint(
    0n,
    (reader) => reader.uint64Bigint(),
    (writer, tag, value) => writer.uint64Bigint(tag, value),
  ),
  bytes: {
    wireType: WIRE_BYTES,
    missing: EMPTY_BYTES,
    read: (reader) => reader.byteString(),
    write: (writer, tag, value) => writer.byteString(tag, value as Uint8Array),
    isMissing: (value) => value === undefined || (value as Uint8Array).length === 0,
  },
  string: {
    wireType: WIRE_BYTES,
    missing: '',
    read: (reader) => reader.string(),
    write: (writer, tag, value) => writer.string(tag, value as string),
    isMissing: (value) => value === undefined || value === '',
  },
};

function enumValue(values: EnumDescriptor): ValueCodec {
  const names = new EnumNames(values);
  const missing = names.name(0);
  return {
    wireType: WIRE_VARINT,
    missing,
    read: (reader) => names.name(reader.int32()),
    write: (writer, tag, value) => writer.int32(tag, names.number(value as string | number)),
    isMissing: (value) => value === missing || value === undefined || value === 0,
    packed: (value) => names.number(value as string | number),
  };
}

function messageValue(codec: AnyCodec): ValueCodec {
  return {
    wireType: WIRE_BYTES,
    missing: undefined,
    read: (reader, existing) => readMessage(reader, codec, existing as AnyMessage | undefined),
    write: (writer, tag, value) => writeMessage(writer, tag, codec, value as AnyMessage, 0),
    isMissing: (value) => value === undefined,
  };
}

/** A codec whose functions come later: messages may contain each other, and themselves. */
class TableCodec implements AnyCodec {
  #fields: Field[] = [];
  #numbers: number[] = [];
  /** Readers by tag; of a packed field by both of its tags. */
  readonly #readers = new Map<number, ReadField>();
  #missing: AnyMessage = {};

  fill(fields: Field[]): void {
    this.#fields = fields;
    this.#numbers = fields.map((field) => field.number);
    for (const field of fields) for (const [tag, read] of field.readers) this.#readers.set(tag, read);
    this.#missing = Object.fromEntries(fields.map((field) => [field.property, field.missing]));
  }

  create(): AnyMessage {
    const message: AnyMessage = { ...this.#missing };
    for (const field of this.#fields) if (field.isRepeated) message[field.property] = [];
    return message;
  }

  read(reader: Reader, message: AnyMessage): void {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      const read = this.#readers.get(tag);
      if (read === undefined) reader.skip(tag, this.#numbers);
      else read(reader, message);
    }
  }

  write(writer: Writer, message: AnyMessage): void {
    for (const field of this.#fields) field.write(writer, message);
  }
}

interface Field {
  readonly number: number;
  readonly property: string;
  readonly missing: unknown;
  readonly isRepeated: boolean;
  readonly readers: readonly (readonly [tag: number, read: ReadField])[];
  readonly write: WriteField;
}

function singleField(number: number, property: string, value: ValueCodec): Field {
  const tag = (number << 3) | value.wireType;
  const read: ReadField = (reader, message) => {
    message[property] = value.read(reader, message[property]);
  };
  const write: WriteField = (writer, message) => {
    const present = message[property];
    if (!value.isMissing(present)) value.write(writer, tag, present);
  };
  return { number, property, missing: value.missing, isRepeated: false, readers: [[tag, read]], write };
}

/** A member of a oneof: reading one removes the others, writing two is refused, and a value at its default is still a value. */
function memberField(
  number: number,
  property: string,
  value: ValueCodec,
  others: readonly string[],
  refused: RangeError,
): Field {
  const tag = (number << 3) | value.wireType;
  const read: ReadField = (reader, message) => {
    const member = value.read(reader, message[property]);
    for (const other of others) message[other] = undefined;
    message[property] = member;
  };
  const write: WriteField = (writer, message) => {
    const present = message[property];
    if (present === undefined) return;
    if (others.some((other) => message[other] !== undefined)) throw new RangeError(refused.message);
    value.write(writer, tag, present);
  };
  return { number, property, missing: undefined, isRepeated: false, readers: [[tag, read]], write };
}

/** Numbers are written packed and read both ways, as proto3 asks. */
function repeatedField(number: number, property: string, value: ValueCodec): Field {
  const tag = (number << 3) | value.wireType;
  const packedTag = (number << 3) | WIRE_BYTES;
  const read: ReadField = (reader, message) => {
    (message[property] as unknown[]).push(value.read(reader, undefined));
  };
  if (value.wireType !== WIRE_VARINT) {
    const write: WriteField = (writer, message) => {
      for (const element of (message[property] ?? []) as unknown[]) value.write(writer, tag, element);
    };
    return { number, property, missing: undefined, isRepeated: true, readers: [[tag, read]], write };
  }
  const { packed } = value;
  if (packed === undefined) throw new Error(`${property}: no field of its kind is repeated in the tables so far`);
  const readPacked: ReadField = (reader, message) => {
    const outer = reader.enter();
    while (reader.position < reader.end) read(reader, message);
    reader.leave(outer);
  };
  const write: WriteField = (writer, message) => {
    const elements = (message[property] ?? []) as unknown[];
    if (elements.length === 0) return;
    const start = writer.open(packedTag, elements.length);
    for (const element of elements) writer.int32Element(packed(element));
    writer.close(start, elements.length);
  };
  return {
    number,
    property,
    missing: undefined,
    isRepeated: true,
    readers: [
      [tag, read],
      [packedTag, readPacked],
    ],
    write,
  };
}

function fieldsOf(message: string, codecs: ReadonlyMap<string, AnyCodec>): Field[] {
  const entries = Object.entries(MESSAGE_TABLE[message] as MessageDescriptor);
  return entries.map(([name, descriptor]) => {
    const value = valueOf(descriptor, codecs);
    const property = propertyName(name);
    if (descriptor.repeated === true) return repeatedField(descriptor.number, property, value);
    if (descriptor.oneof === undefined) return singleField(descriptor.number, property, value);
    const others = entries.filter(([other, { oneof }]) => other !== name && oneof === descriptor.oneof);
    const refused = ambiguous(message, descriptor.oneof);
    return memberField(
      descriptor.number,
      property,
      value,
      others.map(([other]) => propertyName(other)),
      refused,
    );
  });
}

function valueOf(descriptor: FieldDescriptor, codecs: ReadonlyMap<string, AnyCodec>): ValueCodec {
  const scalar = SCALARS[descriptor.bigint === true ? `${descriptor.type} bigint` : descriptor.type];
  if (scalar !== undefined) return scalar;
  const values = ENUM_TABLE[descriptor.type];
  if (values !== undefined) return enumValue(values);
  const codec = codecs.get(descriptor.type);
  if (codec === undefined) throw new Error(`the tables describe no type ${descriptor.type}`);
  return messageValue(codec);
}

/** A codec for every message of the tables, those in `byHand` excepted, which are taken as they are. */
export function tableCodecs(byHand: Readonly<Record<string, unknown>>): ReadonlyMap<string, AnyCodec> {
  const codecs = new Map<string, AnyCodec>();
  const tableCodecs = new Map<string, TableCodec>();
  for (const name of Object.keys(MESSAGES)) {
    const hand = byHand[name] as AnyCodec | undefined;
    if (hand === undefined) tableCodecs.set(name, new TableCodec());
    codecs.set(name, hand ?? (tableCodecs.get(name) as AnyCodec));
  }
  for (const [name, codec] of tableCodecs) codec.fill(fieldsOf(name, codecs));
  return codecs;
}
