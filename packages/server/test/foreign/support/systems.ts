/**
 * Members of a real etcd and of Quorate, each a process, both started by the same flags: what one is given the other is given too.
 * They listen on free ports, keep their data and logs in a temporary folder, and are gone with it after stop().
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVICES, type StatusResponse } from '@quorate/proto';
import { freePorts } from '@quorate/replica/testing';
import { GrpcClient } from './grpc-client.js';

export type SystemName = 'etcd' | 'quorate';

const QUORATE_ETCD = fileURLToPath(new URL('../../../programs/quorate-etcd.js', import.meta.url));
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
const LOG_TAIL_BYTES = 2_000;

export class ForeignMember {
  readonly name: string;
  readonly clientPort: number;
  readonly peerUrl: string;
  readonly #command: readonly string[];
  readonly #logFile: string;
  #process: ChildProcess | undefined;

  constructor(name: string, clientPort: number, peerUrl: string, command: readonly string[], logFile: string) {
    this.name = name;
    this.clientPort = clientPort;
    this.peerUrl = peerUrl;
    this.#command = command;
    this.#logFile = logFile;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.clientPort}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const [program = '', ...args] = this.#command;
    const log = openSync(this.#logFile, 'a');
    this.#process = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch },
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

  /** The member's answer to Status; undefined if it has none to give yet. */
  async status(): Promise<StatusResponse | undefined> {
    const client = new GrpcClient(this.endpoint);
    try {
      const outcome = await client.call(SERVICES['etcdserverpb.Maintenance'].Status, {});
      return outcome.reply;
    } catch {
      return undefined;
    } finally {
      client.close();
    }
  }

  /** Resident memory, from /proc; undefined where there is none. */
  residentBytes(): number | undefined {
    try {
      const [, kibibytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1')) ?? [];
      return Number(kibibytes) * 1024;
    } catch {
      return undefined;
    }
  }

  logTail(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-LOG_TAIL_BYTES);
  }
}

export interface SystemOptions {
  readonly size?: number;
  /** Further flags, the same for both systems. */
  readonly flags?: Readonly<Record<string, string>>;
}

export class ForeignSystem {
  readonly name: SystemName;
  readonly members: readonly ForeignMember[];
  /** Temporary, for whatever a test wants to keep beside the members' data. */
  readonly folder: string;

  private constructor(name: SystemName, members: readonly ForeignMember[], folder: string) {
    this.name = name;
    this.members = members;
    this.folder = folder;
  }

  /** Starts the members and waits until all of them follow one leader. */
  static async start(name: SystemName, { size = 1, flags = {} }: SystemOptions = {}): Promise<ForeignSystem> {
    const folder = mkdtempSync(path.join(os.tmpdir(), `quorate-foreign-${name}-`));
    const ports = await freePorts(2 * size);
    const peerUrl = (i: number): string => `http://127.0.0.1:${ports[2 * i + 1]}`;
    const names = Array.from({ length: size }, (_, i) => `m${i + 1}`);
    const members = names.map((member, i) => {
      const clientUrl = `http://127.0.0.1:${ports[2 * i]}`;
      const all: Record<string, string> = {
        name: member,
        'data-dir': path.join(folder, member),
        'listen-client-urls': clientUrl,
        'advertise-client-urls': clientUrl,
        'listen-peer-urls': peerUrl(i),
        'initial-advertise-peer-urls': peerUrl(i),
        'initial-cluster': names.map((other, j) => `${other}=${peerUrl(j)}`).join(','),
        'initial-cluster-token': path.basename(folder),
        'initial-cluster-state': 'new',
        ...flags,
      };
      const program = name === 'etcd' ? ['etcd'] : [process.execPath, QUORATE_ETCD];
      const command = [...program, ...Object.entries(all).flatMap(([flag, value]) => [`--${flag}`, value])];
      return new ForeignMember(member, ports[2 * i] ?? 0, peerUrl(i), command, path.join(folder, `${member}.log`));
    });
    const system = new ForeignSystem(name, members, folder);
    for (const member of members) member.start();
    try {
      await system.leader();
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  get endpoints(): string {
    return this.members.map(({ endpoint }) => endpoint).join(',');
  }

  /** The leader, once every running member follows it. */
  async leader(): Promise<ForeignMember> {
    const running = this.members.filter(({ pid }) => pid !== undefined);
    const start = performance.now();
    for (;;) {
      const statuses = await Promise.all(running.map((member) => member.status()));
      const leaders = new Set(statuses.map((status) => status?.leader ?? 0n));
      const [leader = 0n] = leaders;
      const index = statuses.findIndex((status) => leader !== 0n && status?.header?.memberId === leader);
      if (leaders.size === 1 && index >= 0) return running[index] as ForeignMember;
      if (performance.now() - start > READY_TIMEOUT_MS) {
        const logs = running.map((member) => `${member.name}: ${member.logTail()}`).join('\n');
        throw new Error(`${this.name} has no leader after ${READY_TIMEOUT_MS} ms\n${logs}`);
      }
      await delay(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
