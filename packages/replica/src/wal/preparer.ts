/**
 * Prepares the next segment while the current one still has room, so that a change of segments costs no stall: the file is
 * made, filled with zeros and synced, and its name is made durable, before the first byte of log goes there.
 */
import type { Disk, DiskError } from '../seams/index.js';
import { segmentPath, WAL_DIRECTORY } from './segment.js';
import { inOrder } from './steps.js';

export class SegmentPreparer {
  readonly #disk: Disk;
  readonly #failed: (error: DiskError) => void;
  #state: 'none' | 'preparing' | 'ready' = 'none';
  #sizeBytes = 0;
  #idle: (() => void) | undefined;

  /** `failed` hears of every error but `full`. */
  constructor(disk: Disk, failed: (error: DiskError) => void) {
    this.#disk = disk;
    this.#failed = failed;
  }

  get state(): 'none' | 'preparing' | 'ready' {
    return this.#state;
  }

  prepare(sequence: number, sizeBytes: number): void {
    const path = segmentPath(sequence);
    this.#state = 'preparing';
    this.#sizeBytes = sizeBytes;
    inOrder(
      [
        (next) => this.#disk.create(path, sizeBytes, next),
        (next) => this.#disk.sync(path, next),
        (next) => this.#disk.syncDirectory(WAL_DIRECTORY, next),
      ],
      (error) => {
        if (error === undefined) this.#settle('ready');
        else if (error.code === 'full') this.#giveBack(path);
        else {
          this.#failed(error);
          this.#settle('none');
        }
      },
    );
  }

  /** Takes the prepared file into use; its size. */
  take(): number {
    this.#state = 'none';
    return this.#sizeBytes;
  }

  /** Calls back once nothing is being prepared. */
  whenIdle(done: () => void): void {
    if (this.#state === 'preparing') this.#idle = done;
    else done();
  }

  /** No room for a whole segment ahead: what room there is goes to the current one, which then grows. */
  #giveBack(path: string): void {
    this.#disk.remove(path, (error) => {
      if (error !== undefined && error.code !== 'not-found') this.#failed(error);
      this.#settle('none');
    });
  }

  #settle(state: 'none' | 'ready'): void {
    this.#state = state;
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.();
  }
}
