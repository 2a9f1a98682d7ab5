/**
 * Holds the types in `messages/` to the descriptors: this file does not compile when a message, a field, a kind, or an
 * enumeration's names in one differ from the other.
 */
import type { Empty, UnknownEnum } from '../codec/types.js';
import type { MessageTypes } from '../messages/types.js';
import type { EnumTable, MessageTable } from './index.js';
import type { FieldDescriptor } from './shape.js';

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

interface Scalars {
  bool: boolean;
  bytes: Uint8Array;
  int32: number;
  int64: number;
  string: string;
  uint32: number;
  uint64: number;
}

type Single<Field extends FieldDescriptor> = Field extends { bigint: true }
  ? bigint
  : Field['type'] extends keyof Scalars
    ? Scalars[Field['type']]
    : Field['type'] extends keyof EnumTable
      ? keyof EnumTable[Field['type']] | UnknownEnum
      : Field['type'] extends keyof MessageTypes
        ? MessageTypes[Field['type']]
        : never;

type Property<Field extends FieldDescriptor> = Field extends { repeated: true }
  ? Single<Field>[]
  : Field extends { oneof: string }
    ? Single<Field> | undefined
    : Field['type'] extends keyof MessageTypes
      ? Single<Field> | undefined
      : Single<Field>;

type Described<Message extends Readonly<Record<string, FieldDescriptor>>> = keyof Message extends never
  ? Empty
  : { [Name in Extract<keyof Message, string> as Camel<Name>]: Property<Message[Name]> };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The full names of messages whose type is not what the tables say; there must be none. */
type Disagreement = {
  [Name in keyof MessageTable | keyof MessageTypes]: Name extends keyof MessageTable
    ? Name extends keyof MessageTypes
      ? Same<Described<MessageTable[Name]>, MessageTypes[Name]> extends true
        ? never
        : Name
      : Name
    : Name;
}[keyof MessageTable | keyof MessageTypes];

/** True, or the build fails here: the type of the left side then names the messages that disagree. */
export const AGREEMENT: [Disagreement] extends [never] ? true : Disagreement = true;
