/**
 * Recovery: reads the log back, a bounded piece at a time.
 *
 * The segments are read oldest first, frame by frame, and each frame's records go to Replay. Where the next frame should be,
 * one of four things stands:
 *
 * - a frame that continues the chain: taken;
 * - bytes of which a part was never written (see sectors.ts): the log's end, clean or torn by a crash;
 * - bytes that were all written but are not what was written: damage, refused;
 * - in a segment that is not the last one, anything but the end that the next segment's header names: damage, refused.
 *
 * At the log's end the rest of the segment is searched for a frame that was written when bytes beyond that end were durable
 * already. If there is one, the disk has lost acknowledged data: refused. Otherwise what lies there was never acknowledged.
 * Hence either everything that was acknowledged is restored, or the start is refused; docs/disk-format.md argues it case by case.
 */
import type { Entry, HardState } from '@quorate/raft';
import type { Disk, Platform } from '../seams/index.js';
import { firstNonZero } from './bytes.js';
import { EntryRun } from './entry-run.js';
import { WalError } from './errors.js';
import { type LogPosition, type SegmentInfo, segmentInfo, Wal, type WalOptions, type WalState } from './log.js';
import { LogMarks } from './marks.js';
import { PayloadMemory } from './payload-memory.js';
import { READ_WINDOW_BYTES } from './read-window.js';
import { decodeRecords, type RecordVisitor } from './record.js';
import { Replay, type ReplayRefusal } from './replay.js';
import { SECTOR_BYTES } from './sectors.js';
import {
  decodeSegmentHeader,
  isWholeHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentPath,
  segmentSequence,
  WAL_DIRECTORY,
} from './segment.js';
import { SegmentReader } from './segment-reader.js';

/** Final entries, ascending and contiguous from batch to batch; may be empty: a chance to breathe. */
export type RecoveredBatch = EntryRun;

/**
 * Who reads the log says each time up to which index it needs no entry of a batch any more: their bytes are written over from then on.
 * Undefined: it may need all of them.
 */
export type ReleasedIndex = number | undefined;

const NO_ENTRIES = new EntryRun();

/** Bytes at the log's end that a crash left behind half written, and that nobody was ever told of. */
export interface TornTail {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface RecoveredWal {
  /** With the commit index at least at the snapshot. */
  readonly hardState: HardState;
  /** What comes after the final entries: not known to be committed. */
  readonly entries: readonly Entry[];
  /** The log's end: the last entry, or the snapshot's position. */
  readonly last: LogPosition;
  readonly lastIndex: number;
  /** Started already; nothing may be sent before Wal.whenStarted has called back. */
  readonly wal: Wal;
  readonly tornTail: TornTail | undefined;
  /** Whether there was no log at all. */
  readonly fresh: boolean;
}

/**
 * Reads the log and makes it ready to be appended to: see Wal.whenStarted. Entries up to the snapshot are skipped; the others are
 * yielded as soon as they are final, at most about 1 MiB at a time, and are to be given back: see ReleasedIndex. Throws WalError, and
 * changes nothing, if the log is not what it must be.
 */
export function* recoverWal(
  disk: Disk,
  platform: Platform,
  options: WalOptions,
  snapshot: LogPosition,
): Generator<RecoveredBatch, RecoveredWal, ReleasedIndex> {
  return yield* new Recovery(disk, platform, options, snapshot).run();
}

class Recovery {
  readonly #disk: Disk;
  readonly #platform: Platform;
  readonly #options: WalOptions;
  readonly #replay: Replay;
  readonly #snapshot: LogPosition;
  readonly #memory: PayloadMemory;
  readonly #marks = new LogMarks();
  readonly #segments: SegmentInfo[] = [];
  readonly #visitor: RecordVisitor;
  /** The segment whose records are being taken. */
  #path = '';
  #unused: string | undefined;
  #chain = 0;
  /** The last segment's: where the next frame goes, and up to where frames show it to have been durable. */
  #offset = 0;
  #syncedBytes = 0;
  #tornTail: TornTail | undefined;
  #rewrite: WalState['rewrite'] = { offset: 0, bytes: new Uint8Array(0) };
  #capacityBytes = 0;

  constructor(disk: Disk, platform: Platform, options: WalOptions, snapshot: LogPosition) {
    this.#disk = disk;
    this.#platform = platform;
    this.#options = options;
    this.#snapshot = snapshot;
    this.#replay = new Replay(snapshot);
    this.#memory = new PayloadMemory(platform);
    this.#visitor = this.#recordVisitor();
  }

  *run(): Generator<RecoveredBatch, RecoveredWal, ReleasedIndex> {
    const headers = this.#readHeaders();
    for (const [position, header] of headers.entries()) {
      yield* this.#readSegment(header, headers[position + 1]);
    }
    const { hardState, reset } = this.#replay.finish();
    const fresh = headers.length === 0;
    const state: WalState = {
      segments: this.#segments,
      offset: this.#offset,
      capacityBytes: this.#capacityBytes,
      chain: this.#chain,
      last: this.#replay.last,
      hardState,
      marks: this.#marks,
      rewrite: this.#rewrite,
      unused: this.#unused,
      reset: fresh ? undefined : reset,
      hasSnapshot: this.#snapshot.index > 0,
    };
    const wal = new Wal(this.#disk, this.#platform, this.#options, state);
    wal.start();
    const { entries, last } = this.#replay;
    return { hardState, entries: [...entries], last, lastIndex: last.index, wal, tornTail: this.#tornTail, fresh };
  }

  /** The headers of all segments that were begun, oldest first. */
  #readHeaders(): readonly SegmentHeader[] {
    const sequences = this.#disk
      .list(WAL_DIRECTORY)
      .map(segmentSequence)
      .filter((sequence) => sequence !== undefined);
    const headers: SegmentHeader[] = [];
    for (const [position, sequence] of sequences.entries()) {
      const path = segmentPath(sequence);
      const before = sequences[position - 1];
      if (before !== undefined && sequence !== before + 1) {
        throw new WalError('missing', segmentPath(before + 1), 0, 'this segment is missing');
      }
      const header = this.#readHeader(path, sequence);
      if (header !== undefined) headers.push(header);
      else if (position === sequences.length - 1) this.#unused = path;
      else throw new WalError('corrupt', path, 0, 'segment header lost: there is a later segment');
    }
    this.#checkPresence(headers);
    return headers;
  }

  /** Undefined if the segment was made ahead and never begun, or its first write failed or was not durable before a crash. */
  #readHeader(path: string, sequence: number): SegmentHeader | undefined {
    const first = this.#disk.read(path, 0, SECTOR_BYTES);
    if (firstNonZero(first, 0, first.length) === first.length) return undefined;
    if (first.length < SEGMENT_HEADER_BYTES) throw new WalError('corrupt', path, 0, 'segment header cut off');
    if (!isWholeHeader(this.#platform, first) && this.#endsWithin(path, SEGMENT_HEADER_BYTES)) return undefined;
    const expected = { clusterId: this.#options.clusterId, memberId: this.#options.memberId, sequence };
    return decodeSegmentHeader(this.#platform, first.subarray(0, SEGMENT_HEADER_BYTES), path, expected);
  }

  /**
   * Nothing was written from `offset` on, to the end of the file. Behind a header that is not whole that means a first write that
   * failed half way: frames end with a byte that is not zero, so no frame was ever acknowledged in this segment.
   */
  #endsWithin(path: string, offset: number): boolean {
    const sizeBytes = this.#disk.size(path);
    for (let at = offset; at < sizeBytes; at += READ_WINDOW_BYTES) {
      const bytes = this.#disk.read(path, at, Math.min(READ_WINDOW_BYTES, sizeBytes - at));
      if (firstNonZero(bytes, 0, bytes.length) < bytes.length) return false;
    }
    return true;
  }

  #checkPresence(headers: readonly SegmentHeader[]): void {
    if (headers.length > 0) return;
    const path = this.#unused ?? segmentPath(1);
    if (path !== segmentPath(1)) {
      throw new WalError('missing', path, 0, 'the segments before this one are missing');
    }
    if (this.#options.mustExist === true || this.#snapshot.index > 0) {
      throw new WalError('missing', path, 0, 'the log is missing, but this member has had one');
    }
  }

  *#readSegment(
    header: SegmentHeader,
    next: SegmentHeader | undefined,
  ): Generator<RecoveredBatch, void, ReleasedIndex> {
    const path = segmentPath(header.sequence);
    if (this.#segments.length === 0) {
      this.#chain = header.chain;
      this.#refuseIf(this.#replay.begin({ index: header.beginIndex, term: header.beginTerm }), path, 40);
    } else if (header.beginIndex !== this.#replay.last.index || header.beginTerm !== this.#replay.last.term) {
      throw new WalError('corrupt', path, 40, `begins after index ${header.beginIndex}, the log before ends elsewhere`);
    }
    this.#segments.push(segmentInfo(header.sequence, header.beginIndex));
    const reader = new SegmentReader(this.#disk, this.#platform, path, header.sequence, this.#memory);
    if (reader.sizeBytes < header.capacityBytes) {
      throw new WalError(
        'corrupt',
        path,
        reader.sizeBytes,
        `the file is cut off, it had ${header.capacityBytes} bytes`,
      );
    }
    this.#capacityBytes = reader.sizeBytes;
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#syncedBytes = 0;
    yield* this.#readFrames(reader);
    if (next === undefined) yield* this.#finishLast(reader);
    else if (next.chain !== this.#chain) {
      throw new WalError('corrupt', path, this.#offset, 'the log breaks off here, but the next segment continues it');
    }
  }

  *#readFrames(reader: SegmentReader): Generator<RecoveredBatch, void, ReleasedIndex> {
    let breathed = this.#offset;
    for (;;) {
      const reading = reader.readFrame(this.#offset, this.#chain);
      if (reading.kind === 'unwritten') return;
      if (reading.kind === 'damaged') throw new WalError('corrupt', reader.path, this.#offset, reading.detail);
      this.#takeRecords(reader.path, reading.payload);
      this.#syncedBytes = Math.max(this.#syncedBytes, this.#offset - reading.header.unsyncedBytes);
      this.#marks.add(this.#replay.lastIndex, reading.end - this.#offset);
      this.#offset = reading.end;
      this.#chain = reading.header.chain;
      for (;;) {
        const entries = this.#replay.takeFinal(READ_WINDOW_BYTES);
        if (entries.length === 0) break;
        breathed = this.#offset;
        this.#release(yield entries);
      }
      if (this.#offset - breathed >= READ_WINDOW_BYTES) {
        breathed = this.#offset;
        this.#release(yield NO_ENTRIES);
      }
    }
  }

  /** Entries that were not yielded yet are not covered: they come after all that were. */
  #release(index: ReleasedIndex): void {
    // Nobody is given what the snapshot covers.
    this.#memory.release(Math.max(this.#snapshot.index, index ?? 0));
  }

  #takeRecords(path: string, payload: Uint8Array): void {
    this.#path = path;
    const isWhole = decodeRecords(payload, payload.length, this.#visitor);
    this.#memory.holds(this.#replay.lastIndex);
    if (!isWhole) {
      throw new WalError('corrupt', path, this.#offset, 'a frame that does not consist of whole records');
    }
  }

  /** Made once: a start reads millions of records. */
  #recordVisitor(): RecordVisitor {
    const replay = this.#replay;
    const taken = (refusal: ReplayRefusal | undefined): void => {
      this.#refuseIf(refusal, this.#path, this.#offset);
      const segment = this.#segments.at(-1) as SegmentInfo;
      if (replay.lastIndex > segment.maxIndex) segment.maxIndex = replay.lastIndex;
    };
    return {
      hardState: (state) => taken(replay.takeHardState(state)),
      entry: (index, term, type, payload, start, end) =>
        taken(replay.takeEntry(index, term, type, payload, start, end)),
      reset: (index, term) => taken(replay.takeReset({ index, term })),
    };
  }

  /** The log's end: nothing that was durable may lie beyond it; what else lies there is torn and will be zeroed. */
  *#finishLast(reader: SegmentReader): Generator<RecoveredBatch, void, ReleasedIndex> {
    const search = reader.searchAfter(this.#offset);
    let step = search.next();
    while (step.done !== true) {
      yield NO_ENTRIES;
      step = search.next();
    }
    const { proof, dirtyEnd } = step.value;
    if (proof !== undefined) {
      const detail = `data is lost here: the frame at byte ${proof} was written when it was durable`;
      throw new WalError('corrupt', reader.path, this.#offset, detail);
    }
    if (dirtyEnd > this.#offset) {
      this.#tornTail = { file: reader.path, offset: this.#offset, bytes: dirtyEnd - this.#offset };
    }
    // Frames tell only of what came before them: the last write is never known to have been synced.
    const bytes = new Uint8Array(dirtyEnd - this.#syncedBytes);
    bytes.set(reader.bytes(this.#syncedBytes, this.#offset - this.#syncedBytes));
    this.#rewrite = { offset: this.#syncedBytes, bytes };
  }

  #refuseIf(refusal: ReplayRefusal | undefined, path: string, offset: number): void {
    if (refusal !== undefined) throw new WalError(refusal.code, path, offset, refusal.detail);
  }
}
