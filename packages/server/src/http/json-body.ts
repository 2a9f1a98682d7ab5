/**
 * Request bodies as the seed reads them, which is Go's json.Decoder decoding one value into a struct of strings:
 *
 * - names are compared without regard to case, unknown ones are ignored, of two that match the later one counts;
 * - a missing or null field keeps its zero value (undefined here), a field of another type is an error, as is anything but an
 *   object (null is an object with no fields);
 * - what follows the first value is not looked at;
 * - bytes that are not UTF-8, and halves of surrogate pairs, become U+FFFD.
 */

export type StringFields<Name extends string> = Partial<Record<Name, string>>;

/** `names` in lower case. Undefined: cannot be decoded. */
export function decodeStringFields<Name extends string>(
  body: Uint8Array | undefined,
  names: readonly Name[],
): StringFields<Name> | undefined {
  if (body === undefined || body.length === 0) return undefined;
  const value = parseFirstValue(asText(body));
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  const fields: StringFields<Name> = {};
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    const known = matching(name, names);
    if (known === undefined) continue;
    const field: unknown = (value as Record<string, unknown>)[name];
    if (field === null) continue;
    if (typeof field !== 'string') return undefined;
    fields[known] = field;
  }
  return fields;
}

function asText(body: Uint8Array): string {
  const buffer = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return buffer.toString('utf8');
}

function matching<Name extends string>(name: string, names: readonly Name[]): Name | undefined {
  for (const known of names) if (name === known) return known;
  const lower = name.toLowerCase();
  for (const known of names) if (lower === known) return known;
  return undefined;
}

/** Undefined: no valid JSON value at the beginning (JSON itself has no undefined). */
function parseFirstValue(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    const end = endOfObject(source);
    if (end === undefined || end === source.length) return undefined;
    try {
      return JSON.parse(source.slice(0, end));
    } catch {
      return undefined;
    }
  }
}

/** Index after the brace that closes the object at the beginning; undefined if there is none. Braces in strings do not count. */
function endOfObject(source: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < source.length; index += 1) {
    const char = source[index];
    if (inString) {
      if (char === '\\') index += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
    if (depth === 0 && !isSpace(char)) return undefined;
  }
  return undefined;
}

function isSpace(char: string | undefined): boolean {
  return char === ' ' || char === '\n' || char === '\r' || char === '\t';
}
