/**
 * A stream of the JSON gateway: messages to the client are lines of `{"result":…}`, a failure is a last line of `{"error":…}`; messages
 * from the client are JSON objects one after the other in the request's body, which may go on for as long as the client likes.
 *
 * The answer's head goes out with the first line, so that a stream that fails before it has the failure's status.
 *
 * A client that does not read is held back as over gRPC: send() says false once the response's queue is above its mark, and whoever
 * sends waits for its drain. A body is read only as fast as its messages are taken.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Codec, GRPC_CODES, httpStatusOf, type Method, ProtoError, parseJson } from '@quorate/proto';
import { JSON_TYPE } from '../http/types.js';
import type { CallCount } from './call-counts.js';
import { encodingFailed } from './errors.js';
import { HttpCall, streamErrorLine } from './gateway-http.js';
import { type CutResult, JsonObjects } from './json-objects.js';
import type { Duplex, RpcFailure } from './service.js';

export interface GatewayStreamOptions {
  /** Largest message in the body, as JSON. */
  readonly messageBytesMax: number;
  /** Largest message to the client, as JSON. */
  readonly answerBytesMax: number;
  /** The server stops: the connection is closed after this. */
  readonly isLast: () => boolean;
  readonly onFault: (error: unknown) => void;
  readonly count: CallCount;
}

export class GatewayStream implements Duplex<unknown, unknown> {
  readonly call: HttpCall;
  readonly #request: Codec<unknown>;
  readonly #response: Codec<unknown>;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #options: GatewayStreamOptions;
  readonly #objects: JsonObjects;
  /** Came in one piece with one that made its receiver pause: no more than a piece holds. */
  #inbox: string[] = [];
  /** Of the inbox: delivered already. */
  #delivered = 0;
  #hasBodyEnded = false;
  #isHalfClosed = false;
  #isPaused = false;
  #isEnded = false;
  #hasReceived = false;
  #receive: (request: unknown) => void = () => {};
  #halfClosed: () => void = () => {};
  #drained: () => void = () => {};

  constructor(
    method: Method<unknown, unknown>,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    options: GatewayStreamOptions,
  ) {
    this.#request = method.request;
    this.#response = method.response;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#options = options;
    this.#objects = new JsonObjects(options.messageBytesMax, (text) => this.#inbox.push(text));
    this.call = new HttpCall(incoming, outgoing, (failure) => this.end(failure));
    options.count.started += 1;
    outgoing.once('close', () => {
      if (!this.#isEnded) options.count.end(GRPC_CODES.CANCELED);
    });
    outgoing.on('drain', () => this.#run(this.#drained));
  }

  onMessage(listener: (request: unknown) => void): void {
    this.#receive = listener;
  }

  onHalfClose(listener: () => void): void {
    this.#halfClosed = listener;
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  /** Begins to read the body of a stream with many messages. */
  listen(): void {
    this.#incoming.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#incoming.once('end', () => {
      if (!this.#objects.isEmpty) {
        this.#refuse({ code: GRPC_CODES.INVALID_ARGUMENT, message: 'the body ends within a message' });
        return;
      }
      this.#hasBodyEnded = true;
      this.#deliverInbox();
    });
  }

  /** The only message of a server stream. */
  deliver(message: unknown): void {
    this.#hasReceived = true;
    this.#run(() => this.#receive(message));
    this.#run(this.#halfClosed);
  }

  send(message: unknown): boolean {
    if (this.#isDone) return true;
    let line: string;
    try {
      const result = this.#response.toJson(message, this.#options.answerBytesMax);
      line = `${JSON.stringify({ result })}\n`;
    } catch (error) {
      encodingFailed(error, { fail: (failure) => this.stop(failure) });
      return true;
    }
    return this.#write(line);
  }

  sendEncoded(message: Uint8Array, head?: Uint8Array): boolean {
    if (this.#isDone) return true;
    return this.send(this.#response.decode(head === undefined ? message : Buffer.concat([head, message])));
  }

  pause(): void {
    this.#isPaused = true;
    this.#incoming.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliverInbox();
    if (!this.#isPaused && !this.#isDone) this.#incoming.resume();
  }

  end(failure?: RpcFailure): void {
    if (this.#isDone) return;
    this.#isEnded = true;
    this.#options.count.end(failure?.code ?? GRPC_CODES.OK);
    this.#clearInbox();
    if (failure === undefined) this.#writeHead(200);
    else {
      this.#writeHead(httpStatusOf(failure.code));
      this.#outgoing.write(streamErrorLine(failure));
    }
    this.#outgoing.end();
    this.call.over();
  }

  /** Tells the handler that it is over, and the client why. */
  stop(failure: RpcFailure): void {
    if (this.#isEnded) return;
    this.call.cancel();
    this.end(failure);
  }

  get #isDone(): boolean {
    return this.#isEnded || this.#outgoing.destroyed;
  }

  #read(chunk: Buffer): void {
    if (this.#isDone) return;
    const result = this.#objects.push(chunk);
    this.#deliverInbox();
    if (result !== 'ok') this.#refuseBody(result);
  }

  /**
   * What cannot be a message. As the first it is an error; later, etcd's gateway takes it for the end of the body, since what runs
   * already does so whatever comes after.
   */
  #refuseBody(result: CutResult): void {
    const message = result === 'too-large' ? 'a message is too large' : 'a message is not a JSON object';
    this.#refuse({ code: GRPC_CODES.INVALID_ARGUMENT, message });
  }

  #refuse(failure: RpcFailure): void {
    this.#incoming.removeAllListeners('data');
    this.#incoming.removeAllListeners('end');
    this.#incoming.resume();
    this.#clearInbox();
    if (!this.#hasReceived) {
      this.stop(failure);
      return;
    }
    this.#hasBodyEnded = true;
    this.#deliverInbox();
  }

  #deliverInbox(): void {
    while (!this.#isPaused && !this.#isDone) {
      const text = this.#inbox[this.#delivered];
      if (text === undefined) break;
      this.#delivered += 1;
      let message: unknown;
      try {
        message = this.#request.fromJson(parseJson(text));
      } catch (error) {
        if (!(error instanceof ProtoError)) throw error;
        this.#refuse({ code: GRPC_CODES.INVALID_ARGUMENT, message: error.message });
        return;
      }
      this.#hasReceived = true;
      this.#run(() => this.#receive(message));
    }
    if (this.#delivered < this.#inbox.length) return;
    this.#clearInbox();
    if (!this.#hasBodyEnded || this.#isHalfClosed || this.#isDone) return;
    this.#isHalfClosed = true;
    this.#run(this.#halfClosed);
  }

  #clearInbox(): void {
    this.#inbox = [];
    this.#delivered = 0;
  }

  #write(line: string): boolean {
    this.#writeHead(200);
    return this.#outgoing.write(line);
  }

  #writeHead(status: number): void {
    if (this.#outgoing.headersSent) return;
    this.#outgoing.writeHead(status, {
      'content-type': JSON_TYPE,
      'grpc-metadata-content-type': 'application/grpc',
      ...(this.#options.isLast() ? { connection: 'close' } : {}),
    });
  }

  /** A fault of the handler ends the stream, not the process. */
  #run(act: () => void): void {
    if (this.#isDone) return;
    try {
      act();
    } catch (error) {
      this.#options.onFault(error);
      this.stop({ code: GRPC_CODES.INTERNAL, message: 'internal error' });
    }
  }
}
