/** Members of a cluster as processes that take etcd's flags: a real etcd's, or those of a program that stands in its place. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitUntil } from './conditions.js';
import { freePorts } from './free-ports.js';

const OUTPUT_CHARS_MAX = 10_000;
const ASK_TIMEOUT_MS = 2_000;

interface Server {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  process: ChildProcess | undefined;
}

export interface EtcdServersOptions {
  /** The program, and what comes before etcd's flags. */
  readonly command: readonly string[];
  /** Default 1. */
  readonly members?: number;
  /** Besides those that say who is where. */
  readonly flags?: readonly string[];
  /** How clients reach it. Default http. */
  readonly scheme?: 'http' | 'https';
  /** Runs before the members start, with each one's name, its folder, and the cluster's list: fills folders, say. */
  readonly prepare?: (name: string, dir: string, initialCluster: string) => Promise<void>;
}

export class EtcdServers {
  /** host:port, with the scheme if it is not http. */
  readonly endpoints: readonly string[];
  readonly #servers: readonly Server[];
  readonly #options: EtcdServersOptions;
  readonly #folder: string = mkdtempSync(path.join(tmpdir(), 'quorate-etcd-'));
  #said = '';

  private constructor(servers: readonly Server[], options: EtcdServersOptions) {
    this.#servers = servers;
    this.#options = options;
    const scheme = options.scheme === 'https' ? 'https://' : '';
    this.endpoints = servers.map(({ clientPort }) => `${scheme}127.0.0.1:${clientPort}`);
  }

  /** Starts them and waits until they are healthy. Stop them after the test. */
  static async start(options: EtcdServersOptions): Promise<EtcdServers> {
    const { members: count = 1, prepare } = options;
    const ports = await freePorts(count * 2);
    const members = Array.from({ length: count }, (_, index) => ({
      name: `m${index}`,
      clientPort: ports[index * 2] as number,
      peerPort: ports[index * 2 + 1] as number,
      process: undefined,
    }));
    const servers = new EtcdServers(members, options);
    try {
      for (const { name } of members) await prepare?.(name, servers.#dir(name), servers.#initialCluster);
      for (const index of members.keys()) servers.run(index);
      for (const endpoint of servers.endpoints) await servers.#healthy(endpoint);
    } catch (error) {
      await servers.stop();
      throw error;
    }
    return servers;
  }

  get #initialCluster(): string {
    return this.#servers.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(',');
  }

  /** Starts one that is not running, for the first time or again. */
  run(index: number): void {
    const { scheme = 'http', flags = [], command } = this.#options;
    const server = this.#servers[index] as Server;
    const client = `${scheme}://127.0.0.1:${server.clientPort}`;
    const peer = `http://127.0.0.1:${server.peerPort}`;
    const settings: readonly (readonly [flag: string, value: string])[] = [
      ['--name', server.name],
      ['--data-dir', this.#dir(server.name)],
      ['--initial-cluster', this.#initialCluster],
      ['--listen-client-urls', client],
      ['--advertise-client-urls', client],
      ['--listen-peer-urls', peer],
      ['--initial-advertise-peer-urls', peer],
    ];
    const [program = '', ...first] = command;
    const child = spawn(program, [...first, ...settings.flat(), ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => this.#say(chunk.toString()));
    }
    child.once('error', (error) => this.#say(String(error)));
    server.process = child;
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#servers[index]?.process?.kill(signal);
  }

  /** As a crash would: no goodbye. */
  async kill(index: number): Promise<void> {
    const child = this.#servers[index]?.process;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((index) => this.kill(index)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #dir(name: string): string {
    return path.join(this.#folder, name);
  }

  #say(text: string): void {
    this.#said = `${this.#said}${text}`.slice(-OUTPUT_CHARS_MAX);
  }

  async #healthy(endpoint: string): Promise<void> {
    const url = `${endpoint.startsWith('https') ? '' : 'http://'}${endpoint}/health`;
    await waitUntil(() => isOk(url), `${endpoint} is healthy`, { evidence: () => this.#said });
  }
}

function isOk(url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https') ? getSecure : getPlain;
    const options = { agent: false as const, timeout: ASK_TIMEOUT_MS, rejectUnauthorized: false };
    const request = get(url, options, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', reject);
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ASK_TIMEOUT_MS} ms`)));
    request.once('error', reject);
  });
}
