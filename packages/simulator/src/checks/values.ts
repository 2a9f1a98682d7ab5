/**
 * The values that clients write. Each is unique by how it begins: `client.number.`, then as many x as it takes. A text stands for
 * each, `client.number.` and what it lacks of the length: values may be long, and histories compare them again and again.
 */
import { isAt, nodePlatform } from '@quorate/replica/internal';

const POINT = '.'.charCodeAt(0);
const PADDING = 'x'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const DIGITS_MAX = 6;
const NUMBERS_MAX = 10 ** DIGITS_MAX;

interface Known {
  readonly text: string;
  readonly length: number;
  /** Once somebody has asked for them. */
  bytes: Uint8Array | undefined;
}

export class Values {
  readonly #byName = new Map<number, Known>();
  readonly #byText = new Map<string, Known>();

  /** The text for the value number `number` of a client. */
  make(client: number, number: number, length: number): string {
    const beginning = `${client}.${number}.`;
    const padding = length - beginning.length;
    const text = padding > 0 ? `${beginning}(${padding})` : beginning;
    const known = { text, length: Math.max(length, beginning.length), bytes: undefined };
    this.#byName.set(client * NUMBERS_MAX + number, known);
    this.#byText.set(text, known);
    return text;
  }

  /** The value that `text` stands for; one that was not made stands for itself. Not to be written to. */
  bytesOf(text: string): Uint8Array {
    const known = this.#byText.get(text);
    if (known === undefined) return bytesOf(text, text.length);
    known.bytes ??= bytesOf(text.slice(0, text.lastIndexOf('.') + 1), known.length);
    return known.bytes;
  }

  /** The text that stands for a value; one that was not made is told as it is. */
  textOf(value: Uint8Array): string {
    const known = this.#byName.get(nameOf(value));
    const bytes = known?.bytes;
    const isKnown = bytes !== undefined && bytes.length === value.length && isAt(value, bytes, 0);
    return known !== undefined && isKnown ? known.text : nodePlatform.latin1(value, 0, value.length);
  }
}

function bytesOf(beginning: string, length: number): Uint8Array {
  const bytes = nodePlatform.allocate(length).fill(PADDING);
  nodePlatform.writeLatin1(beginning, bytes, 0);
  return bytes;
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
