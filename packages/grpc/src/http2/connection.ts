/**
 * One HTTP/2 connection (RFC 9113), the server's side: its socket, its calls, its budgets, and its life from the preface to the end.
 *
 * A fault of the whole connection is thrown as a ConnectionError by whoever finds it while a chunk is processed, and caught in
 * received(), which answers GOAWAY, stops reading, and leaves the client `lingerMs` to read the reason.
 */
import type { Socket } from 'node:net';
import { type CallOwner, ServerCall } from '../grpc/call.js';
import type { DeadlineWheel } from '../grpc/deadline-wheel.js';
import type { MethodTable } from '../grpc/method-table.js';
import type { Refusal, RequestHead } from '../grpc/request-head.js';
import { ResponseEncoder } from '../hpack/encoder.js';
import type { Limits } from '../options.js';
import { GrpcStatus } from '../status.js';
import { Budget, PingRule } from './budgets.js';
import { CallTable } from './call-table.js';
import { ClosedStreams, Ending } from './closed-streams.js';
import { ControlWriter } from './control-writer.js';
import { FrameReader } from './frame-reader.js';
import { Output, type OutputOwner, type OutputPool } from './output.js';
import {
  CLIENT_PREFACE,
  ConnectionError,
  ErrorCode,
  FRAME_BYTES_DEFAULT,
  INITIAL_WINDOW_BYTES,
  STREAM_ID_MAX,
} from './protocol.js';
import { Receiver } from './receiver.js';
import { Sender, type SenderOwner } from './sender.js';
import { type PeerSettings, serverSettings } from './settings.js';

/** What has happened since the server began. */
export interface Counters {
  callsStarted: number;
  callsRefused: number;
  callsCancelled: number;
  connectionErrors: number;
  bytesRead: number;
  bytesWritten: number;
}

/** The server that a connection belongs to. */
export interface ConnectionHost {
  readonly limits: Limits;
  readonly methods: MethodTable;
  readonly deadlines: DeadlineWheel;
  readonly counters: Counters;
  readonly pool: OutputPool;
  now(): number;
  /** The connection has something to flush when the turn ends. */
  scheduleFlush(connection: Connection): void;
  connectionGone(connection: Connection): void;
  handlerFailed(error: unknown): void;
  /** All connections together have more queued than they may; `bytes` more are about to be. */
  isQueueFull(bytes: number): boolean;
}

/** `draining`: no new calls; `closing`: nothing is read any more; `gone`: the socket is closed. */
type State = 'open' | 'draining' | 'closing' | 'gone';

/** What our pings carry tells which question an answer belongs to. */
const PING_ALIVE = Buffer.from('quorate?');
const PING_DRAIN = Buffer.from('goodbye?');

/** A call that was answered while its client still sends is reset after so many ticks. */
const LINGER_TICKS = 2;

/** Metadata up to this size is not counted as held: every call has some. */
const FREE_HEAD_BYTES = 1024;

/** A DATA frame of ours is a reason for so many frames in return: an update of each window. */
const FRAMES_PER_DATA = 2;

const TOO_MANY_RESPONSES: Refusal = {
  httpStatus: 200,
  code: GrpcStatus.resourceExhausted,
  message: 'grpc: too many responses wait for this client',
};

const TOO_MUCH_HELD: Refusal = {
  httpStatus: 200,
  code: GrpcStatus.resourceExhausted,
  message: 'grpc: too much metadata on this connection',
};

export class Connection implements CallOwner, SenderOwner, OutputOwner {
  readonly limits: Limits;
  readonly methods: MethodTable;
  readonly pool: OutputPool;
  readonly calls: CallTable = new CallTable();
  readonly closed: ClosedStreams = new ClosedStreams();
  readonly sender: Sender;
  readonly control: ControlWriter;
  readonly peer: string;
  private readonly host: ConnectionHost;
  private readonly socket: Socket;
  private readonly output: Output;
  private readonly encoder: ResponseEncoder = new ResponseEncoder();
  private readonly receiver: Receiver;
  private readonly reader: FrameReader;
  private readonly cancels: Budget;
  private readonly idleFrames: Budget;
  private readonly pings: PingRule;
  private state: State = 'open';
  private prefaceBytes = 0;
  /** The time of the turn: read once per chunk. */
  private nowMs: number;
  private readonly startedMs: number;
  private heardMs: number;
  /** When the ping was sent whose answer is due; 0: none is. */
  private askedMs = 0;
  private blockedSinceMs = 0;
  private closingSinceMs = 0;
  /** The end is a graceful one: the client is left the time to take what was answered. */
  private isPatient = false;
  private drainingSinceMs = 0;
  private isDrainAnnounced = false;
  private heldBytes = 0;
  /** Of the output's bytes, those in the host's counters. */
  private countedBytes = 0;
  /** Calls that were answered and whose client has not closed its side. */
  private lingering = 0;

  constructor(host: ConnectionHost, socket: Socket) {
    this.host = host;
    this.limits = host.limits;
    this.methods = host.methods;
    this.pool = host.pool;
    this.socket = socket;
    this.peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.nowMs = host.now();
    this.startedMs = this.nowMs;
    this.heardMs = this.nowMs;
    this.output = new Output(socket, this, host.limits.socketQueueBytesHigh);
    this.control = new ControlWriter(this.output);
    this.sender = new Sender(this, this.output, this.encoder);
    this.receiver = new Receiver(this);
    this.reader = new FrameReader(this.receiver, FRAME_BYTES_DEFAULT);
    this.cancels = new Budget(host.limits.cancelBurst, host.limits.cancelsPerSecond, this.nowMs);
    this.idleFrames = new Budget(host.limits.idleFrameBurst, host.limits.idleFramesPerSecond, this.nowMs);
    this.pings = new PingRule(host.limits.pingIntervalMsMin);
  }

  /** `head`: what was read from the socket before. */
  start(head: Uint8Array | undefined): void {
    const { socket } = this;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('drain', () => this.drained());
    socket.on('end', () => this.finish());
    // What follows an error is `close`, which says all that there is to do.
    socket.on('error', () => undefined);
    socket.on('close', () => this.gone());
    this.control.settings(serverSettings(this.limits));
    const more = this.limits.connectionWindowBytes - INITIAL_WINDOW_BYTES;
    if (more > 0) this.control.windowUpdate(0, more);
    if (head !== undefined && head.length > 0) {
      this.received(Buffer.from(head.buffer, head.byteOffset, head.byteLength));
    }
    // Whoever had the socket before may have paused it.
    socket.resume();
    if (socket.destroyed) this.gone();
  }

  // Reading.

  private received(chunk: Buffer): void {
    if (this.state === 'closing' || this.state === 'gone') return;
    this.host.counters.bytesRead += chunk.length;
    this.nowMs = this.host.now();
    this.heardMs = this.nowMs;
    try {
      const from = this.prefaceBytes < CLIENT_PREFACE.length ? this.preface(chunk) : 0;
      if (from < chunk.length) this.reader.push(from === 0 ? chunk : chunk.subarray(from));
    } catch (error) {
      if (error instanceof ConnectionError) return this.fail(error.code, error.message);
      this.fail(ErrorCode.internalError, 'internal error');
      this.host.handlerFailed(error);
    }
  }

  /** RFC 9113 3.4. Returns where the preface ends in the chunk. */
  private preface(chunk: Buffer): number {
    const taken = Math.min(CLIENT_PREFACE.length - this.prefaceBytes, chunk.length);
    const expected = CLIENT_PREFACE.subarray(this.prefaceBytes, this.prefaceBytes + taken);
    if (expected.compare(chunk, 0, taken) !== 0) throw new ConnectionError(ErrorCode.protocolError, 'not HTTP/2');
    this.prefaceBytes += taken;
    return taken;
  }

  /** A request has begun; `head` is undefined if it is malformed. */
  begin(streamId: number, head: RequestHead | undefined, isLast: boolean, headBytes: number): void {
    if (head === undefined) return this.refuseStream(streamId, ErrorCode.protocolError);
    if (isLast && head.contentLength > 0) return this.refuseStream(streamId, ErrorCode.protocolError);
    // RFC 9113 8.7: REFUSED_STREAM says that nothing was done, so that the client may try again elsewhere.
    const isFull = this.calls.size >= this.limits.callsPerConnectionMax;
    if (isFull || this.isDrainAnnounced) return this.refuseStream(streamId, ErrorCode.refusedStream);
    this.host.counters.callsStarted += 1;
    const call = new ServerCall(this, streamId, head, this.nowMs);
    call.isRemoteClosed = isLast;
    this.calls.add(call);
    let refusal = head.refusal;
    if (this.sender.bytesQueued > this.limits.queueBytesMax) refusal ??= TOO_MANY_RESPONSES;
    if (headBytes > FREE_HEAD_BYTES && !call.hold(headBytes)) refusal ??= TOO_MUCH_HELD;
    if (refusal !== undefined) {
      this.host.counters.callsRefused += 1;
      return this.sender.refuse(call, refusal);
    }
    if (call.deadlineMs !== Infinity) this.host.deadlines.add(call);
    call.begin();
    if (isLast && !call.isGone) call.receiveEnd();
  }

  isServerFull(bytes: number): boolean {
    return this.host.isQueueFull(bytes);
  }

  applySettings(settings: PeerSettings): void {
    if (settings.headerTableBytes !== undefined) this.encoder.setTableBytesMax(settings.headerTableBytes);
    // Acknowledged first: what follows obeys the new values (RFC 9113 6.5.3).
    this.control.settingsAck();
    if (settings.initialWindowBytes === undefined) return;
    // A larger window may wake every call that waits.
    if (this.sender.bytesQueued > 0) this.takeIdle(1 + Math.floor(this.calls.size / 100));
    this.sender.setPeerInitialWindow(settings.initialWindowBytes, this.calls.all());
  }

  pinged(payload: Uint8Array): void {
    if (!this.pings.ping(this.nowMs, this.calls.size > 0)) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, 'too_many_pings');
    }
    this.control.ping(payload, true);
  }

  pingAnswered(payload: Uint8Array): void {
    if (this.state === 'draining' && PING_DRAIN.equals(payload)) this.announceDrain();
  }

  resetByClient(call: ServerCall): void {
    // An answered call's client may say that it needs no more; a call that was begun for nothing has its price.
    if (!call.isLocalClosed) this.takeCancel();
    this.remove(call, Ending.resetByPeer);
    this.host.counters.callsCancelled += 1;
    call.cancel('client');
  }

  /** A frame came that asks for nothing, or for too little. */
  idleFrame(): void {
    this.takeIdle(1);
  }

  private takeIdle(amount: number): void {
    if (this.idleFrames.take(this.nowMs, amount)) return;
    throw new ConnectionError(ErrorCode.enhanceYourCalm, 'too many frames that do nothing');
  }

  private takeCancel(): void {
    if (this.cancels.take(this.nowMs, 1)) return;
    throw new ConnectionError(ErrorCode.enhanceYourCalm, 'too many cancelled calls');
  }

  // What calls and their sender need.

  hold(bytes: number): boolean {
    if (bytes > 0 && this.heldBytes + bytes > this.limits.heldBytesMax) return false;
    this.heldBytes += bytes;
    return true;
  }

  credit(call: ServerCall): void {
    if (call.isRemoteClosed || call.isEnding || call.uncredited * 2 < this.limits.callWindowBytes) return;
    this.control.windowUpdate(call.id, call.uncredited);
    call.receiveWindow += call.uncredited;
    call.uncredited = 0;
  }

  handlerFailed(error: unknown): void {
    this.host.handlerFailed(error);
  }

  dataSent(): void {
    this.idleFrames.give(FRAMES_PER_DATA);
    // grpc-go measures the path by a ping for each round trip of a long answer.
    this.pings.forgive();
  }

  localClosed(call: ServerCall): void {
    this.pings.forgive();
    this.host.deadlines.remove(call);
    if (call.isRemoteClosed) return this.complete(call);
    this.lingering += 1;
  }

  /** Both sides have closed the stream. */
  complete(call: ServerCall): void {
    this.remove(call, Ending.complete);
  }

  /** RFC 9113 8.1: the answer is complete, the client need not send the rest of its request. */
  stopClient(call: ServerCall): void {
    this.control.resetStream(call.id, ErrorCode.noError);
    this.remove(call, Ending.resetByUs);
  }

  /**
   * Ends a call for a mistake of the client's. It has the same price as a cancellation: mistakes would otherwise be a way to cancel
   * calls for nothing (CVE-2025-8671).
   */
  resetStream(call: ServerCall, code: number): void {
    this.control.resetStream(call.id, code);
    this.remove(call, Ending.resetByUs);
    call.cancel('protocol');
    this.takeCancel();
  }

  resetClosedStream(streamId: number, code: number): void {
    this.control.resetStream(streamId, code);
    this.closed.add(streamId, Ending.resetByUs);
  }

  private refuseStream(streamId: number, code: number): void {
    this.takeCancel();
    this.host.counters.callsRefused += 1;
    this.resetClosedStream(streamId, code);
  }

  private remove(call: ServerCall, ending: Ending): void {
    if (call.isGone) return;
    call.isGone = true;
    this.calls.delete(call.id);
    this.closed.add(call.id, ending);
    if (call.isLocalClosed && !call.isRemoteClosed) this.lingering -= 1;
    if (call.deadlineSlot >= 0) this.host.deadlines.remove(call);
    if (call.bytesQueued > 0) this.sender.drop(call);
    if (call.heldBytes > 0) call.release();
    if (this.isDrainAnnounced && this.calls.size === 0) this.finish();
  }

  // Writing.

  scheduleFlush(): void {
    this.host.scheduleFlush(this);
  }

  /** The turn is over. */
  flush(): void {
    this.output.flush();
    this.host.counters.bytesWritten += this.output.bytesWritten - this.countedBytes;
    this.countedBytes = this.output.bytesWritten;
    // A client that does not read its answers is not asked for more questions. (Without `writableNeedDrain` no `drain` would follow.)
    const { writableLength, writableNeedDrain } = this.socket;
    const isBehind = writableNeedDrain && writableLength > this.limits.socketQueueBytesMax;
    if (!isBehind || this.blockedSinceMs > 0 || this.state === 'closing') return;
    this.blockedSinceMs = this.host.now();
    this.socket.pause();
  }

  private drained(): void {
    if (this.state === 'gone') return;
    if (this.blockedSinceMs > 0) {
      this.blockedSinceMs = 0;
      this.socket.resume();
    }
    this.sender.pump();
  }

  // Life.

  /** Called about once a second. */
  tick(nowMs: number): void {
    if (this.state === 'closing') {
      const isPatient = this.isPatient && this.socket.writableLength > 0;
      const limitMs = isPatient ? this.limits.keepAliveTimeoutMs : this.limits.lingerMs;
      if (nowMs - this.closingSinceMs >= limitMs) this.socket.destroy();
      return;
    }
    if (!this.receiver.hasSettings && nowMs - this.startedMs >= this.limits.handshakeMs) {
      return this.fail(ErrorCode.protocolError, 'no preface and settings in time');
    }
    if (this.blockedSinceMs > 0 && nowMs - this.blockedSinceMs >= this.limits.keepAliveTimeoutMs) {
      this.socket.destroy();
      return;
    }
    this.keepAlive(nowMs);
    if (this.lingering > 0) this.endLingering();
    if (this.state === 'draining' && nowMs - this.drainingSinceMs >= this.limits.lingerMs) this.announceDrain();
  }

  private keepAlive(nowMs: number): void {
    if (this.askedMs > 0 && this.heardMs >= this.askedMs) this.askedMs = 0;
    if (this.askedMs > 0) {
      if (nowMs - this.askedMs >= this.limits.keepAliveTimeoutMs) this.socket.destroy();
      return;
    }
    if (nowMs - this.heardMs < this.limits.keepAliveIntervalMs) return;
    this.askedMs = nowMs;
    this.control.ping(PING_ALIVE, false);
  }

  private endLingering(): void {
    for (const call of this.calls.all()) {
      if (!call.isLocalClosed) continue;
      call.lingerTicks += 1;
      if (call.lingerTicks > LINGER_TICKS) this.stopClient(call);
    }
  }

  /**
   * A graceful end: the client is told to begin no more calls; those that it had begun before it knew are still taken, and the ping's
   * answer says that it knows (RFC 9113 6.8). The connection ends with its last call.
   */
  drain(): void {
    if (this.state !== 'open') return;
    this.state = 'draining';
    this.isPatient = true;
    this.drainingSinceMs = this.host.now();
    this.control.goAway(STREAM_ID_MAX, ErrorCode.noError, 'server is stopping');
    this.control.ping(PING_DRAIN, false);
  }

  private announceDrain(): void {
    if (this.isDrainAnnounced) return;
    this.isDrainAnnounced = true;
    this.control.goAway(this.receiver.lastStreamId, ErrorCode.noError, 'server is stopping');
    if (this.calls.size === 0) this.finish();
  }

  /** The time of grace is over: what is still running ends as UNAVAILABLE. */
  stop(): void {
    this.isPatient = false;
    if (this.state === 'closing' || this.state === 'gone') return;
    for (const call of this.calls.all()) call.abort(GrpcStatus.unavailable, 'server is stopping', 'stopping');
    this.announceDrain();
    this.finish();
  }

  private fail(code: number, message: string): void {
    if (this.state === 'closing' || this.state === 'gone') return;
    this.host.counters.connectionErrors += 1;
    this.isPatient = false;
    this.control.goAway(this.receiver.lastStreamId, code, message);
    this.finish();
  }

  /** Writes what there is and closes our side; what the client still sends is discarded until it closes its own, for `lingerMs`. */
  private finish(): void {
    if (this.state === 'closing' || this.state === 'gone') return;
    this.state = 'closing';
    this.closingSinceMs = this.host.now();
    this.reader.stop();
    this.cancelAll();
    this.flush();
    this.socket.resume();
    this.socket.end();
  }

  private gone(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.reader.stop();
    this.cancelAll();
    this.host.connectionGone(this);
  }

  private cancelAll(): void {
    for (const call of this.calls.all()) {
      this.remove(call, Ending.resetByUs);
      call.cancel('connection');
    }
  }
}
