/**
 * What the gateway's calls have in common on HTTP: who calls (headers as gRPC metadata), when nobody waits any more (the connection
 * closed, or the time that `Grpc-Timeout` gives is over), how errors look, and how a body is read.
 *
 *     {"error":"etcdserver: key is not provided","code":3,"message":"etcdserver: key is not provided"}
 *
 * Newer gateways name an error's text `message`, older ones `error`, and clients read either; so both are there (contract section 10).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { GRPC_CODES, httpStatusOf } from '@quorate/proto';
import { GatheredBytes } from '../http/gathered-bytes.js';
import { JSON_TYPE } from '../http/types.js';
import type { CallContext, RpcFailure } from './service.js';

/** How long a client that still sends is heard out after its answer: closing at once would reset the connection and lose the answer. */
const LINGER_MS = 1000;

const DEADLINE: RpcFailure = { code: GRPC_CODES.DEADLINE_EXCEEDED, message: 'context deadline exceeded' };

/** A call over HTTP, as its handler knows it. */
export class HttpCall implements CallContext {
  requestBytes = 0;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #timer: NodeJS.Timeout | undefined;
  #onCancel: (() => void) | undefined;
  #isCancelled = false;
  #isHalfClosed = false;
  #isOver = false;

  /** `expired`: answers with the failure; the call is cancelled then. */
  constructor(incoming: IncomingMessage, outgoing: ServerResponse, expired: (failure: RpcFailure) => void) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    const timeoutMs = timeoutOf(incoming);
    if (typeof timeoutMs === 'number') {
      this.#timer = setTimeout(() => {
        this.cancel();
        expired(DEADLINE);
      }, timeoutMs);
    }
    const { socket } = incoming;
    const halfClosed = (): void => this.#halfClosed(socket);
    socket.once('end', halfClosed);
    outgoing.once('close', () => {
      socket.off('end', halfClosed);
      this.cancel();
    });
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Answered, or nobody waits. */
  get isDone(): boolean {
    return this.#isOver || this.#isCancelled;
  }

  /** As etcd's gateway hands headers on: those that say so by their prefix, and `Authorization`. */
  metadata(name: string): string | undefined {
    const { headers } = this.#incoming;
    const value = headers[`grpc-metadata-${name}`] ?? (name === 'authorization' ? headers.authorization : undefined);
    return Array.isArray(value) ? value[0] : value;
  }

  onCancel(listener: () => void): void {
    if (this.#isCancelled) listener();
    else this.#onCancel = listener;
    if (this.#isHalfClosed) this.#halfClosed(this.#incoming.socket);
  }

  /**
   * The client sends nothing more. It may wait for the answer all the same, or it may be gone, which nobody can tell: the call is answered,
   * unless it is one that waits for what may never come, and asks to be told.
   */
  #halfClosed(socket: Socket): void {
    this.#isHalfClosed = true;
    if (this.#onCancel === undefined || this.isDone) return;
    this.cancel();
    socket.destroySoon();
  }

  /** Nobody waits any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    if (this.isDone) return;
    this.#isCancelled = true;
    this.#onCancel?.();
  }

  /** The call was answered. A connection whose request has not come whole is of no more use. */
  over(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    if (!this.#incoming.complete) hangUp(this.#incoming, this.#outgoing);
  }
}

/** Closes the connection, but not before the answer has arrived. */
function hangUp(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { socket } = incoming;
  const close = (): void => {
    if (incoming.complete || socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    incoming.on('data', () => {});
    incoming.once('end', () => socket.destroySoon());
    incoming.resume();
  };
  if (outgoing.writableFinished) close();
  else outgoing.once('finish', close);
}

/** The header `Grpc-Timeout` in milliseconds, in gRPC's notation: at most eight digits and a unit. Undefined: there is none. */
export function timeoutOf({ headers }: IncomingMessage): number | RpcFailure | undefined {
  const header = headers['grpc-timeout'];
  if (header === undefined || header === '') return undefined;
  const match = typeof header === 'string' ? /^(\d{1,8})([HMSmun])$/.exec(header) : null;
  if (match === null) return { code: GRPC_CODES.INVALID_ARGUMENT, message: `invalid grpc-timeout: ${String(header)}` };
  const unitMs = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }[match[2] as 'H'];
  // The longest time that a timer can wait: 24 days.
  return Math.min(Number(match[1]) * unitMs, 0x7fffffff);
}

export function errorBody({ code, message }: RpcFailure): Buffer {
  return Buffer.from(JSON.stringify({ error: message, code, message }));
}

/** One line of a stream that failed: with the names of newer gateways and of older ones. */
export function streamErrorLine({ code, message }: RpcFailure): string {
  const status = httpStatusOf(code);
  const error = { code, message, grpc_code: code, http_code: status };
  return `${JSON.stringify({ error })}\n`;
}

export function answer(outgoing: ServerResponse, status: number, body: Buffer, isLast: boolean): void {
  outgoing.writeHead(status, {
    'content-type': JSON_TYPE,
    'content-length': body.length,
    'grpc-metadata-content-type': 'application/grpc',
    ...(isLast ? { connection: 'close' } : {}),
  });
  outgoing.end(body);
}

export type Body = Buffer | 'too-large' | 'too-slow';

/** Reads a body of at most so many bytes. `done` is called once, unless the connection closes before. */
export function readBody(
  incoming: IncomingMessage,
  { bytesMax, timeoutMs }: { readonly bytesMax: number; readonly timeoutMs: number },
  done: (body: Body) => void,
): void {
  const gathered = new GatheredBytes();
  const end = (body: Body): void => {
    clearTimeout(timer);
    incoming.off('data', add);
    incoming.off('end', whole);
    done(body);
  };
  const add = (chunk: Buffer): void => {
    if (gathered.length + chunk.length > bytesMax) end('too-large');
    else gathered.push(chunk);
  };
  const whole = (): void => end(gathered.take());
  const timer = setTimeout(() => end('too-slow'), timeoutMs);
  incoming.once('close', () => clearTimeout(timer));
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) {
    end('too-large');
    return;
  }
  incoming.on('data', add);
  incoming.once('end', whole);
}
