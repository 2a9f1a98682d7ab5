/**
 * One HTTP call to a member, told apart by what is known of it when no answer comes: `refused` was surely never received,
 * `lost` may have been.
 */
import { type Agent, type RequestOptions, request } from 'node:http';

export interface HttpCall {
  /** host:port */
  readonly address: string;
  readonly method: 'DELETE' | 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
}

export type HttpResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  /** No connection could be made: the member never saw the request. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The connection ended, or the time was over, before the answer. */
  | { readonly kind: 'lost'; readonly reason: string };

export const HTTP_TIMEOUT_MS = 10_000;

/** Never rejects. */
export function httpCall(call: HttpCall): Promise<HttpResult> {
  const { address, method, path, timeoutMs = HTTP_TIMEOUT_MS } = call;
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const colon = address.lastIndexOf(':');
  const options: RequestOptions = {
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    method,
    path,
    headers: {
      ...call.headers,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    },
    agent: call.agent ?? false,
  };
  return new Promise((resolve) => {
    let isConnected = false;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      resolve({ kind: isConnected ? 'lost' : 'refused', reason: reasonOf(error) });
    };
    const outgoing = request(options, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (text += chunk));
      incoming.once('error', fail);
      incoming.once('end', () => {
        clearTimeout(timer);
        resolve({ kind: 'answer', status: incoming.statusCode ?? 0, body: text });
      });
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    outgoing.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (isConnected = true));
      else isConnected = true;
    });
    outgoing.once('error', fail);
    outgoing.end(body);
  });
}

/** With several addresses behind a name the reasons are inside. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one: unknown) => String(one)).join('; ');
  return error.message;
}
