/** Bytes that come as chunks, one after the other: joined to a copy, and compared with it later. */

import { Buffer } from 'node:buffer';
import { nodePlatform } from '../adapters/platform.js';

/** Below this a loop over bytes is faster than a call or a view. */
const LOOP_BYTES_MAX = 48;

/** For so many bytes; what they hold is not said. */
export type Allocate = (bytes: number) => Uint8Array;

export const allocate: Allocate = (bytes) => nodePlatform.allocate(bytes);

/** A copy, in memory from `allocateCopy`. */
export function join(chunks: readonly Uint8Array[], allocateCopy: Allocate = allocate): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const bytes = allocateCopy(length);
  let offset = 0;
  for (const chunk of chunks) {
    if (chunk.length > LOOP_BYTES_MAX) bytes.set(chunk, offset);
    else for (let i = 0; i < chunk.length; i += 1) bytes[offset + i] = chunk[i] as number;
    offset += chunk.length;
  }
  return bytes;
}

/** Whether `bytes`, which were the chunks' bytes, still are. */
export function isJoined(chunks: readonly Uint8Array[], bytes: Uint8Array): boolean {
  let offset = 0;
  for (const chunk of chunks) {
    if (!isAt(chunk, bytes, offset)) return false;
    offset += chunk.length;
  }
  return true;
}

/** Whether the chunk's bytes stand in `bytes` at `offset`. */
export function isAt(chunk: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  if (chunk.length > LOOP_BYTES_MAX) {
    return Buffer.compare(chunk, bytes.subarray(offset, offset + chunk.length)) === 0;
  }
  for (let i = 0; i < chunk.length; i += 1) if (chunk[i] !== bytes[offset + i]) return false;
  return true;
}
