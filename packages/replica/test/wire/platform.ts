/** The Platform of the tests, on Node's own functions. */
import { crc32 } from 'node:zlib';
import type { Platform } from '../../src/seams/platform.js';

export const platform: Platform = {
  crc32: (bytes, seed) => crc32(bytes, seed),
  latin1: (bytes, start, end) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', start, end),
  writeLatin1: (text, into, offset) =>
    Buffer.from(into.buffer, into.byteOffset, into.length).write(text, offset, 'latin1'),
  // Not zeroed, so that a byte that nobody fills shows.
  allocate: (bytes) => Buffer.allocUnsafeSlow(bytes).fill(0xdb),
};
