/**
 * Finds the frames in a stream of chunks. A frame that lies within one chunk is handed over in place; one that is split over
 * chunks is put together once. At most one frame is ever held.
 */
import { ConnectionError, ErrorCode, FRAME_HEADER_BYTES, readU24, readU31 } from './protocol.js';

export interface FrameSink {
  /** The payload is `bytes` from `start` to `end`, and valid only during the call. */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
}

export class FrameReader {
  private readonly sink: FrameSink;
  private readonly payloadBytesMax: number;
  private readonly header: Uint8Array = new Uint8Array(FRAME_HEADER_BYTES);
  private headerBytes = 0;
  /** The payload under assembly, once its header is complete. */
  private payload: Buffer | undefined;
  private payloadBytes = 0;
  private isStopped = false;

  constructor(sink: FrameSink, payloadBytesMax: number) {
    this.sink = sink;
    this.payloadBytesMax = payloadBytesMax;
  }

  /** Nothing is delivered from now on, not even the rest of the chunk at hand. */
  stop(): void {
    this.isStopped = true;
    this.payload = undefined;
  }

  /** Delivers every frame that `chunk` completes. Throws a ConnectionError for a frame that is too long. */
  push(chunk: Buffer): void {
    let offset = this.headerBytes === 0 ? 0 : this.resume(chunk);
    while (!this.isStopped && chunk.length - offset >= FRAME_HEADER_BYTES) {
      const start = offset + FRAME_HEADER_BYTES;
      const end = start + this.checkedLength(chunk, offset);
      if (end > chunk.length) break;
      const type = chunk[offset + 3] as number;
      this.sink.frame(type, chunk[offset + 4] as number, readU31(chunk, offset + 5), chunk, start, end);
      offset = end;
    }
    if (!this.isStopped && offset < chunk.length) this.keep(chunk, offset);
  }

  /** Completes what the chunks before have begun; returns where the next frame begins. */
  private resume(chunk: Buffer): number {
    let offset = 0;
    if (this.headerBytes < FRAME_HEADER_BYTES) {
      offset = Math.min(FRAME_HEADER_BYTES - this.headerBytes, chunk.length);
      this.header.set(chunk.subarray(0, offset), this.headerBytes);
      this.headerBytes += offset;
      if (this.headerBytes < FRAME_HEADER_BYTES) return offset;
      this.payload = Buffer.allocUnsafe(this.checkedLength(this.header, 0));
      this.payloadBytes = 0;
    }
    const payload = this.payload as Buffer;
    const taken = Math.min(payload.length - this.payloadBytes, chunk.length - offset);
    chunk.copy(payload, this.payloadBytes, offset, offset + taken);
    this.payloadBytes += taken;
    if (this.payloadBytes < payload.length) return offset + taken;
    this.payload = undefined;
    this.headerBytes = 0;
    const header = this.header;
    this.sink.frame(header[3] as number, header[4] as number, readU31(header, 5), payload, 0, payload.length);
    return offset + taken;
  }

  /** Begins the assembly of a frame that the chunk holds in part. */
  private keep(chunk: Buffer, offset: number): void {
    const taken = Math.min(FRAME_HEADER_BYTES, chunk.length - offset);
    // After an incomplete resume() the whole chunk was taken, so nothing is under assembly here.
    this.header.set(chunk.subarray(offset, offset + taken));
    this.headerBytes = taken;
    if (taken < FRAME_HEADER_BYTES) return;
    this.payload = Buffer.allocUnsafe(this.checkedLength(this.header, 0));
    this.payloadBytes = chunk.copy(this.payload, 0, offset + taken);
  }

  private checkedLength(bytes: Uint8Array, at: number): number {
    const length = readU24(bytes, at);
    if (length > this.payloadBytesMax) {
      throw new ConnectionError(ErrorCode.frameSizeError, `frame of ${length} bytes (max ${this.payloadBytesMax})`);
    }
    return length;
  }
}
