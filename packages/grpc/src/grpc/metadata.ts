/** Metadata of calls: what a client has sent, to read, and what a handler sends, as fields. */

/** Metadata to send: names in lower case; names that end in `-bin` take bytes, others printable ASCII. */
export type MetadataFields = Iterable<readonly [name: string, value: string | Uint8Array]>;

const NAME = /^[0-9a-z_.-]+$/;
const ASCII_VALUE = /^[ -~]*$/;

/** Fields that belong to the protocol, not to the application. */
function isReserved(name: string): boolean {
  return name.startsWith(':') || name.startsWith('grpc-') || name === 'te' || name === 'content-type';
}

/** What the client has sent with its call. Built when it is first asked for; immutable. */
export class Metadata {
  private readonly fields: readonly string[];

  /** `fields` as the decoder gives them: name, value, name, value... */
  constructor(fields: readonly string[]) {
    this.fields = fields;
  }

  /** The first value of that name, as sent (so base64 for a `-bin` name). */
  get(name: string): string | undefined {
    for (let at = 0; at < this.fields.length; at += 2) {
      if (this.fields[at] === name && !isReserved(name)) return this.fields[at + 1];
    }
    return undefined;
  }

  /** Every value of that name, in the order sent. */
  getAll(name: string): string[] {
    return [...this.entries()].filter(([key]) => key === name).map(([, value]) => value);
  }

  /** The values of a `-bin` name. One field may carry several, separated by commas (gRPC over HTTP/2, "Binary-Header"). */
  getBinary(name: string): Uint8Array[] {
    return this.getAll(name).flatMap((value) => value.split(',').map((part) => Buffer.from(part, 'base64')));
  }

  *entries(): IterableIterator<readonly [name: string, value: string]> {
    for (let at = 0; at < this.fields.length; at += 2) {
      const name = this.fields[at] as string;
      if (!isReserved(name)) yield [name, this.fields[at + 1] as string];
    }
  }
}

/** Metadata as header fields. Throws a TypeError for names and values that HTTP/2 cannot carry: the handler's mistake. */
export function toHeaderFields(metadata: MetadataFields): [name: string, value: string][] {
  return Array.from(metadata, ([name, value]) => {
    if (!NAME.test(name) || isReserved(name)) throw new TypeError(`metadata may not be named "${name}"`);
    if (name.endsWith('-bin')) {
      if (typeof value === 'string') throw new TypeError(`metadata "${name}" takes bytes`);
      return [name, Buffer.from(value).toString('base64').replace(/=+$/, '')];
    }
    if (typeof value !== 'string' || !ASCII_VALUE.test(value))
      throw new TypeError(`metadata "${name}" takes printable ASCII`);
    return [name, value.trim()];
  });
}

/** Longer messages are cut: clients bound what they take as trailers. */
const STATUS_MESSAGE_BYTES_MAX = 4096;

/** `grpc-message`: UTF-8, percent-encoded except for printable ASCII (gRPC over HTTP/2, "Status-Message"). */
export function encodeStatusMessage(message: string): string {
  if (message.length <= STATUS_MESSAGE_BYTES_MAX && /^[ -$&-~]*$/.test(message)) return message;
  let encoded = '';
  for (const byte of Buffer.from(message, 'utf8')) {
    if (encoded.length >= STATUS_MESSAGE_BYTES_MAX) break;
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
