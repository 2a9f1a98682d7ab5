/** The platform as Node offers it. */
import { crc32 } from 'node:zlib';
import type { Platform } from '../seams/index.js';

/** Longer strings are worth a native call: to be written, and to be read, where each char makes another string on the way. */
const LOOP_WRITE_CHARS_MAX = 48;
const LOOP_READ_CHARS_MAX = 6;

/** Buffer's own conversions, which work on any Uint8Array and need no Buffer made for it. */
const { latin1Slice, latin1Write } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
  readonly latin1Write: (this: Uint8Array, text: string, offset: number, length: number) => number;
};

function writeLatin1(text: string, into: Uint8Array, offset: number): number {
  if (text.length > LOOP_WRITE_CHARS_MAX) return latin1Write.call(into, text, offset, text.length);
  for (let i = 0; i < text.length; i += 1) into[offset + i] = text.charCodeAt(i);
  return text.length;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > LOOP_READ_CHARS_MAX) return latin1Slice.call(bytes, start, end);
  let text = '';
  for (let i = start; i < end; i += 1) text += String.fromCharCode(bytes[i] as number);
  return text;
}

/** Small arrays are cut from blocks of this size: most live and die with their neighbours, as entries of the log do. */
const BLOCK_BYTES = 64 * 1024;
const SMALL_BYTES_MAX = 4 * 1024;
let block = new ArrayBuffer(BLOCK_BYTES);
let blockUsed = 0;

/** A plain array, not a Buffer, whose `slice` would not copy. */
function allocate(bytes: number): Uint8Array {
  if (bytes > SMALL_BYTES_MAX) return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  if (blockUsed + bytes > BLOCK_BYTES) {
    block = new ArrayBuffer(BLOCK_BYTES);
    blockUsed = 0;
  }
  const at = blockUsed;
  blockUsed += bytes;
  return new Uint8Array(block, at, bytes);
}

export const nodePlatform: Platform = { crc32, latin1, writeLatin1, allocate };
