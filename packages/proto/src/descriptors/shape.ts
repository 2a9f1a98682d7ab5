/** The form of the tables: what a field, a message and an enumeration are described by. */

export type ScalarType = 'bool' | 'bytes' | 'int32' | 'int64' | 'string' | 'uint32' | 'uint64';

export interface FieldDescriptor {
  /** The number on the wire. */
  readonly number: number;
  /** A scalar, or the full name of a message or an enumeration. */
  readonly type: string;
  /** The 64 bits are an identifier, which must stay exact; without it they are a number, rounded beyond 2^53. */
  readonly bigint?: true;
  readonly repeated?: true;
  /** The oneof that the field belongs to: at most one of its members is set, and a member is there even at its default. */
  readonly oneof?: string;
}

/** Fields by their proto names, in the order of their numbers. */
export type MessageDescriptor = Readonly<Record<string, FieldDescriptor>>;

/** Numbers by name; the first is 0. */
export type EnumDescriptor = Readonly<Record<string, number>>;

/** A field's property in TypeScript: protobuf's own rule for JSON names, so `range_end` is rangeEnd and `peerURLs` stays. */
export function propertyName(protoName: string): string {
  return protoName.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
