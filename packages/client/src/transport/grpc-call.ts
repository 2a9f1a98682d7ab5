/**
 * One gRPC call on one HTTP/2 stream: frames out, messages in, and at the end one status, whatever happens to the stream.
 *
 * How far a failed call came decides what may be done about it. It is surely unsent if its stream never got a number, or if the server
 * refused the stream or said goodbye before it (RFC 9113 8.7: such requests have not been processed).
 */
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { GRPC_CODES } from '@quorate/proto';
import type { CallFailure } from '../errors.js';
import type { Connection } from './connection.js';
import { FrameError, FrameReader } from './framing.js';

export interface GrpcCallOptions {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds from now; undefined: none. */
  readonly timeoutMs: number | undefined;
  readonly messageBytesMax: number;
}

export interface GrpcCallSink {
  /** A message's bytes, which are its to keep. */
  message(bytes: Uint8Array): void;
  /** Once; nothing follows. Undefined: success. */
  end(failure: CallFailure | undefined): void;
}

/** Metadata that is gRPC's or HTTP's own. */
const RESERVED = /^(?::|grpc-|te$|content-type$|connection$)/;

export class GrpcCall {
  readonly #stream: ClientHttp2Stream;
  readonly #sink: GrpcCallSink;
  readonly #frames: FrameReader;
  #timer: NodeJS.Timeout | undefined;
  #status: { readonly code: number; readonly message: string } | undefined;
  #problem: CallFailure | undefined;
  #isOver = false;

  /** Throws if the connection is not open. */
  constructor(connection: Connection, options: GrpcCallOptions, sink: GrpcCallSink) {
    this.#sink = sink;
    this.#frames = new FrameReader(options.messageBytesMax);
    const stream = connection.request(headersOf(options));
    this.#stream = stream;
    stream.on('response', (headers) => this.#onResponse(headers));
    stream.on('trailers', (trailers) => this.#readStatus(trailers));
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', (error: Error) => {
      this.#problem ??= this.#lost(error.message, error);
    });
    stream.once('close', () => this.#onClose());
    if (options.timeoutMs !== undefined) {
      this.#timer = setTimeout(
        () => this.cancel(GRPC_CODES.DEADLINE_EXCEEDED, `no answer within ${options.timeoutMs ?? 0} ms`),
        options.timeoutMs,
      );
    }
  }

  /** False: wait for onDrain. */
  send(frame: Uint8Array): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded || this.#stream.write(frame);
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }

  halfClose(frame?: Uint8Array): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    if (frame === undefined) this.#stream.end();
    else this.#stream.end(frame);
  }

  /** Ends the call here and at the server. What has arrived but was not handed over yet is dropped. */
  cancel(grpcCode: number, message: string): void {
    if (this.#isOver) return;
    this.#problem = { grpcCode, message, stage: this.#stage() };
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#finish();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #onResponse(headers: IncomingHttpHeaders & { readonly ':status'?: number | undefined }): void {
    const status = headers[':status'] ?? 0;
    if (headers['grpc-status'] !== undefined) {
      this.#readStatus(headers);
    } else if (status !== 200 || !String(headers['content-type']).startsWith('application/grpc')) {
      const code = CODES_BY_HTTP_STATUS.get(status) ?? GRPC_CODES.UNKNOWN;
      this.#status = { code, message: `HTTP status ${status}, which is no gRPC answer` };
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  #readStatus(headers: IncomingHttpHeaders): void {
    const code = Number(headers['grpc-status'] ?? GRPC_CODES.UNKNOWN);
    this.#status = { code, message: decodeMessage(String(headers['grpc-message'] ?? '')) };
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#frames.push(chunk, (message) => {
        if (!this.#isOver) this.#sink.message(message);
      });
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.cancel(GRPC_CODES.RESOURCE_EXHAUSTED, error.message);
    }
  }

  #onClose(): void {
    const status = this.#status;
    if (status === undefined) {
      this.#problem ??= this.#lost('the stream ended without a status', undefined);
    } else if (status.code !== GRPC_CODES.OK) {
      this.#problem = { grpcCode: status.code, message: status.message, stage: 'answered' };
    } else if (!this.#frames.isEmpty) {
      this.#problem = { grpcCode: GRPC_CODES.INTERNAL, message: 'the answer ended within a message', stage: 'sent' };
    } else {
      // A stream that was reset after its status has said everything (a server may do so to stop an upload).
      this.#problem = undefined;
    }
    this.#finish();
  }

  #lost(message: string, cause: unknown): CallFailure {
    return { grpcCode: GRPC_CODES.UNAVAILABLE, message: `connection lost: ${message}`, stage: this.#stage(), cause };
  }

  #stage(): 'unsent' | 'sent' {
    const { id, rstCode } = this.#stream;
    return id === undefined || rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'unsent' : 'sent';
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#sink.end(this.#problem);
  }
}

/** gRPC's http-grpc-status-mapping.md. */
const CODES_BY_HTTP_STATUS: ReadonlyMap<number, number> = new Map([
  [400, GRPC_CODES.INTERNAL],
  [401, GRPC_CODES.UNAUTHENTICATED],
  [403, GRPC_CODES.PERMISSION_DENIED],
  [404, GRPC_CODES.UNIMPLEMENTED],
  [429, GRPC_CODES.UNAVAILABLE],
  [502, GRPC_CODES.UNAVAILABLE],
  [503, GRPC_CODES.UNAVAILABLE],
  [504, GRPC_CODES.UNAVAILABLE],
]);

function headersOf({ path, metadata, timeoutMs }: GrpcCallOptions): Record<string, string> {
  const own = Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    ...Object.fromEntries(own.filter(([name]) => !RESERVED.test(name))),
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(timeoutMs === undefined ? {} : { 'grpc-timeout': grpcTimeout(timeoutMs) }),
  };
}

/** At most eight digits and a unit. */
function grpcTimeout(timeoutMs: number): string {
  const wholeMs = Math.max(1, Math.ceil(timeoutMs));
  return wholeMs < 100_000_000 ? `${wholeMs}m` : `${Math.ceil(wholeMs / 1000)}S`;
}

/** Percent-encoded UTF-8; what is not is shown as it came. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
