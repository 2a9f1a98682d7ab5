/** Carries the services over gRPC: bytes to messages, messages to bytes. */
import { GrpcServer, type GrpcServerOptions, GrpcStatus, type StreamCall, type UnaryCall } from '@quorate/grpc';
import { type Codec, type MessageInit, ProtoError, Writer } from '@quorate/proto';
import type { CallCount, CallCounts } from './call-counts.js';
import { encodingFailed } from './errors.js';
import type { CallContext, DirectCall, Duplex, Reply, RpcFailure, Served } from './service.js';

export function grpcServer(served: readonly Served[], counts: CallCounts, options: GrpcServerOptions): GrpcServer {
  const server = new GrpcServer(options);
  for (const one of served) {
    const { path, kind, request, response } = one.method;
    const count = counts.of(one);
    if (one.kind === 'unary') {
      const { handler, direct } = one;
      server.unary(path, (call, bytes) => {
        count.started += 1;
        const reply = new GrpcReply(call, response, count);
        if (direct?.(bytes, reply) === true) return;
        const message = decoded(request, bytes, UNARY_MALFORMED, (failure) => reply.fail(failure));
        if (message !== undefined) handler(message, new GrpcContext(call, bytes.length), reply);
      });
    } else if (kind === 'server-stream') {
      server.serverStream(path, (call, bytes) => {
        count.started += 1;
        const context = new GrpcContext(call, bytes.length);
        const stream = new GrpcDuplex(call, context, { request, response, count });
        one.handler(stream, context);
        stream.deliver(bytes);
      });
    } else {
      server.bidi(path, (call) => {
        count.started += 1;
        const context = new GrpcContext(call, 0);
        const stream = new GrpcDuplex(call, context, { request, response, count });
        one.handler(stream, context);
        stream.listen();
      });
    }
  }
  return server;
}

/** As grpc-go words it, for a call with one message and for a stream. */
const UNARY_MALFORMED = 'grpc: error unmarshalling request';
const STREAM_MALFORMED = 'grpc: failed to unmarshal the received message';

/** The message, or undefined after `refuse` was told why there is none. */
function decoded<Message>(
  codec: Codec<Message>,
  bytes: Uint8Array,
  problem: string,
  refuse: (failure: RpcFailure) => void,
): Message | undefined {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error;
    refuse({ code: GrpcStatus.internal, message: `${problem}: ${error.message}` });
    return undefined;
  }
}

class GrpcContext implements CallContext {
  readonly requestBytes: number;
  readonly #call: UnaryCall | StreamCall;
  #onCancel: (() => void) | undefined;
  #onEnd: (() => void) | undefined;
  #isRefused = false;

  constructor(call: UnaryCall | StreamCall, requestBytes: number) {
    this.#call = call;
    this.requestBytes = requestBytes;
  }

  metadata(name: string): string | undefined {
    return this.#call.metadata.get(name);
  }

  get isCancelled(): boolean {
    return this.#isRefused || this.#call.isCancelled;
  }

  onCancel(listener: () => void): void {
    this.#onCancel = listener;
    this.#call.onCancel(() => this.#cancelled());
  }

  /** The carrier's own interest in the end of a stream that its handler did not end. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
    this.#call.onCancel(() => this.#cancelled());
  }

  #cancelled(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.();
    this.#onCancel?.();
  }

  /** The carrier ends the stream, for a message that is none: the handler has to hear of it, since for gRPC this is no cancellation. */
  refused(): void {
    this.#isRefused = true;
    this.#onCancel?.();
  }
}

/** Replies are copied on their way out, so one buffer serves them all: unless one has made it grow beyond what is worth keeping. */
const WRITER_BYTES_KEPT = 1024 * 1024;
let writer = new Writer();

class GrpcReply<Response> implements Reply<Response>, DirectCall {
  readonly #call: UnaryCall;
  readonly #codec: Codec<Response>;
  readonly #count: CallCount;

  constructor(call: UnaryCall, codec: Codec<Response>, count: CallCount) {
    this.#call = call;
    this.#codec = codec;
    this.#count = count;
  }

  metadata(name: string): string | undefined {
    return this.#call.metadata.get(name);
  }

  okEncoded(message: Uint8Array): void {
    this.#count.end(this.#call.isCancelled ? GrpcStatus.cancelled : GrpcStatus.ok);
    if (!this.#call.isCancelled) this.#call.reply(message);
  }

  ok(message: Response): void {
    if (this.#call.isCancelled) {
      this.#count.end(GrpcStatus.cancelled);
      return;
    }
    writer.clear();
    try {
      this.#codec.encodeInto(writer, message as MessageInit<Response>);
    } catch (error) {
      writer = new Writer();
      encodingFailed(error, this);
      return;
    }
    this.okEncoded(writer.view());
    if (writer.capacity > WRITER_BYTES_KEPT) writer = new Writer();
  }

  fail(failure: RpcFailure): void {
    this.#count.end(this.#call.isCancelled ? GrpcStatus.cancelled : failure.code);
    if (!this.#call.isCancelled) this.#call.fail(failure.code as GrpcStatus, failure.message);
  }
}

interface DuplexOptions<Request, Response> {
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  readonly count: CallCount;
}

class GrpcDuplex<Request, Response> implements Duplex<Request, Response> {
  readonly #call: StreamCall;
  readonly #context: GrpcContext;
  readonly #request: Codec<Request>;
  readonly #response: Codec<Response>;
  readonly #count: CallCount;
  #receive: (request: Request) => void = () => {};
  #halfClosed: () => void = () => {};
  #isEnded = false;

  constructor(call: StreamCall, context: GrpcContext, { request, response, count }: DuplexOptions<Request, Response>) {
    this.#call = call;
    this.#context = context;
    this.#request = request;
    this.#response = response;
    this.#count = count;
    context.onEnd(() => {
      if (!this.#isEnded) count.end(GrpcStatus.cancelled);
    });
  }

  onMessage(listener: (request: Request) => void): void {
    this.#receive = listener;
  }

  onHalfClose(listener: () => void): void {
    this.#halfClosed = listener;
  }

  send(message: Response): boolean {
    if (this.#isEnded || this.#call.isCancelled) return true;
    let encoded: Uint8Array;
    try {
      encoded = this.#response.encode(message as MessageInit<Response>);
    } catch (error) {
      encodingFailed(error, { fail: (failure) => this.#refuse(failure) });
      return true;
    }
    return this.sendEncoded(encoded);
  }

  sendEncoded(message: Uint8Array, head?: Uint8Array): boolean {
    if (this.#isEnded || this.#call.isCancelled) return true;
    return this.#call.send(message, head);
  }

  onDrain(listener: () => void): void {
    this.#call.onDrain(listener);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  end(failure?: RpcFailure): void {
    if (this.#isEnded || this.#call.isCancelled) return;
    this.#isEnded = true;
    this.#count.end(failure?.code ?? GrpcStatus.ok);
    this.#call.end((failure?.code ?? GrpcStatus.ok) as GrpcStatus, failure?.message);
  }

  /** The only message of a server stream. */
  deliver(bytes: Uint8Array): void {
    const message = decoded(this.#request, bytes, STREAM_MALFORMED, (failure) => this.#refuse(failure));
    if (message === undefined || this.#isEnded) return;
    this.#receive(message);
    this.#halfClosed();
  }

  listen(): void {
    this.#call.onMessage((bytes) => {
      const message = decoded(this.#request, bytes, STREAM_MALFORMED, (failure) => this.#refuse(failure));
      if (message !== undefined && !this.#isEnded) this.#receive(message);
    });
    this.#call.onHalfClose(() => this.#halfClosed());
  }

  #refuse(failure: RpcFailure): void {
    this.#context.refused();
    this.end(failure);
  }
}
