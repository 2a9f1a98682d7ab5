/**
 * Every setting of a server: the seed's twelve and Quorate's own. One entry is all there is to a setting: its flag, its place in
 * `--help`, `--print-config` and the errors follow from it.
 */
import { address, addressList, boolean, choice, duration, integer, type Kind, text } from './kinds.js';

export interface Setting<T> {
  /** Name of the environment variable. The flag is the same in lower case with dashes. */
  readonly name: string;
  readonly kind: Kind<T>;
  /** Undefined: none; see `required`. */
  readonly default: T | undefined;
  /** `raft`: required unless SERVICE_DEBUG runs the server without Raft. */
  readonly required: 'always' | 'raft' | 'no';
  /** One line for help and the manual. */
  readonly doc: string;
  /** Never printed. */
  readonly secret: boolean;
}

interface Extras<T> {
  readonly default?: T;
  readonly required?: 'always' | 'raft';
  readonly secret?: boolean;
}

function setting<T>(name: string, kind: Kind<T>, doc: string, extras: Extras<T> = {}): Setting<T> {
  const { required = 'no', secret = false } = extras;
  return { name, kind, default: extras.default, required, doc, secret };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MEBIBYTE = 1024 * 1024;

/** Longest key and value that any setting may allow: what fits one request at the highest QUORATE_HTTP_BODY_MAX_BYTES. */
export const KEY_BYTES_CEILING: number = 64 * 1024;
export const VALUE_BYTES_CEILING: number = 8 * MEBIBYTE;
/** Worst case of JSON: one byte of a key or value written as `\u0000`. */
export const JSON_BYTES_PER_BYTE_MAX = 6;

/** The values of all settings, checked. `advertiseAddress` is '' where it follows the port that a SERVER_ADDRESS with port 0 gets. */
export interface Config {
  readonly serverAddress: string;
  readonly shutdownTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly keysMax: number;
  /** The five of Raft are undefined only where SERVICE_DEBUG runs without Raft. */
  readonly raftLeader: boolean | undefined;
  readonly raftStoreDir: string | undefined;
  readonly raftAddress: string | undefined;
  readonly raftNodeId: string | undefined;
  readonly raftAdvertiseAddress: string | undefined;
  readonly raftJoinAddresses: readonly string[];
  readonly raftTimeoutMs: number;
  readonly debug: boolean;
  readonly advertiseAddress: string;
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly snapshotLogBytesMin: number;
  readonly segmentBytes: number;
  readonly awaitDisk: 'brief' | 'never';
  readonly bodyBytesMax: number;
  readonly requestsMax: number;
  readonly connectionsMax: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
export type LogFormat = 'json' | 'text';

export type SettingKey = keyof Config;

export const settings: { readonly [K in SettingKey]: Setting<NonNullable<Config[K]>> } = {
  serverAddress: setting('SERVER_ADDRESS', address(0), 'host:port of the HTTP interface; port 0 takes a free one', {
    required: 'always',
  }),
  shutdownTimeoutMs: setting(
    'SERVER_SHUTDOWN_TIMEOUT',
    duration(0, HOUR_MS),
    'how long a graceful stop may take: leadership is handed over and requests under way are finished',
    { default: 5000 },
  ),
  requestTimeoutMs: setting(
    'ROUTER_REQUEST_TIMEOUT',
    duration(1, HOUR_MS),
    'a request that takes longer is answered with 504',
    { default: 30_000 },
  ),
  keyBytesMax: setting(
    'SERVICE_KEY_MAX_LEN',
    integer('bytes', 1, KEY_BYTES_CEILING),
    "longest key of the seed's calls, in bytes",
    {
      default: 100,
    },
  ),
  valueBytesMax: setting(
    'SERVICE_VAL_MAX_LEN',
    integer('bytes', 0, VALUE_BYTES_CEILING),
    "longest value of the seed's calls, in bytes",
    {
      default: 200,
    },
  ),
  keysMax: setting(
    'SERVICE_MAX_MAP_SIZE',
    integer('keys', 1, 1_000_000_000),
    "with so many keys in the store, whoever made them, the seed's calls create no more",
    { default: 1000 },
  ),
  raftLeader: setting(
    'SERVICE_RAFT_LEADER',
    boolean,
    'this member founds the cluster if its folder is empty (and SERVICE_RAFT_JOIN_ADDR, if given, knows of none)',
    { required: 'raft' },
  ),
  raftStoreDir: setting(
    'SERVICE_RAFT_STORE_DIR',
    text('a folder, without NUL characters', /^[^\0]+$/),
    'folder of the log and the snapshots; created if it is not there',
    { required: 'raft' },
  ),
  raftAddress: setting('SERVICE_RAFT_ADDR', address(1), 'host:port of the Raft transport', { required: 'raft' }),
  raftNodeId: setting(
    'SERVICE_RAFT_NODE_ID',
    text('1 to 128 printable characters without spaces or commas', /^[^\s,\p{Cc}]{1,128}$/u),
    "the member's name",
    { required: 'raft' },
  ),
  raftJoinAddresses: setting(
    'SERVICE_RAFT_JOIN_ADDR',
    addressList,
    'HTTP addresses of members to register with, tried in turn; used only while the folder is empty',
    { default: [] },
  ),
  raftTimeoutMs: setting('SERVICE_RAFT_TIMEOUT', duration(1, HOUR_MS), 'limit for joining and for one write', {
    default: 20_000,
  }),
  debug: setting('SERVICE_DEBUG', boolean, 'run without Raft: the map alone, in memory', { default: false }),
  advertiseAddress: setting(
    'QUORATE_ADVERTISE_ADDRESS',
    address(1),
    'host:port of the HTTP interface as told to others; default: SERVER_ADDRESS',
  ),
  raftAdvertiseAddress: setting(
    'QUORATE_RAFT_ADVERTISE_ADDRESS',
    address(1),
    'host:port of the Raft transport as told to others; default: SERVICE_RAFT_ADDR',
  ),
  heartbeatIntervalMs: setting(
    'QUORATE_HEARTBEAT_INTERVAL',
    duration(10, MINUTE_MS),
    'how often a leader tells the others that it leads',
    { default: 100 },
  ),
  electionTimeoutMs: setting(
    'QUORATE_ELECTION_TIMEOUT',
    duration(50, 5 * MINUTE_MS),
    'without a word from the leader for this long (up to twice it, at random) a member stands for election',
    { default: 500 },
  ),
  snapshotLogBytesMin: setting(
    'QUORATE_SNAPSHOT_LOG_BYTES',
    integer('bytes', 1, 1024 * 1024 * MEBIBYTE),
    'the log grows to at least so many bytes before a snapshot is taken',
    { default: 32 * MEBIBYTE },
  ),
  segmentBytes: setting(
    'QUORATE_SEGMENT_BYTES',
    integer('bytes', 64 * 1024, 1024 * MEBIBYTE),
    'size of one file of the log',
    { default: 64 * MEBIBYTE },
  ),
  awaitDisk: setting(
    'QUORATE_AWAIT_DISK',
    choice('brief', 'never'),
    'brief: with little to do and a quick disk, the main thread does short writes of the log itself; never: it leaves all to others',
    { default: 'brief' },
  ),
  bodyBytesMax: setting(
    'QUORATE_HTTP_BODY_MAX_BYTES',
    integer('bytes', 1024, 64 * MEBIBYTE),
    "longest body of a request, but for etcd's calls under /v3/; a longer one is cut off with 413",
    { default: 1.5 * MEBIBYTE },
  ),
  requestsMax: setting(
    'QUORATE_HTTP_REQUESTS_MAX',
    integer('requests', 1, 1_000_000),
    'most requests for keys under way at once; one more is answered with 503',
    { default: 10_000 },
  ),
  connectionsMax: setting(
    'QUORATE_HTTP_CONNECTIONS_MAX',
    integer('connections', 1, 1_000_000),
    'most HTTP connections at once; one more is closed',
    { default: 10_000 },
  ),
  logLevel: setting(
    'QUORATE_LOG_LEVEL',
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'the least severe lines that are logged',
    { default: 'info' },
  ),
  logFormat: setting('QUORATE_LOG_FORMAT', choice('json', 'text'), 'json: a line of JSON an event; text: for people', {
    default: 'json',
  }),
};

export const settingKeys: readonly SettingKey[] = Object.keys(settings) as SettingKey[];

/** `SERVER_ADDRESS` becomes `server-address`. */
export function flagName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** Variables of the environment that other commands read: known, so that they cause no warning. */
export const OTHER_VARIABLES: readonly string[] = ['QUORATE_ENDPOINTS'];
