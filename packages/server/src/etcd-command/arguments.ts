/**
 * From a command line and an environment to the values of etcd's flags, as Go's flag package and etcd read them: `-name` or `--name`,
 * `--name value` or `--name=value`, booleans alone or with `=`; flags go before ETCD_* variables, and an empty variable is none.
 */
import { parseDurationMs } from '../config/duration.js';
import { boolean } from '../config/kinds.js';
import { nearest } from '../config/suggest.js';
import { type EtcdFlag, etcdFlags, flagsByName, variableOf } from './flags.js';

export type Arguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly errors: readonly string[] }
  | { readonly kind: 'values'; readonly values: FlagValues; readonly warnings: readonly string[] };

/** By the flag's name: what was given, checked against its kind. */
export type FlagValues = ReadonlyMap<string, string>;

/** Not flags of etcd, and of no meaning to it. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['ETCD_UNSUPPORTED_ARCH']);

export function readArguments(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Arguments {
  const values = new Map<string, string>();
  const error = readFlags(argv, values);
  if (error === 'help') return { kind: 'help' };
  if (error !== undefined) return { kind: 'wrong', errors: [error] };
  const warnings: string[] = [];
  const errors: string[] = [];
  readVariables(env, values, warnings, errors);
  if (errors.length > 0) return { kind: 'wrong', errors };
  return { kind: 'values', values, warnings };
}

/** The first error; of several mentions of a flag the last one counts. */
function readFlags(argv: readonly string[], values: Map<string, string>): string | undefined {
  const rest = [...argv];
  for (;;) {
    const word = rest.shift();
    if (word === undefined) return undefined;
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (word === '--' || match === null) {
      const first = word === '--' ? rest[0] : word;
      if (first === undefined) return undefined;
      return first.startsWith('-') && first !== '-' && word !== '--'
        ? `bad flag syntax: ${first}`
        : `${JSON.stringify(first)} is not a valid flag`;
    }
    const [, name = '', attached] = match;
    if (name === 'h' || name === 'help') return 'help';
    const flag = flagsByName.get(name);
    if (flag === undefined) return `flag provided but not defined: -${name}${suggestion(name)}`;
    const value = attached ?? (flag.kind === 'boolean' ? 'true' : rest.shift());
    if (value === undefined) return `flag needs an argument: -${name}`;
    const problem = check(flag, value);
    if (problem !== undefined) return `invalid value ${JSON.stringify(value)} for flag -${name}: ${problem}`;
    values.set(name, value);
  }
}

function readVariables(
  env: Readonly<Record<string, string | undefined>>,
  values: Map<string, string>,
  warnings: string[],
  errors: string[],
): void {
  const byVariable = new Map(etcdFlags.map((flag) => [variableOf(flag.name), flag]));
  for (const variable of Object.keys(env).toSorted()) {
    const value = env[variable];
    if (!variable.startsWith('ETCD_') || value === undefined || value === '') continue;
    const flag = byVariable.get(variable);
    if (flag === undefined || flag.name === 'version') {
      if (!OTHER_VARIABLES.has(variable)) warnings.push(`unrecognized environment variable ${variable}`);
      continue;
    }
    if (values.has(flag.name)) {
      warnings.push(`${variable} is shadowed by the flag --${flag.name}`);
      continue;
    }
    const problem = check(flag, value);
    if (problem === undefined) values.set(flag.name, value);
    else errors.push(`invalid value ${JSON.stringify(value)} for ${variable}: ${problem}`);
  }
}

function check(flag: EtcdFlag, value: string): string | undefined {
  switch (flag.kind) {
    case 'boolean':
      return boolean.parse(value) === undefined ? 'parse error' : undefined;
    case 'integer':
      return /^[+-]?\d{1,15}$/.test(value) ? undefined : 'parse error';
    case 'natural':
      return /^\d{1,15}$/.test(value) ? undefined : 'parse error';
    case 'duration':
      return parseDurationMs(value) === undefined ? 'parse error' : undefined;
    case 'text':
    case 'urls':
      return undefined;
    default:
      throw new Error(`unexpected kind ${String(flag.kind satisfies never)}`);
  }
}

function suggestion(name: string): string {
  const near = nearest(name, [...flagsByName.keys()]);
  return near === undefined ? '' : `; did you mean --${near}?`;
}
