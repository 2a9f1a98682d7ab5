/**
 * JSON.parse rounds integers beyond 2^53, but IDs use all 64 bits and clients do send them as bare numbers. So a text that has
 * such integers gets them quoted first, with a mark that no field but a 64-bit one accepts.
 */
import { ProtoError } from '../error.js';

/** Stands before an integer that was quoted here, so that it is not taken for a string. */
export const QUOTED_INTEGER = '\u0000int:';

/** 16 digits may be beyond 2^53. */
const LONG_INTEGER = /\d{16}/;
const LONG_INTEGER_AT = /-?\d{16,}(?![\d.eE])/y;

const QUOTE = 34;
const BACKSLASH = 92;

/** Parses JSON for `fromJson`, with every integer exact. Throws ProtoError. An empty text is an empty message, as for etcd. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(LONG_INTEGER.test(text) ? quoteLongIntegers(text) : text) as unknown;
  } catch (error) {
    throw new ProtoError(`syntax error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function quoteLongIntegers(text: string): string {
  let quoted = '';
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === 45 || (code >= 48 && code <= 57)) {
      LONG_INTEGER_AT.lastIndex = at;
      const integer = LONG_INTEGER_AT.exec(text)?.[0];
      if (integer === undefined || Number.isSafeInteger(Number(integer))) at = endOfNumber(text, at);
      else {
        quoted += `${text.slice(copied, at)}${JSON.stringify(QUOTED_INTEGER + integer)}`;
        at += integer.length;
        copied = at;
      }
    } else at += 1;
  }
  return quoted + text.slice(copied);
}

/** The place behind the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && '0123456789.eE+-'.includes(text.charAt(at))) at += 1;
  return at;
}
