/**
 * What the values of etcd's flags come to: the configuration of a server, and what it has besides as one in etcd's place. All errors
 * are found in one pass, with etcd's words where it has some.
 */
import { parseAddress } from '../config/address.js';
import { formatDurationMs, parseDurationMs } from '../config/duration.js';
import { boolean } from '../config/kinds.js';
import { type Config, KEY_BYTES_CEILING, type LogLevel, settings, VALUE_BYTES_CEILING } from '../config/settings.js';
import { ETCD_DEFAULTS, TXN_OPERATIONS_CEILING } from '../etcd/backend.js';
import type { EtcdPlace, PlaceOptions } from '../etcd-place.js';
import type { FlagValues } from './arguments.js';
import { etcdFlags, flagsByName } from './flags.js';
import { bindProblem, type ListedMember, parseInitialCluster, parseUrls, type Url } from './urls.js';

export type Plan =
  | { readonly ok: true; readonly config: Config; readonly place: EtcdPlace; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[]; readonly warnings: readonly string[] };

const BYTES_PER_ENTRY = 1024;
const ELECTION_MAX_MS = 50_000;
const HEARTBEAT_MIN_MS = 10;
const HOUR_MS = 3_600_000;
const REQUEST_MS = 5_000;

const LOG_LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ['debug', 'debug'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['dpanic', 'fatal'],
  ['panic', 'fatal'],
  ['fatal', 'fatal'],
]);

/** `hasData`: whether the folder belongs to a member already; how it came to its cluster does not matter any more then. */
export function planServer(values: FlagValues, hasData: (dir: string) => boolean): Plan {
  const reader = new Reader(values);
  judgeStandings(reader);
  const name = reader.text('name');
  const dir = reader.text('data-dir') === '' ? `${name}.etcd` : reader.text('data-dir');
  const places = readPlaces(reader);
  const cluster = readCluster(reader, name, places.advertisedPeers, hasData(dir));
  const times = readTimes(reader);
  const member: PlaceOptions = {
    clientUrls: places.advertisedClients.map(({ text }) => text),
    cluster,
    forceNewCluster: reader.boolean('force-new-cluster'),
    learnersMax: reader.number(values.has('max-learners') ? 'max-learners' : 'experimental-max-learners'),
    quotaBytes: reader.number('quota-backend-bytes'),
    ...readRetention(reader),
  };
  if (member.forceNewCluster === true) {
    reader.warnings.push(
      '--force-new-cluster: all other members are removed for good; remove the flag before the next start',
    );
  }
  const limits = readLimits(reader);
  const level = LOG_LEVELS.get(reader.text('log-level'));
  if (level === undefined) reader.errors.push(`unrecognized log level ${JSON.stringify(reader.text('log-level'))}`);
  const format = reader.text('log-format');
  if (format !== 'json' && format !== 'console') reader.errors.push(`unknown log format ${JSON.stringify(format)}`);
  const { errors, warnings } = reader;
  const [client, ...moreClients] = places.clients;
  const [peer, ...morePeers] = places.peers;
  if (errors.length > 0 || client === undefined || peer === undefined) return { ok: false, errors, warnings };
  const config: Config = {
    ...seedDefaults(),
    ...times,
    serverAddress: client.address,
    advertiseAddress: places.advertisedClients[0]?.address ?? '',
    raftStoreDir: dir,
    raftNodeId: name,
    raftAddress: peer.address,
    raftAdvertiseAddress: places.advertisedPeers[0]?.address ?? peer.address,
    snapshotLogBytesMin: Math.max(1, reader.number('snapshot-count')) * BYTES_PER_ENTRY,
    logLevel: level ?? 'info',
    logFormat: format === 'json' ? 'json' : 'text',
  };
  const place: EtcdPlace = {
    clientAddresses: moreClients.map(({ address }) => address),
    metricsAddresses: places.metrics.map(({ address }) => address),
    peerAddresses: morePeers.map(({ address }) => address),
    settings: limits,
    member,
  };
  return { ok: true, config, place, warnings };
}

/** A flag that has the value that it has in etcd by itself asks for nothing. */
function judgeStandings(reader: Reader): void {
  for (const { name, kind, standing, remark, default: normal } of etcdFlags) {
    const value = reader.given(name);
    if (standing === 'supported' || value === undefined || isSame(kind, value, normal)) continue;
    const shown = `--${name}=${value}`;
    if (standing === 'refused') reader.errors.push(`${shown} is refused: ${remark}`);
    else reader.warnings.push(`${shown} is ignored: ${remark}`);
  }
  if (reader.given('snapshot-count') !== undefined) {
    const entries = reader.number('snapshot-count');
    reader.warnings.push(
      `--snapshot-count=${entries}: snapshots go by bytes here; taken as ${entries * BYTES_PER_ENTRY} bytes of log, 1 KiB an entry`,
    );
  }
}

function isSame(kind: string, value: string, normal: string): boolean {
  if (value === normal || value === '') return true;
  if (kind === 'boolean') return boolean.parse(value) === boolean.parse(normal);
  if (kind === 'duration') return parseDurationMs(value) === parseDurationMs(normal);
  return false;
}

interface Places {
  readonly clients: readonly Url[];
  readonly metrics: readonly Url[];
  readonly peers: readonly Url[];
  readonly advertisedClients: readonly Url[];
  readonly advertisedPeers: readonly Url[];
}

function readPlaces(reader: Reader): Places {
  const clients = [...reader.bindUrls('listen-client-urls'), ...reader.bindUrls('listen-client-http-urls')];
  const peers = reader.bindUrls('listen-peer-urls');
  const metrics = reader.bindUrls('listen-metrics-urls');
  if (reader.given('listen-client-urls') !== undefined && reader.given('advertise-client-urls') === undefined) {
    reader.errors.push('--advertise-client-urls is required when --listen-client-urls is set explicitly');
  }
  const advertisedPeers = reader.urls('initial-advertise-peer-urls');
  const advertisedClients = reader.urls('advertise-client-urls');
  for (const { text, address } of [...advertisedPeers, ...advertisedClients]) {
    if (parseAddress(address)?.port === 0) reader.errors.push(`${text}: nobody can be told of port 0`);
  }
  return { clients, metrics, peers, advertisedClients, advertisedPeers };
}

function readCluster(
  reader: Reader,
  name: string,
  advertised: readonly Url[],
  hasData: boolean,
): NonNullable<PlaceOptions['cluster']> {
  const token = reader.text('initial-cluster-token');
  const state = reader.text('initial-cluster-state');
  if (state !== 'new' && state !== 'existing') {
    reader.errors.push(
      `invalid value ${JSON.stringify(state)} for flag -initial-cluster-state: new or existing is allowed`,
    );
  }
  const own: ListedMember = { name, peerUrls: advertised.map(({ text }) => text) };
  const list = reader.text('initial-cluster');
  const members = list === '' ? [own] : parseInitialCluster(list);
  if (typeof members === 'string') {
    reader.errors.push(members);
    return { token, members: [own], state: 'new' };
  }
  if (!hasData) {
    const problem = membershipProblem(members, own);
    if (problem !== undefined) reader.errors.push(problem);
  }
  return { token, members, state: state === 'existing' ? 'existing' : 'new' };
}

/** What etcd says before it founds or joins. */
function membershipProblem(members: readonly ListedMember[], own: ListedMember): string | undefined {
  const self = members.find(({ name }) => name === own.name);
  if (self === undefined) return `couldn't find local name "${own.name}" in the initial cluster configuration`;
  const [listed, advertised] = [self.peerUrls.join(','), own.peerUrls.join(',')];
  if (listed !== advertised) {
    return `--initial-cluster has ${own.name}=${listed} but missing from --initial-advertise-peer-urls=${advertised}`;
  }
  const all = members.flatMap(({ peerUrls }) => peerUrls);
  return new Set(all).size === all.length
    ? undefined
    : 'initial cluster has duplicate URLs: every peer URL belongs to one member';
}

function readTimes(reader: Reader): Pick<Config, 'heartbeatIntervalMs' | 'electionTimeoutMs' | 'raftTimeoutMs'> {
  const heartbeatIntervalMs = reader.number('heartbeat-interval');
  const electionTimeoutMs = reader.number('election-timeout');
  const [heartbeat, election] = [formatDurationMs(heartbeatIntervalMs), formatDurationMs(electionTimeoutMs)];
  if (heartbeatIntervalMs < HEARTBEAT_MIN_MS) {
    reader.errors.push(`--heartbeat-interval must be >=${HEARTBEAT_MIN_MS}ms (set to ${heartbeat})`);
  }
  if (5 * heartbeatIntervalMs > electionTimeoutMs) {
    reader.errors.push(
      `--election-timeout[${election}] should be at least as 5 times as --heartbeat-interval[${heartbeat}]`,
    );
  }
  if (electionTimeoutMs > ELECTION_MAX_MS) {
    reader.errors.push(`--election-timeout[${election}] is too long, and should be set less than ${ELECTION_MAX_MS}ms`);
  }
  // As in etcd (contract 15).
  return { heartbeatIntervalMs, electionTimeoutMs, raftTimeoutMs: REQUEST_MS + 2 * electionTimeoutMs };
}

type Retention = Pick<
  PlaceOptions,
  'historyMode' | 'historyRetentionMs' | 'historyRetentionRevisions' | 'historyBytesMax'
>;

/** What is said is kept to, as by etcd, as long as the quota has room for it. */
const WITHIN_QUOTA = { historyBytesMax: Number.MAX_SAFE_INTEGER } as const;

function readRetention(reader: Reader): Retention {
  const mode = reader.text('auto-compaction-mode');
  const retention = reader.text('auto-compaction-retention');
  if (mode !== 'periodic' && mode !== 'revision') {
    reader.errors.push(`unknown auto-compaction-mode ${JSON.stringify(mode)}`);
    return {};
  }
  // Quorate's own default is that compaction is on: 0 must be said to have it off.
  if (retention === '') return { historyMode: mode };
  const count = /^\d{1,12}$/.test(retention) ? Number(retention) : undefined;
  const amount = mode === 'revision' ? count : count === undefined ? parseDurationMs(retention) : count * HOUR_MS;
  if (amount === undefined || amount < 0) {
    reader.errors.push(`error parsing CompactionRetention: ${JSON.stringify(retention)}`);
    return {};
  }
  if (amount === 0) return { historyMode: 'off', ...WITHIN_QUOTA };
  return mode === 'revision'
    ? { historyMode: mode, historyRetentionRevisions: amount, ...WITHIN_QUOTA }
    : { historyMode: mode, historyRetentionMs: Math.max(1, amount), ...WITHIN_QUOTA };
}

function readLimits(reader: Reader): EtcdPlace['settings'] {
  const wanted = reader.number('max-request-bytes');
  const requestBytesMax = Math.min(wanted, ETCD_DEFAULTS.requestBytesMax);
  if (wanted > requestBytesMax) {
    reader.warnings.push(`--max-request-bytes=${wanted}: a request has at most ${requestBytesMax} bytes`);
  }
  const txnOperationsMax = reader.number('max-txn-ops');
  if (txnOperationsMax > TXN_OPERATIONS_CEILING) {
    reader.errors.push(`--max-txn-ops=${txnOperationsMax} is too large: at most ${TXN_OPERATIONS_CEILING} is allowed`);
  }
  const former = 'experimental-watch-progress-notify-interval';
  const interval = 'watch-progress-notify-interval';
  const progressIntervalMs =
    parseDurationMs(reader.text(reader.given(interval) === undefined ? former : interval)) ?? 0;
  return {
    txnOperationsMax,
    requestBytesMax,
    progressIntervalMs: progressIntervalMs > 0 ? progressIntervalMs : ETCD_DEFAULTS.progressIntervalMs,
  };
}

/** What a server of the seed's kind has and etcd has no flag for. Its calls keep working, with room for etcd's keys and values. */
function seedDefaults(): Config {
  const defaults = Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, setting.default]));
  return {
    ...(defaults as unknown as Config),
    keyBytesMax: KEY_BYTES_CEILING,
    valueBytesMax: VALUE_BYTES_CEILING,
    keysMax: 1_000_000_000,
  };
}

class Reader {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly #values: FlagValues;

  constructor(values: FlagValues) {
    this.#values = values;
  }

  given(name: string): string | undefined {
    return this.#values.get(name);
  }

  text(name: string): string {
    const flag = flagsByName.get(name);
    if (flag === undefined) throw new Error(`there is no flag ${name}`);
    const value = this.#values.get(name);
    return value === undefined || value === '' ? flag.default : value;
  }

  boolean(name: string): boolean {
    return boolean.parse(this.text(name)) === true;
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  urls(name: string): readonly Url[] {
    const list = this.text(name);
    if (list === '') return [];
    const urls = parseUrls(list);
    if (typeof urls !== 'string') return urls;
    this.errors.push(`--${name}: ${urls}`);
    return [];
  }

  /** Addresses to listen on. */
  bindUrls(name: string): readonly Url[] {
    const urls = this.urls(name);
    for (const url of urls) {
      const problem = bindProblem(url);
      if (problem !== undefined) this.errors.push(`--${name}: ${problem}`);
    }
    return urls;
  }
}
