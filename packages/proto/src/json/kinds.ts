/** How one value of each scalar kind, or of an enumeration, is written in JSON and read from it. */
import type { EnumNames } from '../codec/names.js';
import type { JsonValue } from '../codec/types.js';
import { fromBase64, toBase64 } from './base64.js';
import { QUOTED_INTEGER } from './parse.js';

export interface JsonKind {
  /** Protobuf's name of the kind, for errors. */
  readonly name: string;
  /** What JSON is accepted, for errors. */
  readonly allowed: string;
  toJson(value: unknown): JsonValue;
  /** The value, or undefined when `json` is none. */
  fromJson(json: unknown): unknown;
  isMissing(value: unknown): boolean;
}

/** A decimal integer of any 64 bits; the bound keeps BigInt from working long on what is refused anyway. */
const INTEGER = /^-?\d{1,32}$/;

function integer(json: unknown, least: bigint, most: bigint): bigint | undefined {
  let value: bigint | undefined;
  if (typeof json === 'number') value = Number.isSafeInteger(json) ? BigInt(json) : undefined;
  else if (typeof json === 'string') {
    const text = json.startsWith(QUOTED_INTEGER) ? json.slice(QUOTED_INTEGER.length) : json;
    value = INTEGER.test(text) ? BigInt(text) : undefined;
  }
  return value !== undefined && value >= least && value <= most ? value : undefined;
}

function integerKind(name: string, least: bigint, most: bigint, isText: boolean, isBigint: boolean): JsonKind {
  return {
    name,
    allowed: `an integer from ${least} to ${most}, as a number or a string`,
    toJson: (value) => (isText ? text(value as bigint | number, most) : (value as number)),
    fromJson(json) {
      const value = integer(json, least, most);
      return value === undefined || isBigint ? value : Number(value);
    },
    isMissing: (value) => value === 0 || value === 0n,
  };
}

/** All digits, where String would give an exponent; the number that stands for the largest integer is written as that. */
function text(value: bigint | number, most: bigint): string {
  if (Number.isSafeInteger(value)) return String(value);
  const whole = BigInt(value);
  return String(whole > most ? most : whole);
}

const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;

export const SCALAR_KINDS: Readonly<Record<string, JsonKind>> = {
  bool: {
    name: 'bool',
    allowed: 'true or false',
    toJson: (value) => value as boolean,
    fromJson: (json) => (typeof json === 'boolean' ? json : undefined),
    isMissing: (value) => value === false,
  },
  bytes: {
    name: 'bytes',
    allowed: 'a base64 string',
    toJson: (value) => toBase64(value as Uint8Array),
    fromJson: (json) => (typeof json === 'string' ? fromBase64(json) : undefined),
    isMissing: (value) => (value as Uint8Array).length === 0,
  },
  string: {
    name: 'string',
    allowed: 'a string',
    toJson: (value) => value as string,
    fromJson: (json) => (typeof json === 'string' && !json.startsWith(QUOTED_INTEGER) ? json : undefined),
    isMissing: (value) => value === '',
  },
  int32: integerKind('int32', -(2n ** 31n), 2n ** 31n - 1n, false, false),
  uint32: integerKind('uint32', 0n, 2n ** 32n - 1n, false, false),
  int64: integerKind('int64', ...INT64, true, false),
  uint64: integerKind('uint64', ...UINT64, true, false),
  'int64 bigint': integerKind('int64', ...INT64, true, true),
  'uint64 bigint': integerKind('uint64', ...UINT64, true, true),
};

/** An enumeration: an unknown number stays, an unknown name is refused. */
export function enumKind(names: EnumNames<string>): JsonKind {
  const int32 = SCALAR_KINDS['int32'] as JsonKind;
  const missing = names.name(0);
  return {
    name: 'enum',
    allowed: names.list(),
    toJson: (value) => (typeof value === 'number' ? names.name(value) : (value as string)),
    fromJson(json) {
      if (typeof json === 'string') return names.find(json);
      const number = int32.fromJson(json) as number | undefined;
      return number === undefined ? undefined : names.name(number);
    },
    isMissing: (value) => value === missing || value === 0,
  };
}
