/** A streaming call as an async iterable: what the server sends waits here, a bounded number of messages, and then at the server. */
import { type Codec, GRPC_CODES, type MessageInit } from '@quorate/proto';
import { type CallFailure, type ClientError, clientError, invalidRequest } from './errors.js';
import type { Connection } from './transport/connection.js';
import { frameOf } from './transport/framing.js';
import { GrpcCall, type GrpcCallOptions } from './transport/grpc-call.js';

/** Messages that are decoded and not read yet, before the stream is held back. */
const MESSAGES_WAITING_MAX = 64;

export interface StreamModule<Request, Response> {
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  readonly isRead: boolean;
  /** Called once, when the stream is over for whatever reason. */
  readonly onClose: (failure: CallFailure | undefined) => void;
}

interface Reader<Response> {
  resolve(result: IteratorResult<Response, undefined>): void;
  reject(error: ClientError): void;
}

/**
 * Iterating gives the server's messages, ends when the server ends with success, and throws a ClientError otherwise. Leaving a
 * `for await` early cancels the call.
 */
export class ClientStream<Request, Response> implements AsyncIterableIterator<Response> {
  /** Who answers. */
  readonly endpoint: string;
  readonly #module: StreamModule<Request, Response>;
  readonly #call: GrpcCall;
  #waiting: Response[] = [];
  #readers: Reader<Response>[] = [];
  #drains: (() => void)[] = [];
  #end: { readonly error: ClientError | undefined } | undefined;

  /** Made by Client.stream. */
  constructor(connection: Connection, options: GrpcCallOptions, module: StreamModule<Request, Response>) {
    this.endpoint = connection.origin;
    this.#module = module;
    this.#call = new GrpcCall(connection, options, {
      message: (bytes) => this.#onMessage(bytes),
      end: (failure) => this.#onEnd(failure),
    });
    this.#call.onDrain(() => this.#release());
  }

  /** Resolves when there is room for more. A stream that is over takes everything and sends nothing: reading tells why. */
  send(request: MessageInit<Request>): Promise<void> {
    let frame: Uint8Array;
    try {
      frame = frameOf(this.#module.request, request);
    } catch (error) {
      return Promise.reject(invalidRequest(String(error), error));
    }
    if (this.#end !== undefined || this.#call.send(frame)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drains.push(resolve);
    });
  }

  /** There are no more requests. */
  end(): void {
    this.#call.halfClose();
  }

  /** Ends the call at once; readers get CANCELED. Idempotent. */
  cancel(reason = 'canceled by the client'): void {
    this.#call.cancel(GRPC_CODES.CANCELED, reason);
  }

  next(): Promise<IteratorResult<Response, undefined>> {
    const [message] = this.#waiting;
    if (message !== undefined) {
      this.#waiting.shift();
      if (this.#waiting.length === 0) this.#call.resume();
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#end !== undefined) {
      const { error } = this.#end;
      // Told once; who reads on after that gets the end.
      this.#end = { error: undefined };
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<Response, undefined>> {
    this.cancel();
    this.#waiting = [];
    this.#end = { error: undefined };
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #onMessage(bytes: Uint8Array): void {
    let message: Response;
    try {
      message = this.#module.response.decode(bytes);
    } catch (error) {
      this.#call.cancel(GRPC_CODES.INTERNAL, `the answer cannot be understood: ${String(error)}`);
      return;
    }
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: message });
      return;
    }
    this.#waiting.push(message);
    if (this.#waiting.length >= MESSAGES_WAITING_MAX) this.#call.pause();
  }

  #onEnd(failure: CallFailure | undefined): void {
    const error = failure === undefined ? undefined : clientError(failure, this.#module.isRead, this.endpoint);
    const [first, ...others] = this.#readers;
    this.#readers = [];
    this.#end = { error: first === undefined ? error : undefined };
    if (error === undefined) first?.resolve({ done: true, value: undefined });
    else first?.reject(error);
    for (const reader of others) reader.resolve({ done: true, value: undefined });
    this.#release();
    this.#module.onClose(failure);
  }

  #release(): void {
    const drains = this.#drains;
    this.#drains = [];
    for (const drain of drains) drain();
  }
}
