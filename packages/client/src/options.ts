/** What a client can be told, what it takes for granted, and the bounds of both. */
import type { SecureContextOptions } from 'node:tls';
import { inspect } from 'node:util';
import { type ClientError, invalidRequest } from './errors.js';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface TlsOptions
  extends Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'minVersion' | 'maxVersion'> {
  /** Default true: a server that cannot prove who it is gets nothing. */
  readonly rejectUnauthorized?: boolean;
  /** The name that the server's certificate must have; default: the endpoint's host. */
  readonly servername?: string;
}

export interface ClientOptions {
  /** `host:port`, `http://host:port` or `https://host:port`; tried in this order, over and over. At most 64. */
  readonly endpoints: readonly string[];
  /** For endpoints with https. */
  readonly tls?: TlsOptions;
  /** Of a user of a cluster with authentication; the token is fetched and renewed by itself. */
  readonly auth?: Credentials;
  /** Time that a call has, all attempts together, unless it says otherwise. Default 10,000 ms. */
  readonly callTimeoutMs?: number;
  /** Until an endpoint counts as not reachable. Default 2,000 ms. */
  readonly connectTimeoutMs?: number;
  /** Silence after which a connection that has calls is asked whether it is there. Default 10,000 ms; etcd refuses less than 5,000. */
  readonly keepAliveMs?: number;
  /** Without an answer in that time the connection is given up. Default 5,000 ms. */
  readonly keepAliveTimeoutMs?: number;
  /** Pause after all endpoints have failed; doubled each time up to `backoffMaxMs`. Default 50 ms. */
  readonly backoffMs?: number;
  /** Default 2,000 ms. */
  readonly backoffMaxMs?: number;
  /** Calls and streams that are under way at a time; more are refused. Default 8,192. */
  readonly callsMax?: number;
  /** Most bytes of one answer. Default 256 MiB: a whole range comes in one. */
  readonly messageBytesMax?: number;
}

export type Settings = Required<Omit<ClientOptions, 'tls' | 'auth' | 'endpoints'>>;

const ENDPOINTS_MAX = 64;

const DEFAULTS: Settings = {
  callTimeoutMs: 10_000,
  connectTimeoutMs: 2_000,
  keepAliveMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  backoffMs: 50,
  backoffMaxMs: 2_000,
  callsMax: 8_192,
  messageBytesMax: 256 * 1024 * 1024,
};

/** Timers hold no more. */
export const DURATION_MAX_MS: number = 2 ** 31 - 1;

/** For callers without types: what is missing, or no number. Throws a ClientError `invalid`. */
export function checkKinds(options: Partial<ClientOptions> | undefined): asserts options is ClientOptions {
  const { endpoints, tls, auth } = options ?? {};
  const isList = Array.isArray(endpoints) && endpoints.every((endpoint) => typeof endpoint === 'string');
  if (!isList) throw wrongKind('endpoints', endpoints, "a list of host:port, such as ['127.0.0.1:2379']");
  const isTls = tls === undefined || (typeof tls === 'object' && tls !== null);
  if (!isTls) throw wrongKind('tls', tls, 'an object such as { ca }');
  const isAuth = auth === undefined || (typeof auth?.user === 'string' && typeof auth.password === 'string');
  // Not shown: part of it may be a password.
  if (!isAuth) throw invalidRequest('auth is not { user, password }, two texts');
}

function wrongKind(name: string, value: unknown, allowed: string): ClientError {
  return invalidRequest(`${name} ${value === undefined ? 'is missing' : `is ${inspect(value)}`}; allowed: ${allowed}`);
}

/** Every setting, checked. Throws a ClientError `invalid`. */
export function settingsOf(options: ClientOptions): Settings {
  const names = Object.keys(DEFAULTS) as (keyof Settings)[];
  const settings = Object.fromEntries(names.map((name) => [name, options[name] ?? DEFAULTS[name]]));
  for (const [name, value] of Object.entries(settings)) {
    if (!Number.isSafeInteger(value) || value < 1 || value > DURATION_MAX_MS) {
      throw invalidRequest(`${name}: ${inspect(value)} is not a whole number from 1 to ${DURATION_MAX_MS}`);
    }
  }
  return settings as Settings;
}

const ENDPOINT = /^(?:(https?):\/\/)?((?:\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\s:/@[\]?#]+):\d{1,5})\/?$/;

/** The origins to dial, such as `http://127.0.0.1:2379`. Throws a ClientError `invalid`. */
export function originsOf(endpoints: readonly string[]): readonly string[] {
  if (endpoints.length < 1 || endpoints.length > ENDPOINTS_MAX) {
    throw invalidRequest(`from 1 to ${ENDPOINTS_MAX} endpoints are needed, not ${endpoints.length}`);
  }
  return [...new Set(endpoints.map(originOf))];
}

/** `https` if that is what the text says. Throws a ClientError `invalid`. */
export function originOf(endpoint: string): string {
  const [, scheme = 'http', address] = ENDPOINT.exec(endpoint) ?? [];
  const port = Number(address?.split(':').at(-1));
  if (address === undefined || port < 1 || port > 65_535) {
    throw invalidRequest(`endpoint ${JSON.stringify(endpoint)} is not [http://]host:port`);
  }
  return `${scheme}://${address}`;
}
