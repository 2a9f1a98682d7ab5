/** The small frames: settings, pings, resets, window updates, GOAWAY. */
import type { Output } from './output.js';
import { Flag, FRAME_HEADER_BYTES, FrameType, writeFrameHeader, writeU32 } from './protocol.js';

/** A GOAWAY's text is for people. */
const DEBUG_BYTES_MAX = 256;
export const PING_BYTES = 8;

export class ControlWriter {
  private readonly output: Output;

  constructor(output: Output) {
    this.output = output;
  }

  settings(payload: Uint8Array): void {
    this.write(FrameType.settings, Flag.none, 0, payload);
  }

  settingsAck(): void {
    this.begin(FrameType.settings, Flag.ack, 0, 0);
  }

  ping(payload: Uint8Array, isAck: boolean): void {
    this.write(FrameType.ping, isAck ? Flag.ack : Flag.none, 0, payload);
  }

  resetStream(streamId: number, code: number): void {
    const out = this.begin(FrameType.resetStream, Flag.none, streamId, 4);
    writeU32(out, this.output.offset - 4, code);
  }

  windowUpdate(streamId: number, bytes: number): void {
    const out = this.begin(FrameType.windowUpdate, Flag.none, streamId, 4);
    writeU32(out, this.output.offset - 4, bytes);
  }

  goAway(lastStreamId: number, code: number, text: string): void {
    const debug = Buffer.from(text, 'utf8').subarray(0, DEBUG_BYTES_MAX);
    const payload = Buffer.alloc(8 + debug.length);
    writeU32(payload, 0, lastStreamId);
    writeU32(payload, 4, code);
    payload.set(debug, 8);
    this.write(FrameType.goAway, Flag.none, 0, payload);
  }

  private write(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const out = this.begin(type, flags, streamId, payload.length);
    out.set(payload, this.output.offset - payload.length);
  }

  /** Writes the header and leaves room for the payload before the output's offset. */
  private begin(type: number, flags: number, streamId: number, payloadBytes: number): Buffer {
    const out = this.output.reserve(FRAME_HEADER_BYTES + payloadBytes);
    this.output.offset = writeFrameHeader(out, this.output.offset, payloadBytes, type, flags, streamId) + payloadBytes;
    return out;
  }
}
