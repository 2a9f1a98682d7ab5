/** host:port as the seed (and Go) writes it: `localhost:8888`, `10.0.0.1:8888`, `[::1]:8888`; `:8888` is every interface. */

export interface Address {
  /** '' is every interface. IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^\s:/@[\]]*)):(\d{1,5})$/;
const PORT_MAX = 65_535;

export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port > PORT_MAX ? undefined : { host: match[1] ?? match[2] ?? '', port };
}

export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True for "every interface": good to listen on, useless to tell to others. */
export function isUnspecified(address: Address): boolean {
  return address.host === '' || address.host === '0.0.0.0' || /^[0:]+$/.test(address.host);
}
