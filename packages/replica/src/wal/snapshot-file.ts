/**
 * Snapshot files: a state's metadata and an opaque stream of bytes, written beside the log and put in place at once.
 *
 * A snapshot is written under a temporary name, synced, renamed to snapshots/<term>-<index>.snap, and the folder is synced; only
 * then is finish() done, and only then may the log be released up to it. Hence a file with a snapshot's name is whole; if its
 * checksums do not match, it was damaged later. Recovery takes the newest and refuses to start if that one is damaged: an older
 * one may not reach the log's beginning any more (bug 65), and older files are removed as soon as a newer one is durable.
 */
import type { SnapshotMetadata } from '@quorate/raft';
import type { Disk, DiskDone, DiskError, Platform } from '../seams/index.js';
import {
  BLOCK_BYTES_MAX,
  BLOCK_END_BYTES,
  BLOCK_HEADER_BYTES,
  blockChain,
  blockLength,
  blockMatches,
  blockTotal,
} from './blocks.js';
import { assert, WalError } from './errors.js';
import { ReadWindow } from './read-window.js';
import { decodeSnapshotHeader, type FolderIds, SNAPSHOT_PREFIX_BYTES, snapshotHeaderBytes } from './snapshot-header.js';
import { SnapshotFramer } from './snapshot-stream.js';
import { inOrder, type Step } from './steps.js';

export type { FolderIds } from './snapshot-header.js';

export const SNAPSHOT_DIRECTORY = 'snapshots';
const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.snap$/;
const TEMPORARY_SUFFIX = '.tmp';

/** A snapshot that is in place. `file` is its path in the data folder. */
export interface SnapshotFile {
  readonly file: string;
  readonly index: number;
  readonly term: number;
  readonly bytes: number;
}

/** The temporary files that are being written to, by disk: removeSnapshots leaves them alone. */
const underWay = new WeakMap<Disk, Set<string>>();

function filesUnderWay(disk: Disk): Set<string> {
  const present = underWay.get(disk);
  if (present !== undefined) return present;
  const files = new Set<string>();
  underWay.set(disk, files);
  return files;
}

function hex(value: number): string {
  return value.toString(16).padStart(16, '0');
}

function snapshotName(index: number, term: number): string {
  return `${hex(term)}-${hex(index)}.snap`;
}

function temporaryName(disk: Disk, name: string): string {
  const files = filesUnderWay(disk);
  let attempt = 0;
  while (files.has(`${name}.${attempt}${TEMPORARY_SUFFIX}`)) attempt += 1;
  return `${name}.${attempt}${TEMPORARY_SUFFIX}`;
}

/** So much is written between two syncs: a sync of all of it at the end would hold up those of the log for as long as it takes. */
const SYNC_BYTES: number = 4 * 1024 * 1024;

/** Writes one snapshot. After an error it can only be aborted. */
export class SnapshotWriter {
  readonly #disk: Disk;
  readonly #framer: SnapshotFramer;
  readonly #metadata: SnapshotMetadata;
  readonly #name: string;
  readonly #temporary: string;
  #offset = 0;
  #unsyncedBytes = 0;
  #failure: DiskError | undefined;
  /** What waits for the file to exist. */
  #waiting: Step[] | undefined = [];
  #state: 'writing' | 'finishing' | 'over' = 'writing';

  constructor(disk: Disk, platform: Platform, ids: FolderIds, metadata: SnapshotMetadata) {
    this.#disk = disk;
    this.#framer = new SnapshotFramer(platform, ids, metadata);
    this.#metadata = metadata;
    this.#name = snapshotName(metadata.index, metadata.term);
    const temporary = temporaryName(disk, this.#name);
    filesUnderWay(disk).add(temporary);
    this.#temporary = `${SNAPSHOT_DIRECTORY}/${temporary}`;
    const { header } = this.#framer;
    this.#offset = header.length;
    const steps: readonly Step[] = [
      (next) => disk.makeDirectory(SNAPSHOT_DIRECTORY, next),
      (next) => disk.create(this.#temporary, 0, next),
      (next) => disk.write(this.#temporary, 0, [header], next),
    ];
    inOrder(steps, (error) => this.#opened(error));
  }

  /** Bytes of the file so far, its frame included. */
  get bytesWritten(): number {
    return this.#offset;
  }

  /** The next bytes of the stream; they must not change until `done`. Several may be under way; `done` of each comes in order. After an error it comes at once, with that error. */
  write(chunk: Uint8Array, done: DiskDone): void {
    assert(this.#state === 'writing', 'write to a snapshot that is over');
    const offset = this.#offset;
    const chunks = this.#framer.blocks(chunk);
    for (const part of chunks) this.#offset += part.length;
    const written: Step = (next) => this.#disk.write(this.#temporary, offset, chunks, next);
    this.#unsyncedBytes += chunk.length;
    if (this.#unsyncedBytes < SYNC_BYTES) {
      this.#whenOpen(written, done);
      return;
    }
    this.#unsyncedBytes = 0;
    const synced: Step = (next) => this.#disk.sync(this.#temporary, next);
    this.#whenOpen((next) => inOrder([written, synced], next), done);
  }

  /** Makes the snapshot durable and puts it in place. */
  finish(done: (error: DiskError | undefined, file: SnapshotFile | undefined) => void): void {
    assert(this.#state === 'writing', 'a snapshot is finished once');
    this.#state = 'finishing';
    const end = this.#framer.end();
    const offset = this.#offset;
    this.#offset += end.length;
    const path = `${SNAPSHOT_DIRECTORY}/${this.#name}`;
    const steps: readonly Step[] = [
      (next) => this.#disk.write(this.#temporary, offset, [end], next),
      (next) => this.#disk.sync(this.#temporary, next),
      (next) => this.#disk.syncDirectory('', next),
      // The data is durable under the temporary name before the final name can appear.
      (next) => this.#disk.rename(this.#temporary, path, next),
      (next) => this.#disk.syncDirectory(SNAPSHOT_DIRECTORY, next),
    ];
    this.#whenOpen(
      (next) => inOrder(steps, next),
      (error) => {
        if (error !== undefined) {
          this.#state = 'writing';
          done(error, undefined);
          return;
        }
        this.#over();
        const { index, term } = this.#metadata;
        done(undefined, { file: path, index, term, bytes: this.#offset });
      },
    );
  }

  /** Gives it up and removes the temporary file; without effect once finish() has begun and not failed. */
  abort(done: DiskDone = () => {}): void {
    if (this.#state !== 'writing') {
      done(undefined);
      return;
    }
    this.#state = 'over';
    const remove = (): void => {
      this.#disk.remove(this.#temporary, (error) => {
        this.#over();
        done(error?.code === 'not-found' ? undefined : error);
      });
    };
    if (this.#waiting === undefined) remove();
    else
      this.#waiting.push((next) => {
        next(undefined);
        remove();
      });
  }

  #over(): void {
    this.#state = 'over';
    filesUnderWay(this.#disk).delete(this.#temporary.slice(SNAPSHOT_DIRECTORY.length + 1));
  }

  #opened(error: DiskError | undefined): void {
    this.#failure = error;
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const step of waiting) step(() => {});
  }

  /** After one error every later call fails with it: a hole in the stream must not go unnoticed. */
  #whenOpen(step: Step, done: DiskDone): void {
    const settle: DiskDone = (error) => {
      this.#failure ??= error;
      done(this.#failure);
    };
    const run = (): void => {
      // From within a callback of the disk, or of the caller's own making: done() may come at once.
      if (this.#failure === undefined) step(settle);
      else done(this.#failure);
    };
    if (this.#waiting === undefined) run();
    else this.#waiting.push(run);
  }
}

/**
 * Reads a snapshot's stream block by block, checking everything; returns the metadata at the end, before which nothing of the
 * stream counts. Each block is valid until the next one is asked for. Throws WalError if the file is damaged, of another format
 * or somebody else's.
 */
export function* readSnapshot(
  disk: Disk,
  platform: Platform,
  ids: FolderIds,
  snapshot: SnapshotFile,
): Generator<Uint8Array, SnapshotMetadata> {
  const { file } = snapshot;
  const window = new ReadWindow(disk, file);
  const headerBytes = snapshotHeaderBytes(file, window.bytes(0, SNAPSHOT_PREFIX_BYTES));
  const header = readExactly(window, file, 0, headerBytes);
  const metadata = decodeSnapshotHeader(platform, ids, file, header);
  if (metadata.index !== snapshot.index || metadata.term !== snapshot.term) {
    throw new WalError(
      'corrupt',
      file,
      32,
      `holds index ${metadata.index} of term ${metadata.term}, not what its name says`,
    );
  }
  let offset = headerBytes;
  let chain = platform.crc32(header, 0);
  let totalBytes = 0;
  for (;;) {
    const length = blockLength(readExactly(window, file, offset, BLOCK_HEADER_BYTES));
    if (length > BLOCK_BYTES_MAX) throw new WalError('corrupt', file, offset, `a block of ${length} bytes`);
    const block = readExactly(window, file, offset, length === 0 ? BLOCK_END_BYTES : BLOCK_HEADER_BYTES + length);
    const blockStart = block.subarray(0, BLOCK_HEADER_BYTES);
    const body = block.subarray(BLOCK_HEADER_BYTES);
    if (!blockMatches(platform, blockStart, body, chain)) {
      throw new WalError('corrupt', file, offset, 'block checksum does not match');
    }
    offset += block.length;
    if (length === 0) {
      if (blockTotal(body) !== totalBytes) throw new WalError('corrupt', file, offset, 'blocks are missing');
      break;
    }
    chain = blockChain(blockStart);
    totalBytes += length;
    yield body;
  }
  if (disk.size(file) !== offset) throw new WalError('corrupt', file, offset, 'bytes after the end');
  return metadata;
}

function readExactly(window: ReadWindow, file: string, offset: number, length: number): Uint8Array {
  const bytes = window.bytes(offset, length);
  if (bytes.length !== length) throw new WalError('corrupt', file, offset + bytes.length, 'file ends early');
  return bytes;
}

/** The snapshots in place, newest (highest index) first. For a member's start. */
export function listSnapshots(disk: Disk): readonly SnapshotFile[] {
  const found: SnapshotFile[] = [];
  for (const name of disk.list(SNAPSHOT_DIRECTORY)) {
    const match = NAME.exec(name);
    if (match === null) continue;
    const file = `${SNAPSHOT_DIRECTORY}/${name}`;
    const term = Number.parseInt(match[1] as string, 16);
    const index = Number.parseInt(match[2] as string, 16);
    if (!Number.isSafeInteger(term) || !Number.isSafeInteger(index)) {
      throw new WalError('corrupt', file, 0, 'not a name that a snapshot can have');
    }
    found.push({ file, index, term, bytes: disk.size(file) });
  }
  return found.toSorted((a, b) => b.index - a.index || b.term - a.term);
}

/**
 * Removes what `keep` makes superfluous, and temporary files that nobody is writing to. `keep` must be known to be readable (it
 * was written by this process, or read to its end). It is made sure to be in place for good before anything else goes.
 */
export function removeSnapshots(disk: Disk, keep: SnapshotFile | undefined, done: DiskDone = () => {}): void {
  const files = filesUnderWay(disk);
  const steps: Step[] = [];
  for (const name of disk.list(SNAPSHOT_DIRECTORY)) {
    const match = NAME.exec(name);
    const path = `${SNAPSHOT_DIRECTORY}/${name}`;
    const leftOver = name.endsWith(TEMPORARY_SUFFIX) && !files.has(name);
    const index = match === null ? 0 : Number.parseInt(match[2] as string, 16);
    const old = match !== null && keep !== undefined && path !== keep.file && index <= keep.index;
    if (leftOver || old) steps.push((next) => disk.remove(path, next));
  }
  if (steps.length === 0) {
    done(undefined);
    return;
  }
  inOrder([(next) => disk.syncDirectory(SNAPSHOT_DIRECTORY, next), ...steps], done);
}
