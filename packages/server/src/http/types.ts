/** A request and its answer as plain data: handlers know no socket, so they run in a test or a benchmark as they are. */

export interface HttpRequest {
  /** As on the wire: upper case. */
  readonly method: string;
  /** As on the wire: percent-encoded, with the query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const TEXT = 'text/plain; charset=utf-8';
export const JSON_TYPE = 'application/json';
