/**
 * A backup as a file: what `quorate snapshot save` writes, and what both it and `etcdctl snapshot save` leave of a Quorate member. The
 * state, zeros up to a multiple of 512 bytes, the SHA-256 of all that.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { inspectSnapshot, QuorateError, type SavedState, type SnapshotSummary } from '@quorate/replica';
import { CliFailure, EXIT } from '../cli/io.js';

const DIGEST_BYTES = 32;
/** Of etcd's database: a page's header, then its mark (bbolt's `meta` page). */
const BOLT_MARK_AT = 16;
const BOLT_MARK = 0xed0cdaed;
const HEAD_BYTES = BOLT_MARK_AT + 4;

/** Reads it to its end, and checks everything. Rejects with a CliFailure that says what is wrong with the file. */
export async function inspectFile(file: string, skipHashCheck: boolean): Promise<SnapshotSummary> {
  await refuseForeign(file);
  const summary = await understood(file, inspectSnapshot(readFileStream(file)));
  if (!summary.hasDigest && !skipHashCheck) {
    const message = `${file}: the SHA-256 at its end is missing: the file is cut off, or not a backup but a member's own snapshot (--skip-hash-check takes that)`;
    throw new CliFailure(EXIT.failed, message);
  }
  return summary;
}

export function readFileStream(file: string): SavedState {
  return createReadStream(file) as AsyncIterable<Buffer>;
}

/** What reading or restoring rejects with, as a failure that names the file. */
export async function understood<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof QuorateError || isSystemError(error)) {
      throw new CliFailure(EXIT.failed, `${file}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** Says which file it is that nobody can read here. */
export async function refuseForeign(file: string): Promise<void> {
  const head = Buffer.alloc(HEAD_BYTES);
  await understood(
    file,
    (async () => {
      const handle = await open(file, 'r');
      try {
        await handle.read(head, 0, HEAD_BYTES, 0);
      } finally {
        await handle.close();
      }
    })(),
  );
  if (isBolt(head)) throw new CliFailure(EXIT.failed, `${file} is a database of etcd (a bolt file), ${BOLT_ADVICE}`);
}

export const BOLT_ADVICE =
  'which Quorate cannot read: restore it with etcdctl into an etcd, and copy that with `quorate migrate --from <etcd endpoint> --to <quorate endpoint>`';

export function isBolt(head: Uint8Array): boolean {
  if (head.length < HEAD_BYTES) return false;
  return new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(BOLT_MARK_AT, true) === BOLT_MARK;
}

/**
 * Writes a stream that ends in its SHA-256. Under a temporary name until all of it is there, verified and durable; what fails leaves
 * nothing behind.
 */
export async function saveStream(
  pieces: AsyncIterable<Buffer>,
  file: string,
  options: { readonly overwrite: boolean; readonly onProgress?: (bytes: number) => void },
): Promise<SnapshotSummary> {
  await requireReplaceable(file, options.overwrite);
  const folder = path.dirname(file);
  await requireFolder(folder);
  const temporary = path.join(folder, `.${path.basename(file)}.${process.pid}.part`);
  try {
    await understood(file, writeDurably(pieces, temporary, options.onProgress ?? (() => undefined)));
    const summary = await inspectFile(temporary, false);
    await understood(file, rename(temporary, file));
    await syncFolder(folder);
    return summary;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** One that is missing is more likely a mistyped one, or a disk that is not mounted, than one to be made. */
async function requireFolder(folder: string): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(folder)).isDirectory();
  } catch (error) {
    const message = `a backup cannot be saved in the folder ${folder}: ${error instanceof Error ? error.message : String(error)}`;
    throw new CliFailure(EXIT.failed, message, { cause: error });
  }
  if (!isFolder) throw new CliFailure(EXIT.failed, `${folder} is not a folder: a backup cannot be saved in it`);
}

async function requireReplaceable(file: string, overwrite: boolean): Promise<void> {
  const present = await stat(file).catch(() => undefined);
  if (present?.isDirectory() === true || file === '' || file.endsWith('/') || file.endsWith(path.sep)) {
    throw new CliFailure(EXIT.failed, `"${file}" is a folder: name the file in it that is to hold the backup`);
  }
  if (present !== undefined && !overwrite) {
    throw new CliFailure(EXIT.failed, `${file} is there already; --overwrite replaces it`);
  }
}

async function writeDurably(
  pieces: AsyncIterable<Buffer>,
  file: string,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const digest = createHash('sha256');
  let tail: Buffer = Buffer.alloc(0);
  let bytes = 0;
  // Whoever reads a backup reads every key.
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const piece of pieces) {
      if (bytes === 0 && isBolt(piece))
        throw new CliFailure(EXIT.failed, `the endpoint is an etcd: its snapshot is a bolt file, ${BOLT_ADVICE}`);
      await handle.writeFile(piece);
      bytes += piece.length;
      onProgress(bytes);
      const unhashed = Buffer.concat([tail, piece]);
      const end = Math.max(0, unhashed.length - DIGEST_BYTES);
      digest.update(unhashed.subarray(0, end));
      tail = unhashed.subarray(end);
    }
    if (tail.length < DIGEST_BYTES || !digest.digest().equals(tail)) {
      throw new CliFailure(EXIT.failed, 'what came does not match the SHA-256 at its end: nothing was saved');
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name is durable when its folder is. Some systems cannot do that for folders, and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!isSystemError(error) || !['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'].includes(error.code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
