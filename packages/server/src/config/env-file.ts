/**
 * Env files: a line NAME=value each, as Node's `--env-file` reads them, but what Node passes over or guesses at is an error: a mistyped
 * line must not leave a setting at its default, or take the next line with it.
 */

export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /** With the line's number. The text of a line is not among them: it may be a password. */
  readonly errors: readonly string[];
}

const ALLOWED = 'NAME=value, NAME="value", a comment that begins with #, or nothing';
const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/;
/** From the quote on: the text within, which may span lines, then nothing but a comment in that line. */
const QUOTED = /^(["'`])((?:(?!\1)[^])*)\1[^\S\n]*(?:#.*)?(?:\n|$)/;

export function parseEnvFile(content: string): EnvFile {
  const values: Record<string, string> = {};
  const errors: string[] = [];
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as string;
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, name, text = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) {
      errors.push(`line ${index + 1} is not allowed; allowed: ${ALLOWED}`);
      continue;
    }
    if (!/^["'`]/.test(text)) {
      values[name] = text.replace(/#.*/, '').trim();
      continue;
    }
    const [whole, quote, quoted = ''] = QUOTED.exec([text, ...lines.slice(index + 1)].join('\n')) ?? [];
    if (whole === undefined) {
      errors.push(
        `line ${index + 1}: the value of ${name} begins with ${text[0]} and does not end with it; allowed: ${ALLOWED}`,
      );
      continue;
    }
    values[name] = quote === '"' ? quoted.replaceAll('\\n', '\n') : quoted;
    index += quoted.split('\n').length - 1;
  }
  return { values, errors };
}
