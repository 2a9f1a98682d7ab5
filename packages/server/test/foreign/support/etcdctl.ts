/** Runs Debian's etcdctl against a system, and makes what it prints comparable with what it prints for the other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { ForeignSystem } from './systems.js';

const TIMEOUT_MS = 30_000;
const POLL_MS = 5;

export interface Printed {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that goes on until it is ended. */
export class RunningCommand {
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #isOver = false;

  constructor(system: ForeignSystem, args: readonly string[], endpoints: string = system.endpoints) {
    this.#child = spawn('etcdctl', [...args, '--endpoints', endpoints], {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString('latin1')));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString('latin1')));
    this.#child.stdin?.on('error', () => {});
    this.#child.once('close', () => (this.#isOver = true));
  }

  get stdout(): string {
    return this.#stdout;
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until so many lines were printed. */
  async lines(count: number): Promise<void> {
    await this.#until(() => this.#stdout.split('\n').length > count, `${count} lines`);
  }

  async end(signal: NodeJS.Signals = 'SIGINT'): Promise<Printed> {
    this.#child.kill(signal);
    return this.ended();
  }

  async ended(): Promise<Printed> {
    this.#child.stdin?.end();
    try {
      await this.#until(() => this.#isOver, 'the end');
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw error;
    }
    return { exitCode: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const start = performance.now();
    while (!isTrue()) {
      if (performance.now() - start > TIMEOUT_MS) {
        this.#child.kill('SIGKILL');
        throw new Error(
          `${this.#child.spawnargs.join(' ')}: not within ${TIMEOUT_MS} ms: ${what}\n${this.#stdout}${this.#stderr}`,
        );
      }
      await delay(POLL_MS);
    }
  }
}

export async function etcdctl(
  system: ForeignSystem,
  args: readonly string[],
  { stdin = '', endpoints = system.endpoints }: { readonly stdin?: string; readonly endpoints?: string } = {},
): Promise<Printed> {
  const command = new RunningCommand(system, args, endpoints);
  command.write(stdin);
  return command.ended();
}

/** Addresses and folders get the names that both systems share; what differs from run to run gets the name of its kind. */
export function comparable(system: ForeignSystem, text: string): string {
  let shown = text.replaceAll(system.folder, 'FOLDER');
  for (const { name, endpoint, peerUrl } of system.members) {
    shown = shown.replaceAll(endpoint, `${name}:client`).replaceAll(peerUrl, `${name}:peer`);
  }
  return (
    shown
      .replaceAll(/endpoint:\/\/client-[0-9a-f-]+\/[^"]*/g, 'TARGET')
      .replaceAll(/"ts":"[^"]*"/g, '"ts":TIME')
      .replaceAll(/took = [\d.]+[mµ]?s/g, 'took = TIME')
      .replaceAll(
        /(?<="(?:cluster_id|member_id|raft_term|ID|id|leader|raftIndex|raftAppliedIndex|raftTerm|dbSize|dbSizeInUse|hash)":)\d+/g,
        'N',
      )
      .replaceAll(/(?<="(?:ClusterID|MemberID|RaftTerm|Leader|RaftIndex|DBSize|Hash)" ?: ?)\d+/g, 'N')
      // Ids of members, clusters and leases in hexadecimal, filled up with spaces where they are shorter than etcd's.
      .replaceAll(/ *\b[0-9a-f]{8,16}\b/g, (id) => (id.startsWith(' ') ? ' HEX' : 'HEX'))
      .replaceAll(/\b3\.\d+\.\d+\b/g, 'VERSION')
      .replaceAll(/\b[\d.]+ (?:kB|MB|B)\b/g, 'SIZE')
  );
}
