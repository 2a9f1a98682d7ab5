/**
 * Messages as etcd's gateway has them in JSON. Out: proto names, defaults left out, bytes in base64, 64-bit integers as strings,
 * enumerations by name. In: proto or camelCase names, integers as numbers or strings, base64 of either alphabet,
 * enumerations by name or number; unknown fields and null are passed over.
 */

import { EnumNames } from '../codec/names.js';
import { MAX_DEPTH } from '../codec/reader.js';
import type { AnyCodec, AnyMessage } from '../codec/table.js';
import type { JsonObject, JsonValue } from '../codec/types.js';
import { ENUMS, MESSAGES } from '../descriptors/index.js';
import {
  type EnumDescriptor,
  type FieldDescriptor,
  type MessageDescriptor,
  propertyName,
} from '../descriptors/shape.js';
import { MessageTooLargeError, ProtoError } from '../error.js';
import { base64Length } from './base64.js';
import { enumKind, type JsonKind, SCALAR_KINDS } from './kinds.js';
import { QUOTED_INTEGER } from './parse.js';

interface JsonField {
  readonly name: string;
  readonly property: string;
  readonly isRepeated: boolean;
  readonly oneof: string | undefined;
  readonly kind: JsonKind | undefined;
  readonly message: MessageJson | undefined;
}

const MESSAGE_TABLE: Readonly<Record<string, MessageDescriptor>> = MESSAGES;
const ENUM_TABLE: Readonly<Record<string, EnumDescriptor>> = ENUMS;

/** Quotation marks around a name, a colon behind it and a comma or a brace behind the value. */
const NAME_CHARACTERS = 4;

/** Adds up how long a text will be, while nothing of it is there yet. */
class TextLength {
  readonly #max: number;
  #length = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(characters: number): void {
    this.#length += characters;
    if (this.#length > this.#max) throw new MessageTooLargeError(this.#length, this.#max);
  }
}

export class MessageJson {
  readonly #wire: AnyCodec;
  #fields: readonly JsonField[] = [];
  /** Fields by both of their names. */
  readonly #byName = new Map<string, JsonField>();

  constructor(wire: AnyCodec) {
    this.#wire = wire;
  }

  fill(fields: readonly JsonField[]): void {
    this.#fields = fields;
    for (const field of fields) this.#byName.set(field.name, field).set(field.property, field);
  }

  toJson(message: AnyMessage, depth: number = 1): JsonObject {
    if (depth > MAX_DEPTH) throw new RangeError(`messages are nested deeper than ${MAX_DEPTH}`);
    const json: JsonObject = {};
    for (const field of this.#fields) {
      const value = message[field.property];
      if (isLeftOut(field, value)) continue;
      const single = (element: unknown): JsonValue =>
        field.message === undefined
          ? (field.kind as JsonKind).toJson(element)
          : field.message.toJson(element as AnyMessage, depth + 1);
      json[field.name] = field.isRepeated ? (value as unknown[]).map(single) : single(value);
    }
    return json;
  }

  /** Throws MessageTooLargeError if the text has more than about so many characters, not counting what must be escaped. */
  checkLength(message: AnyMessage, lengthMax: number): void {
    this.#measure(message, new TextLength(lengthMax));
  }

  #measure(message: AnyMessage, length: TextLength): void {
    for (const field of this.#fields) {
      const value = message[field.property];
      if (isLeftOut(field, value)) continue;
      length.add(field.name.length + NAME_CHARACTERS);
      const elements = field.isRepeated ? (value as unknown[]) : [value];
      for (const element of elements) {
        // Quotation marks or braces.
        length.add(2);
        if (field.message !== undefined) field.message.#measure(element as AnyMessage, length);
        else length.add(element instanceof Uint8Array ? base64Length(element.length) : String(element).length);
      }
    }
  }

  fromJson(json: unknown, path: string = '', depth: number = 1): AnyMessage {
    if (depth > MAX_DEPTH) throw new ProtoError(`messages are nested deeper than ${MAX_DEPTH}`);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new ProtoError(
        `invalid value for ${path === '' ? 'the message' : `message field ${path}`}: ${show(json)} (allowed: an object)`,
      );
    }
    const message = this.#wire.create();
    const oneofs = new Set<string>();
    for (const [name, value] of Object.entries(json)) {
      const field = this.#byName.get(name);
      if (field === undefined || value === null) continue;
      const at = path === '' ? field.name : `${path}.${field.name}`;
      if (field.oneof !== undefined) {
        if (oneofs.has(field.oneof))
          throw new ProtoError(`error parsing ${at}: its oneof ${field.oneof} is already set`);
        oneofs.add(field.oneof);
      }
      message[field.property] = field.isRepeated
        ? listFromJson(field, value, at, depth)
        : singleFromJson(field, value, at, depth);
    }
    return message;
  }
}

function isLeftOut(field: JsonField, value: unknown): boolean {
  if (value === undefined) return true;
  if (field.isRepeated) return (value as unknown[]).length === 0;
  return field.oneof === undefined && field.kind?.isMissing(value) === true;
}

function listFromJson(field: JsonField, json: unknown, path: string, depth: number): unknown[] {
  if (!Array.isArray(json))
    throw new ProtoError(`invalid value for repeated field ${path}: ${show(json)} (allowed: an array)`);
  return json.map((element: unknown, index) => singleFromJson(field, element, `${path}[${index}]`, depth));
}

function singleFromJson(field: JsonField, json: unknown, path: string, depth: number): unknown {
  if (field.message !== undefined) return field.message.fromJson(json, path, depth + 1);
  const kind = field.kind as JsonKind;
  const value = kind.fromJson(json);
  if (value === undefined)
    throw new ProtoError(`invalid value for ${kind.name} field ${path}: ${show(json)} (allowed: ${kind.allowed})`);
  return value;
}

const SHOWN_CHARACTERS_MAX = 64;

/** The offending value as JSON, cut to a length that fits in an error. */
function show(json: unknown): string {
  if (Array.isArray(json)) return 'an array';
  if (typeof json === 'object' && json !== null) return 'an object';
  if (json === undefined) return 'nothing';
  const isInteger = typeof json === 'string' && json.startsWith(QUOTED_INTEGER);
  const text = isInteger ? json.slice(QUOTED_INTEGER.length) : JSON.stringify(json);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text;
}

/** The JSON side of every message; `wire` gives the empty messages to fill. */
export function jsonCodecs(wire: ReadonlyMap<string, AnyCodec>): ReadonlyMap<string, MessageJson> {
  const codecs = new Map<string, MessageJson>();
  for (const [name, codec] of wire) codecs.set(name, new MessageJson(codec));
  for (const [name, codec] of codecs) {
    const fields = Object.entries(MESSAGE_TABLE[name] as MessageDescriptor);
    codec.fill(fields.map(([field, descriptor]) => fieldOf(field, descriptor, codecs)));
  }
  return codecs;
}

function fieldOf(name: string, descriptor: FieldDescriptor, codecs: ReadonlyMap<string, MessageJson>): JsonField {
  const values = ENUM_TABLE[descriptor.type];
  const scalar = SCALAR_KINDS[descriptor.bigint === true ? `${descriptor.type} bigint` : descriptor.type];
  return {
    name,
    property: propertyName(name),
    isRepeated: descriptor.repeated === true,
    oneof: descriptor.oneof,
    kind: values === undefined ? scalar : enumKind(new EnumNames(values)),
    message: codecs.get(descriptor.type),
  };
}
