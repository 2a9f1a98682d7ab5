/**
 * One member as a real process: started, killed, paused, wiped and asked from outside, with nothing but its command line, its
 * signals, its HTTP interface and its data folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MemberStatus } from '../api.js';
import { waitUntil } from './conditions.js';
import { type HttpCall, type HttpResult, httpCall } from './http-call.js';

export interface ProcessMemberOptions {
  readonly name: string;
  /** host:port of the HTTP interface. */
  readonly address: string;
  /** host:port of the Raft transport. */
  readonly peerAddress: string;
  /** The data folder. */
  readonly dataFolder: string;
  /** The whole command; the first word is the program. */
  readonly command: readonly string[];
  readonly workingFolder: string;
  /** Variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The latest lines are kept. */
const LOG_LINES_MAX = 2000;
const STATUS_TIMEOUT_MS = 2000;

/** Processes and folders that must not outlive this one. */
const running = new Set<ChildProcess>();
const temporaryFolders = new Set<string>();
let isGuarded = false;

export class ProcessMember {
  readonly name: string;
  readonly address: string;
  readonly peerAddress: string;
  readonly dataFolder: string;
  readonly #options: ProcessMemberOptions;
  #process: ChildProcess | undefined;
  #exited: Promise<ProcessExit> = Promise.resolve({ code: null, signal: null });
  #isPaused = false;
  #lines: string[] = [];
  /** Lines dropped from the front of #lines. */
  #linesDropped = 0;

  constructor(options: ProcessMemberOptions) {
    this.name = options.name;
    this.address = options.address;
    this.peerAddress = options.peerAddress;
    this.dataFolder = options.dataFolder;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Its process runs, paused or not. */
  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Its process runs and is not paused. It may still be starting. */
  get isUp(): boolean {
    return this.#process !== undefined && !this.#isPaused;
  }

  /** Settles when the process that was started last has ended. */
  get exited(): Promise<ProcessExit> {
    return this.#exited;
  }

  /** Starts the process and does not wait for it: see waitReady. */
  start(): void {
    if (this.#process !== undefined) throw new Error(`${this.name} is running already`);
    guard();
    const [program = '', ...words] = this.#options.command;
    const child = spawn(program, words, {
      cwd: this.#options.workingFolder,
      env: { ...cleanEnvironment(), ...this.#options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#isPaused = false;
    running.add(child);
    this.#keep(`--- started, process ${child.pid ?? '?'}`);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    this.#exited = new Promise((resolve) => {
      const end = (exit: ProcessExit, how: string): void => {
        running.delete(child);
        if (this.#process === child) this.#process = undefined;
        this.#keep(`--- ended: ${how}`);
        resolve(exit);
      };
      child.once('error', (error) => end({ code: null, signal: null }, String(error)));
      // 'close' comes after the last line of its output.
      child.once('close', (code, signal) => end({ code, signal }, signal ?? `exit code ${code}`));
    });
  }

  /** Sends a signal and resolves when the process has ended. Resolves at once if it does not run. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ProcessExit> {
    if (this.#process === undefined) return this.#exited;
    this.#keep(`--- sending ${signal}`);
    this.#process.kill(signal);
    if (this.#isPaused && signal !== 'SIGKILL') this.resume();
    return this.#exited;
  }

  /** SIGSTOP: the process is there and does nothing, as on a machine that hangs. */
  pause(): void {
    if (this.#process === undefined) throw new Error(`${this.name} is not running`);
    this.#keep('--- sending SIGSTOP');
    this.#process.kill('SIGSTOP');
    this.#isPaused = true;
  }

  resume(): void {
    if (this.#process === undefined) throw new Error(`${this.name} is not running`);
    this.#keep('--- sending SIGCONT');
    this.#process.kill('SIGCONT');
    this.#isPaused = false;
  }

  /** Removes the data folder with everything in it. */
  wipe(): void {
    if (this.#process !== undefined) throw new Error(`${this.name} is running: its folder cannot be wiped`);
    rmSync(this.dataFolder, { recursive: true, force: true });
  }

  call(call: Omit<HttpCall, 'address'>): Promise<HttpResult> {
    return httpCall({ ...call, address: this.address });
  }

  /** Its own view; undefined if it does not answer. */
  async status(): Promise<MemberStatus | undefined> {
    if (!this.isUp) return undefined;
    const result = await this.call({ method: 'GET', path: '/cluster/status', timeoutMs: STATUS_TIMEOUT_MS });
    return result.kind === 'answer' && result.status === 200 ? (JSON.parse(result.body) as MemberStatus) : undefined;
  }

  /** Resolves when it answers linearizable reads. Fails at once if the process ends. */
  async waitReady(timeoutMs?: number): Promise<void> {
    const isReady = await waitUntil(
      async () => {
        if (!this.isRunning) return 'ended';
        // What /readyz says of learners is not asked for: they serve linearizable reads too.
        const result = await this.call({
          method: 'GET',
          path: '/readyz/linearizable_read',
          timeoutMs: STATUS_TIMEOUT_MS,
        });
        return result.kind === 'answer' && result.status === 200 && 'ready';
      },
      `${this.name} is ready`,
      { ...(timeoutMs === undefined ? {} : { timeoutMs }), evidence: () => this.logText(40) },
    );
    if (isReady === 'ended') throw new Error(`${this.name} ended before it was ready\n${this.logText(40)}`);
  }

  /** Resolves when the process has ended by itself. */
  async waitExit(timeoutMs?: number): Promise<ProcessExit> {
    await waitUntil(() => !this.isRunning, `the process of ${this.name} ends`, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      evidence: () => this.logText(40),
    });
    return this.#exited;
  }

  /** A place in the log from which on lines can be looked for. */
  get logPosition(): number {
    return this.#linesDropped + this.#lines.length;
  }

  /** Lines since a place in the log, as far as they are kept. */
  logLines(sincePosition = 0): readonly string[] {
    return this.#lines.slice(Math.max(0, sincePosition - this.#linesDropped));
  }

  /** Resolves with the first line since a place in the log that matches. */
  waitLog(pattern: RegExp, sincePosition = 0): Promise<string> {
    return waitUntil(
      () => this.logLines(sincePosition).find((line) => pattern.test(line)),
      `${this.name} logs ${String(pattern)}`,
      { evidence: () => this.logText(40) },
    );
  }

  /** The last lines, each with the member's name. */
  logText(lines: number): string {
    return this.#lines
      .slice(-lines)
      .map((line) => `${this.name} | ${line}`)
      .join('\n');
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length <= LOG_LINES_MAX) return;
    this.#linesDropped += 1;
    this.#lines.shift();
  }
}

/** What surrounds this process must not configure the members, nor the test runner's own messages reach them. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(SERVER_|SERVICE_|ROUTER_|QUORATE_|ETCD_|NODE_TEST_|NODE_CHANNEL)/.test(name),
    ),
  );
}

function leaveNothing(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of temporaryFolders) removeTemporaryFolder(folder);
}

/** From here on the folder is removed when this process ends, if not before. */
export function keepTemporaryFolder(folder: string): void {
  guard();
  temporaryFolders.add(folder);
}

export function removeTemporaryFolder(folder: string): void {
  temporaryFolders.delete(folder);
  // A process that was killed this moment may still be writing its last file.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** Whatever ends this process, short of SIGKILL, ends the members. */
function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.once('exit', leaveNothing);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      leaveNothing();
      // With the handler gone the signal does what it does by default.
      process.kill(process.pid, signal);
    });
  }
}
