/**
 * ConfigChange as the bytes of a `config` entry.
 *
 *     version 1 | transition 1 | count varint | count x (type 1 | member varint) | context length varint | context
 *
 * Varints are little-endian groups of 7 bits, at most 2^53-1, in their shortest form. Each change has exactly one
 * encoding, and decoding accepts nothing else: members that read one entry differently would count votes differently, so
 * an entry that this version does not fully understand must stop the member rather than be guessed at.
 */
import { assert } from './assert.js';
import { CONFIG_CHANGES_MAX } from './config-change.js';
import type { ConfigChange, SingleChange } from './types.js';

/** The first byte. A new layout gets a new one. */
export const CONFIG_CHANGE_VERSION = 1;

/** The bytes are not a configuration change of this version. */
export class ConfigChangeDecodeError extends Error {
  override readonly name = 'ConfigChangeDecodeError';
  /** Where in the bytes it was noticed. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`configuration change: ${message} at byte ${offset}`);
    this.offset = offset;
  }
}

const TRANSITIONS = ['auto', 'joint-implicit', 'joint-explicit'] as const satisfies ConfigChange['transition'][];
const TRANSITION_CODES: Readonly<Record<ConfigChange['transition'], number>> = {
  auto: 0,
  'joint-implicit': 1,
  'joint-explicit': 2,
};

const CHANGE_TYPES = ['add-voter', 'add-learner', 'remove', 'update'] as const satisfies SingleChange['type'][];
const CHANGE_TYPE_CODES: Readonly<Record<SingleChange['type'], number>> = {
  'add-voter': 0,
  'add-learner': 1,
  remove: 2,
  update: 3,
};

export function encodeConfigChange(change: ConfigChange): Uint8Array {
  const { changes, context } = change;
  assert(changes.length <= CONFIG_CHANGES_MAX, () => `${changes.length} changes at once`);
  const bytes: number[] = [CONFIG_CHANGE_VERSION, codeOf(TRANSITION_CODES, change.transition)];
  pushVarint(bytes, changes.length);
  for (const { type, member } of changes) {
    bytes.push(codeOf(CHANGE_TYPE_CODES, type));
    pushVarint(bytes, member);
  }
  pushVarint(bytes, context.length);
  const encoded = new Uint8Array(bytes.length + context.length);
  encoded.set(bytes);
  encoded.set(context, bytes.length);
  return encoded;
}

/** @throws ConfigChangeDecodeError unless `bytes` are exactly what encodeConfigChange gives. The context is a copy. */
export function decodeConfigChange(bytes: Uint8Array): ConfigChange {
  const reader = new Reader(bytes);
  const version = reader.byte();
  if (version !== CONFIG_CHANGE_VERSION) reader.fail(`unknown version ${version}`);
  const transition = reader.oneOf(TRANSITIONS, 'transition');
  const count = reader.varint();
  if (count > CONFIG_CHANGES_MAX) reader.fail(`${count} changes, at most ${CONFIG_CHANGES_MAX}`);
  const changes: SingleChange[] = [];
  for (let place = 0; place < count; place++) {
    changes.push({ type: reader.oneOf(CHANGE_TYPES, 'type of change'), member: reader.varint() });
  }
  const context = reader.rest(reader.varint());
  return { changes, transition, context };
}

/** Never writes a code for a name that has none: it would be read back as another one. */
function codeOf(codes: Readonly<Record<string, number>>, name: string): number {
  const code = codes[name];
  assert(code !== undefined, () => `${name} has no code`);
  return code;
}

function pushVarint(bytes: number[], value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, () => `${value} is not an unsigned safe integer`);
  let left = value;
  // Not with shifts: they would cut the number down to 32 bits.
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
}

/** 2^53-1 takes 8 groups of 7 bits. */
const VARINT_BYTES_MAX = 8;

class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  fail(message: string): never {
    throw new ConfigChangeDecodeError(message, this.#offset);
  }

  byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) return this.fail('cut short');
    this.#offset++;
    return byte;
  }

  oneOf<Name extends string>(names: readonly Name[], what: string): Name {
    const code = this.byte();
    return names[code] ?? this.fail(`unknown ${what} ${code}`);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let group = 0; group < VARINT_BYTES_MAX; group++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte >= 0x80) continue;
      if (byte === 0 && group > 0) this.fail('number not in its shortest form');
      if (!Number.isSafeInteger(value)) this.fail('number beyond 2^53-1');
      return value;
    }
    return this.fail('number longer than 8 bytes');
  }

  /** The last `length` bytes, of which there must be exactly so many. */
  rest(length: number): Uint8Array {
    const left = this.#bytes.length - this.#offset;
    if (length > left) this.fail(`context of ${length} bytes cut short to ${left}`);
    if (length < left) this.fail(`${left - length} bytes too many`);
    return this.#bytes.slice(this.#offset);
  }
}
