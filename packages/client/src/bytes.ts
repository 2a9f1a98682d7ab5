/** Keys and values as callers give them, and ranges of keys as etcd has them. */
import { Buffer } from 'node:buffer';
import { invalidRequest } from './errors.js';

/** Strings are taken as UTF-8. */
export type Bytes = string | Uint8Array;

export function bytesOf(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** The same memory as a Buffer, so that `toString()` is text. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Which keys: one, those with a prefix, or those from `from` (default: the first of all) up to, not including, `to` (default: no end). */
export interface KeySelection {
  readonly key?: Bytes | undefined;
  readonly prefix?: Bytes | undefined;
  readonly from?: Bytes | undefined;
  readonly to?: Bytes | undefined;
}

/** A range as requests have it. */
export interface WireRange {
  readonly key: Uint8Array;
  /** Empty: `key` alone. One zero byte: no end. */
  readonly rangeEnd: Uint8Array;
}

const NOTHING = new Uint8Array(0);
/** As a key: the smallest there is. As an end: none. */
const ZERO = new Uint8Array(1);

/** Throws a ClientError `invalid` for a selection that says two things, or nothing. */
export function rangeOf({ key, prefix, from, to }: KeySelection): WireRange {
  const ways = [key !== undefined, prefix !== undefined, from !== undefined || to !== undefined];
  if (ways.filter(Boolean).length > 1) throw invalidRequest('either a key, a prefix, or from and to');
  if (key !== undefined) {
    const bytes = bytesOf(key);
    // An empty key is nobody's; with an end it would mean the whole range.
    if (bytes.length === 0) throw invalidRequest('the key is empty');
    return { key: bytes, rangeEnd: NOTHING };
  }
  if (prefix !== undefined) return prefixRange(bytesOf(prefix));
  const first = from === undefined ? ZERO : bytesOf(from);
  const end = to === undefined ? ZERO : bytesOf(to);
  if (end.length === 0) throw invalidRequest('`to` is empty: leave it out for no end');
  return { key: first.length === 0 ? ZERO : first, rangeEnd: end };
}

function prefixRange(prefix: Uint8Array): WireRange {
  if (prefix.length === 0) return { key: ZERO, rangeEnd: ZERO };
  // The smallest key behind all with the prefix: its last byte that can grow has grown, and nothing follows.
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return { key: prefix, rangeEnd: ZERO };
  // A copy: the slice of a Buffer would be the same memory.
  const end = Uint8Array.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return { key: prefix, rangeEnd: end };
}
