/**
 * The real disk: one data folder, through Node's thread pool; reading is synchronous, for starting up. Nothing that writes blocks the main
 * thread, so a disk that hangs does not freeze the member, with one exception: a short synced write to a disk that is quick is waited
 * for while its owner says that nobody else waits (allowWaiting). It then takes less time than to leave it to another thread.
 */
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fsync,
  ftruncate,
  open,
  openSync,
  readdirSync,
  readSync,
  rename,
  statSync,
  write,
  writeSync,
  writev,
} from 'node:fs';
import { join } from 'node:path';
import { type Disk, type DiskDone, DiskError, type DiskErrorCode } from '../seams/index.js';
import { DiskPace, type Pace } from './disk-pace.js';
import { GradualRemoval } from './gradual-removal.js';
import { makeFolder } from './make-folder.js';
import { PathOrder } from './path-order.js';

/** Most files kept open; the one that was opened first and is not in use is closed beyond that. */
const OPEN_FILES_MAX = 32;
/**
 * Space is reserved by writing zeros, so much at a time, synced each time: no sync of the log ever waits behind more. As long as a piece
 * took the disk is left to others, among them other members, whose logs have grown as much and who reserve at the same moment.
 */
const ZEROS_BYTES: number = 1024 * 1024;
/** No longer write is waited for. */
const BRIEF_WRITE_BYTES_MAX: number = 16 * 1024;
/** POSIX guarantees no more buffers in one writev. */
const CHUNKS_MAX = 1024;

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'not-found',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
};

/** Names the operating system's error as the Disk seam does. */
export function toDiskError(operation: string, path: string, error: unknown): DiskError {
  const systemCode = (error as NodeJS.ErrnoException).code ?? '';
  const disk = new DiskError(CODES[systemCode] ?? 'io', operation, path, (error as Error).message);
  disk.cause = error;
  return disk;
}

type FileCallback = (error: Error | null) => void;

interface OpenFile {
  readonly fd: number;
  /** The same file opened so that a write returns when it is durable; made when it is first needed. */
  syncedFd?: number;
  /** Something was written that no sync has covered. */
  isUnsynced: boolean;
  /** Operations that use it right now. */
  users: number;
}

/** When the thread that asks for a write may do it itself, and wait for the disk. */
export interface DiskWaiting {
  /** Asked before each write. */
  mayWait(): boolean;
  /** This thread has stood still for so long. */
  waited(milliseconds: number): void;
}

/**
 * One call to the thread pool instead of two, which saves about a fifth of a short append's latency. Elsewhere than on Linux O_DSYNC
 * does not exist or promises less than fdatasync does.
 */
const SYNCED_WRITES: number | undefined =
  process.platform === 'linux' ? constants.O_RDWR | constants.O_DSYNC : undefined;

let zeros: Uint8Array | undefined;

export class FileDisk implements Disk {
  readonly #root: string;
  readonly #order = new PathOrder();
  readonly #removal = new GradualRemoval();
  readonly #pace: Pace;
  #waiting: DiskWaiting = { mayWait: () => false, waited: () => {} };
  awaitedWrites = 0;
  /** In the order of opening. */
  readonly #files = new Map<string, OpenFile>();
  /** Given with close(), until nothing is under way any more. */
  #closing: (() => void) | undefined;
  #closed = false;

  /** `root` exists already. */
  constructor(root: string, pace: Pace = new DiskPace()) {
    this.#root = root;
    this.#pace = pace;
  }

  /** Allows short synced writes to be done in this thread. */
  allowWaiting(waiting: DiskWaiting): void {
    this.#waiting = waiting;
  }

  /**
   * Closes the files once what is under way has finished, with what the end of each sets going: a snapshot that is being finished
   * comes into its place in several steps. Nothing may be asked for after `done`.
   */
  close(done: () => void = () => {}): void {
    this.#closing = done;
    this.#closeIfIdle();
  }

  list(directory: string): readonly string[] {
    try {
      return readdirSync(this.#path(directory)).toSorted();
    } catch (error) {
      const failure = toDiskError('list', directory, error);
      if (failure.code === 'not-found') return [];
      throw failure;
    }
  }

  size(path: string): number {
    try {
      return statSync(this.#path(path)).size;
    } catch (error) {
      throw toDiskError('size', path, error);
    }
  }

  read(path: string, offset: number, length: number, into?: Uint8Array): Uint8Array {
    let fd: number | undefined;
    try {
      fd = openSync(this.#path(path), 'r');
      // A plain array over its own memory, not a Buffer: slices of it are copies.
      const bytes =
        into !== undefined && into.length >= length ? into : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      let filled = 0;
      while (filled < length) {
        const count = readSync(fd, bytes, filled, length - filled, offset + filled);
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } catch (error) {
      throw toDiskError('read', path, error);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  makeDirectory(directory: string, done: DiskDone): void {
    this.#run('make directory', [directory], done, (finished) => {
      makeFolder(this.#path(directory)).then(() => finished(null), finished);
    });
  }

  create(path: string, sizeBytes: number, done: DiskDone): void {
    this.#run('create', [path], done, (finished) => {
      this.#forget(path);
      open(this.#path(path), 'w+', 0o600, (error, fd) => {
        if (error !== null) {
          finished(error);
          return;
        }
        const file: OpenFile = { fd, isUnsynced: true, users: 1 };
        this.#files.set(path, file);
        this.#closeOldest();
        fillWithZeros(fd, 0, sizeBytes, (fillError) => {
          file.users -= 1;
          finished(fillError);
        });
      });
    });
  }

  write(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    this.#withFile('write', path, done, (file, finished) => {
      file.isUnsynced = true;
      writeAll(file.fd, offset, chunks, finished);
    });
  }

  sync(path: string, done: DiskDone): void {
    this.#withFile('sync', path, done, syncFile);
  }

  writeSynced(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    this.#withFile('write', path, done, (file, finished) => {
      // A synced write covers itself only: what was written before and not synced needs a sync of the file.
      if (SYNCED_WRITES !== undefined && !file.isUnsynced) {
        this.#withSyncedFd(file, path, finished, (fd) => this.#writeThrough(fd, offset, chunks, finished));
        return;
      }
      writeAll(file.fd, offset, chunks, (error) => {
        if (error === null) syncFile(file, finished);
        else finished(error);
      });
    });
  }

  truncate(path: string, sizeBytes: number, done: DiskDone): void {
    this.#withFile('truncate', path, done, (file, finished) => {
      file.isUnsynced = true;
      ftruncate(file.fd, sizeBytes, finished);
    });
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.#run('rename', [from, to], done, (finished) => {
      this.#forget(from);
      this.#forget(to);
      rename(this.#path(from), this.#path(to), finished);
    });
  }

  remove(path: string, done: DiskDone): void {
    this.#run('remove', [path], done, (finished) => {
      this.#forget(path);
      this.#removal.remove(this.#path(path), finished);
    });
  }

  syncDirectory(directory: string, done: DiskDone): void {
    this.#run('sync directory', [directory], done, (finished) => {
      // Windows cannot open folders; its file systems make such changes durable by themselves.
      if (process.platform === 'win32') {
        setImmediate(finished, null);
        return;
      }
      open(this.#path(directory), 'r', (openError, fd) => {
        if (openError !== null) {
          finished(openError);
          return;
        }
        fsync(fd, (error) => close(fd, () => finished(error)));
      });
    });
  }

  #path(path: string): string {
    if (path.startsWith('/') || path.split('/').includes('..')) {
      throw new Error(`assertion failed: ${path} is not a path within the data folder`);
    }
    return join(this.#root, path);
  }

  #run(operation: string, paths: readonly string[], done: DiskDone, start: (finished: FileCallback) => void): void {
    if (this.#closed) throw new Error(`assertion failed: ${operation} on a closed disk`);
    this.#order.run(paths, (next) =>
      start((error) => {
        next();
        const failure = error === null ? undefined : toDiskError(operation, paths[0] ?? '', error);
        if (failure?.code === 'full') this.#removal.hasten();
        done(failure);
        this.#closeIfIdle();
      }),
    );
  }

  #closeIfIdle(): void {
    const closed = this.#closing;
    if (closed === undefined || this.#order.unfinished > 0) return;
    this.#closing = undefined;
    this.#closed = true;
    for (const { fd, syncedFd } of this.#files.values()) {
      closeSync(fd);
      if (syncedFd !== undefined) closeSync(syncedFd);
    }
    this.#files.clear();
    this.#removal.hasten();
    closed();
  }

  #withFile(
    operation: string,
    path: string,
    done: DiskDone,
    use: (file: OpenFile, finished: FileCallback) => void,
  ): void {
    this.#run(operation, [path], done, (finished) => {
      const run = (file: OpenFile): void => {
        file.users += 1;
        use(file, (error) => {
          file.users -= 1;
          finished(error);
        });
      };
      const present = this.#files.get(path);
      if (present !== undefined) {
        run(present);
        return;
      }
      open(this.#path(path), 'r+', (error, fd) => {
        if (error !== null) {
          finished(error);
          return;
        }
        const file: OpenFile = { fd, isUnsynced: true, users: 0 };
        this.#files.set(path, file);
        run(file);
        this.#closeOldest();
      });
    });
  }

  #withSyncedFd(file: OpenFile, path: string, finished: FileCallback, use: (fd: number) => void): void {
    if (file.syncedFd !== undefined) {
      use(file.syncedFd);
      return;
    }
    open(this.#path(path), SYNCED_WRITES as number, (error, fd) => {
      if (error !== null) {
        finished(error);
        return;
      }
      file.syncedFd = fd;
      use(fd);
    });
  }

  /** Through to the disk: `fd` is a synced one. */
  #writeThrough(fd: number, offset: number, chunks: readonly Uint8Array[], finished: FileCallback): void {
    const [only] = chunks;
    if (only === undefined || chunks.length > 1 || only.length > BRIEF_WRITE_BYTES_MAX) {
      writeAll(fd, offset, chunks, finished);
      return;
    }
    const begunMs = performance.now();
    if (!this.#pace.isQuick || !this.#waiting.mayWait()) {
      writeAll(fd, offset, chunks, (error) => {
        this.#pace.add(performance.now() - begunMs);
        finished(error);
      });
      return;
    }
    let written = 0;
    try {
      written = writeSync(fd, only, 0, only.length, offset);
    } catch (error) {
      process.nextTick(finished, error);
      return;
    }
    const waitedMs = performance.now() - begunMs;
    this.awaitedWrites += 1;
    this.#pace.add(waitedMs);
    this.#waiting.waited(waitedMs);
    if (written === only.length) process.nextTick(finished, null);
    else writeAll(fd, offset + written, [only.subarray(written)], finished);
  }

  #closeOldest(): void {
    if (this.#files.size <= OPEN_FILES_MAX) return;
    for (const [path, file] of this.#files) {
      if (file.users > 0) continue;
      this.#forget(path);
      return;
    }
  }

  /** The name will stand for another file, or for none. Closing is nobody's concern: everything that matters was synced. */
  #forget(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    close(file.fd, () => {});
    if (file.syncedFd !== undefined) close(file.syncedFd, () => {});
  }
}

function syncFile(file: OpenFile, finished: FileCallback): void {
  fdatasync(file.fd, (error) => {
    if (error === null) file.isUnsynced = false;
    finished(error);
  });
}

/** Writes the chunks from `offset` on; the system may take only a part at a time. */
function writeAll(fd: number, offset: number, chunks: readonly Uint8Array[], finished: FileCallback): void {
  const filled = chunks.filter((chunk) => chunk.length > 0);
  const [first] = filled;
  if (first === undefined) {
    setImmediate(finished, null);
    return;
  }
  const onWritten = (error: Error | null, written: number): void => {
    if (error !== null) {
      finished(error);
      return;
    }
    const rest = dropBytes(filled, written);
    if (rest.length === 0) finished(null);
    else if (written === 0) finished(new Error('the system writes nothing and reports no error'));
    else writeAll(fd, offset + written, rest, finished);
  };
  // The log writes one chunk at a time, and there is less around the call for one.
  if (filled.length === 1) write(fd, first, 0, first.length, offset, onWritten);
  else writev(fd, filled.slice(0, CHUNKS_MAX), offset, onWritten);
}

function dropBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  for (const [position, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(position + 1)];
    left -= chunk.length;
  }
  return [];
}

/** Not ftruncate: a sparse file takes no space until it is written to, and writing there costs more (docs/disk-format.md). */
function fillWithZeros(fd: number, offset: number, end: number, finished: FileCallback): void {
  if (offset >= end) {
    setImmediate(finished, null);
    return;
  }
  zeros ??= new Uint8Array(ZEROS_BYTES);
  const piece = zeros.subarray(0, Math.min(ZEROS_BYTES, end - offset));
  const begunMs = performance.now();
  writeAll(fd, offset, [piece], (error) => {
    if (error !== null) {
      finished(error);
      return;
    }
    if (end <= ZEROS_BYTES) {
      finished(null);
      return;
    }
    fdatasync(fd, (syncError) => {
      if (syncError === null) {
        setTimeout(() => fillWithZeros(fd, offset + piece.length, end, finished), performance.now() - begunMs);
      } else finished(syncError);
    });
  });
}
