/**
 * One call: its HTTP/2 stream and what its handler sees of it, in one object, because there is one of it per request.
 *
 * Sending is the Sender's business (the fields under "sending" are its own); receiving is this file's: DATA is cut into messages where it
 * lies whenever a whole message lies there, and gathered in an Inbox otherwise.
 */
import { gunzipSync } from 'node:zlib';
import { readU32, STREAM_ID_MAX } from '../http2/protocol.js';
import type { Sender } from '../http2/sender.js';
import type { Limits } from '../options.js';
import { GrpcStatus } from '../status.js';
import type { CancelReason, StreamCall, UnaryCall } from './api.js';
import type { DeadlineEntry } from './deadline-wheel.js';
import { Inbox } from './inbox.js';
import type { Metadata, MetadataFields } from './metadata.js';
import type { RequestHead } from './request-head.js';

const PREFIX_BYTES = 5;

/** What a call needs of its connection. */
export interface CallOwner {
  readonly limits: Limits;
  readonly peer: string;
  readonly sender: Sender;
  /** Counts `bytes` (negative: fewer) as held for a call; false, and nothing counted, if that is too much. */
  hold(bytes: number): boolean;
  /** Bytes were taken: the client may send as many more. */
  credit(call: ServerCall): void;
  handlerFailed(error: unknown): void;
}

export interface Trailers {
  readonly code: GrpcStatus;
  readonly message: string;
  readonly metadata: MetadataFields | undefined;
}

export class ServerCall implements UnaryCall, StreamCall, DeadlineEntry {
  readonly id: number;
  readonly head: RequestHead;
  readonly deadlineMs: number;
  private readonly owner: CallOwner;

  // Sending.
  /** The stream's window is the peer's initial window and this: what WINDOW_UPDATE has added, less what was sent. */
  sendCredit = 0;
  hasSentHead = false;
  /** The final status has been given; it leaves behind what is queued. */
  isEnding = false;
  /** END_STREAM has been sent. */
  isLocalClosed = false;
  queue: Uint8Array[] | undefined = undefined;
  /** The first chunk of the queue that is not sent, and how much of it is. */
  queueAt = 0;
  queueOffset = 0;
  bytesQueued = 0;
  isAboveHigh = false;
  isReady = false;
  readyPrevious: ServerCall | undefined = undefined;
  readyNext: ServerCall | undefined = undefined;
  /** The fields of the final status, encoded; undefined for OK and nothing else. */
  trailers: Uint8Array | undefined = undefined;

  // Receiving.
  receiveWindow: number;
  /** Received, taken, and not yet given back as WINDOW_UPDATE. */
  uncredited = 0;
  dataBytes = 0;
  isRemoteClosed = false;
  heldBytes = 0;
  private inbox: Inbox | undefined = undefined;
  private messages = 0;
  private isParsing = false;
  private isPaused = false;
  private hasSeenEnd = false;

  // Life.
  isCancelled = false;
  /** Removed from its connection. */
  isGone = false;
  lingerTicks = 0;
  deadlinePrevious: DeadlineEntry | undefined = undefined;
  deadlineNext: DeadlineEntry | undefined = undefined;
  deadlineSlot = -1;
  private cancelReason: CancelReason | undefined = undefined;
  private cancelHandler: ((reason: CancelReason) => void) | undefined = undefined;
  private messageHandler: ((message: Uint8Array) => void) | undefined = undefined;
  private halfCloseHandler: (() => void) | undefined = undefined;
  private drainHandler: (() => void) | undefined = undefined;

  constructor(owner: CallOwner, id: number, head: RequestHead, nowMs: number) {
    if (id > STREAM_ID_MAX) throw new Error('a stream id has 31 bits');
    this.owner = owner;
    this.id = id;
    this.head = head;
    this.deadlineMs = nowMs + head.timeoutMs;
    this.receiveWindow = owner.limits.callWindowBytes;
  }

  get path(): string {
    return this.head.path;
  }

  get authority(): string {
    return this.head.authority;
  }

  get metadata(): Metadata {
    return this.head.metadata;
  }

  get peer(): string {
    return this.owner.peer;
  }

  // What handlers call.

  reply(message: Uint8Array, trailers?: MetadataFields): void {
    if (this.isCancelled) return;
    this.mustBeOpen();
    this.owner.sender.reply(this, message, trailers);
  }

  fail(code: GrpcStatus, message: string, trailers?: MetadataFields): void {
    this.end(code, message, trailers);
  }

  end(code: GrpcStatus, message = '', trailers?: MetadataFields): void {
    if (this.isCancelled) return;
    this.mustBeOpen();
    this.owner.sender.end(this, { code, message, metadata: trailers });
  }

  send(message: Uint8Array, head?: Uint8Array): boolean {
    if (this.isCancelled) return false;
    this.mustBeOpen();
    this.owner.sender.send(this, message, head);
    return !this.isAboveHigh && !this.isCancelled;
  }

  sendMetadata(metadata: MetadataFields): void {
    if (this.isCancelled) return;
    this.mustBeOpen();
    if (this.hasSentHead) throw new Error('the response head has been sent already');
    this.owner.sender.sendHead(this, metadata);
  }

  onCancel(fn: (reason: CancelReason) => void): void {
    this.cancelHandler = fn;
    if (this.cancelReason !== undefined) this.run(fn, this.cancelReason);
  }

  onMessage(fn: (message: Uint8Array) => void): void {
    this.messageHandler = fn;
    this.drainInbox();
  }

  onHalfClose(fn: () => void): void {
    this.halfCloseHandler = fn;
    if (this.hasSeenEnd && !this.isEnding) this.run(fn, undefined);
  }

  onDrain(fn: () => void): void {
    this.drainHandler = fn;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.drainInbox();
  }

  private mustBeOpen(): void {
    if (this.isEnding) throw new Error(`the call of ${this.path} has ended already`);
  }

  // What the connection calls.

  /** Messages are taken now: there is someone to take them, who has not paused. */
  get isReceiving(): boolean {
    return !this.isPaused && (this.messageHandler !== undefined || this.head.method?.kind !== 'stream');
  }

  /** The handler of a call with a stream of requests begins with the call; the others begin with their message. */
  begin(): void {
    if (this.head.method?.kind === 'stream') this.run(this.head.method.handler, this);
  }

  /** The content of a DATA frame. `isRemoteClosed` is set before if it is the last. */
  receive(bytes: Buffer, start: number, end: number): void {
    let from = start;
    if (this.inbox === undefined) {
      this.isParsing = true;
      from = this.parse(bytes, from, end);
      this.isParsing = false;
    }
    if (from < end && !this.isEnding) this.gather(bytes, from, end);
  }

  /** What there is to do when the client has closed its side and everything before has been delivered. */
  receiveEnd(): void {
    if (!this.isRemoteClosed || this.hasSeenEnd || this.isEnding) return;
    if (this.inbox !== undefined) {
      if (this.isReceiving) this.abort(GrpcStatus.internal, 'unexpected EOF', 'protocol');
      return;
    }
    this.hasSeenEnd = true;
    if (this.head.method?.kind === 'stream') {
      if (this.halfCloseHandler !== undefined) this.run(this.halfCloseHandler, undefined);
    } else if (this.messages === 0) {
      this.abort(GrpcStatus.internal, 'cardinality violation: received no request message', 'protocol');
    }
  }

  /** The deadline has passed. */
  expire(): void {
    this.abort(GrpcStatus.deadlineExceeded, 'context deadline exceeded', 'deadline');
  }

  /** Ends the call with a status that is not its handler's. What was queued is dropped, so that the status leaves at once. */
  abort(code: GrpcStatus, message: string, reason: CancelReason): void {
    if (this.isLocalClosed || this.isGone) return;
    const wasEnding = this.isEnding;
    this.owner.sender.drop(this);
    this.owner.sender.end(this, { code, message, metadata: undefined });
    if (!wasEnding) this.cancelled(reason);
  }

  /** The call is over without a status that could reach the client: its stream was reset or its connection is gone. */
  cancel(reason: CancelReason): void {
    const wasEnding = this.isEnding;
    this.isEnding = true;
    if (!wasEnding) this.cancelled(reason);
  }

  /** Frees what the call holds. */
  release(): void {
    this.inbox = undefined;
    this.unhold(this.heldBytes);
  }

  hold(bytes: number): boolean {
    if (!this.owner.hold(bytes)) return false;
    this.heldBytes += bytes;
    return true;
  }

  drained(): void {
    this.isAboveHigh = false;
    if (this.drainHandler !== undefined && !this.isEnding) this.run(this.drainHandler, undefined);
  }

  private unhold(bytes: number): void {
    this.owner.hold(-bytes);
    this.heldBytes -= bytes;
  }

  private cancelled(reason: CancelReason): void {
    this.isCancelled = true;
    this.cancelReason = reason;
    if (this.cancelHandler !== undefined) this.run(this.cancelHandler, reason);
  }

  /** Runs a handler. A bug in it ends its call and nothing else of the server. */
  private run<T>(fn: (argument: T) => void, argument: T): void {
    try {
      fn(argument);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  private handlerFailed(error: unknown): void {
    this.abort(GrpcStatus.internal, 'internal error', 'protocol');
    this.owner.handlerFailed(error);
  }

  private gather(bytes: Buffer, start: number, end: number): void {
    this.inbox ??= new Inbox();
    const growth = Math.ceil(this.inbox.capacityFor(end - start)) - this.inbox.buffer.length;
    if (growth > 0 && !this.hold(growth)) {
      return this.abort(
        GrpcStatus.resourceExhausted,
        'grpc: too many incomplete messages on this connection',
        'protocol',
      );
    }
    this.inbox.append(bytes, start, end);
    this.drainInbox();
  }

  /** Delivers what the inbox holds in whole messages. */
  private drainInbox(): void {
    // A handler that resumes within its message is already inside this loop.
    if (this.isParsing) return;
    const inbox = this.inbox;
    if (inbox !== undefined && this.isReceiving) {
      this.isParsing = true;
      inbox.from = this.parse(inbox.buffer, inbox.from, inbox.to);
      this.isParsing = false;
      if (inbox.from === inbox.to && this.inbox !== undefined) {
        this.unhold(inbox.buffer.length);
        this.inbox = undefined;
      }
    }
    if (this.isReceiving && !this.isGone) {
      this.owner.credit(this);
      this.receiveEnd();
    }
  }

  /** Delivers the whole messages between `start` and `end`; returns where the first incomplete one begins. */
  private parse(bytes: Buffer, start: number, end: number): number {
    const max = this.owner.limits.messageBytesMax;
    let from = start;
    while (end - from >= PREFIX_BYTES && this.isReceiving && !this.isEnding) {
      const flag = bytes[from] as number;
      const length = readU32(bytes, from + 1);
      if (flag > 1) {
        this.abort(GrpcStatus.internal, `grpc: received unexpected payload format ${flag}`, 'protocol');
      } else if (length > max) {
        const message = `grpc: received message larger than max (${length} vs. ${max})`;
        this.abort(GrpcStatus.resourceExhausted, message, 'protocol');
      }
      const next = from + PREFIX_BYTES + length;
      if (this.isEnding || next > end) break;
      // A plain array: a Buffer's own subarray() costs a constructor more.
      const message = new Uint8Array(bytes.buffer, bytes.byteOffset + from + PREFIX_BYTES, length);
      if (flag === 0) this.deliver(message);
      else this.deliverCompressed(message);
      from = next;
    }
    // What follows the end of a call is of no interest.
    return this.isEnding ? end : from;
  }

  private deliver(message: Uint8Array): void {
    const method = this.head.method;
    this.messages += 1;
    if (method === undefined) return;
    if (method.kind === 'stream') {
      if (this.messageHandler !== undefined) this.run(this.messageHandler, message);
      return;
    }
    if (this.messages > 1) {
      return this.abort(GrpcStatus.internal, 'cardinality violation: received multiple request messages', 'protocol');
    }
    try {
      method.handler(this, message);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  private deliverCompressed(message: Uint8Array): void {
    if (!this.head.isGzip) {
      const text = 'grpc: compressed flag set with identity or empty encoding';
      return this.abort(GrpcStatus.internal, text, 'protocol');
    }
    const max = this.owner.limits.messageBytesMax;
    let plain: Uint8Array;
    try {
      plain = gunzipSync(message, { maxOutputLength: max });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
        const text = `grpc: received message after decompression larger than max ${max}`;
        return this.abort(GrpcStatus.resourceExhausted, text, 'protocol');
      }
      const text = `grpc: failed to decompress the received message: ${(error as Error).message}`;
      return this.abort(GrpcStatus.internal, text, 'protocol');
    }
    this.deliver(plain);
  }
}
