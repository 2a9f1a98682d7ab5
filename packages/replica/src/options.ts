/** How a member is opened: every setting with its unit, default and what it is good for. */
import { inspect } from 'node:util';
import { parseAddress } from './adapters/tcp-sockets.js';
import type { JoinRequest, JoinResult } from './api.js';
import { QuorateError } from './api.js';
import { LEARNERS_MAX, SNAPSHOT_LOG_BYTES_MIN } from './replica/limits.js';
import type { Trace } from './seams/index.js';
import type { StaticCluster } from './static-cluster.js';
import { SEGMENT_BYTES_DEFAULT } from './wal/log.js';

export interface PeerOptions {
  /** host:port where this member listens for other members; port 0 takes a free one. */
  readonly listen: string;
  /** host:port under which the others reach it; default: what it listens on. */
  readonly advertise?: string;
  /** Further addresses to listen on. */
  readonly alsoListen?: readonly string[];
}

export interface OpenOptions {
  /** The data folder; made if it is not there. It belongs to this member alone and is locked while it is open. */
  readonly dir: string;
  /** The member's name, unique in its cluster. Default 'default'. A folder keeps its name. */
  readonly name?: string;
  /** Without it the member is a cluster of its own and opens no port. */
  readonly peer?: PeerOptions;
  /** host:port of the HTTP interface, for others to know. */
  readonly clientAddress?: string;
  /** As told to clients, such as `http://10.0.0.1:2379`; default: the URL of `clientAddress`. */
  readonly clientUrls?: readonly string[];
  /**
   * The static cluster that this member is one of; needs `peer` and excludes `join`. A fresh folder founds it with the others, or joins
   * it; open() resolves when it has. The cluster's directory then says under which peer URLs this member is reached, not `peer`.
   */
  readonly cluster?: StaticCluster;
  /**
   * Disaster recovery: the member in this folder becomes the only member of its cluster and keeps its data. All others are removed for
   * good; what this folder's log holds counts as committed. In a fresh folder without effect.
   */
  readonly forceNewCluster?: boolean;
  /** Most learners that may be added by their URLs; default 1. Counts at the leader. */
  readonly learnersMax?: number;
  /** Ends an open() that waits for other members. */
  readonly signal?: AbortSignal;
  /**
   * How a member with a fresh folder becomes part of a cluster: asks one of its members. Without it, or if it resolves with
   * undefined (there is no cluster yet), a fresh folder founds a cluster of its own. A folder that belongs to a cluster already
   * asks nobody.
   */
  readonly join?: (request: JoinRequest) => Promise<JoinResult | undefined>;
  /** The leader's heartbeat, in milliseconds; default 100. */
  readonly heartbeatMs?: number;
  /**
   * A follower that heard nothing for a random time between this and twice this stands for election. In milliseconds;
   * default 500. At least 5 heartbeats, or a single lost one would cost an election.
   */
  readonly electionMs?: number;
  /** A request without an answer after so long ends; default 20,000 milliseconds. */
  readonly requestTimeoutMs?: number;
  /**
   * `safe` (default) asks a quorum for each batch of reads. `lease` trusts the leader's lease, which is right only while the
   * clocks of all members advance at nearly the same rate.
   */
  readonly reads?: 'safe' | 'lease';
  /** Election priority from 0 (never stands by itself) to 255; default 100. */
  readonly priority?: number;
  /**
   * Writes that add are refused as `no-space` when keys, values and history need so many bytes of memory. Default (also for 0) 2 GiB;
   * negative: never. Deletes, compactions, renewed and revoked leases always pass, and the rest does again once a tenth of it is free.
   */
  readonly quotaBytes?: number;
  /**
   * What is kept of the past by itself: `periodic` (default) for `historyRetentionMs`, `revision` the last `historyRetentionRevisions`, `off`
   * everything; each within `historyBytesMax`. What a watch that is behind needs is kept too, within four times that.
   */
  readonly historyMode?: 'periodic' | 'revision' | 'off';
  /** In milliseconds; default 3,600,000 (one hour): longer than a Kubernetes API server goes back, which compacts by itself each 5 minutes. */
  readonly historyRetentionMs?: number;
  /** Default 1,000. */
  readonly historyRetentionRevisions?: number;
  /** Versions kept for reading the past take at most so many bytes of memory, in any mode; default 64 MiB. */
  readonly historyBytesMax?: number;
  /** The log grows to at least so many bytes before a snapshot is taken; default 32 MiB. */
  readonly snapshotLogBytesMin?: number;
  /** Snapshots are sent to other members at most this fast; default 128 MiB per second. */
  readonly snapshotBytesPerSecondMax?: number;
  /** Size of one file of the log; default 64 MiB. */
  readonly segmentBytes?: number;
  /**
   * `brief` (default): while one request at most is under way and writes to the disk take less than half a millisecond, this thread does a
   * short write of the log itself, which takes less time than to leave it to another thread. A disk that then hangs holds this thread up
   * until it is back. `never`: all writes are left to other threads.
   */
  readonly awaitDisk?: 'brief' | 'never';
  /** Gets every event that an operator may want to know of. */
  readonly trace?: Trace;
  /**
   * Gets what a callback that was handed to `member.door` has thrown. The member goes on; whoever that callback spoke for may not have been
   * answered. By default it is thrown again outside of the member, as an uncaught exception: a bug must show.
   */
  readonly onFault?: (error: unknown) => void;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
/** etcd's (contract 38). */
const QUOTA_BYTES_DEFAULT = 2 * GiB;
const HOUR_MS = 3_600_000;

/** How finely time is cut for the core, at least: elections are spread over so many steps of the election time. */
const TICKS_PER_HEARTBEAT_MIN = 5;

/** The settings in force, complete and checked. */
export interface MemberSettings {
  readonly name: string;
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  readonly requestTimeoutTicks: number;
  readonly reads: 'safe' | 'lease';
  readonly priority: number;
  readonly quotaBytes: number;
  readonly historyMode: 'periodic' | 'revision' | 'off';
  readonly historyRetentionMs: number;
  readonly historyRetentionRevisions: number;
  readonly historyBytesMax: number;
  readonly snapshotLogBytesMin: number;
  readonly snapshotBytesPerSecondMax: number;
  readonly segmentBytes: number;
  readonly learnersMax: number;
  readonly awaitDisk: 'brief' | 'never';
}

/** Throws a QuorateError `invalid-argument` that names the setting, its value and what is allowed. */
export function settle(options: OpenOptions): MemberSettings {
  checkKinds(options);
  const heartbeatMs = integer('heartbeatMs', options.heartbeatMs ?? 100, TICKS_PER_HEARTBEAT_MIN, 60_000);
  const electionMs = integer('electionMs', options.electionMs ?? 500, 5 * heartbeatMs, 600_000);
  // Whole milliseconds: timers drop fractions, and all that is counted in ticks would be early.
  const tickMs = Math.floor(heartbeatMs / TICKS_PER_HEARTBEAT_MIN);
  const requestTimeoutMs = integer('requestTimeoutMs', options.requestTimeoutMs ?? 20_000, tickMs, 3_600_000);
  const name = options.name ?? 'default';
  return {
    name,
    tickMs,
    heartbeatTicks: Math.round(heartbeatMs / tickMs),
    electionTicks: Math.round(electionMs / tickMs),
    requestTimeoutTicks: Math.ceil(requestTimeoutMs / tickMs),
    reads: oneOf('reads', options.reads ?? 'safe', ['safe', 'lease']),
    priority: integer('priority', options.priority ?? 100, 0, 255),
    ...settleStore(options),
    historyBytesMax: integer('historyBytesMax', options.historyBytesMax ?? 64 * MiB, 0, Number.MAX_SAFE_INTEGER),
    snapshotLogBytesMin: integer(
      'snapshotLogBytesMin',
      options.snapshotLogBytesMin ?? SNAPSHOT_LOG_BYTES_MIN,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    snapshotBytesPerSecondMax: integer(
      'snapshotBytesPerSecondMax',
      options.snapshotBytesPerSecondMax ?? 128 * MiB,
      64 * KiB,
      Number.MAX_SAFE_INTEGER,
    ),
    learnersMax: integer('learnersMax', options.learnersMax ?? LEARNERS_MAX, 0, 1_000),
    awaitDisk: oneOf('awaitDisk', options.awaitDisk ?? 'brief', ['brief', 'never']),
    segmentBytes: integer('segmentBytes', options.segmentBytes ?? SEGMENT_BYTES_DEFAULT, 64 * KiB, 1024 * MiB),
  };
}

/** For callers without types: what is no number. */
function checkKinds(options: Partial<OpenOptions> | undefined): asserts options is OpenOptions {
  const { dir, name, peer, clientAddress, clientUrls, cluster, forceNewCluster, signal, join, trace } = options ?? {};
  check('dir', isText(dir) && !dir.includes('\0'), dir, 'the path of a folder');
  check('name', name === undefined || isText(name), name, 'a text that is not empty');
  if (peer !== undefined) checkPeer(peer);
  check('clientAddress', clientAddress === undefined || typeof clientAddress === 'string', clientAddress, 'host:port');
  check('clientUrls', clientUrls === undefined || isTexts(clientUrls), clientUrls, 'a list of URLs');
  if (cluster !== undefined) checkCluster(cluster);
  const isFlag = forceNewCluster === undefined || typeof forceNewCluster === 'boolean';
  check('forceNewCluster', isFlag, forceNewCluster, 'true or false');
  check('signal', signal === undefined || signal instanceof AbortSignal, signal, 'an AbortSignal');
  check('join', join === undefined || typeof join === 'function', join, 'a function');
  check('trace', trace === undefined || typeof trace?.event === 'function', trace, 'an object with a function event');
}

function checkPeer(peer: Partial<PeerOptions>): void {
  check('peer', isObject(peer), peer, "an object with listen: 'host:port'");
  const { listen, advertise, alsoListen = [] } = peer;
  checkAddress('peer.listen', listen, 0);
  if (advertise !== undefined) checkAddress('peer.advertise', advertise, 1);
  check('peer.alsoListen', Array.isArray(alsoListen), alsoListen, 'a list of host:port');
  for (const address of alsoListen) checkAddress('peer.alsoListen', address, 1);
}

function checkAddress(name: string, address: unknown, portMin: 0 | 1): void {
  const allowed = `host:port or [IPv6 address]:port with a port from ${portMin} to 65535`;
  check(name, typeof address === 'string', address, allowed);
  try {
    parseAddress(portMin === 0 ? address.replace(/:0$/, ':1') : address);
  } catch {
    throw invalid(name, address, allowed);
  }
}

/** Its URLs are checked where its ids are made of them. */
function checkCluster(cluster: Partial<StaticCluster>): void {
  check('cluster', isObject(cluster), cluster, 'an object with token, members and state');
  const { token, members, state } = cluster;
  check('cluster.token', typeof token === 'string', token, 'a text');
  check('cluster.state', state === 'new' || state === 'existing', state, 'new or existing');
  const isList = Array.isArray(members) && members.every((one) => isText(one?.name) && isTexts(one.peerUrls));
  check('cluster.members', isList, members, 'a list of { name, peerUrls }');
}

function check(name: string, isAllowed: boolean, value: unknown, allowed: string): asserts isAllowed {
  if (!isAllowed) throw invalid(name, value, allowed);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

type StoreSettings = Pick<
  MemberSettings,
  'quotaBytes' | 'historyMode' | 'historyRetentionMs' | 'historyRetentionRevisions'
>;

function settleStore(options: OpenOptions): StoreSettings {
  const max = Number.MAX_SAFE_INTEGER;
  const quotaBytes = integer('quotaBytes', options.quotaBytes ?? 0, -max, max);
  return {
    quotaBytes: quotaBytes === 0 ? QUOTA_BYTES_DEFAULT : quotaBytes,
    historyMode: oneOf('historyMode', options.historyMode ?? 'periodic', ['periodic', 'revision', 'off']),
    historyRetentionMs: integer('historyRetentionMs', options.historyRetentionMs ?? HOUR_MS, 1, max),
    historyRetentionRevisions: integer('historyRetentionRevisions', options.historyRetentionRevisions ?? 1_000, 0, max),
  };
}

function integer(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(name, value, `an integer from ${min} to ${max}`);
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw invalid(name, value, allowed.join(' or '));
}

function invalid(name: string, value: unknown, allowed: string): QuorateError {
  return new QuorateError('invalid-argument', 'invalid', `${name} is ${inspect(value)}; allowed: ${allowed}`);
}
