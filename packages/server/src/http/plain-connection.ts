/**
 * A connection of HTTP/1.1 whose requests have all been plain so far (plain-request.ts): they are answered here, as node:http would answer
 * them to the byte, at a fraction of its cost (docs/decisions/0020). With the first one that is not, the connection goes to node:http for
 * good, with all bytes that are not answered yet: nothing of them has been carried out.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Deadline } from './deadlines.js';
import { ask, type ExchangeHost, type HostedExchange } from './exchange.js';
import { type PlainFields, type PlainRequest, parsePlainRequest } from './plain-request.js';
import * as answers from './responses.js';
import type { HttpResponse } from './types.js';

export interface PlainConnectionHost extends ExchangeHost {
  readonly keepAliveMs: number;
  /** A request has come: admits it, and starts or refuses it. */
  exchange(exchange: HostedExchange): void;
  /** The connection is node:http's now: it is paused, and nothing of what it holds is answered. */
  handOver(connection: PlainConnection, socket: Socket): void;
  onClose(connection: PlainConnection): void;
}

export class PlainConnection {
  private readonly host: PlainConnectionHost;
  private readonly socket: Socket;
  private fields: PlainFields | undefined;
  private underWay: PlainExchange | undefined;
  /** Something came while a request was under way. */
  private isPipelined = false;
  /** The client sends nothing more. */
  private isHalfClosed = false;

  constructor(host: PlainConnectionHost, socket: Socket) {
    this.host = host;
    this.socket = socket;
    socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('close', this.onClose);
    socket.on('error', ignore);
    // Begins anew with all that is read and written.
    socket.on('timeout', this.onIdle);
    socket.setTimeout(host.keepAliveMs);
  }

  /** `first`: what was read of the connection before. */
  begin(first: Buffer): void {
    this.onData(first);
  }

  /** Closes the connection behind its last answer, if no request is under way. */
  closeIfIdle(): void {
    if (this.underWay === undefined) this.socket.destroySoon();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private readonly onData = (bytes: Buffer): void => {
    if (this.underWay !== undefined) {
      // Its turn comes behind the answer; nothing more is read until then, not even that the client sends nothing more.
      this.isPipelined = true;
      this.putBack(bytes);
      return;
    }
    const request = parsePlainRequest(bytes, this.fields);
    if (request === undefined || (request.body?.length ?? 0) > this.host.bodyBytesMax) {
      this.putBack(bytes);
      this.handOver();
      return;
    }
    this.fields = request.fields;
    this.underWay = new PlainExchange(this.host, this, request);
    this.host.exchange(this.underWay);
  };

  private readonly onEnd = (): void => {
    this.isHalfClosed = true;
    if (this.underWay === undefined) this.socket.end();
  };

  private readonly onClose = (): void => {
    this.underWay?.abandon();
    this.underWay = undefined;
    this.host.onClose(this);
  };

  private readonly onIdle = (): void => {
    if (this.underWay === undefined) this.socket.destroy();
  };

  /** The answer to the request under way. */
  answer(response: HttpResponse): void {
    const { socket } = this;
    this.underWay = undefined;
    const isLast = this.host.closing || this.isHalfClosed;
    const isTaken = socket.write(encodeAnswer(response, isLast, this.host.keepAliveMs));
    if (isLast) socket.destroySoon();
    else if (this.isPipelined) this.handOver();
    else if (!isTaken) {
      // A client that asks and does not read gets no further.
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  }

  private putBack(bytes: Buffer): void {
    this.socket.pause();
    this.socket.unshift(bytes);
  }

  private handOver(): void {
    const { socket } = this;
    socket.off('data', this.onData);
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    socket.off('error', ignore);
    socket.off('timeout', this.onIdle);
    socket.setTimeout(0);
    this.host.handOver(this, socket);
    socket.resume();
  }
}

/** One plain request and its answer. */
class PlainExchange implements HostedExchange {
  expiresAtMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  readonly startedAtMs: number = performance.now();
  readonly method: string;
  readonly path: string;
  readonly isWrite: boolean;
  private readonly host: ExchangeHost;
  private readonly connection: PlainConnection;
  private readonly request: PlainRequest;
  private answered = false;

  constructor(host: ExchangeHost, connection: PlainConnection, request: PlainRequest) {
    this.host = host;
    this.connection = connection;
    this.request = request;
    this.method = request.method;
    this.path = request.path;
    this.isWrite = request.method !== 'GET';
  }

  start(): void {
    ask(this.host, this.request, (response) => this.send(response));
  }

  refuse(response: HttpResponse): void {
    this.send(response);
  }

  expire(): void {
    // A write that reached the member may yet be applied, and the answer must say so.
    this.send(this.isWrite ? answers.OUTCOME_UNKNOWN : answers.TIMED_OUT);
  }

  abandon(): void {
    if (this.answered) return;
    this.answered = true;
    this.host.onEnd(this, 0);
  }

  private send(response: HttpResponse): void {
    if (this.answered) return;
    this.answered = true;
    this.connection.answer(response);
    this.host.onEnd(this, response.status);
  }
}

function encodeAnswer(response: HttpResponse, isLast: boolean, keepAliveMs: number): string {
  const { status, contentType, body, headers } = response;
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-content-type-options: nosniff\r\n`;
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
  const end = isLast
    ? `connection: close\r\nDate: ${httpDate()}\r\n\r\n`
    : `Date: ${httpDate()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n\r\n`;
  return text + end + body;
}

let dateSecond = 0;
let dateText = '';

/** Of this second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

function ignore(): void {}
