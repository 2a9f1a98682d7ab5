/**
 * The gRPC server: methods by path, and connections that someone else accepts (a listener, or whoever has found by the first
 * bytes of a connection that it speaks HTTP/2).
 *
 * Work is done in turns: whatever a chunk of input, a timer or a handler's own event causes is written to its connections' outputs, and
 * all of it leaves when the turn's microtasks run, one socket write per connection.
 */
import type { Socket } from 'node:net';
import type { ServerStreamHandler, StreamHandler, UnaryHandler } from './grpc/api.js';
import { DeadlineWheel } from './grpc/deadline-wheel.js';
import { MethodTable } from './grpc/method-table.js';
import { Connection, type ConnectionHost, type Counters } from './http2/connection.js';
import { OutputPool } from './http2/output.js';
import { type GrpcServerOptions, type Limits, resolveLimits } from './options.js';

/** Counts since the server began, and what is there now. */
export interface GrpcServerStats extends Readonly<Counters> {
  readonly connections: number;
  readonly connectionsRefused: number;
  /** Calls that are open now. */
  readonly calls: number;
}

/** Its callbacks run as the turn's microtasks; those of queueMicrotask() do, too, but each costs an object and a call more. */
const TURN_ENDED = Promise.resolve();

const TICK_MS_MAX = 1000;
const TICK_MS_MIN = 10;

export class GrpcServer {
  readonly #host: Host;

  /** Throws a RangeError for limits that make no sense. */
  constructor(options: GrpcServerOptions = {}) {
    this.#host = new Host(options);
  }

  /** Registers a method; all of them before the first accept(). */
  unary(path: string, handler: UnaryHandler): void {
    this.#host.methods.add(path, { kind: 'unary', handler });
  }

  serverStream(path: string, handler: ServerStreamHandler): void {
    this.#host.methods.add(path, { kind: 'serverStream', handler });
  }

  /** The reply is sent by the call's send(), once, and end(). */
  clientStream(path: string, handler: StreamHandler): void {
    this.#host.methods.add(path, { kind: 'stream', handler });
  }

  bidi(path: string, handler: StreamHandler): void {
    this.#host.methods.add(path, { kind: 'stream', handler });
  }

  /**
   * Takes over a connection: a `net.Socket` or a `tls.TLSSocket` after its handshake (ALPN `h2`). `head` is what has been read from it
   * already. The socket must be in flowing mode or paused, with no listener for its data.
   */
  accept(socket: Socket, head?: Uint8Array): void {
    this.#host.accept(socket, head);
  }

  /**
   * Tells every client to begin no more calls, waits until those in flight have ended, or for `graceMs`, after which they end as
   * UNAVAILABLE; resolves when every connection is closed.
   */
  close(graceMs: number): Promise<void> {
    return this.#host.close(graceMs);
  }

  stats(): GrpcServerStats {
    return this.#host.stats();
  }
}

class Host implements ConnectionHost {
  readonly limits: Limits;
  readonly methods: MethodTable = new MethodTable();
  readonly deadlines: DeadlineWheel;
  readonly pool: OutputPool = new OutputPool();
  readonly counters: Counters = {
    callsStarted: 0,
    callsRefused: 0,
    callsCancelled: 0,
    connectionErrors: 0,
    bytesRead: 0,
    bytesWritten: 0,
  };
  private readonly connections = new Set<Connection>();
  private readonly onHandlerError: (error: unknown) => void;
  private connectionsRefused = 0;
  private toFlush: Connection[] = [];
  private ticker: NodeJS.Timeout | undefined;
  /** At most what is queued: what was when it was last counted, and all that came since. */
  private queuedAtMost = 0;
  private isClosing = false;
  private readonly closeWaiters: (() => void)[] = [];
  private graceTimer: NodeJS.Timeout | undefined;

  constructor(options: GrpcServerOptions) {
    this.limits = resolveLimits(options);
    this.deadlines = new DeadlineWheel(() => this.now());
    this.onHandlerError = options.onHandlerError ?? throwOutside;
  }

  now(): number {
    return performance.now();
  }

  accept(socket: Socket, head: Uint8Array | undefined): void {
    if (this.isClosing || this.connections.size >= this.limits.connectionsMax || socket.destroyed) {
      this.connectionsRefused += 1;
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const connection = new Connection(this, socket);
    this.connections.add(connection);
    this.ticker ??= setInterval(() => this.tick(), this.tickMs()).unref();
    connection.start(head);
  }

  scheduleFlush(connection: Connection): void {
    if (this.toFlush.length === 0) void TURN_ENDED.then(this.flush);
    this.toFlush.push(connection);
  }

  connectionGone(connection: Connection): void {
    this.connections.delete(connection);
    if (this.connections.size > 0) return;
    clearInterval(this.ticker);
    this.ticker = undefined;
    if (this.isClosing) this.closed();
  }

  handlerFailed(error: unknown): void {
    this.onHandlerError(error);
  }

  isQueueFull(bytes: number): boolean {
    const { serverQueueBytesMax } = this.limits;
    this.queuedAtMost += bytes;
    if (this.queuedAtMost - bytes <= serverQueueBytesMax) return false;
    // Most of what came has gone again as a rule: only what is there counts.
    let queued = 0;
    for (const { sender } of this.connections) queued += sender.bytesQueued;
    this.queuedAtMost = queued + bytes;
    return queued > serverQueueBytesMax;
  }

  close(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.closeWaiters.push(resolve);
      if (!this.isClosing) this.beginClose(graceMs);
      if (this.connections.size === 0) this.closed();
    });
  }

  private beginClose(graceMs: number): void {
    this.isClosing = true;
    for (const connection of this.connections) connection.drain();
    this.graceTimer = setTimeout(() => {
      for (const connection of this.connections) connection.stop();
    }, graceMs);
  }

  private closed(): void {
    clearTimeout(this.graceTimer);
    for (const resolve of this.closeWaiters.splice(0)) resolve();
  }

  stats(): GrpcServerStats {
    let calls = 0;
    for (const connection of this.connections) calls += connection.calls.size;
    const { connectionsRefused } = this;
    return { ...this.counters, connections: this.connections.size, connectionsRefused, calls };
  }

  private readonly flush = (): void => {
    const connections = this.toFlush;
    this.toFlush = [];
    for (const connection of connections) connection.flush();
  };

  private tick(): void {
    const nowMs = this.now();
    for (const connection of this.connections) connection.tick(nowMs);
  }

  /** Fine enough for the shortest of the times that ticks measure. */
  private tickMs(): number {
    const { handshakeMs, keepAliveIntervalMs, keepAliveTimeoutMs, lingerMs } = this.limits;
    const shortest = Math.min(handshakeMs, keepAliveIntervalMs, keepAliveTimeoutMs, lingerMs);
    return Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, Math.floor(shortest / 4)));
  }
}

/** Outside of the server nobody catches it: the process learns of its bug. */
function throwOutside(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
