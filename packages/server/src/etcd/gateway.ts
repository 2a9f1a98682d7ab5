/**
 * The JSON gateway (contract sections 1 and 10): every method by POST at its path under `/v3/`, the same handlers as over gRPC.
 * Streams are in gateway-stream.ts. `/v3beta/`, the gateway's older name, is the same.
 *
 * Limits. A message may take as many bytes as one over gRPC. Its JSON is longer, above all since bytes are base64, so the body may be
 * twice as long; what was too long as a message is refused as gRPC does. An answer is a text in memory before it is sent: one that is
 * longer than all that may wait for their clients together is refused as what gRPC does not send.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Codec,
  GRPC_CODES,
  httpStatusOf,
  METHODS_BY_HTTP_PATH,
  type MessageInit,
  ProtoError,
  parseJson,
} from '@quorate/proto';
import type { CallCount, CallCounts } from './call-counts.js';
import { encodingFailed } from './errors.js';
import { answer, errorBody, HttpCall, readBody, timeoutOf } from './gateway-http.js';
import { GatewayStream } from './gateway-stream.js';
import { JsonObjects } from './json-objects.js';
import type { Reply, RpcFailure, Served } from './service.js';

export interface GatewayOptions {
  /** Largest request as a message, in bytes: gRPC's limit. */
  readonly messageBytesMax: number;
  /** Largest request that may go into the log: etcd's own limit, which is lower. */
  readonly requestBytesMax: number;
  /** Unary calls under way at once. */
  readonly callsMax: number;
  /** Of answers that wait for their clients, all together: above it, further calls fail. Also of a single answer. Default 256 MiB. */
  readonly waitingBytesMax?: number | undefined;
  /** How long the body of a unary call may take. */
  readonly receiveTimeoutMs: number;
  readonly onFault: (error: unknown) => void;
  readonly counts: CallCounts;
  /** Told of every answer; status 0: the client went away. */
  readonly observe?: ((method: string, path: string, status: number, seconds: number) => void) | undefined;
}

const PREFIX = '/v3/';
const OLDER_PREFIX = '/v3beta/';
/** A body's bytes for each byte of its message. */
const JSON_EXPANSION = 2;

const WAITING_BYTES_MAX = 256 * 1024 * 1024;

/** What is read of a request that is refused whatever its body is: with a longer one the connection ends too. */
const REFUSED_BODY_BYTES_MAX = 64 * 1024;

const NOT_FOUND: RpcFailure = { code: GRPC_CODES.NOT_FOUND, message: 'Not Found' };
const NOT_POST: RpcFailure = { code: GRPC_CODES.UNIMPLEMENTED, message: 'Method Not Allowed' };
const STARTING: RpcFailure = { code: GRPC_CODES.UNAVAILABLE, message: 'this member is starting' };
const BUSY: RpcFailure = { code: GRPC_CODES.UNAVAILABLE, message: 'too many calls under way' };
const SLOW_BODY: RpcFailure = { code: GRPC_CODES.DEADLINE_EXCEEDED, message: 'the request did not arrive in time' };
const FULL: RpcFailure = { code: GRPC_CODES.RESOURCE_EXHAUSTED, message: 'too many answers wait for clients' };
const STOPPED: RpcFailure = { code: GRPC_CODES.UNAVAILABLE, message: 'etcdserver: server stopped' };

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #served = new Map<string, Served>();
  readonly #streams = new Set<GatewayStream>();
  #unaryCalls = 0;
  readonly #waiting: Waiting;
  #isStopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#waiting = { bytes: 0, bytesMax: options.waitingBytesMax ?? WAITING_BYTES_MAX };
  }

  get bodyBytesMax(): number {
    return this.#options.messageBytesMax * JSON_EXPANSION;
  }

  /** Before this, every call is answered as unavailable. */
  serve(served: readonly Served[]): void {
    for (const one of served) this.#served.set(one.method.path, one);
  }

  /** Ends the streams; unary calls under way are finished. */
  beginStop(): void {
    this.#isStopping = true;
    for (const stream of this.#streams) stream.stop(STOPPED);
  }

  /** False: not the gateway's path. */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const path = gatewayPath(incoming.url ?? '');
    if (path === undefined) return false;
    this.#observe(incoming, outgoing, path);
    const method = METHODS_BY_HTTP_PATH.get(path);
    const served = method && this.#served.get(method.path);
    const timeout = timeoutOf(incoming);
    if (method === undefined) this.#refuse(incoming, outgoing, NOT_FOUND);
    else if (incoming.method !== 'POST') this.#refuse(incoming, outgoing, NOT_POST);
    else if (served === undefined) this.#refuse(incoming, outgoing, STARTING);
    else if (this.#isStopping && served.kind === 'stream') this.#refuse(incoming, outgoing, STOPPED);
    else if (typeof timeout === 'object') this.#refuse(incoming, outgoing, timeout);
    else {
      const declaredBytes = Number(incoming.headers['content-length'] ?? 0);
      if (incoming.headers.expect !== undefined && declaredBytes <= this.bodyBytesMax) outgoing.writeContinue();
      if (served.kind === 'unary') this.#unary(served, incoming, outgoing);
      else this.#stream(served, incoming, outgoing);
    }
    return true;
  }

  #refuse(incoming: IncomingMessage, outgoing: ServerResponse, failure: RpcFailure): void {
    const call = new HttpCall(incoming, outgoing, () => {});
    const limits = { bytesMax: REFUSED_BODY_BYTES_MAX, timeoutMs: this.#options.receiveTimeoutMs };
    readBody(incoming, limits, (body) => {
      if (call.isDone) return;
      answer(outgoing, httpStatusOf(failure.code), errorBody(failure), this.#isStopping || typeof body === 'string');
      call.over();
    });
  }

  #unary(served: Served & { kind: 'unary' }, incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (this.#unaryCalls >= this.#options.callsMax) {
      this.#refuse(incoming, outgoing, BUSY);
      return;
    }
    this.#unaryCalls += 1;
    outgoing.once('close', () => {
      this.#unaryCalls -= 1;
    });
    const call = new HttpCall(incoming, outgoing, (failure) => reply.fail(failure));
    const { response } = served.method;
    const count = this.#options.counts.of(served);
    const reply = new HttpReply(call, outgoing, {
      codec: response,
      count,
      isLast: () => this.#isStopping,
      waiting: this.#waiting,
    });
    this.#receive(served.method.request, incoming, call, reply, (message) => {
      try {
        served.handler(message, call, reply);
      } catch (error) {
        this.#fault(error, reply);
      }
    });
  }

  #stream(served: Served & { kind: 'stream' }, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const stream = new GatewayStream(served.method, incoming, outgoing, {
      messageBytesMax: this.bodyBytesMax,
      isLast: () => this.#isStopping,
      answerBytesMax: this.#waiting.bytesMax,
      onFault: this.#options.onFault,
      count: this.#options.counts.of(served),
    });
    this.#streams.add(stream);
    outgoing.once('close', () => this.#streams.delete(stream));
    try {
      served.handler(stream, stream.call);
    } catch (error) {
      this.#fault(error, { fail: (failure) => stream.end(failure) });
      return;
    }
    if (served.method.kind === 'duplex') stream.listen();
    else {
      const failed = { fail: (failure: RpcFailure) => stream.end(failure) };
      this.#receive(served.method.request, incoming, stream.call, failed, (message) => stream.deliver(message));
    }
  }

  /** Reads the one message of a call. */
  #receive(
    codec: Codec<unknown>,
    incoming: IncomingMessage,
    call: HttpCall,
    reply: Pick<Reply<never>, 'fail'>,
    then: (message: unknown) => void,
  ): void {
    const limits = { bytesMax: this.bodyBytesMax, timeoutMs: this.#options.receiveTimeoutMs };
    readBody(incoming, limits, (body) => {
      if (call.isDone) return;
      if (body === 'too-slow') {
        reply.fail(SLOW_BODY);
        return;
      }
      if (body === 'too-large') {
        const declaredBytes = Number(incoming.headers['content-length'] ?? this.bodyBytesMax);
        reply.fail(tooLarge(declaredBytes, this.#options.messageBytesMax));
        return;
      }
      const message = decoded(codec, body, reply);
      if (message === undefined) return;
      // A message is never longer than its JSON: where that is within all limits, it need not be measured.
      const isLong = body.length > this.#options.requestBytesMax;
      call.requestBytes = isLong ? codec.encode(message).length : body.length;
      if (call.requestBytes > this.#options.messageBytesMax) {
        reply.fail(tooLarge(call.requestBytes, this.#options.messageBytesMax));
        return;
      }
      then(message);
    });
  }

  #fault(error: unknown, reply: Pick<Reply<never>, 'fail'>): void {
    this.#options.onFault(error);
    reply.fail({ code: GRPC_CODES.INTERNAL, message: 'internal error' });
  }

  #observe(incoming: IncomingMessage, outgoing: ServerResponse, path: string): void {
    const { observe } = this.#options;
    if (observe === undefined) return;
    const startedAtMs = performance.now();
    outgoing.once('close', () => {
      const seconds = (performance.now() - startedAtMs) / 1000;
      observe(incoming.method ?? 'POST', path, outgoing.writableFinished ? outgoing.statusCode : 0, seconds);
    });
  }
}

/** The path under `/v3/` without its query; undefined if it is none. */
function gatewayPath(target: string): string | undefined {
  if (!target.startsWith('/v3')) return undefined;
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  if (path.startsWith(PREFIX)) return path;
  return path.startsWith(OLDER_PREFIX) ? PREFIX + path.slice(OLDER_PREFIX.length) : undefined;
}

/** gRPC's refusal of the same request. */
function tooLarge(bytes: number, bytesMax: number): RpcFailure {
  const message = `grpc: received message larger than max (${bytes} vs. ${bytesMax})`;
  return { code: GRPC_CODES.RESOURCE_EXHAUSTED, message };
}

/** The first JSON value of a body, as etcd's gateway reads it: what follows is not looked at. Undefined: refused. */
function decoded(codec: Codec<unknown>, body: Buffer, reply: Pick<Reply<never>, 'fail'>): unknown {
  try {
    return codec.fromJson(firstValue(body.toString('utf8'), body));
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error;
    reply.fail({ code: GRPC_CODES.INVALID_ARGUMENT, message: error.message });
    return undefined;
  }
}

function firstValue(text: string, body: Buffer): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    let first: string | undefined;
    const objects = new JsonObjects(body.length, (object) => {
      first ??= object;
    });
    objects.push(body);
    if (first === undefined || first.length === text.length) throw error;
    return parseJson(first);
  }
}

interface HttpReplyOptions<Response> {
  readonly codec: Codec<Response>;
  readonly count: CallCount;
  /** The server stops: the connection is closed after this. */
  readonly isLast: () => boolean;
  readonly waiting: Waiting;
}

/** Of answers that have been given and not been taken. */
interface Waiting {
  bytes: number;
  readonly bytesMax: number;
}

class HttpReply<Response> implements Reply<Response> {
  readonly #call: HttpCall;
  readonly #outgoing: ServerResponse;
  readonly #options: HttpReplyOptions<Response>;
  #isAnswered = false;

  constructor(call: HttpCall, outgoing: ServerResponse, options: HttpReplyOptions<Response>) {
    this.#call = call;
    this.#outgoing = outgoing;
    this.#options = options;
    options.count.started += 1;
    outgoing.once('close', () => {
      if (!this.#isAnswered) options.count.end(GRPC_CODES.CANCELED);
    });
  }

  ok(message: Response): void {
    if (this.#isOver) return;
    // Before it is made: that costs as much as what it takes.
    if (this.#options.waiting.bytes > this.#options.waiting.bytesMax) {
      this.fail(FULL);
      return;
    }
    let body: Buffer;
    try {
      const { codec, waiting } = this.#options;
      // Encoded once, for its length and to be sent: it may be a hundred megabytes.
      body = Buffer.from(JSON.stringify(codec.toJson(message as MessageInit<Response>, waiting.bytesMax)));
    } catch (error) {
      encodingFailed(error, this);
      return;
    }
    this.#answer(GRPC_CODES.OK, 200, body);
  }

  fail(failure: RpcFailure): void {
    if (!this.#isOver) this.#answer(failure.code, httpStatusOf(failure.code), errorBody(failure));
  }

  get #isOver(): boolean {
    return this.#isAnswered || this.#outgoing.destroyed;
  }

  #answer(code: number, status: number, body: Buffer): void {
    this.#isAnswered = true;
    this.#options.count.end(code);
    const { waiting } = this.#options;
    waiting.bytes += body.length;
    this.#outgoing.once('close', () => (waiting.bytes -= body.length));
    answer(this.#outgoing, status, body, this.#options.isLast());
    this.#call.over();
  }
}
