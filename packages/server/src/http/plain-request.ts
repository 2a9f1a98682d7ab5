/**
 * The plainest requests for keys, which are what most are: from their bytes to what the HTTP API is asked, without node:http.
 *
 * Plain is a request that has come whole in one piece of bytes, with nothing behind it, for a path below `/key`, and of whose fields each
 * is known here and says nothing about the connection but to keep it. All else is left to node:http, which knows what to say about it:
 * bodies in chunks or in pieces, pipelined requests, expectations, upgrades, fields that nobody has seen, and whatever is malformed. Tests
 * hold the two ways against each other.
 */
import type { HttpRequest } from './types.js';

/** Longer heads are not plain; node:http has a limit of its own. */
const HEAD_BYTES_MAX = 4096;

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
const REQUEST_LINE = /^(GET|POST|PUT|DELETE) (\/key[!-~]*) HTTP\/1\.1\r\n/;
/**
 * Of fields that leave the meaning of a call for a key as it is. One in a line, behind which another line or the head's end stands. One
 * space at most counts as the one in front of the value: with any number of them a long line of spaces would be read over and over.
 */
const FIELD =
  /(?:(host)|(content-length)|(connection)|content-type|user-agent|accept(?:-encoding|-language)?|cache-control|pragma|origin|referer|sec-fetch-(?:mode|site|dest)): ?([ -~]*)(?:\r\n|$)/iy;

/** What the fields of a plain request say: how long its body is. */
export interface PlainFields {
  readonly text: string;
  readonly contentLength: number;
}

export interface PlainRequest extends HttpRequest {
  /** For the next request of the same client, which mostly says the same. */
  readonly fields: PlainFields;
}

const NO_HEADERS = {};

/** Undefined: not plain. `former`: the fields of the request before it on this connection. */
export function parsePlainRequest(bytes: Buffer, former: PlainFields | undefined): PlainRequest | undefined {
  const headBytes = bytes.indexOf(HEAD_END);
  if (headBytes === -1 || headBytes > HEAD_BYTES_MAX) return undefined;
  const head = bytes.toString('latin1', 0, headBytes);
  const line = REQUEST_LINE.exec(head);
  if (line === null) return undefined;
  const text = head.slice(line[0].length);
  const fields = former?.text === text ? former : parseFields(text);
  if (fields === undefined) return undefined;
  const [, method = '', path = ''] = line;
  const hasBody = method === 'POST' || method === 'PUT';
  const bodyStart = headBytes + HEAD_END.length;
  const isWhole = bytes.length === bodyStart + fields.contentLength;
  if (!isWhole || (fields.contentLength > 0 && !hasBody)) return undefined;
  const body = hasBody ? bytes.subarray(bodyStart) : undefined;
  return { method, path, headers: NO_HEADERS, body, fields };
}

/** Undefined: some field is not plain. */
function parseFields(text: string): PlainFields | undefined {
  let hosts = 0;
  let contentLength = -1;
  FIELD.lastIndex = 0;
  for (let at = 0; at < text.length; at = FIELD.lastIndex) {
    const field = FIELD.exec(text);
    if (field === null) return undefined;
    const [, host, length, connection, value = ''] = field;
    if (host !== undefined) hosts += 1;
    else if (length !== undefined) {
      if (contentLength !== -1 || !/^\d{1,9}$/.test(value)) return undefined;
      contentLength = Number(value);
    } else if (connection !== undefined && value.toLowerCase() !== 'keep-alive') return undefined;
  }
  // HTTP/1.1 asks for one host (RFC 9112 3.2).
  return hosts === 1 ? { text, contentLength: Math.max(0, contentLength) } : undefined;
}
