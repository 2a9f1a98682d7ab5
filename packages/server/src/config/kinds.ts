/** The kinds of values that a setting can have: how each is read, what is allowed, and how it is shown. */
import { formatAddress, parseAddress } from './address.js';
import { formatDurationMs, parseDurationMs } from './duration.js';

export interface Kind<T> {
  /** Shown in help and in errors: what may be written. */
  readonly allowed: string;
  /** Undefined: not allowed. */
  parse(text: string): T | undefined;
  format(value: T): string;
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** The spellings that Go's strconv.ParseBool takes. */
export const boolean: Kind<boolean> = {
  allowed: 'true or false (also 1, 0, t, f)',
  parse: (text) => (TRUE.has(text) ? true : FALSE.has(text) ? false : undefined),
  format: String,
};

export function integer(unit: string, min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number of ${unit} from ${min} to ${max}`,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
    format: String,
  };
}

/** The value is in milliseconds. */
export function duration(minMs: number, maxMs: number): Kind<number> {
  return {
    allowed: `a duration such as 500ms, 5s, 1m30s from ${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`,
    parse(text) {
      const valueMs = parseDurationMs(text);
      return valueMs !== undefined && valueMs >= minMs && valueMs <= maxMs ? valueMs : undefined;
    },
    format: formatDurationMs,
  };
}

/** An address to listen on; port 0 takes a free one where `portMin` is 0. */
export function address(portMin: 0 | 1): Kind<string> {
  return {
    allowed: `host:port with a port from ${portMin} to 65535, such as localhost:8888, 10.0.0.1:8888 or [::1]:8888`,
    parse(text) {
      const parsed = parseAddress(text);
      return parsed !== undefined && parsed.port >= portMin ? formatAddress(parsed) : undefined;
    },
    format: String,
  };
}

/** Most addresses in a list. */
const LIST_LENGTH_MAX = 64;

export const addressList: Kind<readonly string[]> = {
  allowed: `host:port of a member, or up to ${LIST_LENGTH_MAX} of them separated by commas`,
  parse(text) {
    const parts = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    const parsed = parts.map(parseAddress);
    const sound = parsed.every((one) => one !== undefined && one.host !== '' && one.port > 0);
    return sound && parts.length > 0 && parts.length <= LIST_LENGTH_MAX ? parts : undefined;
  },
  format: (value) => value.join(','),
};

export function choice<T extends string>(...values: readonly T[]): Kind<T> {
  return {
    allowed: values.join(', '),
    parse: (text) => values.find((value) => value === text),
    format: String,
  };
}

export function text(description: string, pattern: RegExp): Kind<string> {
  return { allowed: description, parse: (value) => (pattern.test(value) ? value : undefined), format: String };
}
