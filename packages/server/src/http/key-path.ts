/**
 * The key in `/key/{key}`: one path segment, percent-encoded. `%2F` is a slash in the key; a bare slash ends the segment, and the
 * path is then unknown, as with the seed's router. Keys are bytes: `%FF` is the byte 255, although no text has it.
 */

/** The key as text, or as bytes where it may not be UTF-8; undefined: not valid percent-encoding. */
export function decodeKeySegment(segment: string): string | Buffer | undefined {
  if (!isAscii(segment)) return decodeBytes(segment);
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return decodeBytes(segment);
  }
}

/** Bytes above 127 that the client did not encode come out of node:http as latin1 chars, one per byte. */
function isAscii(segment: string): boolean {
  for (let index = 0; index < segment.length; index += 1) if (segment.charCodeAt(index) > 0x7f) return false;
  return true;
}

const PERCENT = 0x25;

function decodeBytes(segment: string): Buffer | undefined {
  const bytes: number[] = [];
  for (let index = 0; index < segment.length; index += 1) {
    const code = segment.charCodeAt(index);
    if (code > 0xff) return undefined; // No byte on the wire.
    if (code !== PERCENT) {
      bytes.push(code);
      continue;
    }
    const digits = segment.slice(index + 1, index + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return undefined;
    bytes.push(Number.parseInt(digits, 16));
    index += 2;
  }
  return Buffer.from(bytes);
}

/** The value of a parameter in a query (`a=1&b=2`, without the `?`): the first one of that name, decoded; '' for a bare name. */
export function queryParameter(query: string, name: string): string | undefined {
  if (query === '') return undefined;
  return new URLSearchParams(query).get(name) ?? undefined;
}

/** Length in bytes of UTF-8 is above `max`; cheap where the number of chars already decides. */
export function isLongerThan(value: string | Uint8Array, max: number): boolean {
  if (typeof value !== 'string') return value.length > max;
  if (value.length > max) return true;
  // A char is at most three bytes.
  return value.length * 3 > max && Buffer.byteLength(value) > max;
}
