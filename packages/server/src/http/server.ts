/**
 * Puts the HTTP API on node:http: limits on headers, bodies, requests and connections, deadlines, and a close that finishes what is
 * under way. Requests that are pipelined on one connection are carried out and answered in their order (pipelines.ts).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { type Address, parseAddress } from '../config/address.js';
import type { HttpApi } from './api.js';
import { Deadlines } from './deadlines.js';
import { Exchange, type HostedExchange } from './exchange.js';
import { tellProtocol } from './first-bytes.js';
import { Pipelines } from './pipelines.js';
import { PlainConnection, type PlainConnectionHost } from './plain-connection.js';
import * as answers from './responses.js';
import type { HttpRequest, HttpResponse } from './types.js';

export interface HttpServerOptions {
  readonly bodyBytesMax: number;
  /** Every request: 504 after that. */
  readonly requestTimeoutMs: number;
  /** Requests that change something; the shorter of the two counts. */
  readonly writeTimeoutMs: number;
  /** Requests for keys under way at once. */
  readonly requestsMax: number;
  readonly connectionsMax: number;
  /** An idle connection is closed after that. Default 75 s: longer than the usual idle time of proxies (60 s), which would race with it. */
  readonly keepAliveMs?: number;
  /** Takes over the connections of HTTP/2 clients; `head` is what was read of them. Without it they are refused as bad HTTP/1.1. */
  readonly http2?: (socket: Socket, head: Buffer) => void;
  /** Asked first, with every request: answers itself, now or later, if it returns true. Sees to `Expect: 100-continue` too. */
  readonly gateway?: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;
  /** Told of every answer; status 0: the client went away. */
  readonly observe?: (method: string, path: string, status: number, seconds: number) => void;
  readonly onFault?: (error: unknown) => void;
}

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 75_000;

export class HttpServer implements PlainConnectionHost {
  readonly bodyBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  closing = false;
  private readonly api: HttpApi;
  private readonly options: HttpServerOptions;
  private readonly server: Server;
  /** Has node:http serve a connection. */
  private readonly serveHttp1: (socket: Socket) => void;
  private readonly reads: Deadlines;
  private readonly writes: Deadlines;
  private requestsUnderWay = 0;
  /** Connections whose requests node:http has not seen. */
  private readonly plain: Set<PlainConnection> = new Set();
  /** Connections without a request so far. node:http does not count them as idle and would wait for their first one. */
  private readonly fresh: Set<Socket> = new Set();
  /** Listeners besides node:http's own. */
  private readonly further: NetServer[] = [];
  /** Connections on which not everything is served. */
  private readonly partly: WeakMap<Socket, (path: string) => boolean> = new WeakMap();
  private readonly pipelines: Pipelines = new Pipelines();

  constructor(api: HttpApi, options: HttpServerOptions) {
    this.api = api;
    this.options = options;
    this.bodyBytesMax = options.bodyBytesMax;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.keepAliveMs = options.keepAliveMs ?? KEEP_ALIVE_MS;
    this.reads = new Deadlines(options.requestTimeoutMs, monotonicMs);
    this.writes = new Deadlines(Math.min(options.requestTimeoutMs, options.writeTimeoutMs), monotonicMs);
    this.server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Streams of the gateway may send for as long as they like; all others have deadlines of their own, which answer (exchange.ts).
      requestTimeout: 0,
      keepAliveTimeout: this.keepAliveMs,
      noDelay: true,
    });
    this.server.maxConnections = options.connectionsMax;
    answerHalfClosed(this.server);
    const [serve] = this.server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
    this.serveHttp1 = (socket) => serve?.call(this.server, socket);
    this.server.removeAllListeners('connection');
    this.server.on('connection', (socket) => this.greet(socket));
    this.server.on('request', (incoming, outgoing) =>
      this.inTurn(incoming, outgoing, () => this.exchangeOf(incoming, outgoing)),
    );
    this.server.on('checkContinue', (incoming, outgoing) =>
      this.inTurn(incoming, outgoing, () => {
        if (Number(incoming.headers['content-length'] ?? 0) <= this.bodyBytesMax) outgoing.writeContinue();
        this.exchangeOf(incoming, outgoing);
      }),
    );
  }

  /**
   * Resolves with the address taken: its port where `address` says 0. May be called again: all addresses serve the same, or only the
   * paths for which `serves` is true.
   */
  listen(address: string, serves?: (path: string) => boolean): Promise<Address> {
    const { host, port } = parseAddress(address) ?? { host: address, port: 0 };
    const listener = this.server.listening ? this.furtherListener(serves) : this.server;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(host === '' ? { port } : { host, port }, () => {
        listener.off('error', reject);
        listener.on('error', (error) => this.onFault(error));
        const taken = listener.address();
        resolve({ host, port: typeof taken === 'object' && taken !== null ? taken.port : port });
      });
    });
  }

  /** Another port for the one server: it takes the connections over as if it had accepted them. */
  private furtherListener(serves: ((path: string) => boolean) | undefined): NetServer {
    const listener = new NetServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      if (serves !== undefined) this.partly.set(socket, serves);
      this.server.emit('connection', socket);
    });
    listener.maxConnections = this.options.connectionsMax;
    this.further.push(listener);
    return listener;
  }

  handle(request: HttpRequest): Promise<HttpResponse> | HttpResponse {
    return this.api.handle(request);
  }

  onFault(error: unknown): void {
    this.options.onFault?.(error);
  }

  onEnd(exchange: HostedExchange, status: number): void {
    this.requestsUnderWay -= 1;
    (exchange.isWrite ? this.writes : this.reads).remove(exchange);
    const seconds = (performance.now() - exchange.startedAtMs) / 1000;
    this.options.observe?.(exchange.method, exchange.path, status, seconds);
  }

  /**
   * Accepts no new connection; resolves when every request under way is answered and every connection closed.
   *
   * For `lingerMs`, if anybody is connected, connections stay open and every answer says that it is its connection's last: clients
   * that are active close from their side, and their next request does not meet a connection that is just being closed, which
   * HTTP/1.1 cannot tell from a lost answer. Then idle connections are closed.
   */
  async drain(lingerMs = 0): Promise<void> {
    this.closing = true;
    // Stops listening only; the close of node:http also closes idle connections, at once.
    const closed = Promise.all(
      [this.server, ...this.further].map(
        (listener) => new Promise<void>((resolve) => void NetServer.prototype.close.call(listener, () => resolve())),
      ),
    );
    if (lingerMs > 0 && (await this.connections()) > 0) {
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, lingerMs))]);
    }
    this.server.close();
    // Of what some of them have begun to say nothing was carried out.
    for (const socket of this.fresh) socket.destroy();
    for (const connection of this.plain) connection.closeIfIdle();
    await closed;
    this.reads.stop();
    this.writes.stop();
  }

  private async connections(): Promise<number> {
    const counts = [this.server, ...this.further].map(
      (listener) =>
        new Promise<number>((resolve) =>
          listener.getConnections((error, count) => resolve(error === null ? count : 0)),
        ),
    );
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** Closes what is still open, answered or not. */
  destroyConnections(): void {
    this.server.closeAllConnections();
    for (const connection of this.plain) connection.destroy();
  }

  private greet(socket: Socket): void {
    this.fresh.add(socket);
    socket.once('close', () => this.fresh.delete(socket));
    if (this.partly.has(socket)) {
      this.serveHttp1(socket);
      return;
    }
    const { http2 } = this.options;
    const http1 = (_socket: Socket, head: Buffer): void => {
      this.fresh.delete(socket);
      const connection = new PlainConnection(this, socket);
      this.plain.add(connection);
      connection.begin(head);
    };
    tellProtocol(socket, HEADERS_TIMEOUT_MS, {
      http1,
      http2: (_socket, head) => {
        this.fresh.delete(socket);
        if (http2 === undefined) http1(socket, head);
        else http2(socket, head);
      },
    });
  }

  handOver(connection: PlainConnection, socket: Socket): void {
    this.plain.delete(connection);
    this.fresh.add(socket);
    this.serveHttp1(socket);
  }

  onClose(connection: PlainConnection): void {
    this.plain.delete(connection);
  }

  /** Calls `exchange` for a call of the HTTP API, when its turn on its connection has come. */
  private inTurn(incoming: IncomingMessage, outgoing: ServerResponse, exchange: () => void): void {
    const begin = (): void => {
      if (!this.takenElsewhere(incoming, outgoing)) exchange();
    };
    const refuse = (): void => {
      this.requestsUnderWay += 1;
      new Exchange(this, incoming, outgoing, performance.now()).refuse(answers.TOO_MANY_PIPELINED);
    };
    this.pipelines.enter(incoming, outgoing, begin, refuse);
  }

  /** Not a call of the HTTP API: it is answered, or will be. */
  private takenElsewhere(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const serves = this.partly.get(incoming.socket);
    if (serves !== undefined && !serves(incoming.url ?? '/')) {
      outgoing.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
    } else if (this.options.gateway?.(incoming, outgoing) !== true) return false;
    this.fresh.delete(incoming.socket);
    return true;
  }

  private exchangeOf(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.fresh.delete(incoming.socket);
    this.exchange(new Exchange(this, incoming, outgoing, performance.now()));
  }

  exchange(exchange: HostedExchange): void {
    this.requestsUnderWay += 1;
    // Probes and metrics must be answered exactly when there is too much to do.
    if (this.requestsUnderWay > this.options.requestsMax && exchange.path.startsWith('/key')) {
      exchange.refuse(answers.BUSY);
      return;
    }
    (exchange.isWrite ? this.writes : this.reads).add(exchange);
    exchange.start();
  }
}

/**
 * A client that has sent its request and closed its side still waits for the answer, as many a shell script does. node:http hangs up on it
 * unless this is set, which its documentation leaves out; its server has had it since it has had half-closed sockets.
 */
function answerHalfClosed(server: Server): void {
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}

function monotonicMs(): number {
  return performance.now();
}
