/**
 * The composition of a server: HTTP interface, member, metrics. HTTP listens first, so that probes are answered (`/livez` yes,
 * `/readyz` not yet) while the member reads its log or looks for its cluster.
 *
 * Stopping, within SERVER_SHUTDOWN_TIMEOUT: `/readyz` fails and nothing new is accepted; requests under way are finished while this
 * member still serves them; then it hands leadership over and stops. Requests that cannot be finished (no quorum) get at most half of the
 * time; they are answered when the member stops.
 */
import type { JoinRequest, JoinResult, Member } from '@quorate/replica';
import { type Address, formatAddress } from './config/address.js';
import type { Config } from './config/settings.js';
import { ETCD_DEFAULTS } from './etcd/backend.js';
import { EtcdEndpoint } from './etcd/endpoint.js';
import type { EtcdPlace, PlaceOptions } from './etcd-place.js';
import { HttpApi } from './http/api.js';
import { HttpServer, type HttpServerOptions } from './http/server.js';
import { joinCluster } from './join.js';
import type { Log } from './log.js';
import { Metrics } from './metrics.js';
import { VERSION_BODY } from './version.js';

export interface OpenMemberOptions {
  readonly dir: string;
  readonly name: string;
  readonly peer: { readonly listen: string; readonly advertise: string; readonly alsoListen?: readonly string[] };
  /** host:port of the HTTP interface, as told to others. */
  readonly clientAddress: string;
  /** For an empty folder only: this member may found a cluster. With `join`: only if that resolves with undefined. */
  readonly found: boolean;
  /** For an empty folder only. Undefined: no addresses to ask. Resolves with undefined (only with `found`): there is no cluster. */
  readonly join: ((request: JoinRequest) => Promise<JoinResult | undefined>) | undefined;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotLogBytesMin: number;
  readonly segmentBytes: number;
  readonly awaitDisk: 'brief' | 'never';
  /** A write without an answer after so long ends as outcome unknown. */
  readonly requestTimeoutMs: number;
  readonly log: Log;
  /** Gets what this server's own callbacks have thrown. */
  readonly onFault: (error: unknown) => void;
  /** Aborted when the server is stopped before the member is open. */
  readonly signal: AbortSignal;
  /** Of a server in etcd's place. */
  readonly place?: PlaceOptions;
}

export type OpenMember = (options: OpenMemberOptions) => Promise<Member>;
/** A member without Raft and without a folder: the map alone (SERVICE_DEBUG). */
export type OpenStandalone = (
  options: { readonly name: string; readonly clientAddress: string } & Pick<OpenMemberOptions, 'onFault'>,
) => Promise<Member>;

/** What a server is made of besides its configuration. */
export interface ServerModules {
  readonly openMember: OpenMember;
  readonly openStandalone: OpenStandalone;
  readonly log: Log;
  /** Stops the start: the promise of startServer rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RunningServer {
  /** host:port of the HTTP interface, with the port taken. */
  readonly address: string;
  readonly member: Member;
  /** Settles when the server has stopped: with undefined after close(), with an error if the member stopped itself. Never rejects. */
  readonly stopped: Promise<Error | undefined>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/** Resolves when the member is open (it may not be ready yet: see Member.ready). `place`: what it has as a server in etcd's place. */
export async function startServer(config: Config, modules: ServerModules, place?: EtcdPlace): Promise<RunningServer> {
  const { log } = modules;
  let member: Member | undefined;
  const metrics = new Metrics(() => member);
  const onFault = (error: unknown): void => log.error({ err: error }, 'fault while answering a request');
  const api = new HttpApi(undefined, { limits: config, version: VERSION_BODY, metrics, onFault });
  metrics.addHealth(api.health);
  const settings = { ...ETCD_DEFAULTS, ...place?.settings, electionMs: config.electionTimeoutMs };
  const observe: HttpServerOptions['observe'] = (method, path, status, seconds) =>
    metrics.requests.observe(method, path, status, seconds);
  const etcd = new EtcdEndpoint({
    settings,
    connectionsMax: config.connectionsMax,
    callsMax: config.requestsMax,
    receiveTimeoutMs: config.requestTimeoutMs,
    observe,
    onFault,
  });
  metrics.addCalls(etcd);
  const http = new HttpServer(api, {
    bodyBytesMax: config.bodyBytesMax,
    requestTimeoutMs: config.requestTimeoutMs,
    writeTimeoutMs: config.raftTimeoutMs,
    requestsMax: config.requestsMax,
    connectionsMax: config.connectionsMax,
    http2: (socket, head) => etcd.accept(socket, head),
    gateway: (incoming, outgoing) => etcd.gateway.handle(incoming, outgoing),
    observe,
    onFault,
  });
  const taken = await named(
    http.listen(config.serverAddress),
    place === undefined ? 'SERVER_ADDRESS' : '--listen-client-urls',
    config.serverAddress,
  );
  log.info({ address: formatAddress(taken) }, 'listening');
  try {
    for (const address of place?.clientAddresses ?? []) {
      await named(http.listen(address), '--listen-client-urls', address);
    }
    for (const address of place?.metricsAddresses ?? []) {
      await named(http.listen(address, isForOperators), '--listen-metrics-urls', address);
    }
    member = await openMember(config, { ...modules, onFault }, taken, api, place);
  } catch (error) {
    await closeHttp(http, 0);
    throw error;
  }
  api.attach(member);
  etcd.attach(member);
  announceReady(member, log);
  return new Server(config, log, { api, http, etcd }, member, formatAddress(taken));
}

const UNKNOWN_HOST =
  'this host is not known here: give a name or an address of this machine, or 0.0.0.0 for every interface';
const LISTEN_ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there already: stop that one, or take another port',
  EADDRNOTAVAIL: 'this machine does not have that address: give one that it has, or 0.0.0.0 for every interface',
  EACCES: 'permission denied: take a port from 1024, or allow this process the lower ones',
  ENOTFOUND: UNKNOWN_HOST,
  EAI_AGAIN: UNKNOWN_HOST,
};

/** Rejects with an error that names the setting, the address and what to do about it. */
async function named(listening: Promise<Address>, setting: string, address: string): Promise<Address> {
  try {
    return await listening;
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new Error(`${setting}: cannot listen on ${address}: ${LISTEN_ADVICE[code] ?? message}`, { cause });
  }
}

/** The paths of an interface that is for health and metrics only, as etcd's --listen-metrics-urls. */
function isForOperators(path: string): boolean {
  return /^\/(?:metrics|health|livez|readyz)(?:[/?]|$)/.test(path);
}

async function openMember(
  config: Config,
  modules: ServerModules & Pick<OpenMemberOptions, 'onFault'>,
  taken: Address,
  api: HttpApi,
  place: EtcdPlace | undefined,
): Promise<Member> {
  const { log, onFault } = modules;
  const signal = modules.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const clientAddress = config.advertiseAddress === '' ? formatAddress(taken) : config.advertiseAddress;
  if (config.debug) {
    log.warn('SERVICE_DEBUG: running without Raft; everything is forgotten when this process ends');
    return modules.openStandalone({ name: config.raftNodeId ?? 'debug', clientAddress, onFault });
  }
  const { raftStoreDir, raftNodeId, raftAddress, raftAdvertiseAddress, raftJoinAddresses: addresses } = config;
  if (raftStoreDir === undefined || raftNodeId === undefined || raftAddress === undefined) {
    throw new Error('a configuration without Raft needs SERVICE_DEBUG');
  }
  const found = config.raftLeader === true;
  const join = (request: JoinRequest): Promise<JoinResult | undefined> => {
    api.enterNoCluster();
    return joinCluster(request, { addresses, found, timeoutMs: config.raftTimeoutMs, log, signal });
  };
  return modules.openMember({
    dir: raftStoreDir,
    name: raftNodeId,
    peer: {
      listen: raftAddress,
      advertise: raftAdvertiseAddress ?? raftAddress,
      ...(place === undefined ? {} : { alsoListen: place.peerAddresses }),
    },
    clientAddress,
    found,
    join: addresses.length > 0 ? join : undefined,
    heartbeatMs: config.heartbeatIntervalMs,
    electionMs: config.electionTimeoutMs,
    snapshotLogBytesMin: config.snapshotLogBytesMin,
    segmentBytes: config.segmentBytes,
    awaitDisk: config.awaitDisk,
    requestTimeoutMs: config.raftTimeoutMs,
    log,
    onFault,
    signal,
    ...(place === undefined ? {} : { place: place.member }),
  });
}

function announceReady(member: Member, log: Log): void {
  const startedAtMs = performance.now();
  member.ready().then(
    () => {
      const { id, role, leaderId } = member.cluster.status();
      log.info({ id, role, leaderId, afterMs: Math.round(performance.now() - startedAtMs) }, 'ready');
    },
    (error: unknown) => log.debug({ err: error }, 'stopped before it was ready'),
  );
}

/** How long answers announce the end of their connections before idle ones are closed. */
const LINGER_MS = 100;

/** What clients talk to. */
interface Interfaces {
  readonly api: HttpApi;
  readonly http: HttpServer;
  readonly etcd: EtcdEndpoint;
}

class Server implements RunningServer {
  readonly address: string;
  readonly member: Member;
  readonly stopped: Promise<Error | undefined>;
  readonly #config: Config;
  readonly #log: Log;
  readonly #interfaces: Interfaces;
  #closing: Promise<void> | undefined;

  constructor(config: Config, log: Log, interfaces: Interfaces, member: Member, address: string) {
    this.#config = config;
    this.#log = log;
    this.#interfaces = interfaces;
    this.member = member;
    this.address = address;
    this.stopped = this.#settle();
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  /** The member's end is the server's end, whoever began it. */
  async #settle(): Promise<Error | undefined> {
    const error = await this.member.stopped;
    if (error !== undefined) this.#log.error({ err: error }, 'the member stopped itself');
    await this.close();
    return error;
  }

  async #stop(): Promise<void> {
    const startedAtMs = performance.now();
    const timeoutMs = this.#config.shutdownTimeoutMs;
    const leftMs = (): number => Math.max(0, timeoutMs - (performance.now() - startedAtMs));
    const { api, http, etcd } = this.#interfaces;
    api.beginStop();
    // HTTP/2 connections are the listener's too: it is closed when they are.
    const etcdClosed = etcd.close(timeoutMs / 2);
    const drained = Promise.all([http.drain(Math.min(LINGER_MS, timeoutMs / 4)), etcdClosed]).then(() => {});
    await within(drained, timeoutMs / 2);
    await this.member.close({ timeoutMs: leftMs() });
    const clean = await within(drained, leftMs());
    if (!clean) {
      this.#log.warn({ timeoutMs }, 'SERVER_SHUTDOWN_TIMEOUT is over: closing the connections that are left');
      http.destroyConnections();
      await drained;
    }
    this.#log.info({ tookMs: Math.round(performance.now() - startedAtMs) }, 'stopped');
  }
}

async function closeHttp(http: HttpServer, graceMs: number): Promise<void> {
  const drained = http.drain();
  if (await within(drained, graceMs)) return;
  http.destroyConnections();
  await drained;
}

/** Whether the promise settled in that time. */
async function within(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const settled = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return settled;
}
