/**
 * The virtual Disk: files in memory, driven by a scheduler that is handed in, so that a seed decides every delay and every loss
 * and a run can be repeated.
 *
 * How it lies, within what the Disk seam allows:
 *
 * - crash: of what was not synced, any subset of sectors is there (memory-file.ts); creations, renames and removals that were
 *   not made durable by syncDirectory are each there or not;
 * - a failed write leaves a part behind; a failed sync loses some of the data for good, even if a later sync succeeds;
 * - full: a write takes what fits and fails;
 * - latency per operation; operations on different paths overtake each other;
 * - hang: nothing is ever answered, until resume().
 *
 * And beyond it, as media do: flipBit, loseSector and loseFile damage what is durable.
 *
 * And what it checks: a chunk that its owner changed before `done` throws.
 */
import { PathOrder } from '../adapters/path-order.js';
import { type Disk, type DiskDone, DiskError, type DiskErrorCode } from '../seams/disk.js';
import type { RandomStream } from '../seams/random.js';
import { type Allocate, isJoined, join } from './chunks.js';
import { MEMORY_SECTOR_BYTES, MemoryFile } from './memory-file.js';

export type DiskOperation =
  | 'make directory'
  | 'create'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'sync directory';

export interface MemoryDiskOptions {
  /** Calls `run` once, `delayMs` of virtual time from now, never within the call. */
  readonly schedule: (delayMs: number, run: () => void) => void;
  /** Decides what survives and how much of a failed operation is done. */
  readonly random: RandomStream;
  /** How long the operation takes; 0 unless given. */
  readonly latencyMs?: ((operation: DiskOperation, path: string, bytes: number) => number) | undefined;
  /** Where what it holds, and what is read of it, is kept: see Arena. The heap unless given. */
  readonly allocate?: Allocate;
}

/** One change of a folder that is not durable yet. A rename is one change: it happens as a whole or not at all. */
interface FolderChange {
  readonly folder: string;
  readonly apply: (medium: Medium) => void;
}

/** The names: what is durable, or what the system shows. */
interface Medium {
  readonly files: Map<string, MemoryFile>;
  readonly folders: Set<string>;
}

interface Fault {
  readonly operation: DiskOperation;
  readonly code: DiskErrorCode;
  readonly matches: (path: string) => boolean;
}

export class MemoryDisk implements Disk {
  readonly #options: MemoryDiskOptions;
  readonly #order = new PathOrder();
  readonly #durable: Medium;
  readonly #shown: Medium;
  #changes: FolderChange[] = [];
  #faults: Fault[] = [];
  #capacityBytes = Number.POSITIVE_INFINITY;
  #hanging = false;
  #held: (() => void)[] = [];
  #over = false;

  constructor(options: MemoryDiskOptions) {
    this.#options = options;
    this.#durable = { files: new Map(), folders: new Set(['']) };
    this.#shown = { files: new Map(), folders: new Set(['']) };
  }

  // ---- what it is told to do to its user --------------------------------------------------------------------------

  /** The power is cut: this disk never answers again; the one that is returned holds what survived. */
  crash(): MemoryDisk {
    const { random } = this.#options;
    for (const change of this.#changes) if (random.integer(2) === 0) change.apply(this.#durable);
    const next = this.#successor();
    for (const folder of this.#durable.folders) {
      if (isReachable(folder, this.#durable.folders)) next.#bothFolders(folder);
    }
    const files = new Set<MemoryFile>();
    for (const [path, file] of this.#durable.files) {
      if (!next.#durable.folders.has(folderOf(path))) continue;
      if (!files.has(file)) file.crash(random);
      files.add(file);
      next.#durable.files.set(path, file);
      next.#shown.files.set(path, file);
    }
    return next;
  }

  /** The process is killed: what is under way is done or not, the system keeps everything; the returned disk goes on from there. */
  kill(): MemoryDisk {
    const next = this.#successor();
    for (const folder of this.#durable.folders) next.#durable.folders.add(folder);
    for (const folder of this.#shown.folders) next.#shown.folders.add(folder);
    for (const [path, file] of this.#durable.files) next.#durable.files.set(path, file);
    for (const [path, file] of this.#shown.files) next.#shown.files.set(path, file);
    next.#changes = this.#changes;
    return next;
  }

  /** The next such operation (on such a path) fails; a write does a part of its work. */
  failNext(
    operation: DiskOperation,
    code: DiskErrorCode = 'io',
    matches: (path: string) => boolean = () => true,
  ): void {
    this.#faults.push({ operation, code, matches });
  }

  /** All files together can grow to this size; Infinity to begin with. */
  limitTo(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  /** Nothing is answered any more. */
  hang(): void {
    this.#hanging = true;
  }

  /** What has come since hang() goes on. */
  resume(): void {
    this.#hanging = false;
    for (const run of this.#held.splice(0)) run();
  }

  flipBit(path: string, offset: number, bit: number): void {
    this.#file('flip', path).alter(offset, (byte) => byte ^ (1 << bit));
  }

  /** The sector at `offset` reads as zeros: a write that the device confirmed and never did. */
  loseSector(path: string, offset: number): void {
    const file = this.#file('lose', path);
    const begin = offset - (offset % MEMORY_SECTOR_BYTES);
    for (let i = 0; i < MEMORY_SECTOR_BYTES; i += 1) file.alter(begin + i, () => 0);
  }

  /** The file is gone, for good and at once. */
  loseFile(path: string): void {
    this.#file('lose', path);
    for (const { files } of [this.#durable, this.#shown]) files.delete(path);
  }

  get usedBytes(): number {
    return [...new Set(this.#shown.files.values())].reduce((sum, file) => sum + file.sizeBytes, 0);
  }

  // ---- Disk -------------------------------------------------------------------------------------------------------

  list(directory: string): readonly string[] {
    const prefix = directory === '' ? '' : `${directory}/`;
    const names = [...this.#shown.files.keys(), ...this.#shown.folders]
      .filter((path) => path !== '' && path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length));
    return names.toSorted();
  }

  size(path: string): number {
    return this.#file('size', path).sizeBytes;
  }

  read(path: string, offset: number, length: number): Uint8Array {
    return this.#file('read', path).read(offset, length);
  }

  makeDirectory(directory: string, done: DiskDone): void {
    this.#run('make directory', [directory], 0, done, () => {
      const parts = directory.split('/');
      for (let depth = 1; depth <= parts.length; depth += 1) {
        const folder = parts.slice(0, depth).join('/');
        if (!this.#shown.folders.has(folder)) this.#change(folderOf(folder), (medium) => medium.folders.add(folder));
      }
      return undefined;
    });
  }

  create(path: string, sizeBytes: number, done: DiskDone): void {
    this.#run('create', [path], sizeBytes, done, () => {
      if (!this.#shown.folders.has(folderOf(path))) return this.#error('not-found', 'create', path);
      const file = new MemoryFile(this.#options.allocate);
      this.#change(folderOf(path), (medium) => medium.files.set(path, file));
      return this.#grow(file, sizeBytes, 'create', path);
    });
  }

  write(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    const bytes = join(chunks, this.#options.allocate);
    const { length } = bytes;
    const checked: DiskDone = (error) => {
      if (!isJoined(chunks, bytes))
        throw new Error(`assertion failed: a chunk for ${path} was changed while it was being written`);
      done(error);
    };
    this.#run(
      'write',
      [path],
      length,
      checked,
      () => {
        const file = this.#shown.files.get(path);
        if (file === undefined) return this.#error('not-found', 'write', path);
        const room = this.#room(file.sizeBytes - offset);
        if (length > 0) file.write(offset, bytes.subarray(0, Math.min(length, room)));
        return room < length ? this.#error('full', 'write', path) : undefined;
      },
      () => {
        const file = this.#shown.files.get(path);
        file?.write(offset, bytes.subarray(0, this.#options.random.integer(length + 1)));
      },
    );
  }

  writeSynced(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    this.write(path, offset, chunks, (error) => {
      if (error === undefined) this.sync(path, done);
      else done(error);
    });
  }

  sync(path: string, done: DiskDone): void {
    this.#run(
      'sync',
      [path],
      0,
      done,
      () => {
        const file = this.#shown.files.get(path);
        file?.sync();
        return file === undefined ? this.#error('not-found', 'sync', path) : undefined;
      },
      () => this.#shown.files.get(path)?.failSync(this.#options.random),
    );
  }

  truncate(path: string, sizeBytes: number, done: DiskDone): void {
    this.#run('truncate', [path], 0, done, () => {
      const file = this.#shown.files.get(path);
      if (file === undefined) return this.#error('not-found', 'truncate', path);
      if (sizeBytes > file.sizeBytes) return this.#grow(file, sizeBytes, 'truncate', path);
      file.resize(sizeBytes);
      return undefined;
    });
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.#run('rename', [from, to], 0, done, () => {
      const file = this.#shown.files.get(from);
      if (file === undefined) return this.#error('not-found', 'rename', from);
      this.#change(folderOf(to), (medium) => {
        if (medium.files.get(from) === file) medium.files.delete(from);
        medium.files.set(to, file);
      });
      return undefined;
    });
  }

  remove(path: string, done: DiskDone): void {
    this.#run('remove', [path], 0, done, () => {
      const file = this.#shown.files.get(path);
      if (file === undefined) return this.#error('not-found', 'remove', path);
      this.#change(folderOf(path), (medium) => {
        if (medium.files.get(path) === file) medium.files.delete(path);
      });
      return undefined;
    });
  }

  syncDirectory(directory: string, done: DiskDone): void {
    this.#run('sync directory', [directory], 0, done, () => {
      if (!this.#shown.folders.has(directory)) return this.#error('not-found', 'sync directory', directory);
      for (const change of this.#changes) if (change.folder === directory) change.apply(this.#durable);
      this.#changes = this.#changes.filter((change) => change.folder !== directory);
      return undefined;
    });
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  /** `act` takes effect some time after the call, `done` some time after that: a crash may come before, between and after. */
  #run(
    operation: DiskOperation,
    paths: readonly string[],
    bytes: number,
    done: DiskDone,
    act: () => DiskError | undefined,
    fail: () => void = () => {},
  ): void {
    const [path = ''] = paths;
    const delayMs = this.#options.latencyMs?.(operation, path, bytes) ?? 0;
    this.#order.run(paths, (finished) => {
      let error: DiskError | undefined;
      const answer = (): void => {
        if (this.#isStill(answer)) return;
        finished();
        done(error);
      };
      const takeEffect = (): void => {
        if (this.#isStill(takeEffect)) return;
        const fault = this.#takeFault(operation, path);
        if (fault === undefined) error = act();
        else {
          fail();
          error = this.#error(fault.code, operation, path);
        }
        this.#options.schedule(delayMs / 2, answer);
      };
      this.#options.schedule(delayMs / 2, takeEffect);
    });
  }

  /** Nothing happens, for good or, while it hangs, until resume() runs it again. */
  #isStill(run: () => void): boolean {
    if (this.#hanging && !this.#over) this.#held.push(run);
    return this.#over || this.#hanging;
  }

  #takeFault(operation: DiskOperation, path: string): Fault | undefined {
    if (this.#faults.length === 0) return undefined;
    const fault = this.#faults.find((one) => one.operation === operation && one.matches(path));
    if (fault !== undefined) this.#faults = this.#faults.filter((one) => one !== fault);
    return fault;
  }

  #successor(): MemoryDisk {
    this.#over = true;
    const next = new MemoryDisk(this.#options);
    next.#capacityBytes = this.#capacityBytes;
    return next;
  }

  #bothFolders(folder: string): void {
    this.#durable.folders.add(folder);
    this.#shown.folders.add(folder);
  }

  #change(folder: string, apply: (medium: Medium) => void): void {
    apply(this.#shown);
    this.#changes.push({ folder, apply });
  }

  #grow(file: MemoryFile, sizeBytes: number, operation: string, path: string): DiskError | undefined {
    const room = this.#room(file.sizeBytes);
    file.resize(Math.min(sizeBytes, room));
    return room < sizeBytes ? this.#error('full', operation, path) : undefined;
  }

  /** What fits behind a place, `beforeBytes` of all that is used lie before it in its file. */
  #room(beforeBytes: number): number {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return this.#capacityBytes;
    return Math.max(0, beforeBytes + this.#capacityBytes - this.usedBytes);
  }

  #file(operation: string, path: string): MemoryFile {
    const file = this.#shown.files.get(path);
    if (file === undefined) throw this.#error('not-found', operation, path);
    return file;
  }

  #error(code: DiskErrorCode, operation: string, path: string): DiskError {
    const details: Record<DiskErrorCode, string> = {
      'not-found': 'no such file or folder',
      full: 'no space left',
      io: 'input/output error',
      denied: 'permission denied',
    };
    return new DiskError(code, operation, path, details[code]);
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function isReachable(folder: string, folders: ReadonlySet<string>): boolean {
  for (let at = folder; at !== ''; at = folderOf(at)) if (!folders.has(at)) return false;
  return true;
}
