/** Encodes one gathered write: records into frames, frames into sectors, each frame chained to the one before. */
import type { Entry, HardState } from '@quorate/raft';
import type { Platform } from '../seams/index.js';
import { assert } from './errors.js';
import { encodeFrameHeader, FRAME_END, FRAME_HEADER_BYTES, frameScratch } from './frame.js';
import { HARD_STATE_BYTES, putEntry, putHardState, putReset } from './record.js';
import { SectorWriter } from './sectors.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';

/** A frame is closed once its payload has reached this: it bounds what recovery holds in memory besides the largest entry. */
export const FRAME_PAYLOAD_BYTES: number = 256 * 1024;
const FRAME_OVERHEAD_BYTES: number = FRAME_HEADER_BYTES + 1;
/** The buffer is kept for the next write up to this size. */
const BUFFER_KEPT_BYTES: number = 8 * 1024 * 1024;

export interface WritePosition {
  readonly sequence: number;
  /** Where in the segment the write begins. */
  readonly offset: number;
  /** Everything of the segment before this is known to be durable. */
  readonly syncedBytes: number;
  readonly chain: number;
}

export class FrameWriter {
  readonly #platform: Platform;
  #sectors = new SectorWriter();
  readonly #scratch = frameScratch();
  readonly #end = Uint8Array.of(FRAME_END);
  #sequence = 0;
  #syncedBytes = 0;
  #chain = 0;
  /** Where the open frame and its payload begin; -1 if none is open. */
  #frame = -1;
  #payload = -1;
  #payloadBytes = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** `recordBytes`: at least what all the records of this write take in the stream. */
  begin(at: WritePosition, recordBytes: number): void {
    if (this.#sectors.bytes.length > BUFFER_KEPT_BYTES) this.#sectors = new SectorWriter();
    const framesMax = Math.ceil(recordBytes / FRAME_PAYLOAD_BYTES) + 1;
    const streamBytes = recordBytes + framesMax * FRAME_OVERHEAD_BYTES + SEGMENT_HEADER_BYTES + HARD_STATE_BYTES;
    this.#sectors.begin(at.offset, streamBytes, (bytes) => this.#platform.allocate(bytes));
    this.#sequence = at.sequence;
    this.#syncedBytes = at.syncedBytes;
    this.#chain = at.chain;
  }

  segmentHeader(header: Uint8Array): void {
    this.#sectors.put(header, header.length);
    this.#sectors.lay();
  }

  hardState(state: HardState): void {
    this.#open();
    putHardState(this.#sectors, state);
    this.#recordDone(HARD_STATE_BYTES);
  }

  entry(entry: Entry, bytes: number): void {
    this.#open();
    putEntry(this.#sectors, entry);
    this.#recordDone(bytes);
  }

  reset(index: number, term: number, bytes: number): void {
    this.#open();
    putReset(this.#sectors, index, term);
    this.#recordDone(bytes);
  }

  /** Closes the write: its bytes (valid until the next begin), its end in the segment, the chain value there. */
  finish(): { readonly bytes: Uint8Array; readonly end: number; readonly chain: number } {
    if (this.#frame >= 0) this.#close();
    const { bytes, base, position } = this.#sectors;
    return { bytes: bytes.subarray(0, position - base), end: position, chain: this.#chain };
  }

  #open(): void {
    if (this.#frame >= 0) return;
    this.#frame = this.#sectors.position;
    // Room for the header, which is filled in once the payload's checksum is known.
    this.#sectors.put(this.#scratch, FRAME_HEADER_BYTES);
    this.#sectors.lay();
    this.#payload = this.#sectors.position;
    this.#payloadBytes = 0;
  }

  #recordDone(bytes: number): void {
    this.#payloadBytes += bytes;
    if (this.#payloadBytes >= FRAME_PAYLOAD_BYTES) this.#close();
  }

  #close(): void {
    const sectors = this.#sectors;
    sectors.put(this.#end, 1);
    sectors.lay();
    const covered = sectors.bytes.subarray(this.#payload - sectors.base, sectors.position - sectors.base);
    this.#chain = this.#platform.crc32(covered, this.#chain);
    const unsyncedBytes = this.#frame - this.#syncedBytes;
    assert(unsyncedBytes >= 0, 'a write begins after what is durable');
    const header = { payloadBytes: this.#payloadBytes + 1, unsyncedBytes, chain: this.#chain };
    encodeFrameHeader(this.#platform, this.#scratch, header, this.#sequence, this.#frame);
    sectors.patch(this.#frame, this.#scratch, FRAME_HEADER_BYTES);
    this.#frame = -1;
  }
}
