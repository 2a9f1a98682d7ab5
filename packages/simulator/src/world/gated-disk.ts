/** A member's way to its disk: every operation and every completion passes a gate, where the member may crash, or be paused. */
import type { Disk, DiskDone } from '@quorate/replica/internal';

export interface DiskGate {
  /** Before the operation is handed to the disk; false: the member is dead, nothing is handed over any more. */
  begin(operation: string, path: string, bytes: number): boolean;
  /** When it completes: runs `done` now, later, or never. */
  complete(operation: string, path: string, done: () => void): void;
}

export class GatedDisk implements Disk {
  readonly #disk: Disk;
  readonly #gate: DiskGate;

  constructor(disk: Disk, gate: DiskGate) {
    this.#disk = disk;
    this.#gate = gate;
  }

  list(directory: string): readonly string[] {
    return this.#disk.list(directory);
  }

  size(path: string): number {
    return this.#disk.size(path);
  }

  read(path: string, offset: number, length: number): Uint8Array {
    return this.#disk.read(path, offset, length);
  }

  makeDirectory(directory: string, done: DiskDone): void {
    this.#pass('make directory', directory, 0, done, (then) => this.#disk.makeDirectory(directory, then));
  }

  create(path: string, sizeBytes: number, done: DiskDone): void {
    this.#pass('create', path, sizeBytes, done, (then) => this.#disk.create(path, sizeBytes, then));
  }

  write(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#pass('write', path, bytes, done, (then) => this.#disk.write(path, offset, chunks, then));
  }

  writeSynced(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    this.write(path, offset, chunks, (error) => {
      if (error === undefined) this.sync(path, done);
      else done(error);
    });
  }

  sync(path: string, done: DiskDone): void {
    this.#pass('sync', path, 0, done, (then) => this.#disk.sync(path, then));
  }

  truncate(path: string, sizeBytes: number, done: DiskDone): void {
    this.#pass('truncate', path, sizeBytes, done, (then) => this.#disk.truncate(path, sizeBytes, then));
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.#pass('rename', to, 0, done, (then) => this.#disk.rename(from, to, then));
  }

  remove(path: string, done: DiskDone): void {
    this.#pass('remove', path, 0, done, (then) => this.#disk.remove(path, then));
  }

  syncDirectory(directory: string, done: DiskDone): void {
    this.#pass('sync directory', directory, 0, done, (then) => this.#disk.syncDirectory(directory, then));
  }

  #pass(operation: string, path: string, bytes: number, done: DiskDone, run: (then: DiskDone) => void): void {
    if (!this.#gate.begin(operation, path, bytes)) return;
    run((error) => this.#gate.complete(operation, path, () => done(error)));
  }
}
