/**
 * The two systems that are compared, each as three processes on this machine with equal settings: own folders on the same file system,
 * default durability, plain connections, logs to a file.
 *
 * Both are started by etcd's own flags, so what one is given the other is given too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '@quorate/replica/testing';

export type SystemName = 'quorate' | 'etcd';
export const SYSTEMS: readonly SystemName[] = ['etcd', 'quorate'];

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const QUORATE_ETCD = path.join(ROOT, 'packages', 'server', 'dist', 'programs', 'quorate-etcd.js');
/** The same as modules, each with its package in its path: what a profile tells the rooms apart by. */
const QUORATE_ETCD_MODULES = path.join(ROOT, 'packages', 'server', 'dist', 'src', 'etcd-bin.js');
const PRELOAD_FLAG = '--import';
const MEMBERS = 3;
const STOP_TIMEOUT_MS = 10_000;
const LOG_LINES_SHOWN = 12;
/** A store of a million keys of 288 bytes with history, and the burst of puts on top, must fit. */
const QUOTA_BYTES = 8 * 1024 ** 3;

/** CPU time and memory of one process, from /proc. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

export class SystemMember {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly folder: string;
  readonly #command: readonly string[];
  #process: ChildProcess | undefined;

  constructor(name: string, ports: readonly [number, number], folder: string, command: readonly string[]) {
    this.name = name;
    [this.clientPort, this.peerPort] = ports;
    this.folder = folder;
    this.#command = command;
  }

  get #log(): string {
    return `${this.folder}.log`;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.clientPort}`;
  }

  get peerUrl(): string {
    return `http://127.0.0.1:${this.peerPort}`;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`${this.name} does not run`);
    return pid;
  }

  /** `state`: of its cluster, as --initial-cluster-state says it; a member that was added to one that exists must be told. */
  start(state: 'new' | 'existing' = 'new'): void {
    const [program = '', ...args] = this.#command;
    const stateAt = 1 + args.indexOf('--initial-cluster-state');
    if (stateAt > 0) args[stateAt] = state;
    const log = openSync(this.#log, 'a');
    this.#process = spawn(program, args, {
      // What was preloaded is talked to over a channel.
      stdio: ['ignore', log, log, ...(args.includes(PRELOAD_FLAG) ? (['ipc'] as const) : [])],
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: os.arch() },
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Sends a message to the module that was preloaded into the process, and waits for its answer. */
  async ask(message: string): Promise<unknown> {
    const child = this.#process;
    if (child === undefined) throw new Error(`${this.name} does not run`);
    const answer = once(child, 'message');
    child.send(message);
    return (await answer)[0];
  }

  usage(): Usage {
    const { pid } = this;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const [, resident = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    // Linux counts CPU time in hundredths of a second.
    return { cpuSeconds: ticks / 100, residentBytes: Number(resident) * 1024 };
  }

  diskBytes(): number {
    return folderBytes(this.folder);
  }

  /** What it said last. */
  logEnd(): string {
    return readFileSync(this.#log, 'utf8').split('\n').slice(-LOG_LINES_SHOWN).join('\n');
  }

  wipe(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    // What is allocated, not what the file claims: both systems preallocate.
    bytes += entry.isDirectory() ? folderBytes(at) : statSync(at).blocks * 512;
  }
  return bytes;
}

export class System {
  readonly name: SystemName;
  readonly members: readonly SystemMember[];
  readonly #folder: string;

  private constructor(name: SystemName, members: readonly SystemMember[], folder: string) {
    this.name = name;
    this.members = members;
    this.#folder = folder;
  }

  /** Three members that are not started yet. `preload`: a module for Quorate's processes to load first, which `ask` talks to. */
  static async create(name: SystemName, preload?: string): Promise<System> {
    const folder = mkdtempSync(path.join(os.tmpdir(), `bench-${name}-`));
    const ports = await freePorts(2 * MEMBERS);
    const peers = Array.from({ length: MEMBERS }, (_, i) => `m${i + 1}=http://127.0.0.1:${ports[2 * i + 1]}`).join(',');
    const quorate = preload === undefined ? [QUORATE_ETCD] : [PRELOAD_FLAG, preload, QUORATE_ETCD_MODULES];
    const program = name === 'etcd' ? ['etcd'] : [process.execPath, ...quorate];
    const members = Array.from({ length: MEMBERS }, (_, i) => {
      const [client = 0, peer = 0] = ports.slice(2 * i);
      const data = path.join(folder, `m${i + 1}`);
      const clientUrl = `http://127.0.0.1:${client}`;
      const peerUrl = `http://127.0.0.1:${peer}`;
      const flags = {
        name: `m${i + 1}`,
        'data-dir': data,
        'listen-client-urls': clientUrl,
        'advertise-client-urls': clientUrl,
        'listen-peer-urls': peerUrl,
        'initial-advertise-peer-urls': peerUrl,
        'initial-cluster': peers,
        'initial-cluster-token': path.basename(folder),
        'initial-cluster-state': 'new',
        'quota-backend-bytes': String(QUOTA_BYTES),
      };
      const command = [...program, ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])];
      return new SystemMember(`m${i + 1}`, [client, peer], data, command);
    });
    return new System(name, members, folder);
  }

  start(): void {
    for (const member of this.members) member.start();
  }

  usage(): Usage {
    const all = this.members.map((member) => member.usage());
    return {
      cpuSeconds: all.reduce((sum, usage) => sum + usage.cpuSeconds, 0),
      residentBytes: Math.max(...all.map((usage) => usage.residentBytes)),
    };
  }

  /** Nothing is left of it, so nobody waits for it to stop in good order; etcd's members take five seconds for that. */
  async destroy(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
