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
    if (!this.#gate.begin('make directory', directory, 0)) return;
    this.#disk.makeDirectory(directory, this.#gated('make directory', directory, done));
  }

  create(path: string, sizeBytes: number, done: DiskDone): void {
    if (!this.#gate.begin('create', path, sizeBytes)) return;
    this.#disk.create(path, sizeBytes, this.#gated('create', path, done));
  }

  write(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    if (!this.#gate.begin('write', path, bytes)) return;
    this.#disk.write(path, offset, chunks, this.#gated('write', path, done));
  }

  writeSynced(path: string, offset: number, chunks: readonly Uint8Array[], done: DiskDone): void {
    this.write(path, offset, chunks, (error) => {
      if (error === undefined) this.sync(path, done);
      else done(error);
    });
  }

  sync(path: string, done: DiskDone): void {
    if (!this.#gate.begin('sync', path, 0)) return;
    this.#disk.sync(path, this.#gated('sync', path, done));
  }

  truncate(path: string, sizeBytes: number, done: DiskDone): void {
    if (!this.#gate.begin('truncate', path, 0)) return;
    this.#disk.truncate(path, sizeBytes, this.#gated('truncate', path, done));
  }

  rename(from: string, to: string, done: DiskDone): void {
    if (!this.#gate.begin('rename', to, 0)) return;
    this.#disk.rename(from, to, this.#gated('rename', to, done));
  }

  remove(path: string, done: DiskDone): void {
    if (!this.#gate.begin('remove', path, 0)) return;
    this.#disk.remove(path, this.#gated('remove', path, done));
  }

  syncDirectory(directory: string, done: DiskDone): void {
    if (!this.#gate.begin('sync directory', directory, 0)) return;
    this.#disk.syncDirectory(directory, this.#gated('sync directory', directory, done));
  }

  #gated(operation: string, path: string, done: DiskDone): DiskDone {
    return (error) => this.#gate.complete(operation, path, () => done(error));
  }
}
