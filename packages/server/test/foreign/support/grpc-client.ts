/** A small gRPC client over Node's own HTTP/2: it shows what a server answers to the letter, and can send what no client would. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { GRPC_PREFIX_BYTES, type MessageInit, type Method } from '@quorate/proto';

const CALL_TIMEOUT_MS = 30_000;
/** Node keeps what a refused call had still to send, and gives answers up when it has kept too much. */
const SESSION_MEGABYTES = 4_096;
/** Large enough that flow control never holds back what a test wants to see. */
const WINDOW_BYTES = 64 * 1024 * 1024;

/** How a call ended: `code` 0 with a reply, or another with its text. */
export interface Outcome<Reply> {
  readonly code: number;
  readonly message: string;
  readonly reply: Reply | undefined;
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(GRPC_PREFIX_BYTES + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, GRPC_PREFIX_BYTES);
  return bytes;
}

/** Cuts what arrives into messages. */
class Unframer {
  #rest: Buffer = Buffer.alloc(0);

  *take(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= GRPC_PREFIX_BYTES) {
      const end = GRPC_PREFIX_BYTES + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) return;
      yield this.#rest.subarray(GRPC_PREFIX_BYTES, end);
      this.#rest = this.#rest.subarray(end);
    }
  }
}

export interface Status {
  readonly code: number;
  readonly message: string;
}

/** Tells how the stream ended, from its trailers or from headers that are trailers at once. */
function onStatus(stream: ClientHttp2Stream, tell: (status: Status) => void, lost: (error: Error) => void): void {
  let status: Status | undefined;
  const look = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers['grpc-status'] === undefined) return;
    const text = headers['grpc-message'];
    status = {
      code: Number(headers['grpc-status']),
      message: typeof text === 'string' ? decodeURIComponent(text) : '',
    };
  };
  stream.on('response', look);
  stream.on('trailers', look);
  stream.on('error', lost);
  stream.on('close', () => {
    if (status === undefined) lost(new Error('the stream closed without a status'));
    else tell(status);
  });
}

/** A stream of messages both ways, or only from the server. */
export class GrpcStream<Request, Reply> {
  readonly status: Promise<Status>;
  readonly #stream: ClientHttp2Stream;
  readonly #method: Method<Request, Reply>;

  constructor(stream: ClientHttp2Stream, method: Method<Request, Reply>, receive: (reply: Reply) => void) {
    this.#stream = stream;
    this.#method = method;
    const unframer = new Unframer();
    stream.on('data', (chunk: Buffer) => {
      for (const message of unframer.take(chunk)) receive(method.response.decode(Buffer.from(message)));
    });
    this.status = new Promise((resolve, reject) => {
      onStatus(stream, resolve, reject);
    });
    // Whoever does not ask how the stream ended need not know.
    this.status.catch(() => {});
  }

  send(request: MessageInit<Request>): void {
    this.#stream.write(framed(this.#method.request.encode(request)));
  }

  halfClose(): void {
    this.#stream.end();
  }

  /** Takes nothing more from the server; flow control does the rest. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

export class GrpcClient {
  readonly #session: ClientHttp2Session;

  /** `windowBytes`: what the server may send on each stream, and twice that on the connection, before it is read. */
  constructor(endpoint: string, windowBytes: number = WINDOW_BYTES) {
    this.#session = connect(`http://${endpoint}`, {
      settings: { initialWindowSize: windowBytes },
      maxSessionMemory: SESSION_MEGABYTES,
    });
    this.#session.on('error', () => {});
    this.#session.on('connect', () => this.#session.setLocalWindowSize(2 * windowBytes));
  }

  close(): void {
    this.#session.destroy();
  }

  async call<Request, Reply>(method: Method<Request, Reply>, request: MessageInit<Request>): Promise<Outcome<Reply>> {
    const { bytes, ...status } = await this.callBytes(method.path, method.request.encode(request));
    return { ...status, reply: bytes && method.response.decode(bytes) };
  }

  /** The same with bytes, which need not be a message of anything. */
  callBytes(path: string, message: Uint8Array): Promise<Status & { readonly bytes: Buffer | undefined }> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(path);
      const timer = setTimeout(() => stream.destroy(new Error(`${path}: no answer`)), CALL_TIMEOUT_MS);
      const unframer = new Unframer();
      let bytes: Buffer | undefined;
      stream.on('data', (chunk: Buffer) => {
        for (const reply of unframer.take(chunk)) bytes = Buffer.from(reply);
      });
      onStatus(
        stream,
        (status) => {
          clearTimeout(timer);
          resolve({ ...status, bytes });
        },
        (error) => {
          clearTimeout(timer);
          reject(error);
        },
      );
      stream.end(framed(message));
    });
  }

  stream<Request, Reply>(
    method: Method<Request, Reply>,
    receive: (reply: Reply) => void,
    metadata: Readonly<Record<string, string>> = {},
  ): GrpcStream<Request, Reply> {
    return new GrpcStream(this.#open(method.path, metadata), method, receive);
  }

  #open(path: string, metadata: Readonly<Record<string, string>> = {}): ClientHttp2Stream {
    return this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    });
  }
}
