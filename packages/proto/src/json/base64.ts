/** Base64 as JSON's bytes have it: written in the standard alphabet with padding, read in either alphabet with or without. */
import { UTF8_DECODER } from '../platform.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PADDING = 61;
const NONE = 255;

const SYMBOLS = Uint8Array.from(ALPHABET, (symbol) => symbol.charCodeAt(0));

const VALUES = new Uint8Array(128).fill(NONE);
for (const [value, symbol] of SYMBOLS.entries()) VALUES[symbol] = value;
VALUES['-'.charCodeAt(0)] = 62;
VALUES['_'.charCodeAt(0)] = 63;

/** Up to here String.fromCharCode is faster than the decoder, and surely takes so many arguments. */
const SHORT_SYMBOLS = 1024;

/** Characters for so many bytes. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

export function toBase64(bytes: Uint8Array): string {
  const symbols = new Uint8Array(base64Length(bytes.length)).fill(PADDING);
  let to = 0;
  for (let from = 0; from < bytes.length; from += 3) {
    const rest = bytes.length - from;
    const group =
      ((bytes[from] as number) << 16) |
      ((rest > 1 ? (bytes[from + 1] as number) : 0) << 8) |
      (rest > 2 ? (bytes[from + 2] as number) : 0);
    symbols[to] = SYMBOLS[group >>> 18] as number;
    symbols[to + 1] = SYMBOLS[(group >>> 12) & 63] as number;
    if (rest > 1) symbols[to + 2] = SYMBOLS[(group >>> 6) & 63] as number;
    if (rest > 2) symbols[to + 3] = SYMBOLS[group & 63] as number;
    to += 4;
  }
  return symbols.length <= SHORT_SYMBOLS ? String.fromCharCode(...symbols) : UTF8_DECODER.decode(symbols);
}

/** The bytes, or undefined when `text` is not base64. Line breaks anywhere in it do not count, as for Go: many a tool makes them. */
export function fromBase64(text: string): Uint8Array | undefined {
  return fromOneLine(text) ?? (/[\r\n]/.test(text) ? fromOneLine(text.replaceAll(/[\r\n]/g, '')) : undefined);
}

function fromOneLine(text: string): Uint8Array | undefined {
  let { length } = text;
  // Padding is only taken where it fills up the last group of four.
  if (length % 4 === 0 && text.endsWith('=')) length -= text.endsWith('==') ? 2 : 1;
  if (length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0;
  let held = 0;
  let to = 0;
  for (let from = 0; from < length; from += 1) {
    const code = text.charCodeAt(from);
    const value = code < 128 ? (VALUES[code] as number) : NONE;
    if (value === NONE) return undefined;
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[to] = held >>> bits;
      to += 1;
    }
  }
  return bytes;
}
