/**
 * Checksummed blocks, the frame of snapshot files: `length 4 | checksum 4 | bytes`. Each checksum is the CRC-32 of the block's
 * length and bytes, continued from the block before. A block of length 0 ends the sequence; its bytes are the total of all
 * lengths as u64, so that a file cut off at a block's edge is noticed.
 */
import type { Platform } from '../seams/index.js';
import { getU32, getU64, putU32, putU64 } from './bytes.js';

export const BLOCK_HEADER_BYTES = 8;
export const BLOCK_END_BYTES = 16;
export const BLOCK_BYTES_MAX: number = 1024 * 1024;

const lengthScratch = new Uint8Array(4);

function checksumOf(platform: Platform, length: number, bytes: Uint8Array, chain: number): number {
  putU32(lengthScratch, 0, length);
  return platform.crc32(bytes, platform.crc32(lengthScratch, chain));
}

/** A block's header; the block's chain value stands at byte 4. */
export function blockHeader(platform: Platform, bytes: Uint8Array, chain: number): Uint8Array {
  const header = new Uint8Array(BLOCK_HEADER_BYTES);
  putU32(header, 0, bytes.length);
  putU32(header, 4, checksumOf(platform, bytes.length, bytes, chain));
  return header;
}

export function blockEnd(platform: Platform, totalBytes: number, chain: number): Uint8Array {
  const end = new Uint8Array(BLOCK_END_BYTES);
  putU64(end, 8, totalBytes);
  putU32(end, 4, checksumOf(platform, 0, end.subarray(8), chain));
  return end;
}

/** The chain value in a block header or end. */
export function blockChain(header: Uint8Array): number {
  return getU32(header, 4);
}

export function blockLength(header: Uint8Array): number {
  return getU32(header, 0);
}

export function blockMatches(platform: Platform, header: Uint8Array, bytes: Uint8Array, chain: number): boolean {
  return checksumOf(platform, blockLength(header), bytes, chain) === blockChain(header);
}

export function blockTotal(endBytes: Uint8Array): number {
  return getU64(endBytes, 0);
}
