/**
 * The Disk seam: files of one data folder, by relative path with `/`.
 *
 * Reads are synchronous and happen only while a member starts, before it serves anybody. Everything that writes is
 * asynchronous: it returns at once and calls `done` later, never from within the call, exactly once, unless the disk hangs
 * (then never). Operations on one path take effect in the order in which they were given; operations on different paths in any order.
 *
 * What a caller may assume after a crash: what was written and synced before is there, byte for byte. Anything written and not
 * synced may be there, in part, in any subset of 512-byte sectors, or not at all. A created, renamed or removed file is surely
 * there (gone) only after syncDirectory. A failed sync means that the data may be lost even if a later sync succeeds: the
 * caller must stop.
 */
export interface Disk {
  /** Names (not paths) of the files and folders in `directory`, sorted; '' is the data folder itself. Empty if there is no such folder. */
  list(directory: string): readonly string[];
  /** Size in bytes. Throws DiskError `not-found`. */
  size(path: string): number;
  /**
   * Exactly `length` bytes from `offset`, or fewer at the end of the file. The array returned may be a part of `into`, which the caller
   * has no more use for: reading a long file into the same memory again and again spares the collector as much garbage as there is file.
   */
  read(path: string, offset: number, length: number, into?: Uint8Array): Uint8Array;

  makeDirectory(directory: string, done: DiskDone): void;
  /** Makes an empty file, replacing what was there, and reserves `sizeBytes` of zeros, so that later writes within need not grow it. */
  create(path: string, sizeBytes: number, done: DiskDone): void;
  /** Writes the chunks one after the other from `offset` on; the file grows if need be. The chunks must not change until `done`. */
  write(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void;
  /** Makes what was written to this file durable (fdatasync). */
  sync(path: string, done: DiskDone): void;
  /** write() and then sync() as one operation, which a disk may be able to do in one step. The error may be of either. */
  writeSynced(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void;
  truncate(path: string, sizeBytes: number, done: DiskDone): void;
  /** Atomically, replacing `to` if it exists. */
  rename(from: string, to: string, done: DiskDone): void;
  remove(path: string, done: DiskDone): void;
  /** Makes creations, renames and removals in this folder durable. */
  syncDirectory(directory: string, done: DiskDone): void;
}

export type DiskDone = (error: DiskError | undefined) => void;

/** `not-found`, `full` (no space left), `io` (the device failed: what was written may be lost), `denied`. */
export type DiskErrorCode = 'not-found' | 'full' | 'io' | 'denied';

/** An operating error of the disk, naming operation and path. */
export class DiskError extends Error {
  readonly code: DiskErrorCode;
  readonly operation: string;
  readonly path: string;
  constructor(code: DiskErrorCode, operation: string, path: string, detail: string) {
    super(`${operation} ${path}: ${detail}`);
    this.name = 'DiskError';
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}
