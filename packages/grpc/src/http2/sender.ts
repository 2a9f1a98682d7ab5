/**
 * What a connection sends on its streams: response heads, DATA within both flow-control windows, trailers.
 *
 * The usual case, a reply that fits the windows, is three frames written at once into the output. What does not fit is queued in its
 * call; a call whose queue could go on as far as its own window is concerned stands in `ready`, and pump() serves those in turn, a frame
 * each, while the connection's window and the socket have room. A call whose own window is exhausted stands nowhere, so that ten thousand
 * clients that do not read cost pump() nothing.
 */
import type { ServerCall, Trailers } from '../grpc/call.js';
import { encodeStatusMessage, type MetadataFields, toHeaderFields } from '../grpc/metadata.js';
import type { Refusal } from '../grpc/request-head.js';
import { literalFields, type ResponseEncoder } from '../hpack/encoder.js';
import type { Limits } from '../options.js';
import { GrpcStatus } from '../status.js';
import { CallQueue } from './call-queue.js';
import type { Output } from './output.js';
import {
  ConnectionError,
  ErrorCode,
  Flag,
  FRAME_BYTES_DEFAULT,
  FRAME_HEADER_BYTES,
  FrameType,
  INITIAL_WINDOW_BYTES,
  WINDOW_BYTES_MAX,
  writeFrameHeader,
  writeU32,
} from './protocol.js';

const PREFIX_BYTES = 5;
const NO_BYTES = new Uint8Array(0);
/** Queued messages below this size are copied together with their prefix and head; larger ones are kept as they are. */
const COPY_BYTES_MAX = 1024;
/** Frames are no larger than what every peer accepts: larger ones gain nothing and would delay other streams. */
const DATA_BYTES_MAX = FRAME_BYTES_DEFAULT;

export interface SenderOwner {
  readonly limits: Limits;
  /** END_STREAM has been written. */
  localClosed(call: ServerCall): void;
  /** DATA has been written: the client has a reason for window updates and pings. */
  dataSent(): void;
  /** All connections together have more queued than they may; `bytes` more are about to be. */
  isServerFull(bytes: number): boolean;
  /** Gives a stream up. */
  resetStream(call: ServerCall, code: number): void;
}

export class Sender {
  bytesQueued = 0;
  private readonly owner: SenderOwner;
  private readonly output: Output;
  private readonly encoder: ResponseEncoder;
  private readonly ready = new CallQueue();
  private windowBytes = INITIAL_WINDOW_BYTES;
  private peerInitialWindowBytes = INITIAL_WINDOW_BYTES;
  /** No call's `sendCredit` was ever above this: tells when a larger initial window cannot overflow any. */
  private creditHighest = 0;
  private isPumping = false;

  constructor(owner: SenderOwner, output: Output, encoder: ResponseEncoder) {
    this.owner = owner;
    this.output = output;
    this.encoder = encoder;
  }

  /** A message and the status OK. The message's bytes are not needed any more afterwards. */
  reply(call: ServerCall, message: Uint8Array, trailers: MetadataFields | undefined): void {
    const bytes = PREFIX_BYTES + message.length;
    const fits = bytes <= DATA_BYTES_MAX && bytes <= this.roomFor(call);
    if (fits && call.bytesQueued === 0 && !call.hasSentHead && trailers === undefined)
      return this.replyAtOnce(call, message);
    if (this.owner.isServerFull(bytes)) {
      return call.abort(GrpcStatus.resourceExhausted, 'grpc: too many responses wait for clients', 'protocol');
    }
    this.send(call, message);
    this.keepCopy(call, message);
    if (!call.isEnding) this.end(call, { code: GrpcStatus.ok, message: '', metadata: trailers });
  }

  private replyAtOnce(call: ServerCall, message: Uint8Array): void {
    const head = this.encoder.head();
    const trailers = this.encoder.okTrailers();
    const dataBytes = PREFIX_BYTES + message.length;
    const out = this.output.reserve(3 * FRAME_HEADER_BYTES + head.length + dataBytes + trailers.length);
    let at = this.output.offset;
    at = writeFrameHeader(out, at, head.length, FrameType.headers, Flag.endHeaders, call.id);
    at = copy(head, out, at);
    at = writeFrameHeader(out, at, dataBytes, FrameType.data, Flag.none, call.id);
    at = writePrefix(out, at, message.length);
    at = copy(message, out, at);
    at = writeFrameHeader(out, at, trailers.length, FrameType.headers, Flag.endHeaders | Flag.endStream, call.id);
    this.output.offset = copy(trailers, out, at);
    this.windowBytes -= dataBytes;
    call.hasSentHead = true;
    call.isEnding = true;
    this.owner.dataSent();
    this.closeLocal(call);
  }

  /**
   * Sends or queues a message, of which `head` is the beginning: the queue has a copy of that and refers to the rest. A call whose client
   * takes nothing ends when too much is queued.
   */
  send(call: ServerCall, message: Uint8Array, head: Uint8Array = NO_BYTES): void {
    const { queueBytesMax, callQueueBytesHigh } = this.owner.limits;
    if (this.bytesQueued > queueBytesMax) {
      return call.abort(GrpcStatus.resourceExhausted, 'grpc: too many responses wait for this client', 'protocol');
    }
    if (!call.hasSentHead) this.sendHead(call, undefined);
    const messageBytes = head.length + message.length;
    const bytes = PREFIX_BYTES + messageBytes;
    if (call.bytesQueued === 0 && bytes <= DATA_BYTES_MAX && bytes <= this.roomFor(call)) {
      const out = this.output.reserve(FRAME_HEADER_BYTES + bytes);
      let at = writeFrameHeader(out, this.output.offset, bytes, FrameType.data, Flag.none, call.id);
      at = writePrefix(out, at, messageBytes);
      at = copy(head, out, at);
      this.output.offset = copy(message, out, at);
      this.sent(call, bytes);
      return;
    }
    this.enqueue(call, message, head);
    this.pump();
    if (call.bytesQueued > callQueueBytesHigh) call.isAboveHigh = true;
  }

  /** The response's head, with metadata of the handler's. */
  sendHead(call: ServerCall, metadata: MetadataFields | undefined): void {
    const extra = metadata === undefined ? undefined : literalFields(toHeaderFields(metadata));
    const head = this.encoder.head();
    call.hasSentHead = true;
    this.writeHeaders(call.id, extra === undefined ? head : Buffer.concat([head, extra]), Flag.none);
  }

  /** The final status; it leaves behind what is queued. */
  end(call: ServerCall, trailers: Trailers): void {
    // Encoded before anything changes: what cannot be encoded is the handler's mistake, and its call is still open.
    call.trailers = trailerFields(trailers);
    call.isEnding = true;
    if (call.bytesQueued === 0) this.writeTrailers(call);
  }

  /** A call that no handler sees: one header block that is head and trailers alike ("Trailers-Only"). */
  refuse(call: ServerCall, refusal: Refusal): void {
    const { httpStatus, code, message, fields = [] } = refusal;
    call.isEnding = true;
    call.hasSentHead = true;
    const all: (readonly [string, string])[] = [
      [':status', `${httpStatus}`],
      ['content-type', 'application/grpc'],
      ['grpc-status', `${code}`],
      ['grpc-message', encodeStatusMessage(message)],
      ...fields,
    ];
    this.writeHeaders(call.id, this.encoder.fields(all), Flag.endStream);
    this.closeLocal(call);
  }

  /** Forgets what is queued for a call. */
  drop(call: ServerCall): void {
    this.bytesQueued -= call.bytesQueued;
    call.bytesQueued = 0;
    call.queue = undefined;
    this.ready.delete(call);
  }

  /** RFC 9113 6.9.1: a window above 2^31-1 is an error of the connection, or of the stream. */
  addConnectionWindow(bytes: number): void {
    this.windowBytes += bytes;
    if (this.windowBytes > WINDOW_BYTES_MAX) throw windowOverflow();
    this.pump();
  }

  addStreamWindow(call: ServerCall, bytes: number): void {
    call.sendCredit += bytes;
    if (this.peerInitialWindowBytes + call.sendCredit > WINDOW_BYTES_MAX) {
      return this.owner.resetStream(call, ErrorCode.flowControlError);
    }
    if (call.sendCredit > this.creditHighest) this.creditHighest = call.sendCredit;
    if (call.bytesQueued > 0 && this.peerInitialWindowBytes + call.sendCredit > 0) {
      this.ready.add(call);
      this.pump();
    }
  }

  /** RFC 9113 6.9.2: a change of the initial window is a change of every stream's window, which may become negative by it. */
  setPeerInitialWindow(bytes: number, calls: readonly ServerCall[]): void {
    const isLarger = bytes > this.peerInitialWindowBytes;
    this.peerInitialWindowBytes = bytes;
    if (bytes + this.creditHighest > WINDOW_BYTES_MAX) {
      for (const call of calls) if (bytes + call.sendCredit > WINDOW_BYTES_MAX) throw windowOverflow();
    }
    if (!isLarger || this.bytesQueued === 0) return;
    for (const call of calls) if (call.bytesQueued > 0 && bytes + call.sendCredit > 0) this.ready.add(call);
    this.pump();
  }

  /** Sends what the windows and the socket allow, a frame per call in turn. */
  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    // A call that was served and has more goes to the queue's end, where this very loop meets it again.
    for (let call = this.ready.first; call !== undefined; call = this.ready.first) {
      if (this.windowBytes <= 0 || this.output.isBlocked) break;
      this.ready.delete(call);
      const streamWindowBytes = this.peerInitialWindowBytes + call.sendCredit;
      if (streamWindowBytes <= 0) continue;
      this.sendQueued(call, Math.min(this.windowBytes, streamWindowBytes, DATA_BYTES_MAX, call.bytesQueued));
    }
    this.isPumping = false;
  }

  /** Bytes of DATA that may be sent on the call now. */
  private roomFor(call: ServerCall): number {
    if (this.output.isBlocked) return 0;
    return Math.min(this.windowBytes, this.peerInitialWindowBytes + call.sendCredit);
  }

  private enqueue(call: ServerCall, message: Uint8Array, head: Uint8Array): void {
    if (call.queue === undefined) {
      call.queue = [];
      call.queueAt = 0;
      call.queueOffset = 0;
    }
    const isSmall = message.length < COPY_BYTES_MAX;
    const headEnd = PREFIX_BYTES + head.length;
    const beginning = Buffer.allocUnsafe(isSmall ? headEnd + message.length : headEnd);
    writePrefix(beginning, 0, head.length + message.length);
    beginning.set(head, PREFIX_BYTES);
    call.queue.push(beginning);
    if (isSmall) beginning.set(message, headEnd);
    else call.queue.push(message);
    call.bytesQueued += headEnd + message.length;
    this.bytesQueued += headEnd + message.length;
    this.ready.add(call);
  }

  /** What is left of `message` in the queue becomes a copy: its buffer is the handler's. */
  private keepCopy(call: ServerCall, message: Uint8Array): void {
    const last = call.queue?.at(-1);
    if (call.queue !== undefined && last === message) call.queue[call.queue.length - 1] = Uint8Array.from(message);
  }

  private sendQueued(call: ServerCall, bytes: number): void {
    const out = this.output.reserve(FRAME_HEADER_BYTES + bytes);
    let at = writeFrameHeader(out, this.output.offset, bytes, FrameType.data, Flag.none, call.id);
    const end = at + bytes;
    const queue = call.queue as Uint8Array[];
    while (at < end) {
      const chunk = queue[call.queueAt] as Uint8Array;
      const taken = Math.min(chunk.length - call.queueOffset, end - at);
      out.set(chunk.subarray(call.queueOffset, call.queueOffset + taken), at);
      at += taken;
      call.queueOffset += taken;
      if (call.queueOffset < chunk.length) continue;
      call.queueAt += 1;
      call.queueOffset = 0;
    }
    this.output.offset = at;
    call.bytesQueued -= bytes;
    this.bytesQueued -= bytes;
    this.sent(call, bytes);
    this.afterQueued(call, queue);
  }

  private afterQueued(call: ServerCall, queue: Uint8Array[]): void {
    if (call.bytesQueued === 0) {
      call.queue = undefined;
      if (call.isEnding) this.writeTrailers(call);
    } else {
      if (call.queueAt * 2 > queue.length) {
        queue.splice(0, call.queueAt);
        call.queueAt = 0;
      }
      this.ready.add(call);
    }
    if (call.isAboveHigh && call.bytesQueued * 2 <= this.owner.limits.callQueueBytesHigh) call.drained();
  }

  private sent(call: ServerCall, bytes: number): void {
    this.windowBytes -= bytes;
    call.sendCredit -= bytes;
    this.owner.dataSent();
  }

  private writeTrailers(call: ServerCall): void {
    // The head is encoded first, because it comes first.
    const head = call.hasSentHead ? undefined : this.encoder.head();
    const trailers = call.trailers === undefined ? this.encoder.okTrailers() : this.encoder.begin(call.trailers);
    call.hasSentHead = true;
    this.writeHeaders(call.id, head === undefined ? trailers : Buffer.concat([head, trailers]), Flag.endStream);
    this.closeLocal(call);
  }

  private writeHeaders(streamId: number, block: Uint8Array, flags: number): void {
    let type: number = FrameType.headers;
    let flagsNow = flags;
    let from = 0;
    do {
      const to = Math.min(block.length, from + FRAME_BYTES_DEFAULT);
      const out = this.output.reserve(FRAME_HEADER_BYTES + to - from);
      const flagsEnd = to === block.length ? Flag.endHeaders : Flag.none;
      const at = writeFrameHeader(out, this.output.offset, to - from, type, flagsNow | flagsEnd, streamId);
      this.output.offset = copy(block.subarray(from, to), out, at);
      type = FrameType.continuation;
      flagsNow = Flag.none;
      from = to;
    } while (from < block.length);
  }

  private closeLocal(call: ServerCall): void {
    call.isLocalClosed = true;
    call.trailers = undefined;
    this.owner.localClosed(call);
  }
}

/** The trailers' fields, or undefined for the usual ones: OK and nothing else. */
function trailerFields({ code, message, metadata }: Trailers): Uint8Array | undefined {
  const isUsual = code === GrpcStatus.ok && message === '' && metadata === undefined;
  if (isUsual) return undefined;
  const fields: [string, string][] = [['grpc-status', `${code}`]];
  if (message !== '') fields.push(['grpc-message', encodeStatusMessage(message)]);
  if (metadata !== undefined) fields.push(...toHeaderFields(metadata));
  return literalFields(fields);
}

function writePrefix(out: Uint8Array, at: number, messageBytes: number): number {
  out[at] = 0;
  writeU32(out, at + 1, messageBytes);
  return at + PREFIX_BYTES;
}

/** Short runs are faster by hand than by a call of set(). */
function copy(source: Uint8Array, target: Uint8Array, at: number): number {
  const length = source.length;
  if (length > 48) target.set(source, at);
  else for (let index = 0; index < length; index++) target[at + index] = source[index] as number;
  return at + length;
}

function windowOverflow(): ConnectionError {
  return new ConnectionError(ErrorCode.flowControlError, 'a flow-control window above 2^31-1');
}
