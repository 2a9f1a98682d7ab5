/** One HTTP request to another member: for joining and for the command line. */
import { request as httpRequest } from 'node:http';

export interface ClientRequest {
  /** host:port */
  readonly address: string;
  readonly method: string;
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ClientResponse {
  readonly status: number;
  readonly body: string;
}

export type FailureKind =
  /** Nobody listens there. The request was surely not received. */
  | 'refused'
  /** No connection for another reason (name, route, time). The request was surely not received. */
  | 'unreachable'
  /** The connection was made and the answer did not come: the request may have been received. */
  | 'lost';

export class RequestFailure extends Error {
  readonly kind: FailureKind;
  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RequestFailure';
    this.kind = kind;
  }
}

/** An answer beyond that is not one of ours. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Rejects with a RequestFailure. */
export function send(request: ClientRequest): Promise<ClientResponse> {
  const { address, method, path, timeoutMs, signal } = request;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (error: Error): void => reject(failureOf(address, error, connected));
    const headers: Record<string, string | number> = { accept: 'application/json' };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
    const { hostname, port } = new URL(`http://${address}`);
    const outgoing = httpRequest(
      {
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: port === '' ? 80 : Number(port),
        method,
        path,
        headers,
        agent: false,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES_MAX) incoming.destroy(new Error('the answer is too long'));
        });
        incoming.once('error', fail);
        incoming.once('end', () =>
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    outgoing.once('socket', (socket) => socket.once('connect', () => (connected = true)));
    outgoing.once('error', fail);
    outgoing.end(body);
  });
}

function failureOf(address: string, error: Error, connected: boolean): RequestFailure {
  const code = 'code' in error ? String(error.code) : '';
  if (!connected && code === 'ECONNREFUSED') {
    return new RequestFailure('refused', `${address}: connection refused`, { cause: error });
  }
  const reason = error.name === 'AbortError' || error.name === 'TimeoutError' ? 'no answer in time' : error.message;
  return new RequestFailure(connected ? 'lost' : 'unreachable', `${address}: ${reason}`, { cause: error });
}
