/** Segment files of the log: their names and their headers. */
import type { Platform } from '../seams/index.js';
import { getU32, getU64, putU32, putU64 } from './bytes.js';
import { assert, WalError } from './errors.js';
import { SECTOR_DATA_BYTES } from './sectors.js';

export const WAL_DIRECTORY = 'wal';
/** The version of everything in a data folder that this program writes, and the only one it reads. */
export const FORMAT_VERSION = 1;
/** 'QUORWAL' and a line feed, which text-mode transfers would alter. */
const MAGIC: readonly number[] = [0x51, 0x55, 0x4f, 0x52, 0x57, 0x41, 0x4c, 0x0a];
/** Fits into the first sector, so that it is there as a whole or not at all. */
export const SEGMENT_HEADER_BYTES = 64;
/** The header has 32 bits for the size. */
export const SEGMENT_BYTES_MAX: number = 2 ** 32 - 1;
/** Where the header's checksum stands, in this and every later format version. */
const CHECKSUM_OFFSET = 60;

assert(SEGMENT_HEADER_BYTES <= SECTOR_DATA_BYTES, 'a segment header fits into one sector');

export interface SegmentHeader {
  readonly clusterId: number;
  readonly memberId: number;
  /** Ascending by one from segment to segment; also the file's name. */
  readonly sequence: number;
  /** The file was this long, zero-filled, before its first use: if it is shorter now, something has cut it off. */
  readonly capacityBytes: number;
  /** The log's last position when this segment began: what a snapshot must reach if the segments before it are gone. */
  readonly beginIndex: number;
  readonly beginTerm: number;
  /** The chain value at the end of the segment before; 0 in the first one. */
  readonly chain: number;
}

const NAME = /^\d{16}\.log$/;

export function segmentPath(sequence: number): string {
  return `${WAL_DIRECTORY}/${String(sequence).padStart(16, '0')}.log`;
}

/** The sequence that a name in the log's folder stands for; undefined for files that are none of ours. */
export function segmentSequence(name: string): number | undefined {
  if (!name.endsWith('.log')) return undefined;
  const sequence = NAME.test(name) ? Number(name.slice(0, 16)) : 0;
  if (!Number.isSafeInteger(sequence) || sequence === 0) {
    throw new WalError('corrupt', `${WAL_DIRECTORY}/${name}`, 0, 'not a name that a segment can have');
  }
  return sequence;
}

export function encodeSegmentHeader(platform: Platform, header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  bytes.set(MAGIC);
  putU32(bytes, 8, FORMAT_VERSION);
  putU32(bytes, 12, header.capacityBytes);
  putU64(bytes, 16, header.clusterId);
  putU64(bytes, 24, header.memberId);
  putU64(bytes, 32, header.sequence);
  putU64(bytes, 40, header.beginIndex);
  putU64(bytes, 48, header.beginTerm);
  putU32(bytes, 56, header.chain);
  putU32(bytes, CHECKSUM_OFFSET, platform.crc32(bytes.subarray(0, CHECKSUM_OFFSET), 0));
  return bytes;
}

/** Whether the header's checksum, its last part, is that of the bytes before it. `bytes` may go on behind the header. */
export function isWholeHeader(platform: Platform, bytes: Uint8Array): boolean {
  return platform.crc32(bytes.subarray(0, CHECKSUM_OFFSET), 0) === getU32(bytes, CHECKSUM_OFFSET);
}

/** Refuses what is not this member's segment in this program's format. */
export function decodeSegmentHeader(
  platform: Platform,
  bytes: Uint8Array,
  path: string,
  expected: { readonly clusterId: number; readonly memberId: number; readonly sequence: number },
): SegmentHeader {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new WalError('corrupt', path, 0, 'not a log segment');
  if (!isWholeHeader(platform, bytes)) throw new WalError('corrupt', path, 0, 'segment header damaged');
  const version = getU32(bytes, 8);
  if (version !== FORMAT_VERSION) {
    throw new WalError('version', path, 8, `format version ${version}, this program reads ${FORMAT_VERSION}`);
  }
  const header: SegmentHeader = {
    capacityBytes: getU32(bytes, 12),
    clusterId: getU64(bytes, 16),
    memberId: getU64(bytes, 24),
    sequence: getU64(bytes, 32),
    beginIndex: getU64(bytes, 40),
    beginTerm: getU64(bytes, 48),
    chain: getU32(bytes, 56),
  };
  if (header.clusterId !== expected.clusterId || header.memberId !== expected.memberId) {
    throw new WalError(
      'foreign',
      path,
      16,
      `belongs to member ${header.memberId} of cluster ${header.clusterId}, not to member ${expected.memberId} of cluster ${expected.clusterId}`,
    );
  }
  if (header.sequence !== expected.sequence) {
    throw new WalError('corrupt', path, 32, `holds segment ${header.sequence}, its name says ${expected.sequence}`);
  }
  return header;
}
