/** Which Quorate this is, and which etcd it stands in for. */
import { readFileSync } from 'node:fs';

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return version;
}

export const QUORATE_VERSION: string = packageVersion();
/** The etcd whose contract the calls under its names follow. */
export const ETCD_VERSION = '3.7.1';
/** The version that all members of a cluster agree on, and that of the stored data: etcd's minor version without its patches. */
export const ETCD_CLUSTER_VERSION = '3.7.0';

/** The body of `/version`: etcd's three fields, which its clients read, and our own. */
export const VERSION_BODY: Readonly<Record<string, string>> = {
  etcdserver: ETCD_VERSION,
  etcdcluster: ETCD_CLUSTER_VERSION,
  storage: ETCD_CLUSTER_VERSION,
  quorate: QUORATE_VERSION,
};
