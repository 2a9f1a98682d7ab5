/** The header of a snapshot file: whose it is, in which format, and which state it holds. */
import type { ConfigState, SnapshotMetadata } from '@quorate/raft';
import type { Platform } from '../seams/index.js';
import { getU32, getU64, putU32, putU64 } from './bytes.js';
import { assert, WalError } from './errors.js';
import { FORMAT_VERSION } from './segment.js';

/** The cluster and the member that a data folder belongs to. */
export interface FolderIds {
  readonly clusterId: number;
  readonly memberId: number;
}

/** What a snapshot says about itself. */
export interface SnapshotHeader {
  readonly ids: FolderIds;
  readonly metadata: SnapshotMetadata;
}

/** 'QUORSNP' and a line feed. */
const MAGIC: readonly number[] = [0x51, 0x55, 0x4f, 0x52, 0x53, 0x4e, 0x50, 0x0a];
/** Magic, version, header bytes, cluster, member, index, term. */
const FIXED_BYTES = 48;
const CHECKSUM_BYTES = 4;
/** Enough to learn the header's length and version. */
export const SNAPSHOT_PREFIX_BYTES = 16;
export const SNAPSHOT_HEADER_BYTES_MAX: number = 64 * 1024;

const LISTS = ['voters', 'learners', 'votersOutgoing', 'learnersNext'] as const;

export function encodeSnapshotHeader(platform: Platform, ids: FolderIds, metadata: SnapshotMetadata): Uint8Array {
  const { config } = metadata;
  const members = LISTS.reduce((sum, list) => sum + config[list].length, 0);
  const length = FIXED_BYTES + 1 + 4 * LISTS.length + 8 * members + CHECKSUM_BYTES;
  assert(length <= SNAPSHOT_HEADER_BYTES_MAX, `a configuration of ${members} members`);
  const bytes = new Uint8Array(length);
  bytes.set(MAGIC);
  putU32(bytes, 8, FORMAT_VERSION);
  putU32(bytes, 12, length);
  putU64(bytes, 16, ids.clusterId);
  putU64(bytes, 24, ids.memberId);
  putU64(bytes, 32, metadata.index);
  putU64(bytes, 40, metadata.term);
  bytes[FIXED_BYTES] = config.autoLeave ? 1 : 0;
  let offset = FIXED_BYTES + 1;
  for (const list of LISTS) {
    putU32(bytes, offset, config[list].length);
    offset += 4;
    for (const member of config[list]) {
      putU64(bytes, offset, member);
      offset += 8;
    }
  }
  putU32(bytes, offset, platform.crc32(bytes.subarray(0, offset), 0));
  return bytes;
}

/** The header's length, from the file's first bytes. Refuses other files and versions. */
export function snapshotHeaderBytes(file: string, prefix: Uint8Array): number {
  if (prefix.length < SNAPSHOT_PREFIX_BYTES || MAGIC.some((byte, i) => prefix[i] !== byte)) {
    throw new WalError('corrupt', file, 0, 'not a snapshot file');
  }
  const version = getU32(prefix, 8);
  if (version !== FORMAT_VERSION) {
    throw new WalError('version', file, 8, `format version ${version}, this program reads ${FORMAT_VERSION}`);
  }
  const length = getU32(prefix, 12);
  const lengthMin = FIXED_BYTES + 1 + 4 * LISTS.length + CHECKSUM_BYTES;
  if (length < lengthMin || length > SNAPSHOT_HEADER_BYTES_MAX) {
    throw new WalError('corrupt', file, 12, `a header of ${length} bytes`);
  }
  return length;
}

/** The header of a snapshot that must be of the folder `ids`. */
export function decodeSnapshotHeader(
  platform: Platform,
  ids: FolderIds,
  file: string,
  bytes: Uint8Array,
): SnapshotMetadata {
  const {
    ids: { clusterId, memberId },
    metadata,
  } = readSnapshotHeader(platform, file, bytes);
  if (clusterId !== ids.clusterId || memberId !== ids.memberId) {
    const detail = `belongs to member ${memberId} of cluster ${clusterId}, not to member ${ids.memberId} of cluster ${ids.clusterId}`;
    throw new WalError('foreign', file, 16, detail);
  }
  return metadata;
}

/** The header of anybody's snapshot. */
export function readSnapshotHeader(platform: Platform, file: string, bytes: Uint8Array): SnapshotHeader {
  const end = bytes.length - CHECKSUM_BYTES;
  if (platform.crc32(bytes.subarray(0, end), 0) !== getU32(bytes, end)) {
    throw new WalError('corrupt', file, 0, 'snapshot header damaged');
  }
  const config = decodeConfig(bytes, end);
  if (config === undefined) throw new WalError('corrupt', file, FIXED_BYTES, 'configuration does not fit the header');
  return {
    ids: { clusterId: getU64(bytes, 16), memberId: getU64(bytes, 24) },
    metadata: { index: getU64(bytes, 32), term: getU64(bytes, 40), config },
  };
}

function decodeConfig(bytes: Uint8Array, end: number): ConfigState | undefined {
  const lists: number[][] = [];
  let offset = FIXED_BYTES + 1;
  for (const _ of LISTS) {
    if (offset + 4 > end) return undefined;
    const count = getU32(bytes, offset);
    offset += 4;
    if (offset + 8 * count > end) return undefined;
    const list: number[] = [];
    for (let i = 0; i < count; i += 1, offset += 8) list.push(getU64(bytes, offset));
    lists.push(list);
  }
  if (offset !== end) return undefined;
  const [voters = [], learners = [], votersOutgoing = [], learnersNext = []] = lists;
  return { voters, learners, votersOutgoing, learnersNext, autoLeave: bytes[FIXED_BYTES] === 1 };
}
