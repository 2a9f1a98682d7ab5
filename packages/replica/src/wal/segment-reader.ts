/** Reads one segment file in windows; past its end it reads zeros, as if preallocated. */
import type { Disk, Platform } from '../seams/index.js';
import { firstNonZero } from './bytes.js';
import { decodeFrameHeader, FRAME_HEADER_BYTES, type FrameHeader, frameScratch, mayBeginFrame } from './frame.js';
import { FRAME_PAYLOAD_BYTES } from './frame-writer.js';
import type { PayloadMemory } from './payload-memory.js';
import { READ_WINDOW_BYTES, ReadWindow } from './read-window.js';
import { ENTRY_DATA_BYTES_MAX, ENTRY_OVERHEAD_BYTES, HARD_STATE_BYTES } from './record.js';
import { advance, copyStream, hasUnwrittenPortion, SECTOR_BYTES, SECTOR_DATA_BYTES } from './sectors.js';

/** The largest payload that the writer makes: an almost full frame and then the largest entry. */
const PAYLOAD_BYTES_MAX: number =
  FRAME_PAYLOAD_BYTES + ENTRY_OVERHEAD_BYTES + ENTRY_DATA_BYTES_MAX + HARD_STATE_BYTES + 1;

/** What stands at a position where a frame could be. */
export type FrameReading =
  | { readonly kind: 'frame'; readonly header: FrameHeader; readonly payload: Uint8Array; readonly end: number }
  /** Some of it was never written: the log ends here, unless it can be shown that more had been durable. */
  | { readonly kind: 'unwritten' }
  /** All of it was written, and it is not what was written. */
  | { readonly kind: 'damaged'; readonly detail: string };

export class SegmentReader {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #platform: Platform;
  readonly #sequence: number;
  readonly #scratch = frameScratch();
  readonly #window: ReadWindow;
  readonly #memory: PayloadMemory;

  /** Payloads are put into `memory`. */
  constructor(disk: Disk, platform: Platform, path: string, sequence: number, memory: PayloadMemory) {
    this.#window = new ReadWindow(disk, path);
    this.#platform = platform;
    this.#memory = memory;
    this.path = path;
    this.#sequence = sequence;
    this.sizeBytes = disk.size(path);
  }

  /** The bytes of [offset, offset + length); valid until the next call. */
  bytes(offset: number, length: number): Uint8Array {
    const read = this.#window.bytes(offset, length);
    if (read.length === length) return read;
    const padded = new Uint8Array(length);
    padded.set(read);
    return padded;
  }

  readFrame(position: number, chainBefore: number): FrameReading {
    const payloadStart = advance(position, FRAME_HEADER_BYTES);
    if (this.#isHeaderUnwritten(position, payloadStart)) return { kind: 'unwritten' };
    const header = this.#headerAt(position);
    if (header === undefined) return { kind: 'damaged', detail: 'frame header damaged' };
    if (header.payloadBytes === 0 || header.payloadBytes > PAYLOAD_BYTES_MAX) {
      return { kind: 'damaged', detail: `a frame of ${header.payloadBytes} bytes` };
    }
    const end = advance(payloadStart, header.payloadBytes);
    const extent = this.bytes(position, end - position);
    if (this.#platform.crc32(extent.subarray(payloadStart - position), chainBefore) !== header.chain) {
      return hasUnwrittenPortion(extent, position, position, end)
        ? { kind: 'unwritten' }
        : { kind: 'damaged', detail: 'frame checksum does not match' };
    }
    return { kind: 'frame', header, payload: this.#payload(extent, position, payloadStart, header), end };
  }

  /** A copy, since entries keep views of it: taken as a whole, and then closed up over the markers. */
  #payload(extent: Uint8Array, position: number, payloadStart: number, header: FrameHeader): Uint8Array {
    const length = header.payloadBytes - 1;
    const laidOut = extent.subarray(payloadStart - position, extent.length);
    const payload = this.#memory.take(laidOut.length);
    payload.set(laidOut);
    let to = SECTOR_DATA_BYTES - (payloadStart % SECTOR_BYTES);
    for (let from = to + 1; to < length; from += SECTOR_BYTES, to += SECTOR_DATA_BYTES) {
      payload.copyWithin(to, from, from + SECTOR_DATA_BYTES);
    }
    return payload.subarray(0, length);
  }

  /**
   * Searches [from, end of file) for a frame header that shows that bytes beyond `from` were durable when it was written. Yields
   * after each window; returns the header's offset (undefined if there is none) and the end of the last byte that is not zero.
   */
  *searchAfter(from: number): Generator<void, { readonly proof: number | undefined; readonly dirtyEnd: number }> {
    let dirtyEnd = from;
    for (let offset = from; offset < this.sizeBytes; offset += READ_WINDOW_BYTES) {
      const length = Math.min(READ_WINDOW_BYTES, this.sizeBytes - offset);
      let at = 0;
      for (;;) {
        const window = this.bytes(offset, length);
        at = firstNonZero(window, at, length);
        if (at === length) break;
        dirtyEnd = offset + at + 1;
        if (mayBeginFrame(window[at]) && (offset + at) % SECTOR_BYTES < SECTOR_DATA_BYTES) {
          const header = this.#headerAt(offset + at);
          if (header !== undefined && offset + at - header.unsyncedBytes > from)
            return { proof: offset + at, dirtyEnd };
        }
        at += 1;
      }
      yield;
    }
    return { proof: undefined, dirtyEnd };
  }

  /**
   * Whether the header's sectors were not written to behind it. In a written frame each of them goes on, behind the header, to
   * the marker or to the frame's end, neither of which is zero.
   */
  #isHeaderUnwritten(position: number, payloadStart: number): boolean {
    const sectorEnd = Math.ceil(payloadStart / SECTOR_BYTES) * SECTOR_BYTES;
    const bytes = this.bytes(position, sectorEnd - position);
    const sector = sectorEnd - SECTOR_BYTES;
    if (sector > position && hasUnwrittenPortion(bytes, position, position, sector)) return true;
    // A header that fills its sector ends with the marker.
    const behind = payloadStart === sectorEnd ? sectorEnd - 1 : payloadStart;
    return firstNonZero(bytes, behind - position, bytes.length) === bytes.length;
  }

  #headerAt(position: number): FrameHeader | undefined {
    const end = advance(position, FRAME_HEADER_BYTES);
    const bytes = this.bytes(position, end - position);
    copyStream(bytes, position, position, this.#scratch, 0, FRAME_HEADER_BYTES);
    return decodeFrameHeader(this.#platform, this.#scratch, this.#sequence, position);
  }
}
