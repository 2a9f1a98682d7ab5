/**
 * URLs of members, as etcd names them: `http://host:port`. What is dialled is host:port of the first one.
 */

const PEER_URL = /^http:\/\/((?:\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\s:/@[\]?#]+):(\d{1,5}))\/?$/;
const PORT_MAX = 65_535;
/** Most URLs of one member: far more than any machine has addresses. */
export const URLS_MAX = 64;
export const URL_CHARS_MAX = 280;

/** host:port of a URL that a member can be dialled at; undefined if it is none. */
export function dialAddress(url: string): string | undefined {
  const match = url.length > URL_CHARS_MAX ? null : PEER_URL.exec(url);
  const port = Number(match?.[2]);
  return port >= 1 && port <= PORT_MAX ? match?.[1] : undefined;
}

/** The URLs of a member that is known by its address. */
export function urlsOf(address: string): readonly string[] {
  return address === '' ? [] : [`http://${address}`];
}

/** In the order that everybody agrees on; undefined if one of them is none, or there is none, or one twice. */
export function orderedPeerUrls(urls: readonly string[]): readonly string[] | undefined {
  const sound = urls.length > 0 && urls.length <= URLS_MAX && new Set(urls).size === urls.length;
  if (!sound || urls.some((url) => dialAddress(url) === undefined)) return undefined;
  return urls.toSorted((a, b) => (a < b ? -1 : 1));
}
