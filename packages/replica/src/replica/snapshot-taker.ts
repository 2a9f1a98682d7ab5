/**
 * Snapshots of this member's own state, for its own restart: taken when the log since the last one outweighs that one, or what would be
 * written, if that is less. So a start replays no more bytes than it loads, about, and what is written stays below twice what was asked
 * for, or three times while the state grows: a snapshot has at most the bytes of the last one and of the log since.
 *
 * The state is frozen in O(1) and written a slice at a time while writes go on, so many bytes a tick. Safety: the file counts only once the log up
 * to its index is durable here too, or a crash would leave a snapshot ahead of the log that precedes it; and the log is
 * released only after the file is durable (raft-bugs 36, 41, 65).
 */
import type { Disk, DiskError, Platform, Trace } from '../seams/index.js';
import { type FolderIds, type SnapshotFile, SnapshotWriter } from '../wal/snapshot-file.js';
import { SNAPSHOT_BYTES_PER_TICK_MAX } from './limits.js';
import type { FrozenState, StateChunks } from './state-machine.js';

export interface SnapshotTakerOptions {
  readonly disk: Disk;
  readonly platform: Platform;
  readonly ids: FolderIds;
  readonly trace: Trace;
  /** What one turn serialises. */
  readonly sliceBytes: number;
  /** The snapshot is durable. */
  taken(snapshot: SnapshotFile): void;
  failed(error: DiskError): void;
  requestTurn(): void;
}

interface Running {
  readonly state: FrozenState;
  readonly source: StateChunks;
  readonly writer: SnapshotWriter;
  writing: boolean;
  /** Everything is written; what is left is to make it count. */
  exhausted: boolean;
}

export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions;
  /** Every slice of every snapshot is made here. Arrays of their own would drive the collector: each counts until it is collected. */
  #slice: Uint8Array | undefined;
  #running: Running | undefined;
  #budgetBytes = SNAPSHOT_BYTES_PER_TICK_MAX;

  constructor(options: SnapshotTakerOptions) {
    this.#options = options;
  }

  get active(): boolean {
    return this.#running !== undefined;
  }

  /** There may be something to do for step(). */
  get hasSlice(): boolean {
    return this.#running?.writing === false && this.#budgetBytes > 0;
  }

  start(state: FrozenState): void {
    const { disk, platform, ids, trace } = this.#options;
    trace.event('snapshot-begin', { index: state.metadata.index, bytes: state.bytesEstimate });
    this.#running = {
      state,
      source: state.chunks(),
      writer: new SnapshotWriter(disk, platform, ids, state.metadata),
      writing: false,
      exhausted: false,
    };
  }

  /** Time has passed: there may be more slices, but never more at once than one tick's. */
  tick(): void {
    this.#budgetBytes = SNAPSHOT_BYTES_PER_TICK_MAX;
  }

  /** One slice, if the disk has taken the last one, and the tick's share is not used up. Returns its bytes. */
  step(persistedIndex: number): number {
    const running = this.#running;
    if (running === undefined || !this.hasSlice) return 0;
    if (running.exhausted) {
      if (persistedIndex >= running.state.metadata.index) this.#finish(running);
      return 0;
    }
    const { sliceBytes, platform } = this.#options;
    this.#slice ??= platform.allocate(sliceBytes);
    const slice = running.source.next(sliceBytes, this.#slice);
    if (slice === undefined) {
      running.exhausted = true;
      return this.step(persistedIndex);
    }
    if (slice.length === 0) {
      this.#options.requestTurn();
      return 0;
    }
    this.#budgetBytes -= slice.length;
    running.writing = true;
    running.writer.write(slice, (error) => {
      running.writing = false;
      if (this.#running !== running) return;
      if (error === undefined) this.#options.requestTurn();
      else this.#fail(error);
    });
    return slice.length;
  }

  abort(): void {
    this.#running?.writer.abort();
    this.#over();
  }

  #finish(running: Running): void {
    running.writing = true;
    const { index } = running.state.metadata;
    running.writer.finish((error, file) => {
      if (this.#running !== running) return;
      if (error !== undefined || file === undefined) {
        if (error !== undefined) this.#fail(error);
        return;
      }
      this.#running = undefined;
      running.state.release();
      this.#options.trace.event('snapshot-end', { index, bytes: running.writer.bytesWritten });
      this.#options.taken(file);
    });
  }

  #fail(error: DiskError): void {
    this.#over();
    this.#options.failed(error);
  }

  /** What the disk may still be writing is left to it. */
  #over(): void {
    if (this.#running?.writing === true) this.#slice = undefined;
    this.#running?.state.release();
    this.#running = undefined;
  }
}
