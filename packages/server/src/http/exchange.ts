/**
 * One request on a socket and its answer: reads the body (PUT and POST only) up to the limit, asks the API, answers exactly once,
 * and gives up at its deadline. What the API says after that is dropped.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Deadline } from './deadlines.js';
import { GatheredBytes } from './gathered-bytes.js';
import * as answers from './responses.js';
import type { HttpRequest, HttpResponse } from './types.js';

/** How long, and how much of, a body that was refused is still read: closing at once would reset the connection and lose the answer. */
const LINGER_MS = 1000;
const LINGER_BYTES_MAX = 4 * 1024 * 1024;

/** What an exchange needs of its server. */
export interface ExchangeHost {
  readonly bodyBytesMax: number;
  /** Also how long the body of a request that was answered before it came may take to end. */
  readonly requestTimeoutMs: number;
  readonly closing: boolean;
  handle(request: HttpRequest): Promise<HttpResponse> | HttpResponse;
  onFault(error: unknown): void;
  /** The exchange is over: answered with that status, or 0 if the client went away before. */
  onEnd(exchange: HostedExchange, status: number): void;
}

/** A request and its answer, as the server sees it. */
export interface HostedExchange extends Deadline {
  readonly method: string;
  readonly path: string;
  /** It changes something. */
  readonly isWrite: boolean;
  readonly startedAtMs: number;
  start(): void;
  /** Answers at once without asking the API: the server is too busy. */
  refuse(response: HttpResponse): void;
}

export class Exchange implements HostedExchange {
  expiresAtMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  readonly startedAtMs: number;
  readonly method: string;
  readonly path: string;
  readonly isWrite: boolean;
  private readonly host: ExchangeHost;
  private readonly incoming: IncomingMessage;
  private readonly outgoing: ServerResponse;
  private body: GatheredBytes | undefined;
  private handedOver = false;
  private answered = false;

  constructor(host: ExchangeHost, incoming: IncomingMessage, outgoing: ServerResponse, startedAtMs: number) {
    this.host = host;
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.startedAtMs = startedAtMs;
    this.method = incoming.method ?? 'GET';
    this.path = originForm(incoming.url ?? '/');
    this.isWrite = this.method === 'POST' || this.method === 'PUT' || this.method === 'DELETE';
  }

  start(): void {
    this.outgoing.once('close', () => this.abandon());
    if (this.method === 'POST' || this.method === 'PUT') this.readBody();
    else this.handOver(undefined);
  }

  /** node:http reads and drops a body within the limit. */
  refuse(response: HttpResponse): void {
    this.send(response, this.declaredBytes() > this.host.bodyBytesMax);
  }

  expire(): void {
    // A write that reached the member may yet be applied, and the answer must say so.
    const unknown = this.handedOver && this.isWrite;
    this.send(unknown ? answers.OUTCOME_UNKNOWN : answers.TIMED_OUT, !this.incoming.complete);
  }

  private declaredBytes(): number {
    return Number(this.incoming.headers['content-length'] ?? 0);
  }

  private hasBody(): boolean {
    return this.declaredBytes() > 0 || this.incoming.headers['transfer-encoding'] !== undefined;
  }

  private readBody(): void {
    const { incoming } = this;
    if (this.declaredBytes() > this.host.bodyBytesMax) {
      this.send(answers.BODY_TOO_LARGE, true);
      return;
    }
    this.body = new GatheredBytes();
    incoming.on('data', (chunk: Buffer) => {
      const { body } = this;
      if (this.answered || body === undefined) return;
      if (body.length + chunk.length > this.host.bodyBytesMax) this.send(answers.BODY_TOO_LARGE, true);
      else body.push(chunk);
    });
    incoming.once('end', () => {
      if (!this.answered) this.handOver(this.body?.take());
    });
  }

  private handOver(body: Uint8Array | undefined): void {
    this.handedOver = true;
    this.body = undefined;
    const { method, path } = this;
    ask(this.host, { method, path, headers: this.incoming.headers, body }, (response) => this.send(response, false));
  }

  /** `cutOff`: the rest of the request will not be used; the connection is closed after the answer. */
  private send(response: HttpResponse, cutOff: boolean): void {
    if (this.answered) return;
    this.answered = true;
    this.body = undefined;
    const { outgoing } = this;
    const headers: Record<string, string | number> = {
      'content-type': response.contentType,
      'content-length': Buffer.byteLength(response.body),
      'x-content-type-options': 'nosniff',
      ...response.headers,
    };
    if (cutOff || this.host.closing) headers['connection'] = 'close';
    outgoing.writeHead(response.status, headers);
    if (cutOff) this.linger(response.body);
    else {
      outgoing.end(response.body);
      if (!this.incoming.complete && this.hasBody()) this.hearOut();
    }
    this.host.onEnd(this, response.status);
  }

  /** The answer goes out whole, but the connection is closed only when the client has stopped sending or has been heard out. */
  private linger(body: string): void {
    const { incoming, outgoing } = this;
    let discarded = 0;
    const timer = setTimeout(() => end(), LINGER_MS).unref();
    const end = (): void => {
      clearTimeout(timer);
      if (!outgoing.writableEnded) outgoing.end();
    };
    outgoing.write(body);
    incoming.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > LINGER_BYTES_MAX) end();
    });
    incoming.once('end', end);
    incoming.once('close', end);
    incoming.resume();
    if (incoming.complete || incoming.destroyed) end();
  }

  /** Answered before the body has come, which node:http drops: but not for as long as the client likes. */
  private hearOut(): void {
    const { incoming } = this;
    const timer = setTimeout(() => incoming.socket.destroy(), this.host.requestTimeoutMs).unref();
    incoming.once('close', () => clearTimeout(timer));
  }

  /** The connection closed, after the answer or before it. */
  private abandon(): void {
    if (this.answered) return;
    this.answered = true;
    this.body = undefined;
    this.host.onEnd(this, 0);
  }
}

/** Asks the API, and hands its answer on, within the call or later: a fault of this program is an answer too. */
export function ask(host: ExchangeHost, request: HttpRequest, send: (response: HttpResponse) => void): void {
  const fail = (error: unknown): void => {
    host.onFault(error);
    send(answers.INTERNAL_ERROR);
  };
  try {
    const answer = host.handle(request);
    if (answer instanceof Promise) answer.then(send, fail);
    else send(answer);
  } catch (error) {
    fail(error);
  }
}

/** A proxy's absolute form (`http://host/key/a`) is taken as its path. */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const scheme = target.indexOf('://');
  if (scheme === -1) return target;
  const slash = target.indexOf('/', scheme + 3);
  return slash === -1 ? '/' : target.slice(slash);
}
