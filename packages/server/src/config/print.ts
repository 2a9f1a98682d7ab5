/** `--print-config`: each value and where it came from. */
import type { ConfigEntry } from './parse.js';
import { flagName } from './settings.js';

const MASK = '(secret)';

function shown(entry: ConfigEntry): string {
  if (entry.value === undefined) return '';
  return entry.secret ? MASK : entry.value;
}

/** A table: name, value, origin. */
export function configTable(entries: readonly ConfigEntry[]): string {
  const nameWidth = Math.max(...entries.map((entry) => entry.name.length), 0);
  const valueWidth = Math.max(...entries.map((entry) => shown(entry).length), 0);
  return entries
    .map((entry) => `${entry.name.padEnd(nameWidth)}  ${shown(entry).padEnd(valueWidth)}  ${entry.origin}\n`)
    .join('');
}

/** The same as a JSON object by name. Values are texts, as they would be written in an env file; null: not set. */
export function configJson(entries: readonly ConfigEntry[]): string {
  const object = Object.fromEntries(
    entries.map((entry) => [
      entry.name,
      {
        value: entry.value === undefined ? null : shown(entry),
        origin: entry.origin,
        flag: `--${flagName(entry.name)}`,
      },
    ]),
  );
  return `${JSON.stringify(object, undefined, 2)}\n`;
}
