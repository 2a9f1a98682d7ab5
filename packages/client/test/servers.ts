/** Real servers for the tests: etcd and Quorate, both started with etcd's flags. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EtcdServers, type EtcdServersOptions } from '@quorate/replica/testing';

export type Kind = 'etcd' | 'quorate';

export type Servers = EtcdServers;

const COMMANDS: Readonly<Record<Kind, readonly string[]>> = {
  etcd: ['etcd'],
  quorate: [process.execPath, fileURLToPath(new URL('../../../server/dist/src/etcd-bin.js', import.meta.url))],
};

const hasEtcd = spawnSync('etcd', ['--version']).status === 0;

/** For node:test's `skip`: why tests cannot run here. Where CI is set they run nevertheless, and fail. */
export function skipOf(kind: Kind): string | false {
  const isMissing = kind === 'etcd' && !hasEtcd && process.env['CI'] !== 'true';
  return isMissing ? 'etcd is not installed (tools/install-test-tools.sh)' : false;
}

export function startServers(kind: Kind, options: Omit<EtcdServersOptions, 'command'> = {}): Promise<Servers> {
  return EtcdServers.start({ ...options, command: COMMANDS[kind] });
}
