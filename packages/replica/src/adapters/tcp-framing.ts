/**
 * Frames on a connection: u32 length of the payload, u32 CRC-32 of the payload, payload; integers little-endian. A frame of
 * length 0 is a keepalive and is not delivered.
 *
 * TCP's own checksum misses about one damaged segment in 65,000 and none of the damage done within a host, so each frame
 * carries its own. After a bad one nothing later in the stream can be trusted: the connection ends.
 */
import type { Platform } from '../seams/platform.js';
import type { QueuedFrame } from './frame-queue.js';

export const FRAME_HEADER_BYTES = 8;

/** Chunks below this size are copied together; larger ones are handed to the socket as they are. */
const COPY_BYTES_MAX = 4096;

/** `length`: longer than allowed; `checksum`: damaged. */
export type FrameErrorCode = 'length' | 'checksum';

export class FrameError extends Error {
  readonly code: FrameErrorCode;
  constructor(code: FrameErrorCode, message: string) {
    super(message);
    this.name = 'FrameError';
    this.code = code;
  }
}

/** The bytes of a keepalive: length 0, and the CRC-32 of nothing is 0. */
export const KEEPALIVE_FRAME: Uint8Array = new Uint8Array(FRAME_HEADER_BYTES);

/** The bytes of several frames, in few buffers: small chunks copied together, large ones as they are. */
export function frameBatch(platform: Platform, frames: readonly QueuedFrame[]): readonly Uint8Array[] {
  let copiedBytes = 0;
  for (const { chunks } of frames) {
    copiedBytes += FRAME_HEADER_BYTES;
    for (const chunk of chunks) if (chunk.length < COPY_BYTES_MAX) copiedBytes += chunk.length;
  }
  // From Node's pool while it is small: it lives only until the socket has written it.
  const copied = Buffer.allocUnsafe(copiedBytes);
  const buffers: Uint8Array[] = [];
  let start = 0;
  let offset = 0;
  for (const { chunks, bytes } of frames) {
    let checksum = 0;
    for (const chunk of chunks) checksum = platform.crc32(chunk, checksum);
    writeU32(copied, offset, bytes);
    writeU32(copied, offset + 4, checksum);
    offset += FRAME_HEADER_BYTES;
    for (const chunk of chunks) {
      if (chunk.length < COPY_BYTES_MAX) {
        copied.set(chunk, offset);
        offset += chunk.length;
        continue;
      }
      buffers.push(copied.subarray(start, offset), chunk);
      start = offset;
    }
  }
  if (offset > start) buffers.push(copied.subarray(start, offset));
  return buffers;
}

/**
 * Finds the frames in a stream of chunks. A frame that lies within one chunk is delivered as a view of it; one that is split over
 * chunks is put together once.
 */
export class FrameParser {
  readonly #platform: Platform;
  readonly #frameBytesMax: number;
  readonly #header: Uint8Array = new Uint8Array(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The payload under assembly, once its header is complete and its first chunk did not hold all of it. */
  #payload: Uint8Array | undefined;
  #payloadBytes = 0;

  constructor(platform: Platform, frameBytesMax: number) {
    this.#platform = platform;
    this.#frameBytesMax = frameBytesMax;
  }

  /**
   * Calls `deliver` for each frame that `chunk` completes, until it returns false (the connection was closed meanwhile). A
   * delivered frame is valid during the call only. Throws a FrameError; the parser is then of no further use.
   */
  push(chunk: Uint8Array, deliver: (frame: Uint8Array) => boolean): void {
    let offset = this.#continue(chunk, deliver);
    while (offset >= 0 && chunk.length - offset >= FRAME_HEADER_BYTES) {
      const length = this.#length(chunk, offset);
      const start = offset + FRAME_HEADER_BYTES;
      if (chunk.length - start < length) break;
      if (!this.#deliver(chunk.subarray(start, start + length), readU32(chunk, offset + 4), deliver)) return;
      offset = start + length;
    }
    if (offset >= 0 && offset < chunk.length) this.#keep(chunk.subarray(offset));
  }

  /** Completes what the chunks before have begun. Returns where the next frame begins, or -1 if there is nothing more to do. */
  #continue(chunk: Uint8Array, deliver: (frame: Uint8Array) => boolean): number {
    let offset = 0;
    if (this.#headerBytes === 0) return offset;
    if (this.#headerBytes < FRAME_HEADER_BYTES) {
      offset = Math.min(FRAME_HEADER_BYTES - this.#headerBytes, chunk.length);
      this.#header.set(chunk.subarray(0, offset), this.#headerBytes);
      this.#headerBytes += offset;
      if (this.#headerBytes < FRAME_HEADER_BYTES) return -1;
      this.#payload = Buffer.allocUnsafe(this.#length(this.#header, 0));
      this.#payloadBytes = 0;
    }
    const payload = this.#payload as Uint8Array;
    const taken = Math.min(payload.length - this.#payloadBytes, chunk.length - offset);
    payload.set(chunk.subarray(offset, offset + taken), this.#payloadBytes);
    this.#payloadBytes += taken;
    if (this.#payloadBytes < payload.length) return -1;
    this.#payload = undefined;
    this.#headerBytes = 0;
    return this.#deliver(payload, readU32(this.#header, 4), deliver) ? offset + taken : -1;
  }

  /** Begins the assembly of a frame that the chunk holds in part. */
  #keep(rest: Uint8Array): void {
    this.#headerBytes = Math.min(rest.length, FRAME_HEADER_BYTES);
    this.#header.set(rest.subarray(0, this.#headerBytes));
    if (this.#headerBytes < FRAME_HEADER_BYTES) return;
    this.#payload = Buffer.allocUnsafe(this.#length(this.#header, 0));
    this.#payload.set(rest.subarray(FRAME_HEADER_BYTES));
    this.#payloadBytes = rest.length - FRAME_HEADER_BYTES;
  }

  #length(bytes: Uint8Array, offset: number): number {
    const length = readU32(bytes, offset);
    if (length > this.#frameBytesMax) {
      throw new FrameError('length', `a frame of ${length} bytes, at most ${this.#frameBytesMax} are allowed`);
    }
    return length;
  }

  #deliver(payload: Uint8Array, checksum: number, deliver: (frame: Uint8Array) => boolean): boolean {
    const actual = this.#platform.crc32(payload, 0);
    if (actual !== checksum) {
      throw new FrameError('checksum', `a frame of ${payload.length} bytes has checksum ${actual}, not ${checksum}`);
    }
    return payload.length === 0 || deliver(payload);
  }
}

export function writeU32(into: Uint8Array, offset: number, value: number): void {
  into[offset] = value & 0xff;
  into[offset + 1] = (value >>> 8) & 0xff;
  into[offset + 2] = (value >>> 16) & 0xff;
  into[offset + 3] = value >>> 24;
}

/** The caller has checked that four bytes are there. */
export function readU32(bytes: Uint8Array, offset: number): number {
  const [a, b, c, d] = [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]] as Quad;
  return ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
}

type Quad = [number, number, number, number];
