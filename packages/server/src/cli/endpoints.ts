/**
 * Talks to a cluster by a list of endpoints. The next one is asked only when that is safe: the request was surely not received, or was
 * refused without effect (503), or only reads. A change whose answer was lost is never sent again.
 */
import { parseAddress } from '../config/address.js';
import { type ClientResponse, RequestFailure, send } from '../http/client.js';
import { CliFailure, EXIT, type ExitCode } from './io.js';

export const DEFAULT_ENDPOINT = 'localhost:8888';
export const DEFAULT_TIMEOUT_MS = 30_000;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** Endpoints from flags, or else from QUORATE_ENDPOINTS, or else the default; a scheme in front and a slash behind are taken off. */
export function endpointsFrom(flags: readonly string[], variable: string | undefined): readonly string[] {
  const texts = flags.length > 0 ? flags : [variable ?? ''];
  const endpoints = texts
    .flatMap((text) => text.split(','))
    .map((text) =>
      text
        .trim()
        .replace(/^http:\/\//, '')
        .replace(/\/$/, ''),
    )
    .filter((text) => text !== '');
  for (const endpoint of endpoints) {
    const address = parseAddress(endpoint);
    if (address === undefined || address.host === '' || address.port === 0) {
      throw new CliFailure(EXIT.usage, `endpoint ${JSON.stringify(endpoint)} is not host:port`);
    }
  }
  return endpoints.length > 0 ? endpoints : [DEFAULT_ENDPOINT];
}

export class Endpoints {
  readonly addresses: readonly string[];
  readonly #timeoutMs: number;

  constructor(addresses: readonly string[], timeoutMs: number) {
    this.addresses = addresses;
    this.#timeoutMs = timeoutMs;
  }

  /** The answer of the first endpoint that gives one other than 503. Rejects with a CliFailure. */
  async call(call: Call): Promise<ClientResponse> {
    const reasons: string[] = [];
    for (const address of this.addresses) {
      try {
        const answer = await send({ address, ...call, timeoutMs: this.#timeoutMs });
        if (answer.status !== 503) return answer;
        reasons.push(`${address}: ${messageOf(answer)}`);
      } catch (error) {
        if (!(error instanceof RequestFailure)) throw error;
        if (error.kind === 'lost' && call.method !== 'GET') {
          const message = `${error.message}; outcome unknown: the change may or may not have been made`;
          throw new CliFailure(EXIT.unknown, message, { cause: error });
        }
        reasons.push(error.message);
      }
    }
    throw new CliFailure(EXIT.unavailable, reasons.join('; '));
  }

  /** Of one member. Rejects with a RequestFailure. */
  ask(address: string, path: string, timeoutMs: number): Promise<ClientResponse> {
    return send({ address, method: 'GET', path, timeoutMs });
  }
}

/** The message of an error answer: `{"error", "message"}` or a line of text. */
export function messageOf(answer: ClientResponse): string {
  try {
    const value: unknown = JSON.parse(answer.body);
    if (typeof value === 'object' && value !== null && 'message' in value) return String(value.message);
  } catch {
    // A line of text, as the calls for keys answer.
  }
  const line = answer.body.trim();
  return line === '' ? `HTTP ${answer.status}` : line;
}

/** The failure that an answer other than the wished-for one means. */
export function failureOf(call: Call, answer: ClientResponse): CliFailure {
  return new CliFailure(exitCodeOf(call, answer.status), messageOf(answer));
}

function exitCodeOf(call: Call, status: number): ExitCode {
  if (status === 404) return EXIT.notFound;
  if (status === 503) return EXIT.unavailable;
  if (status === 504) return call.method === 'GET' ? EXIT.unavailable : EXIT.unknown;
  return EXIT.failed;
}
