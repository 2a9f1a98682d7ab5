/** URLs as etcd's flags hold them: lists of `http://host:port`, separated by commas. */
import { type Address, formatAddress, parseAddress } from '../config/address.js';

export interface Url {
  /** As given, without a slash at its end. */
  readonly text: string;
  /** host:port. */
  readonly address: string;
}

/** The URLs in alphabetical order, as etcd keeps them, each once; or what is wrong with them. */
export function parseUrls(list: string): readonly Url[] | string {
  const urls: Url[] = [];
  for (const text of new Set(list.split(',').map((part) => part.trim().replace(/\/$/, '')))) {
    const url = parseUrl(text);
    if (typeof url === 'string') return url;
    urls.push(url);
  }
  return urls.toSorted((a, b) => (a.text < b.text ? -1 : 1));
}

function parseUrl(text: string): Url | string {
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === 'https') return `${text}: there is no TLS yet, and it must not seem so: http://host:port is supported`;
  if (scheme === 'unix' || scheme === 'unixs') return `${text}: unix sockets are not supported, http://host:port is`;
  if (scheme !== 'http') return `${JSON.stringify(text)} is no URL of the form http://host:port`;
  const address = parseAddress(rest);
  if (address === undefined || address.host === '') return `URL address does not have the form "host:port": ${text}`;
  return { text, address: formatAddress(address) };
}

/** etcd binds to addresses only; a name may mean another one tomorrow. */
export function bindProblem({ text, address }: Url): string | undefined {
  const { host } = parseAddress(address) as Address;
  const isIp = /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(':');
  return isIp || host === 'localhost' ? undefined : `expected IP in URL for binding (${text})`;
}

export interface ListedMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** `a=http://x:1,b=http://y:1,b=http://z:1`: a name once for each of its URLs. */
export function parseInitialCluster(list: string): readonly ListedMember[] | string {
  const byName = new Map<string, string[]>();
  for (const part of list.split(',')) {
    const [, name = '', url = ''] = /^\s*([^=]+)=(.+)$/.exec(part) ?? [];
    if (name === '') return `--initial-cluster: ${JSON.stringify(part)} is not of the form name=http://host:port`;
    const urls = parseUrls(url);
    if (typeof urls === 'string') return `--initial-cluster: ${urls}`;
    byName.set(name, [...(byName.get(name) ?? []), ...urls.map(({ text }) => text)]);
  }
  return [...byName].map(([name, peerUrls]) => ({ name, peerUrls: [...new Set(peerUrls)].toSorted() }));
}
