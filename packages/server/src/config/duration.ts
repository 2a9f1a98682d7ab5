/**
 * Durations as Go writes them (`500ms`, `5s`, `1m`, `1h30m`, `1.5s`, `250µs`): the seed's settings use them.
 * A number without a unit is refused, except 0, as Go's time.ParseDuration does.
 */

const NANOSECONDS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3], // U+00B5 micro sign
  ['μs', 1e3], // U+03BC Greek letter mu
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 6e10],
  ['h', 3.6e12],
]);

/** One number with its unit; `y` so that parts must follow each other without a gap. */
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds, perhaps with a fraction; undefined if the text is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.startsWith('-') || text.startsWith('+') ? text.slice(1) : text;
  if (digits === '0') return 0;
  if (digits === '') return undefined;
  let nanoseconds = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < digits.length) {
    const part = PART.exec(digits);
    if (part === null) return undefined;
    nanoseconds += Number(part[1]) * (NANOSECONDS_PER_UNIT.get(part[2] ?? '') ?? Number.NaN);
  }
  return (sign * Math.round(nanoseconds)) / 1e6;
}

/** The shortest of Go's notations that gives the same number of milliseconds: 90000 is `1m30s`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return '0s';
  if (durationMs < 0) return `-${formatDurationMs(-durationMs)}`;
  if (durationMs < 1) return `${Number((durationMs * 1000).toFixed(3))}µs`;
  if (durationMs < 1000) return `${durationMs}ms`;
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor((durationMs % 3_600_000) / 60_000);
  const seconds = Number(((durationMs % 60_000) / 1000).toFixed(6));
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${seconds > 0 ? `${seconds}s` : ''}`;
}
