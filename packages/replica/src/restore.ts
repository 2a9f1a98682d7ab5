/**
 * Backups from the outside: what a saved state holds, and a data folder made of it for a member of a new cluster. The stream is that of
 * StateSnapshot (api.ts), plain or followed by its SHA-256, with or without zeros before that, as `etcdctl snapshot save` leaves it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { FileDisk } from './adapters/file-disk.js';
import { type FolderLock, isClaim, lockFolder } from './adapters/folder-lock.js';
import { makeFolder } from './adapters/make-folder.js';
import { nodePlatform } from './adapters/platform.js';
import { QuorateError } from './api.js';
import { done, randomId, unusable } from './data-folder.js';
import { settleFolder } from './replica/bootstrap.js';
import type { RecordedMember } from './replica/directory.js';
import { SNAPSHOT_SLICE_BYTES } from './replica/limits.js';
import { restoredBatch, restoredState } from './replica/restore.js';
import { StateMachine } from './replica/state-machine.js';
import type { Disk, DiskError } from './seams/index.js';
import type { Identity } from './wal/identity.js';
import { SEGMENT_BYTES_DEFAULT } from './wal/log.js';
import { SnapshotWriter } from './wal/snapshot-file.js';
import type { SnapshotHeader } from './wal/snapshot-header.js';
import { SnapshotUnframer } from './wal/snapshot-stream.js';

export type SavedState = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface SnapshotSummary {
  /** Whose state it is. */
  readonly clusterId: number;
  readonly memberId: number;
  readonly index: number;
  readonly term: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
  readonly leases: number;
  /** Of the keys and their history; equal to a member's hash at that revision. */
  readonly hash: number;
  /** Of the stream, the SHA-256 at its end included. */
  readonly bytes: number;
  /** It ended in its SHA-256. */
  readonly hasDigest: boolean;
}

export interface RestoredMember {
  /** Default: drawn, which is right only for a cluster of one. */
  readonly id?: number;
  readonly name: string;
  /** host:port; '' if it is alone and opens no port. */
  readonly peerAddress: string;
  readonly clientAddress?: string;
  readonly peerUrls?: readonly string[];
  readonly clientUrls?: readonly string[];
}

export interface RestoreOptions {
  readonly source: SavedState;
  /** Made if it is not there; it must be empty. */
  readonly dir: string;
  /** Which of `members` the folder is for. */
  readonly name: string;
  /** All members of the new cluster; each restores the same state with the same members and ids. Default: `name` alone. */
  readonly members?: readonly RestoredMember[];
  /** The same for all of them, and not the old cluster's. Default: drawn, which is right only for a cluster of one. */
  readonly clusterId?: number;
  /** Revisions go on so much higher, and all below counts as compacted: for clients that still know revisions of the old cluster. Default 0. */
  readonly bumpRevision?: number;
  readonly segmentBytes?: number;
}

export interface RestoreResult {
  readonly clusterId: number;
  readonly memberId: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
}

const DIGEST_BYTES = 32;
const PAGE_BYTES = 512;

/** Reads a saved state to its end, checking everything. Rejects with `invalid-argument` if it is damaged. */
export async function inspectSnapshot(source: SavedState): Promise<SnapshotSummary> {
  const { header, state, bytes, hasDigest } = await load(source);
  const { store } = state;
  const hashed = store.hash();
  if (hashed.kind === 'error') throw refused(`the state cannot be hashed: ${hashed.code}`);
  return {
    ...header.ids,
    index: header.metadata.index,
    term: header.metadata.term,
    revision: store.revision,
    compactRevision: store.compactRevision,
    keys: store.keyCount,
    leases: store.leaseCount,
    hash: hashed.hash,
    bytes,
    hasDigest,
  };
}

/** Makes a data folder of a saved state. Until it resolves, the folder is no member's, and what is in it may go. */
export async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { dir, name, members = [{ name, peerAddress: '' }], bumpRevision = 0 } = options;
  if (!Number.isSafeInteger(bumpRevision) || bumpRevision < 0)
    throw refused(`revisions cannot go on ${bumpRevision} higher`);
  const own = members.filter((member) => member.name === name);
  if (own.length !== 1) throw refused(`"${name}" is to be one of the members, under that name alone`);
  const isComplete = options.clusterId !== undefined && members.every(({ id }) => id !== undefined);
  if (members.length > 1 && !isComplete)
    throw refused('several members need the same given ids in each of their folders');
  const recorded = members.map(record);
  const memberId = recorded[members.indexOf(own[0] as RestoredMember)]?.id as number;
  const clusterId = options.clusterId ?? randomId();
  const saved = await load(options.source);
  if (saved.header.ids.clusterId === clusterId) throw refused('the new cluster must not have the id of the old one');
  const state = restoredState(nodePlatform, saved.state, recorded, bumpRevision);
  const instance = randomBytes(16).toString('hex');
  await inFolder(dir, (disk) =>
    writeFolder(disk, { clusterId, memberId, name, instance }, state, options.segmentBytes ?? SEGMENT_BYTES_DEFAULT),
  );
  const { revision, compactRevision, keyCount: keys } = state.store;
  return { clusterId, memberId, revision, compactRevision, keys };
}

function record({ id = randomId(), clientAddress = '', ...member }: RestoredMember): RecordedMember {
  // Which folders they will be is not known to all of them yet.
  return { ...member, id, clientAddress, instance: '', promoteWhenCaughtUp: false };
}

/** First the state, then the log that begins behind it, then whose it is: the order of bootstrap.ts. */
async function writeFolder(disk: Disk, identity: Identity, state: StateMachine, segmentBytes: number): Promise<void> {
  const frozen = state.freeze();
  const writer = new SnapshotWriter(disk, nodePlatform, identity, frozen.metadata);
  const source = frozen.chunks();
  for (let chunk = source.next(SNAPSHOT_SLICE_BYTES); chunk !== undefined; chunk = source.next(SNAPSHOT_SLICE_BYTES)) {
    const bytes = chunk;
    await done((callback) => writer.write(bytes, callback));
  }
  await done((callback) => writer.finish(callback));
  frozen.release();
  const seams = { disk, platform: nodePlatform };
  await done((callback) => settleFolder(seams, identity, segmentBytes, restoredBatch(), callback));
}

async function inFolder(dir: string, work: (disk: Disk) => Promise<void>): Promise<void> {
  const lock = await claim(dir);
  const disk = new FileDisk(dir);
  try {
    // Somebody may have been at it until it was locked.
    requireEmpty(dir);
    await work(disk);
  } catch (error) {
    throw error instanceof QuorateError ? error : asDiskError(error);
  } finally {
    await new Promise<void>((resolve) => disk.close(resolve));
    lock.release();
  }
}

async function claim(dir: string): Promise<FolderLock> {
  try {
    await makeFolder(dir);
    requireEmpty(dir);
    return lockFolder(dir);
  } catch (error) {
    throw error instanceof QuorateError ? error : unusable(error);
  }
}

/** But for what the root of a file system has by itself. */
function requireEmpty(dir: string): void {
  const [first, ...others] = readdirSync(dir).filter((name) => name !== 'lost+found' && !isClaim(name));
  if (first === undefined) return;
  const found = others.length === 0 ? first : `${first} and ${others.length} more`;
  const message = `the data folder is not empty: ${dir} holds ${found}; a state is restored into an empty one`;
  throw new QuorateError('data-folder', 'rejected', message);
}

function asDiskError(error: unknown): QuorateError {
  const { message } = error as DiskError;
  return new QuorateError('disk', 'rejected', `the folder could not be written: ${message}`, { cause: error });
}

interface Loaded {
  readonly header: SnapshotHeader;
  readonly state: StateMachine;
  readonly bytes: number;
  readonly hasDigest: boolean;
}

async function load(source: SavedState): Promise<Loaded> {
  const loader = StateMachine.loader(nodePlatform);
  const unframer = new SnapshotUnframer(nodePlatform, 'the snapshot', (block) => loader.push(block));
  const digest = createHash('sha256');
  /** The last bytes so far: perhaps the digest of those before. */
  let tail: Buffer = Buffer.alloc(0);
  let bytes = 0;
  try {
    for await (const chunk of source) {
      unframer.push(chunk);
      bytes += chunk.length;
      const unhashed = Buffer.concat([tail, chunk]);
      const keep = Math.min(unhashed.length, DIGEST_BYTES);
      digest.update(unhashed.subarray(0, unhashed.length - keep));
      tail = unhashed.subarray(unhashed.length - keep);
    }
    const { ids, metadata, trailer } = unframer.finish();
    const hasDigest = trailer.length > 0;
    if (hasDigest && !isFilled(trailer)) throw new Error('what follows its end is no SHA-256');
    if (hasDigest && !digest.digest().equals(tail)) throw new Error('its SHA-256 does not match');
    return { header: { ids, metadata }, state: loader.finish(metadata), bytes, hasDigest };
  } catch (error) {
    throw refused(`the snapshot cannot be used: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** Zeros up to a multiple of 512 bytes (etcdctl wants its files so), then a digest. */
function isFilled(trailer: Uint8Array): boolean {
  const fillBytes = trailer.length - DIGEST_BYTES;
  return fillBytes >= 0 && fillBytes < PAGE_BYTES && trailer.subarray(0, fillBytes).every((byte) => byte === 0);
}

function refused(message: string, cause?: unknown): QuorateError {
  return new QuorateError('invalid-argument', 'invalid', message, { cause });
}
