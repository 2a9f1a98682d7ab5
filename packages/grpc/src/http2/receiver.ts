/**
 * What each frame from the client means (RFC 9113 6), and flow control of what comes in.
 *
 * A fault of the whole connection is thrown as a ConnectionError; the connection answers it by GOAWAY. A fault of one stream is
 * answered by RST_STREAM.
 */
import type { ServerCall } from '../grpc/call.js';
import { areTrailersValid } from '../grpc/request-head.js';
import { Ending } from './closed-streams.js';
import type { Connection } from './connection.js';
import { PING_BYTES } from './control-writer.js';
import type { FrameSink } from './frame-reader.js';
import { HeaderBlocks, OpenBlock } from './header-blocks.js';
import { ConnectionError, ErrorCode, Flag, FrameType, readU31 } from './protocol.js';
import { parsePeerSettings } from './settings.js';

const PRIORITY_BYTES = 5;

export class Receiver implements FrameSink {
  /** The client's first frame, its SETTINGS, has come (RFC 9113 3.4). */
  hasSettings = false;
  /** The highest stream that the client has begun. */
  lastStreamId = 0;
  private readonly connection: Connection;
  private readonly blocks: HeaderBlocks;
  private openBlock: OpenBlock | undefined;
  /** What the client may still send on the connection, and what of it was taken and not given back. */
  private windowBytes: number;
  private uncreditedBytes = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    this.blocks = new HeaderBlocks(connection.limits, connection.methods);
    this.windowBytes = connection.limits.connectionWindowBytes;
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (this.openBlock !== undefined && type !== FrameType.continuation) {
      throw protocolError('a header block was interrupted by another frame');
    }
    if (!this.hasSettings && type !== FrameType.settings) throw protocolError('the first frame is not SETTINGS');
    switch (type) {
      case FrameType.data:
        return this.data(flags, streamId, bytes, start, end);
      case FrameType.headers:
        return this.headers(flags, streamId, bytes, start, end);
      case FrameType.priority:
        return this.priority(streamId, end - start);
      case FrameType.resetStream:
        return this.resetStream(streamId, end - start);
      case FrameType.settings:
        return this.settings(flags, streamId, bytes, start, end);
      case FrameType.pushPromise:
        throw protocolError('PUSH_PROMISE from a client');
      case FrameType.ping:
        return this.ping(flags, streamId, bytes, start, end);
      case FrameType.goAway:
        if (streamId !== 0) throw protocolError('GOAWAY on a stream');
        if (end - start < 8) throw frameSizeError('GOAWAY');
        return this.connection.idleFrame();
      case FrameType.windowUpdate:
        return this.windowUpdate(streamId, bytes, start, end);
      case FrameType.continuation:
        return this.continuation(flags, streamId, bytes, start, end);
      default:
        // RFC 9113 4.1: frames of unknown types are ignored.
        return this.connection.idleFrame();
    }
  }

  private data(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) throw protocolError('DATA on stream 0');
    const frameBytes = end - start;
    this.windowBytes -= frameBytes;
    if (this.windowBytes < 0)
      throw new ConnectionError(ErrorCode.flowControlError, 'DATA beyond the connection window');
    this.creditConnection(frameBytes);
    const from = start + ((flags & Flag.padded) !== 0 ? 1 : 0);
    const to = end - paddingBytes(flags, bytes, start, end);
    const isLast = (flags & Flag.endStream) !== 0;
    // Padding alone and nothing at all alike: no content.
    if (from === to && !isLast) this.connection.idleFrame();
    const call = this.connection.calls.get(streamId);
    if (call === undefined) return this.dataAfterEnd(streamId);
    if (call.isRemoteClosed) return this.connection.resetStream(call, ErrorCode.streamClosed);
    call.receiveWindow -= frameBytes;
    if (call.receiveWindow < 0) return this.connection.resetStream(call, ErrorCode.flowControlError);
    call.uncredited += frameBytes;
    call.dataBytes += to - from;
    const announced = call.head.contentLength;
    if (announced >= 0 && (call.dataBytes > announced || (isLast && call.dataBytes < announced))) {
      return this.connection.resetStream(call, ErrorCode.protocolError);
    }
    this.content(call, isLast, bytes, from, to);
  }

  private content(call: ServerCall, isLast: boolean, bytes: Buffer, from: number, to: number): void {
    call.isRemoteClosed = isLast;
    if (call.isLocalClosed) {
      // RFC 9113 8.1: answered already; the client may stop sending.
      if (isLast) this.connection.complete(call);
      else if (from < to) this.connection.stopClient(call);
      return;
    }
    if (from < to) call.receive(bytes, from, to);
    if (call.isGone) return;
    if (isLast) call.receiveEnd();
    else if (call.isReceiving) this.connection.credit(call);
  }

  /** DATA for a stream that is no more, or never was (RFC 9113 5.1). */
  private dataAfterEnd(streamId: number): void {
    if (streamId > this.lastStreamId || streamId % 2 === 0) throw protocolError('DATA on an idle stream');
    this.connection.idleFrame();
    const ending = this.connection.closed.ending(streamId);
    if (ending === Ending.resetByUs) return;
    if (ending === Ending.complete) throw streamClosed();
    this.connection.resetClosedStream(streamId, ErrorCode.streamClosed);
  }

  private headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId % 2 === 0) throw protocolError(`HEADERS on stream ${streamId}`);
    const priorityBytes = (flags & Flag.priority) !== 0 ? PRIORITY_BYTES : 0;
    const from = start + ((flags & Flag.padded) !== 0 ? 1 : 0) + priorityBytes;
    const to = end - paddingBytes(flags, bytes, start, end);
    if (from > to)
      throw (flags & Flag.padded) !== 0 ? protocolError('more padding than frame') : frameSizeError('HEADERS');
    if ((flags & Flag.endHeaders) !== 0) return this.block(flags, streamId, bytes, from, to);
    this.openBlock = new OpenBlock(streamId, flags, this.connection.limits.headerBlockBytesMax);
    this.openBlock.append(bytes, from, to);
  }

  private continuation(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const open = this.openBlock;
    if (open === undefined || open.streamId !== streamId) throw protocolError('CONTINUATION without HEADERS');
    open.append(bytes, start, end);
    if ((flags & Flag.endHeaders) === 0) return;
    this.openBlock = undefined;
    const block = open.whole();
    this.block(open.flags, streamId, block, 0, block.length);
  }

  /** A whole header block: a new call, the trailers of one, or a mistake. It is decoded in any case, to keep the table in step. */
  private block(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const isLast = (flags & Flag.endStream) !== 0;
    if (streamId > this.lastStreamId) {
      this.lastStreamId = streamId;
      const head = this.blocks.request(bytes, start, end);
      return this.connection.begin(streamId, head, isLast, this.blocks.freshBytes);
    }
    const fields = this.blocks.fields(bytes, start, end);
    const call = this.connection.calls.get(streamId);
    if (call !== undefined) return this.trailers(call, isLast, fields);
    this.connection.idleFrame();
    const ending = this.connection.closed.ending(streamId);
    if (ending === Ending.resetByUs) return;
    if (ending === Ending.resetByPeer) return this.connection.resetClosedStream(streamId, ErrorCode.streamClosed);
    // RFC 9113 5.1.1: stream ids ascend; what is not remembered may as well never have been.
    throw ending === Ending.complete ? streamClosed() : protocolError(`HEADERS on stream ${streamId}, which is past`);
  }

  private trailers(call: ServerCall, isLast: boolean, fields: readonly string[]): void {
    if (call.isRemoteClosed) return this.connection.resetStream(call, ErrorCode.streamClosed);
    const announced = call.head.contentLength;
    const isComplete = announced < 0 || announced === call.dataBytes;
    if (!isLast || !isComplete || !areTrailersValid(fields)) {
      return this.connection.resetStream(call, ErrorCode.protocolError);
    }
    call.isRemoteClosed = true;
    if (call.isLocalClosed) this.connection.complete(call);
    else call.receiveEnd();
  }

  /** Ignored (RFC 9113 5.3.2), but not if it is malformed. */
  private priority(streamId: number, payloadBytes: number): void {
    if (streamId === 0) throw protocolError('PRIORITY on stream 0');
    this.connection.idleFrame();
    if (payloadBytes === PRIORITY_BYTES) return;
    const call = this.connection.calls.get(streamId);
    if (call === undefined) this.connection.resetClosedStream(streamId, ErrorCode.frameSizeError);
    else this.connection.resetStream(call, ErrorCode.frameSizeError);
  }

  private resetStream(streamId: number, payloadBytes: number): void {
    if (streamId === 0) throw protocolError('RST_STREAM on stream 0');
    if (payloadBytes !== 4) throw frameSizeError('RST_STREAM');
    const call = this.connection.calls.get(streamId);
    if (call !== undefined) return this.connection.resetByClient(call);
    this.mustNotBeIdle(streamId, 'RST_STREAM');
    this.connection.idleFrame();
  }

  private settings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('SETTINGS on a stream');
    if ((flags & Flag.ack) !== 0) {
      if (!this.hasSettings) throw protocolError('the first frame is not SETTINGS');
      if (end !== start) throw frameSizeError('acknowledgement of SETTINGS');
      return this.connection.idleFrame();
    }
    this.connection.idleFrame();
    this.hasSettings = true;
    this.connection.applySettings(parsePeerSettings(bytes, start, end));
  }

  private ping(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('PING on a stream');
    if (end - start !== PING_BYTES) throw frameSizeError('PING');
    this.connection.idleFrame();
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ack) !== 0) this.connection.pingAnswered(payload);
    else this.connection.pinged(payload);
  }

  private windowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw frameSizeError('WINDOW_UPDATE');
    this.connection.idleFrame();
    const increment = readU31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE of 0');
      return this.connection.sender.addConnectionWindow(increment);
    }
    const call = this.connection.calls.get(streamId);
    if (call === undefined) return this.mustNotBeIdle(streamId, 'WINDOW_UPDATE');
    if (increment === 0) return this.connection.resetStream(call, ErrorCode.protocolError);
    this.connection.sender.addStreamWindow(call, increment);
  }

  private mustNotBeIdle(streamId: number, frame: string): void {
    if (streamId > this.lastStreamId || streamId % 2 === 0) throw protocolError(`${frame} on an idle stream`);
  }

  /**
   * The connection's window is given back when bytes come in, not when a handler takes them: a call that is paused must not stop the
   * others. What paused calls may hold is bounded by their own windows and by `heldBytesMax`.
   */
  private creditConnection(bytes: number): void {
    this.uncreditedBytes += bytes;
    if (this.uncreditedBytes * 2 < this.connection.limits.connectionWindowBytes) return;
    this.windowBytes += this.uncreditedBytes;
    this.connection.control.windowUpdate(0, this.uncreditedBytes);
    this.uncreditedBytes = 0;
  }
}

/** The bytes at the frame's end that are padding (RFC 9113 6.1); the byte that says so is not among them. */
function paddingBytes(flags: number, bytes: Buffer, start: number, end: number): number {
  if ((flags & Flag.padded) === 0) return 0;
  if (start === end) throw frameSizeError('padded frame');
  const padding = bytes[start] as number;
  if (padding > end - start - 1) throw protocolError('more padding than frame');
  return padding;
}

function protocolError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}

function frameSizeError(frame: string): ConnectionError {
  return new ConnectionError(ErrorCode.frameSizeError, `${frame} has the wrong size`);
}

function streamClosed(): ConnectionError {
  return new ConnectionError(ErrorCode.streamClosed, 'frame on a closed stream');
}
