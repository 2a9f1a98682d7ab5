/**
 * The values that clients write. Each is unique by how it begins: `client.number.`, then as many x as it takes. Each is kept once, as
 * text and as bytes: what is found needs no new text, nor the hash of one.
 */
import { isAt, nodePlatform } from '@quorate/replica/internal';

const POINT = '.'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const DIGITS_MAX = 6;
const NUMBERS_MAX = 10 ** DIGITS_MAX;

export class Values {
  readonly #texts = new Map<number, string>();
  readonly #bytes = new Map<string, Uint8Array>();

  /** The value number `number` of a client. */
  make(client: number, number: number, length: number): string {
    const text = `${client}.${number}.`.padEnd(length, 'x');
    this.#texts.set(client * NUMBERS_MAX + number, text);
    return text;
  }

  /** Not to be written to. */
  bytesOf(text: string): Uint8Array {
    const known = this.#bytes.get(text);
    if (known !== undefined) return known;
    const bytes = nodePlatform.allocate(text.length);
    nodePlatform.writeLatin1(text, bytes, 0);
    this.#bytes.set(text, bytes);
    return bytes;
  }

  /** Also of a value that nobody has written. */
  textOf(value: Uint8Array): string {
    const text = this.#texts.get(nameOf(value));
    const bytes = text === undefined ? undefined : this.#bytes.get(text);
    const isKnown = bytes !== undefined && bytes.length === value.length && isAt(value, bytes, 0);
    return text !== undefined && isKnown ? text : nodePlatform.latin1(value, 0, value.length);
  }
}

/** Client and number that a value begins with; -1 if it does not begin so. */
function nameOf(value: Uint8Array): number {
  const point = digitsEnd(value, 0);
  const end = digitsEnd(value, point + 1);
  if (value[point] !== POINT || value[end] !== POINT) return -1;
  return numberAt(value, 0, point) * NUMBERS_MAX + numberAt(value, point + 1, end);
}

function digitsEnd(value: Uint8Array, from: number): number {
  let end = from;
  while (end < from + DIGITS_MAX && isDigit(value[end])) end += 1;
  return end;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte < ZERO + 10;
}

function numberAt(value: Uint8Array, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at += 1) number = 10 * number + (value[at] as number) - ZERO;
  return number;
}
