/** What a codec is, and how loosely it takes the messages that it encodes. */
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/**
 * An enumeration's type is the union of its names and this: a number that came over the wire and has no name. Encoding takes
 * a number as it is; decoding gives the name where there is one.
 */
export type UnknownEnum = number;

/** A message without fields. */
export type Empty = Readonly<Record<string, never>>;

/**
 * A message as encoding takes it: fields may be missing or undefined, which is the same as their default (0, false, empty, or
 * not there for messages and for members of a oneof).
 */
export type MessageInit<T> = T extends Uint8Array
  ? Uint8Array
  : T extends readonly (infer Element)[]
    ? readonly MessageInit<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]?: MessageInit<T[Key]> | undefined }
      : T;

/** The parts that a codec consists of; nested messages are read and written through these. */
export interface MessageCodec<T> {
  /** A message with every field at its default. */
  create(): T;
  /** Reads fields into `message` up to the reader's end. A field that is there already is replaced, merged or appended to. */
  read(reader: Reader, message: T): void;
  /** Appends the fields that are not at their default. */
  write(writer: Writer, message: MessageInit<T>): void;
}

export interface Codec<T> {
  /** The message's full name, such as `etcdserverpb.PutRequest`. */
  readonly name: string;
  /** A message with every field at its default. */
  create(): T;
  /**
   * The message as bytes that nothing else writes to; small ones are views into memory that they share with others, as Node's
   * Buffers are. Throws RangeError for a number that its field cannot hold and for two members of one oneof, MessageTooLargeError for more
   * than 2^31 - 1 bytes.
   */
  encode(message: MessageInit<T>): Uint8Array;
  /** Appends the message to a writer that may hold others. When it throws, the writer is as it was before. */
  encodeInto(writer: Writer, message: MessageInit<T>): void;
  /**
   * The message in `bytes`, which must hold it and nothing else. Its byte fields are views into `bytes`: whoever keeps one keeps
   * all of `bytes`, and whoever reuses `bytes` changes them. Throws ProtoError when it is malformed.
   */
  decode(bytes: Uint8Array): T;
  /**
   * The message as a plain object for JSON.stringify, as etcd's gateway writes it. Throws MessageTooLargeError before it makes anything
   * if the text would have more than about `lengthMax` characters, not counting what must be escaped; default: no bound.
   */
  toJson(message: MessageInit<T>, lengthMax?: number): JsonObject;
  /** The message from parsed JSON (see parseJson). Throws ProtoError that names the field and what it may be. */
  fromJson(json: unknown): T;
}

export type JsonValue = string | number | boolean | JsonObject | JsonValue[];

export interface JsonObject {
  [name: string]: JsonValue;
}
