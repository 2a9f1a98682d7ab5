/** Real servers for the tests: etcd and Quorate, both started with etcd's flags. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, waitUntil } from '@quorate/replica/testing';
import { Client } from '../src/index.js';

export type Kind = 'etcd' | 'quorate';

const QUORATE_ETCD = fileURLToPath(new URL('../../../server/dist/src/etcd-bin.js', import.meta.url));

const hasEtcd = spawnSync('etcd', ['--version']).status === 0;

/** Why tests against etcd cannot run here. Where CI is set they run nevertheless, and fail. */
export const etcdSkip: string | false =
  hasEtcd || process.env['CI'] === 'true' ? false : 'etcd is not installed (tools/install-test-tools.sh)';

/** For node:test's `skip`. */
export function skipOf(kind: Kind): string | false {
  return kind === 'etcd' ? etcdSkip : false;
}

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  process: ChildProcess | undefined;
}

export interface ServersOptions {
  readonly members?: number;
  readonly flags?: readonly string[];
  /** How clients reach it. Default http. */
  readonly scheme?: 'http' | 'https';
}

export class Servers {
  readonly endpoints: readonly string[];
  readonly #kind: Kind;
  readonly #members: readonly Member[];
  readonly #options: ServersOptions;
  readonly #folder: string = mkdtempSync(path.join(tmpdir(), 'quorate-client-'));
  #said = '';

  private constructor(kind: Kind, members: readonly Member[], options: ServersOptions) {
    this.#kind = kind;
    this.#members = members;
    this.#options = options;
    const scheme = options.scheme === 'https' ? 'https://' : '';
    this.endpoints = members.map(({ clientPort }) => `${scheme}127.0.0.1:${clientPort}`);
  }

  /** Starts them and waits until they answer. Stop them after the test. */
  static async start(kind: Kind, options: ServersOptions = {}): Promise<Servers> {
    const { members: count = 1 } = options;
    const ports = await freePorts(count * 2);
    const members = Array.from({ length: count }, (_, index) => ({
      name: `m${index}`,
      clientPort: ports[index * 2] as number,
      peerPort: ports[index * 2 + 1] as number,
      process: undefined,
    }));
    const servers = new Servers(kind, members, options);
    for (const index of members.keys()) servers.run(index);
    try {
      await servers.#answering();
    } catch (error) {
      await servers.stop();
      throw error;
    }
    return servers;
  }

  run(index: number): void {
    const { scheme = 'http', flags = [] } = this.#options;
    const member = this.#members[index] as Member;
    const client = `${scheme}://127.0.0.1:${member.clientPort}`;
    const peer = `http://127.0.0.1:${member.peerPort}`;
    const list = this.#members.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(',');
    const settings: readonly (readonly [flag: string, value: string])[] = [
      ['--name', member.name],
      ['--data-dir', path.join(this.#folder, member.name)],
      ['--initial-cluster', list],
      ['--listen-client-urls', client],
      ['--advertise-client-urls', client],
      ['--listen-peer-urls', peer],
      ['--initial-advertise-peer-urls', peer],
    ];
    const words = [...settings.flat(), ...flags];
    const [command, args] = this.#kind === 'etcd' ? ['etcd', words] : [process.execPath, [QUORATE_ETCD, ...words]];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#said = `${this.#said}${chunk.toString()}`.slice(-10_000);
      });
    }
    child.once('error', (error) => {
      this.#said += String(error);
    });
    member.process = child;
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#members[index]?.process?.kill(signal);
  }

  /** As a crash would: no goodbye. */
  async kill(index: number): Promise<void> {
    const child = this.#members[index]?.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((index) => this.kill(index)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answering(): Promise<void> {
    for (const endpoint of this.endpoints) {
      const client = new Client({ endpoints: [endpoint], tls: { rejectUnauthorized: false } });
      try {
        await waitUntil(
          () => client.kv.get('is anybody there', { deadlineMs: 1000 }).then(() => true),
          `${endpoint} answers`,
          {
            evidence: () => this.#said,
          },
        );
      } finally {
        await client.close();
      }
    }
  }
}
