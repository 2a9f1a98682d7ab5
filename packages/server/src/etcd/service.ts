/**
 * What an RPC is to the code that implements it: messages in, messages out, whatever carries them. There are two carriers, gRPC
 * (grpc-binding.ts) and the JSON gateway (gateway.ts), and one implementation of each RPC.
 *
 * Callbacks, not promises: a put costs no more turns of the event loop here than it needs.
 */
import type { Method } from '@quorate/proto';

/** How a call fails: a gRPC status code and its text. Clients tell errors apart by the text, so it is etcd's to the letter. */
export interface RpcFailure {
  readonly code: number;
  readonly message: string;
}

/** What is known of a call besides its message. */
export interface CallContext {
  /** The first value of a header, by its name in lower case. */
  metadata(name: string): string | undefined;
  /** Bytes of the request as it came. */
  readonly requestBytes: number;
  /** Nobody waits for the answer any more. */
  readonly isCancelled: boolean;
  /** Called at most once, when the call ends before it was answered. */
  onCancel(listener: () => void): void;
}

/** How a unary call is answered: by exactly one call of one of the two, now or later. */
export interface Reply<Response> {
  ok(message: Response): void;
  fail(failure: RpcFailure): void;
}

/** A unary call as its carrier has it, for a handler that takes and gives bytes. */
export interface DirectCall extends Pick<CallContext, 'metadata'>, Pick<Reply<never>, 'fail'> {
  /** In place of Reply.ok(). The bytes are not needed any more afterwards. */
  okEncoded(message: Uint8Array): void;
}

/**
 * Serves a request from its bytes, which are valid only while the function runs. False: it is none that can be served so. Nothing was done
 * then, and the ordinary handler is asked.
 */
export type DirectHandler = (request: Uint8Array, call: DirectCall) => boolean;

/** A call with streams. A server stream is one whose client sends one message and closes its half. */
export interface Duplex<Request, Response> {
  /** The message and what it refers to are valid only while the function runs. */
  onMessage(listener: (request: Request) => void): void;
  onHalfClose(listener: () => void): void;
  /** False: enough is queued for this client; more is taken, but whoever has more should wait for onDrain. */
  send(message: Response): boolean;
  /**
   * The same with a message that is encoded already, so that one encoding serves many streams. Its bytes must not change any more.
   * `head`: bytes of the message that go before these; they are copied.
   */
  sendEncoded(message: Uint8Array, head?: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  /** Until resume() no message is delivered; a client that goes on sending is held back by flow control. */
  pause(): void;
  resume(): void;
  /** Ends the stream after what is queued: as OK, or as failed. */
  end(failure?: RpcFailure): void;
}

export type UnaryHandler<Request, Response> = (request: Request, call: CallContext, reply: Reply<Response>) => void;
export type StreamHandler<Request, Response> = (stream: Duplex<Request, Response>, call: CallContext) => void;

/** A method with its implementation, its messages known to the implementation only. */
export type Served =
  | {
      readonly kind: 'unary';
      readonly method: Method<unknown, unknown>;
      readonly handler: UnaryHandler<unknown, unknown>;
      /** Asked before the handler by carriers whose messages are bytes. */
      readonly direct?: DirectHandler | undefined;
    }
  | {
      readonly kind: 'stream';
      readonly method: Method<unknown, unknown>;
      readonly handler: StreamHandler<unknown, unknown>;
    };

/** Joins a method of the table with its implementation. */
export function unary<Request, Response>(
  method: Method<Request, Response, 'unary'>,
  handler: UnaryHandler<Request, Response>,
  direct?: DirectHandler,
): Served {
  return {
    kind: 'unary',
    method: method as unknown as Method<unknown, unknown>,
    handler: handler as UnaryHandler<unknown, unknown>,
    direct,
  };
}

export function stream<Request, Response>(
  method: Method<Request, Response, 'server-stream' | 'duplex'>,
  handler: StreamHandler<Request, Response>,
): Served {
  return {
    kind: 'stream',
    method: method as unknown as Method<unknown, unknown>,
    handler: handler as unknown as StreamHandler<unknown, unknown>,
  };
}
