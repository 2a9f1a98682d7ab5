/**
 * Where the settings come from: flags over environment over env file over defaults. Pure: the file is read through a function, so
 * every case is a test without a file. All errors are found in one pass and reported together.
 */
import { formatAddress, isUnspecified, parseAddress } from './address.js';
import { formatDurationMs } from './duration.js';
import { parseEnvFile } from './env-file.js';
import {
  type Config,
  flagName,
  JSON_BYTES_PER_BYTE_MAX,
  OTHER_VARIABLES,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
} from './settings.js';
import { nearest } from './suggest.js';

/** Read when no env file is named and it is there, as the seed does. */
export const DEFAULT_ENV_FILE = '.env';

export interface ConfigSources {
  /** By setting, as written on the command line. */
  readonly flags: Readonly<Partial<Record<SettingKey, string>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file named by --env-file; undefined: DEFAULT_ENV_FILE if it is there. */
  readonly envFile?: string | undefined;
  /** The file's text; undefined if there is no such file; throws if it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
}

/** One line of --print-config. */
export interface ConfigEntry {
  readonly key: SettingKey;
  readonly name: string;
  /** As the setting's kind formats it; undefined: not set. */
  readonly value: string | undefined;
  /** `flag --x`, `environment`, the path of the env file, `default`, or what it is derived from. */
  readonly origin: string;
  readonly secret: boolean;
}

export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly entries: readonly ConfigEntry[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly errors: readonly string[]; readonly warnings: readonly string[] };

interface Found {
  readonly text: string;
  readonly origin: string;
}

/** A heartbeat may be late or lost a few times before followers give the leader up. */
export const HEARTBEATS_PER_ELECTION_MIN = 5;
/** Everything of a request body that is neither key nor value: braces, quotes, field names, spaces. */
const BODY_OVERHEAD_BYTES = 64;

export function parseConfig(sources: ConfigSources): ConfigResult {
  const errors: string[] = [];
  const warnings: string[] = [];
  const file = readEnvFile(sources, errors, warnings);
  const isFileWhole = errors.length === 0;
  warnOfUnknown('environment', namesIn(sources.env, /^(?:QUORATE|SERVICE_RAFT)_/).filter(isTyped), warnings);
  const values: Partial<Record<SettingKey, unknown>> = {};
  const entries: ConfigEntry[] = [];
  for (const key of settingKeys) {
    const setting = settings[key] as Setting<unknown>;
    const found = find(key, setting, sources, file);
    const value = found === undefined ? setting.default : setting.kind.parse(found.text);
    if (found !== undefined && value === undefined) {
      errors.push(refusal(setting, found));
      continue;
    }
    values[key] = value;
    entries.push({
      key,
      name: setting.name,
      value: value === undefined ? undefined : setting.kind.format(value),
      origin: found?.origin ?? 'default',
      secret: setting.secret,
    });
  }
  // What is missing may stand in a line that could not be read.
  if (isFileWhole) for (const key of settingKeys) requirePresence(key, values, errors);
  const derived = derive(values, entries, errors, warnings);
  checkRelations(derived, errors);
  if (errors.length > 0) return { ok: false, errors, warnings };
  return { ok: true, config: derived as Config, entries, warnings };
}

function readEnvFile(
  sources: ConfigSources,
  errors: string[],
  warnings: string[],
): { readonly path: string; readonly values: Readonly<Record<string, string | undefined>> } {
  const path = sources.envFile ?? DEFAULT_ENV_FILE;
  let content: string | undefined;
  try {
    content = sources.readFile(path);
  } catch (error) {
    errors.push(`--env-file ${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (content === undefined) {
    if (sources.envFile !== undefined && errors.length === 0) errors.push(`--env-file ${path}: there is no such file`);
    return { path, values: {} };
  }
  const { values, errors: wrongLines } = parseEnvFile(content);
  for (const problem of wrongLines) errors.push(`${path} ${problem}`);
  warnOfUnknown(path, namesIn(values, /^(?:SERVER|ROUTER|SERVICE|QUORATE)_/), warnings);
  return { path, values };
}

function namesIn(values: Readonly<Record<string, string | undefined>>, pattern: RegExp): readonly string[] {
  return Object.keys(values)
    .filter((name) => pattern.test(name))
    .toSorted();
}

/** Not one of those that Kubernetes gives every container for a service, here one that is called quorate, such as QUORATE_PORT_8888_TCP_ADDR. */
function isTyped(name: string): boolean {
  return !/_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/.test(name);
}

function warnOfUnknown(where: string, names: readonly string[], warnings: string[]): void {
  const known = [...settingKeys.map((key) => settings[key].name), ...OTHER_VARIABLES];
  for (const name of names) {
    if (known.includes(name)) continue;
    const suggestion = nearest(name, known);
    warnings.push(
      `${where}: ${name} is no setting and is ignored${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`,
    );
  }
}

/** An empty value counts as not set: a line `SERVICE_RAFT_JOIN_ADDR=` in an env file means "no address". */
function find(
  key: SettingKey,
  setting: Setting<unknown>,
  sources: ConfigSources,
  file: ReturnType<typeof readEnvFile>,
): Found | undefined {
  const flag = sources.flags[key];
  if (flag !== undefined) return { text: flag, origin: `flag --${flagName(setting.name)}` };
  const environment = sources.env[setting.name];
  if (environment !== undefined && environment !== '') return { text: environment, origin: 'environment' };
  const line = file.values[setting.name];
  if (line !== undefined && line !== '') return { text: line, origin: file.path };
  return undefined;
}

function refusal(setting: Setting<unknown>, found: Found): string {
  const shown = setting.secret ? 'the value' : JSON.stringify(found.text);
  return `${setting.name} (${found.origin}): ${shown} is not allowed; allowed: ${setting.kind.allowed}`;
}

function requirePresence(key: SettingKey, values: Partial<Record<SettingKey, unknown>>, errors: string[]): void {
  const { name, required, kind } = settings[key];
  const needed = required === 'always' || (required === 'raft' && values.debug !== true);
  // A key that is absent from `values` was refused, which has been reported already.
  if (!needed || !(key in values) || values[key] !== undefined) return;
  errors.push(`${name} is required: set it, or give --${flagName(name)}; allowed: ${kind.allowed}`);
}

/** Fills in the advertised addresses, which follow the ones listened on. */
function derive(
  values: Partial<Record<SettingKey, unknown>>,
  entries: ConfigEntry[],
  errors: string[],
  warnings: string[],
): Partial<Config> {
  const config = values as Partial<Config>;
  const fill = (key: 'advertiseAddress' | 'raftAdvertiseAddress', value: string, origin: string): void => {
    values[key] = value;
    const index = entries.findIndex((entry) => entry.key === key);
    const entry = entries[index];
    if (entry !== undefined) entries[index] = { ...entry, value: value === '' ? undefined : value, origin };
  };
  const server = config.serverAddress === undefined ? undefined : parseAddress(config.serverAddress);
  if (server !== undefined && config.advertiseAddress === undefined && 'advertiseAddress' in values) {
    const told = isUnspecified(server) ? { host: 'localhost', port: server.port } : server;
    fill('advertiseAddress', server.port === 0 ? '' : formatAddress(told), 'from SERVER_ADDRESS');
    if (told !== server) {
      warnings.push(
        `SERVER_ADDRESS ${config.serverAddress} is every interface and cannot be told to others; ` +
          `${formatAddress(told)} is told instead: set QUORATE_ADVERTISE_ADDRESS if they are on other machines`,
      );
    }
  }
  const raft = config.raftAddress === undefined ? undefined : parseAddress(config.raftAddress);
  if (raft !== undefined && config.raftAdvertiseAddress === undefined && 'raftAdvertiseAddress' in values) {
    fill('raftAdvertiseAddress', formatAddress(raft), 'from SERVICE_RAFT_ADDR');
  }
  const told = config.raftAdvertiseAddress === undefined ? undefined : parseAddress(config.raftAdvertiseAddress);
  if (told !== undefined && isUnspecified(told)) {
    errors.push(
      `SERVICE_RAFT_ADDR ${formatAddress(told)} is every interface: other members cannot reach it by that; ` +
        'set QUORATE_RAFT_ADVERTISE_ADDRESS to host:port as others see it',
    );
  }
  return config;
}

/** What must hold between settings. A setting that was refused is undefined here and its relations are not judged. */
function checkRelations(config: Partial<Config>, errors: string[]): void {
  const { heartbeatIntervalMs, electionTimeoutMs, raftTimeoutMs, keyBytesMax, valueBytesMax, bodyBytesMax } = config;
  if (heartbeatIntervalMs !== undefined && electionTimeoutMs !== undefined) {
    const leastMs = heartbeatIntervalMs * HEARTBEATS_PER_ELECTION_MIN;
    if (electionTimeoutMs < leastMs) {
      errors.push(
        `QUORATE_ELECTION_TIMEOUT ${formatDurationMs(electionTimeoutMs)} is too short: at least ` +
          `${HEARTBEATS_PER_ELECTION_MIN} times QUORATE_HEARTBEAT_INTERVAL, that is ${formatDurationMs(leastMs)}`,
      );
    }
  }
  if (heartbeatIntervalMs !== undefined && raftTimeoutMs !== undefined && raftTimeoutMs < heartbeatIntervalMs) {
    errors.push(
      `SERVICE_RAFT_TIMEOUT ${formatDurationMs(raftTimeoutMs)} is too short: at least QUORATE_HEARTBEAT_INTERVAL, ` +
        `that is ${formatDurationMs(heartbeatIntervalMs)}`,
    );
  }
  if (keyBytesMax !== undefined && valueBytesMax !== undefined && bodyBytesMax !== undefined) {
    const least = JSON_BYTES_PER_BYTE_MAX * (keyBytesMax + valueBytesMax) + BODY_OVERHEAD_BYTES;
    if (bodyBytesMax < least) {
      errors.push(
        `QUORATE_HTTP_BODY_MAX_BYTES ${bodyBytesMax} is too small: the longest key and value that SERVICE_KEY_MAX_LEN and ` +
          `SERVICE_VAL_MAX_LEN allow can take ${least} bytes as JSON`,
      );
    }
  }
  if (config.debug === true) return;
  if (config.raftAddress !== undefined && config.raftAddress === config.serverAddress) {
    errors.push(`SERVICE_RAFT_ADDR and SERVER_ADDRESS are both ${config.raftAddress}: they need a port each`);
  }
}
