/**
 * The write-ahead log: entries and hard state, appended to segment files, durable before anybody is told of them.
 *
 * Each append hands over one Ready's worth. While a write is under way further appends queue up; all of them go into the next
 * one: one write and one sync (group commit). Only one write is under way at any time, so everything before it is settled: a
 * crash can damage nothing but the last one, or, where the commit index alone was written, which needs no sync, the last few.
 *
 * Term and vote stand in the same stream as the entries, hence one write makes them durable together (bugs 2, 3, 68). A record
 * of the hard state goes before the entries of its batch if term or vote changed, with the former commit index, and another one
 * behind the entries if the commit index moved: at any point in the stream, the commit index names only entries that stand
 * before it, and no entry is of a later term than the hard state.
 *
 * The format is described in docs/disk-format.md, with what is assumed of the disk and the crash cases one by one.
 */
import type { Entry, HardState } from '@quorate/raft';
import type { Clock, Disk, DiskDone, DiskError, Platform } from '../seams/index.js';
import { assert } from './errors.js';
import { FRAME_HEADER_BYTES } from './frame.js';
import { FrameWriter } from './frame-writer.js';
import type { LogMarks } from './marks.js';
import { SegmentPreparer } from './preparer.js';
import { ENTRY_DATA_BYTES_MAX, ENTRY_OVERHEAD_BYTES, HARD_STATE_BYTES, RESET_BYTES } from './record.js';
import { fileBytesMax } from './sectors.js';
import { encodeSegmentHeader, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES, segmentPath, WAL_DIRECTORY } from './segment.js';
import { SNAPSHOT_DIRECTORY } from './snapshot-file.js';
import { inOrder, type Step } from './steps.js';

export const SEGMENT_BYTES_MIN = 1024;
export const SEGMENT_BYTES_DEFAULT: number = 64 * 1024 * 1024;
/** The first segment's size; each further one is twice as large, up to segmentBytes: a young member need not fill 64 MiB first. */
export const FIRST_SEGMENT_BYTES: number = 4 * 1024 * 1024;
/** One write gathers batches until it has at least this many bytes. */
export const GATHERED_BYTES: number = 4 * 1024 * 1024;
/** So much may be written without a sync (commit indexes only) before there is one anyway. */
export const UNSYNCED_BYTES_MAX: number = 64 * 1024;

assert(FIRST_SEGMENT_BYTES >= SEGMENT_BYTES_MIN && SEGMENT_BYTES_DEFAULT <= SEGMENT_BYTES_MAX, 'sizes of segments fit');
assert(SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES < SEGMENT_BYTES_MIN, 'the smallest segment has room for a frame');
// A frame's length and its distance from what is durable are 32 bits wide.
assert(ENTRY_DATA_BYTES_MAX + GATHERED_BYTES + UNSYNCED_BYTES_MAX < 2 ** 31, 'one write fits into 32 bits');

export interface WalOptions {
  /** Size of a segment file: what the log grows and shrinks by. SEGMENT_BYTES_DEFAULT unless there is a reason. */
  readonly segmentBytes: number;
  readonly clusterId: number;
  readonly memberId: number;
  /** Told how long each sync took, by `clock`. */
  readonly onSync?: ((durationMs: number) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** This member has had a log before (its identity says so): refuse to start without one (bugs 35, 66). */
  readonly mustExist?: boolean | undefined;
}

export interface WalBatch {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /** The log is replaced: it now begins after this snapshot, whose file is durable already. */
  readonly reset: { readonly index: number; readonly term: number } | undefined;
  /** False if losing this batch would be harmless (Ready.mustSync). The log itself syncs whatever is more than a commit index. */
  readonly mustSync: boolean;
}

export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

export interface SegmentInfo {
  readonly sequence: number;
  /** segmentPath(sequence), made once: each write names it. */
  readonly path: string;
  /** Highest index that ever stood in it or, at its beginning, before it. */
  maxIndex: number;
}

export function segmentInfo(sequence: number, maxIndex: number): SegmentInfo {
  return { sequence, path: segmentPath(sequence), maxIndex };
}

/** What recovery found, and what a log needs to go on from there. */
export interface WalState {
  /** Ascending; empty in a fresh folder. */
  readonly segments: SegmentInfo[];
  /** Where the next frame goes in the last segment. */
  readonly offset: number;
  /** The last segment's file size. */
  readonly capacityBytes: number;
  readonly chain: number;
  readonly last: LogPosition;
  readonly hardState: HardState;
  readonly marks: LogMarks;
  /** To be written again at `offset` bytes into the last segment: what is not known to be durable, then zeros over torn remains. */
  readonly rewrite: { readonly offset: number; readonly bytes: Uint8Array };
  /** A segment that was made but never begun. */
  readonly unused: string | undefined;
  /** The snapshot lies beyond the log: the log is to begin after it. */
  readonly reset: LogPosition | undefined;
  /** The state was loaded from a snapshot file. */
  readonly hasSnapshot: boolean;
}

interface Pending {
  readonly batch: WalBatch;
  /** At least what its records take in the stream. */
  readonly recordBytes: number;
  readonly mustSync: boolean;
  readonly done: DiskDone;
}

export class Wal {
  readonly #disk: Disk;
  readonly #platform: Platform;
  readonly #options: WalOptions;
  readonly #writer: FrameWriter;
  readonly #preparer: SegmentPreparer;
  readonly #marks: LogMarks;
  readonly #segments: SegmentInfo[];
  #start: WalState | undefined;
  /** Who waits for the start; undefined once it is over. */
  #starting: DiskDone[] | undefined = [];

  // The last segment: where the next frame goes, how much before it is durable, the file's size.
  #offset: number;
  #syncedBytes: number;
  #capacityBytes: number;
  #chain: number;
  /** Another attempt to prepare a segment is due once the current one has reached this. */
  #prepareAtBytes: number;

  /** The log's end and hard state, as far as they were encoded. */
  #last: LogPosition;
  #hardState: HardState;
  /** The same with what is queued: what the next append must fit. */
  #acceptedLast: LogPosition;
  #acceptedHardState: HardState;

  #queue: Pending[] = [];
  /** A write is under way, or the log has not been started. */
  #busy = true;
  #failure: DiskError | undefined;
  #closing: DiskDone | undefined;
  #closed = false;
  #releases: Step[] = [];
  #releasing = false;
  #bytesWritten = 0;
  #pendingBytes = 0;

  /** Made by recovery only: recoverWal(). */
  constructor(disk: Disk, platform: Platform, options: WalOptions, state: WalState) {
    const { segmentBytes } = options;
    assert(segmentBytes >= SEGMENT_BYTES_MIN && segmentBytes <= SEGMENT_BYTES_MAX, `segments of ${segmentBytes} bytes`);
    this.#disk = disk;
    this.#platform = platform;
    this.#options = options;
    this.#writer = new FrameWriter(platform);
    this.#preparer = new SegmentPreparer(disk, (error) => {
      this.#failure ??= error;
    });
    this.#marks = state.marks;
    this.#segments = state.segments;
    this.#start = state;
    this.#offset = state.offset;
    this.#syncedBytes = state.offset;
    this.#capacityBytes = state.capacityBytes;
    this.#chain = state.chain;
    this.#prepareAtBytes = state.capacityBytes / 4;
    this.#last = state.last;
    this.#hardState = state.hardState;
    this.#acceptedLast = state.reset ?? state.last;
    this.#acceptedHardState = state.hardState;
  }

  /** Bytes of log written since the start; zeros written ahead do not count. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Bytes that were appended and are not acknowledged yet: what the caller's limits on requests under way should bound. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Segment files, the one in use among them. */
  get segmentCount(): number {
    return this.#segments.length;
  }

  /**
   * Calls back once what recovery has read is durable and what a crash left half done is gone; at once, from within the call, if
   * that is so already. Until then this member must not send a message: recovery may have read bytes that were written but never
   * synced, and they could still be lost (bug 37). Appends may be given before that: they wait for it.
   */
  whenStarted(done: DiskDone): void {
    if (this.#starting !== undefined) this.#starting.push(done);
    else done(this.#failure);
  }

  /** Called by recovery, once. */
  start(): void {
    const state = this.#start;
    assert(state !== undefined, 'a log is started once');
    this.#start = undefined;
    const logSteps = state.segments.length === 0 ? this.#firstSegmentSteps(state) : this.#settleSteps(state);
    const steps = state.hasSnapshot ? [this.#syncSnapshots, ...logSteps] : logSteps;
    if (state.reset !== undefined) {
      const batch: WalBatch = { hardState: state.hardState, entries: [], reset: state.reset, mustSync: true };
      const done: DiskDone = (error) => this.#started(error);
      const recordBytes = RESET_BYTES + 2 * HARD_STATE_BYTES;
      this.#pendingBytes += recordBytes;
      this.#queue.push({ batch, recordBytes, mustSync: true, done });
    }
    inOrder(steps, (error) => {
      this.#busy = false;
      if (error !== undefined) this.#failure = error;
      if (error !== undefined || state.reset === undefined) this.#started(error);
      this.#pump();
    });
  }

  /**
   * Appends one Ready's worth. Several may be given while a write is under way: they are gathered into one. `done` of each is
   * called in order, never from within the call, except that after an error every later append is refused with it at once: the
   * member must stop.
   */
  append(batch: WalBatch, done: DiskDone): void {
    assert(this.#closing === undefined && !this.#closed, 'append to a closed log');
    if (this.#failure !== undefined) {
      done(this.#failure);
      return;
    }
    const pending = this.#accept(batch, done);
    this.#pendingBytes += pending.recordBytes;
    this.#queue.push(pending);
    this.#pump();
  }

  /** Bytes of log after `index`, roughly (to 64 KiB): what a restart with a snapshot there would have to replay. */
  bytesAfter(index: number): number {
    return this.#marks.bytesAfter(index);
  }

  /**
   * Removes segments that hold nothing after `index`; call it once a snapshot at `index` or later is durable. An error leaves
   * the log usable, with the segments still there.
   */
  release(index: number, done: DiskDone): void {
    this.#marks.release(index);
    this.#releases.push((next) =>
      this.#removeBefore(index, (error) => {
        done(error);
        next(undefined);
      }),
    );
    this.#nextRelease();
  }

  /** Finishes what was appended, makes all of it durable, and ends the log's use of the disk. */
  close(done: DiskDone): void {
    assert(this.#closing === undefined && !this.#closed, 'a log is closed once');
    this.#closing = done;
    this.#pump();
  }

  #started(error: DiskError | undefined): void {
    const waiting = this.#starting ?? [];
    this.#starting = undefined;
    for (const done of waiting) done(error);
  }

  /** Checks that the batch continues the log, so that no broken history is ever written (bugs 31, 50, 52). */
  #accept(batch: WalBatch, done: DiskDone): Pending {
    const before = this.#acceptedHardState;
    let last = this.#acceptedLast;
    let recordBytes = 2 * HARD_STATE_BYTES;
    const { hardState, entries, reset } = batch;
    if (reset !== undefined) {
      // A snapshot behind what is committed would throw away acknowledged entries (bugs 5, 64).
      assert(reset.index >= before.commit, `reset to ${reset.index} behind commit ${before.commit}`);
      last = reset;
      recordBytes += RESET_BYTES;
    }
    let { index: lastIndex, term: lastTerm } = last;
    for (const entry of entries) {
      const { index, term, data } = entry;
      // No assert() with a text: this runs for each entry, and putting the text together costs more than all the rest.
      const follows = entry === entries[0] ? index <= lastIndex + 1 : index === lastIndex + 1;
      const ascends = index <= lastIndex || term >= lastTerm;
      const isSafe = Number.isSafeInteger(index) && Number.isSafeInteger(term) && data.length <= ENTRY_DATA_BYTES_MAX;
      if (!(isSafe && follows && ascends && index > before.commit)) refuse(entry, before.commit, lastIndex, lastTerm);
      lastIndex = index;
      lastTerm = term;
      recordBytes += ENTRY_OVERHEAD_BYTES + data.length;
    }
    last = entries.length === 0 ? last : { index: lastIndex, term: lastTerm };
    if (hardState !== undefined) this.#acceptHardState(hardState, before, last.index);
    const voted = hardState !== undefined && (hardState.term !== before.term || hardState.vote !== before.vote);
    this.#acceptedLast = last;
    this.#acceptedHardState = hardState ?? before;
    // Not left to the caller's flag: a lost vote or entry is a lost promise (bug 54).
    const mustSync = batch.mustSync || voted || entries.length > 0 || reset !== undefined;
    return { batch, recordBytes, mustSync, done };
  }

  #acceptHardState(state: HardState, before: HardState, lastIndex: number): void {
    assert(state.term >= before.term, `term ${state.term} after ${before.term}`);
    assert(state.commit >= before.commit, `commit ${state.commit} after ${before.commit}`);
    assert(state.commit <= lastIndex, `commit ${state.commit} beyond the log's end ${lastIndex}`);
    const sameVote = state.term !== before.term || before.vote === 0 || state.vote === before.vote;
    assert(sameVote, `vote ${state.vote} after ${before.vote} in term ${state.term}`);
  }

  /** Starts the next write if none is under way and there is something to write. */
  #pump(): void {
    if (this.#busy) return;
    if (this.#failure !== undefined) {
      this.#refuse(this.#queue.splice(0), this.#failure);
    }
    if (this.#queue.length === 0) {
      if (this.#closing !== undefined) this.#finishClose(this.#closing);
      return;
    }
    this.#busy = true;
    const gathered = this.#queue;
    let count = 0;
    let recordBytes = 0;
    while (count < gathered.length && recordBytes < GATHERED_BYTES) {
      recordBytes += (gathered[count] as Pending).recordBytes;
      count += 1;
    }
    this.#queue = gathered.splice(count);
    const fits = this.#offset + fileBytesMax(recordBytes + FRAME_HEADER_BYTES) <= this.#capacityBytes;
    if (fits || this.#preparer.state !== 'ready' || this.#offset <= SEGMENT_HEADER_BYTES) {
      this.#write(gathered, recordBytes);
    } else {
      this.#changeSegment(gathered, () => this.#write(gathered, recordBytes));
    }
  }

  /** To the prepared one: what was gathered does not fit into the current one any more. */
  #changeSegment(gathered: readonly Pending[], then: () => void): void {
    // A segment's header says that everything before it is durable: make it true first.
    this.#syncUnsynced((error) => {
      if (error !== undefined) {
        this.#fail(gathered, error);
        return;
      }
      this.#capacityBytes = this.#preparer.take();
      this.#prepareAtBytes = this.#capacityBytes / 4;
      this.#segments.push(segmentInfo(this.#segment().sequence + 1, this.#last.index));
      this.#offset = 0;
      this.#syncedBytes = 0;
      then();
    });
  }

  /** The last one, which is written to. */
  #segment(): SegmentInfo {
    return this.#segments[this.#segments.length - 1] as SegmentInfo;
  }

  #write(gathered: readonly Pending[], recordBytes: number): void {
    const { path, sequence } = this.#segment();
    const offset = this.#offset;
    const at = { sequence, offset, syncedBytes: this.#syncedBytes, chain: this.#chain };
    this.#writer.begin(at, recordBytes);
    if (offset === 0) this.#writer.segmentHeader(this.#segmentHeader());
    // Each segment can be the oldest one left: it begins with the whole hard state. Also where a crash has left only its header.
    // A reset writes it behind itself: before that, the commit index of a snapshot beyond the log would name what is not there.
    const first = gathered[0]?.batch;
    const isReset = first?.reset !== undefined && first.hardState !== undefined;
    if (offset <= SEGMENT_HEADER_BYTES && sequence > 1 && !isReset) this.#writer.hardState(this.#hardState);
    for (const { batch } of gathered) this.#encode(batch);
    const { bytes, end, chain } = this.#writer.finish();
    // A segment's first write is always synced: a file behind it shows that it was begun, so its header must not get lost.
    const unsyncedBytes = end - this.#syncedBytes;
    const mustSync = offset === 0 || unsyncedBytes > UNSYNCED_BYTES_MAX || gathered.some((one) => one.mustSync);
    const { clock, onSync } = this.#options;
    const begunMs = clock?.nowMs() ?? 0;
    const written: DiskDone = (error) => {
      if (mustSync && clock !== undefined) onSync?.(clock.nowMs() - begunMs);
      if (error !== undefined) {
        this.#fail(gathered, error);
        return;
      }
      this.#offset = end;
      if (mustSync) this.#syncedBytes = end;
      this.#chain = chain;
      this.#bytesWritten += bytes.length;
      this.#marks.add(this.#last.index, bytes.length);
      this.#succeed(gathered);
    };
    if (mustSync) this.#disk.writeSynced(path, offset, [bytes], written);
    else this.#disk.write(path, offset, [bytes], written);
  }

  #encode(batch: WalBatch): void {
    const { hardState, entries, reset } = batch;
    const before = this.#hardState;
    if (hardState !== undefined && (hardState.term !== before.term || hardState.vote !== before.vote)) {
      this.#writer.hardState({ term: hardState.term, vote: hardState.vote, commit: before.commit });
    }
    const segment = this.#segment();
    if (reset !== undefined) {
      this.#writer.reset(reset.index, reset.term, RESET_BYTES);
      this.#last = reset;
      if (reset.index > segment.maxIndex) segment.maxIndex = reset.index;
    }
    for (const entry of entries) this.#writer.entry(entry, ENTRY_OVERHEAD_BYTES + entry.data.length);
    const last = entries.at(-1);
    if (last !== undefined) {
      this.#last = { index: last.index, term: last.term };
      if (last.index > segment.maxIndex) segment.maxIndex = last.index;
    }
    if (hardState === undefined) return;
    if (hardState.commit !== before.commit || reset !== undefined) this.#writer.hardState(hardState);
    this.#hardState = hardState;
  }

  #segmentHeader(): Uint8Array {
    const { clusterId, memberId } = this.#options;
    const { index: beginIndex, term: beginTerm } = this.#last;
    return encodeSegmentHeader(this.#platform, {
      clusterId,
      memberId,
      sequence: this.#segment().sequence,
      capacityBytes: this.#capacityBytes,
      beginIndex,
      beginTerm,
      chain: this.#chain,
    });
  }

  /**
   * The snapshot's name may not be durable: its member may have died, or a sync may have failed, right behind the renaming. What relies on
   * it (a log that begins after it, the removal of an older one) waits for this.
   */
  readonly #syncSnapshots: Step = (next) =>
    this.#disk.syncDirectory(SNAPSHOT_DIRECTORY, (error) => next(error?.code === 'not-found' ? undefined : error));

  #syncUnsynced(done: DiskDone): void {
    if (this.#syncedBytes === this.#offset) {
      done(undefined);
      return;
    }
    const { clock, onSync } = this.#options;
    const begunMs = clock?.nowMs() ?? 0;
    this.#disk.sync(this.#segment().path, (error) => {
      if (clock !== undefined) onSync?.(clock.nowMs() - begunMs);
      if (error === undefined) this.#syncedBytes = this.#offset;
      done(error);
    });
  }

  #succeed(gathered: readonly Pending[]): void {
    this.#prepareNext();
    // Still busy: what these callbacks append is gathered into the next write.
    for (const { done, recordBytes } of gathered) {
      this.#pendingBytes -= recordBytes;
      done(undefined);
    }
    this.#busy = false;
    this.#pump();
  }

  /** After a failed write or sync nothing is known about the file: a later sync that succeeds would prove nothing. */
  #fail(gathered: readonly Pending[], error: DiskError): void {
    this.#failure ??= error;
    this.#refuse(gathered, error);
    this.#busy = false;
    this.#pump();
  }

  #refuse(batches: readonly Pending[], error: DiskError): void {
    for (const { done, recordBytes } of batches) {
      this.#pendingBytes -= recordBytes;
      done(error);
    }
  }

  #prepareNext(): void {
    if (this.#preparer.state !== 'none' || this.#offset < this.#prepareAtBytes || this.#closing !== undefined) return;
    const step = Math.max(this.#capacityBytes / 4, 1);
    this.#prepareAtBytes = this.#offset + step;
    this.#preparer.prepare(this.#segment().sequence + 1, Math.min(this.#options.segmentBytes, 2 * this.#capacityBytes));
  }

  #firstSegmentSteps(state: WalState): readonly Step[] {
    const first = segmentInfo(1, 0);
    const { path } = first;
    this.#segments.push(first);
    this.#capacityBytes = Math.min(this.#options.segmentBytes, FIRST_SEGMENT_BYTES);
    this.#prepareAtBytes = this.#capacityBytes / 4;
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#syncedBytes = SEGMENT_HEADER_BYTES;
    const { unused } = state;
    return [
      (next) => this.#disk.makeDirectory(WAL_DIRECTORY, next),
      (next) => this.#disk.syncDirectory('', next),
      ...(unused === undefined ? [] : [(next: DiskDone): void => this.#disk.remove(unused, next)]),
      (next) => this.#disk.create(path, this.#capacityBytes, next),
      (next) => this.#disk.sync(path, next),
      (next) => this.#disk.write(path, 0, [this.#segmentHeader()], next),
      (next) => this.#disk.sync(path, next),
      (next) => this.#disk.syncDirectory(WAL_DIRECTORY, next),
    ];
  }

  #settleSteps(state: WalState): readonly Step[] {
    const { path } = this.#segment();
    const { rewrite, unused } = state;
    return [
      // Written again, not only synced: after a failed sync the system may hold the bytes in memory and believe them durable.
      (next) => this.#disk.write(path, rewrite.offset, [rewrite.bytes], next),
      (next) => this.#disk.sync(path, next),
      ...(unused === undefined ? [] : [(next: DiskDone): void => this.#disk.remove(unused, next)]),
      (next) => this.#disk.syncDirectory(WAL_DIRECTORY, next),
      (next) => this.#disk.syncDirectory('', next),
    ];
  }

  #nextRelease(): void {
    if (this.#releasing) return;
    const release = this.#releases.shift();
    if (release === undefined) return;
    this.#releasing = true;
    release(() => {
      this.#releasing = false;
      this.#nextRelease();
      this.#pump();
    });
  }

  /** Oldest first, each made durable before the next: whatever a crash leaves is a log without holes. */
  #removeBefore(index: number, done: DiskDone): void {
    const oldest = this.#segments[0] as SegmentInfo;
    // The last segment stands for the whole log only once its header and the hard state behind it are durable: a start may have
    // found the header alone, and with the segments before it term and vote would be gone.
    const settled = this.#starting === undefined && this.#syncedBytes > SEGMENT_HEADER_BYTES;
    const removable = this.#segments.length - (settled ? 1 : 2);
    if (removable < 1 || oldest.maxIndex > index) {
      done(undefined);
      return;
    }
    inOrder(
      [
        // Not found: an earlier attempt got this far and failed behind it.
        (next) => this.#disk.remove(oldest.path, (error) => next(error?.code === 'not-found' ? undefined : error)),
        (next) => this.#disk.syncDirectory(WAL_DIRECTORY, next),
      ],
      (error) => {
        if (error !== undefined) {
          done(error);
          return;
        }
        this.#segments.shift();
        this.#removeBefore(index, done);
      },
    );
  }

  #finishClose(done: DiskDone): void {
    if (this.#releasing) return;
    this.#closing = undefined;
    this.#closed = true;
    this.#preparer.whenIdle(() => {
      if (this.#failure === undefined) this.#syncUnsynced(done);
      else done(this.#failure);
    });
  }
}

/** Says why `entry` cannot come after the log's end. */
function refuse({ index, term, data }: Entry, commit: number, lastIndex: number, lastTerm: number): never {
  assert(Number.isSafeInteger(index) && Number.isSafeInteger(term), `entry ${index} of term ${term}`);
  assert(data.length <= ENTRY_DATA_BYTES_MAX, `entry ${index} has ${data.length} bytes`);
  assert(index > commit, `entry ${index} would replace a committed one (commit ${commit})`);
  assert(index <= lastIndex || term >= lastTerm, `entry ${index} of term ${term} after term ${lastTerm}`);
  throw new Error(`assertion failed: entry ${index} leaves a gap after ${lastIndex}`);
}
