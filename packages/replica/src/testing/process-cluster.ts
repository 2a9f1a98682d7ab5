/**
 * A cluster of real processes on this machine, for tests and measurements: members in temporary folders on free ports, each
 * configured by an env file as a user would, and each to be killed, paused, wiped and brought back.
 *
 *     const cluster = await ProcessCluster.start({ size: 3, command: () => [process.execPath, bin, 'serve'] });
 *     try {
 *       await (await cluster.leader()).kill('SIGKILL');
 *       await cluster.leader();
 *     } finally {
 *       await cluster.stop();
 *     }
 *
 * All waiting is for conditions, with generous limits; an error says what was waited for and ends with the members' last lines.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemberStatus } from '../api.js';
import { CONDITION_TIMEOUT_MS, waitUntil } from './conditions.js';
import { freePorts } from './free-ports.js';
import { keepTemporaryFolder, ProcessMember, removeTemporaryFolder } from './process-member.js';

export interface ProcessClusterOptions {
  readonly size: number;
  /** How a member is started; `--env-file <file>` is added. */
  readonly command: () => readonly string[];
  /** Holds env files and data folders. Default: a temporary one that `stop` removes. */
  readonly folder?: string;
  /** Settings of every member, over the ones that the harness chooses. */
  readonly env?: Readonly<Record<string, string>>;
  /** First HTTP port and first Raft port; members take the ones that follow. Default: free ones. */
  readonly basePorts?: { readonly http: number; readonly peer: number };
}

/** For a member that is added later. */
export interface AddMemberOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A graceful stop that takes longer ends in SIGKILL. */
const STOP_TIMEOUT_MS = 10_000;
const LOG_LINES_IN_ERRORS = 25;

/** What differs from the defaults: a limit that a test's load would meet, and lines that people can read. */
const HARNESS_ENV: Readonly<Record<string, string>> = {
  SERVICE_MAX_MAP_SIZE: '10000000',
  QUORATE_LOG_FORMAT: 'text',
};

export class ProcessCluster {
  readonly members: ProcessMember[] = [];
  readonly folder: string;
  readonly #options: ProcessClusterOptions;
  readonly #isTemporary: boolean;

  private constructor(options: ProcessClusterOptions) {
    this.#options = options;
    this.#isTemporary = options.folder === undefined;
    this.folder = options.folder ?? mkdtempSync(path.join(tmpdir(), 'quorate-cluster-'));
    if (this.#isTemporary) keepTemporaryFolder(this.folder);
  }

  /** Members with their env files; no process runs yet. */
  static async create(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const cluster = new ProcessCluster(options);
    const { size, basePorts } = options;
    const ports = basePorts === undefined ? await freePorts(2 * size) : [];
    const seats = Array.from({ length: size }, (_, index) => ({
      name: `node${index + 1}`,
      httpPort: basePorts === undefined ? (ports[2 * index] ?? 0) : basePorts.http + index,
      peerPort: basePorts === undefined ? (ports[2 * index + 1] ?? 0) : basePorts.peer + index,
    }));
    const addresses = seats.map(({ httpPort }) => `127.0.0.1:${httpPort}`);
    for (const [index, seat] of seats.entries()) {
      cluster.#seat({
        ...seat,
        isFounder: index === 0,
        join: addresses.filter((_, other) => other !== index),
        env: {},
      });
    }
    return cluster;
  }

  /** Resolves when every member is a voter, ready, and follows one leader. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.create(options);
    try {
      for (const member of cluster.members) member.start();
      await cluster.waitReady();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  member(name: string): ProcessMember {
    const member = this.members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`there is no member ${name}`);
    return member;
  }

  /** HTTP addresses of the members that are up. */
  addresses(): string[] {
    return this.#up().map((member) => member.address);
  }

  /** A further member, configured to join the others; not started yet. */
  async addMember(options: AddMemberOptions = {}): Promise<ProcessMember> {
    const [httpPort = 0, peerPort = 0] = await freePorts(2);
    return this.#seat({
      name: options.name ?? `node${this.members.length + 1}`,
      httpPort,
      peerPort,
      isFounder: false,
      join: this.members.map((member) => member.address),
      env: options.env ?? {},
    });
  }

  /** The member that leads, once all that are up agree on it. */
  async leader(timeoutMs: number = CONDITION_TIMEOUT_MS): Promise<ProcessMember> {
    return await this.waitFor(
      async () => {
        const statuses = await this.statuses();
        const [first] = statuses.values();
        if (first === undefined || first.leaderId === 0) return undefined;
        let leader: ProcessMember | undefined;
        for (const [member, status] of statuses) {
          if (status?.leaderId !== first.leaderId || status.term !== first.term) return undefined;
          if (status.role === 'leader') leader = member;
        }
        return leader;
      },
      'all members that are up agree on a leader that is one of them',
      timeoutMs,
    );
  }

  /** A member that is up and does not lead. */
  async follower(): Promise<ProcessMember> {
    const leader = await this.leader();
    const follower = this.#up().find((member) => member !== leader);
    if (follower === undefined) throw new Error('no follower is up');
    return follower;
  }

  /** Resolves when every member that is up is a voter, ready, and follows one leader. */
  async waitReady(timeoutMs: number = CONDITION_TIMEOUT_MS): Promise<void> {
    await Promise.all(this.#up().map((member) => member.waitReady(timeoutMs)));
    await this.leader(timeoutMs);
    await this.waitFor(
      async () => {
        const statuses = [...(await this.statuses()).values()];
        return statuses.every((status) => status?.role === 'leader' || status?.role === 'follower');
      },
      'every member is a voter',
      timeoutMs,
    );
  }

  /**
   * Resolves when every member that is up has applied the same log, and checks that they hold the same. Nothing may be written
   * meanwhile.
   */
  async waitConverged(timeoutMs: number = CONDITION_TIMEOUT_MS): Promise<void> {
    const statuses = await this.waitFor(
      async () => {
        const all = [...(await this.statuses()).values()];
        const applied = new Set(all.map((status) => status?.appliedIndex));
        const isSettled = all.every((status) => status?.appliedIndex === status?.lastIndex);
        return applied.size === 1 && !applied.has(undefined) && isSettled && (all as MemberStatus[]);
      },
      'every member has applied the same log',
      timeoutMs,
    );
    const contents = new Set(
      statuses.map(({ revision, keys, compactRevision }) => `${revision} ${keys} ${compactRevision}`),
    );
    if (contents.size === 1) return;
    const rows = statuses.map(({ name, revision, keys }) => `${name}: revision ${revision}, ${keys} keys`);
    throw new Error(`members that applied the same log hold different states: ${rows.join('; ')}`);
  }

  /** Every member that is up with its own view; undefined if it does not answer. */
  async statuses(): Promise<Map<ProcessMember, MemberStatus | undefined>> {
    const up = this.#up();
    const statuses = await Promise.all(up.map((member) => member.status()));
    return new Map(up.map((member, index) => [member, statuses[index]]));
  }

  /** Resolves with the first value that is neither undefined nor false; else fails with the members' views and last lines. */
  waitFor<T>(
    condition: () => Promise<T | undefined | false> | T | undefined | false,
    what: string,
    timeoutMs: number = CONDITION_TIMEOUT_MS,
  ): Promise<T> {
    return waitUntil(condition, what, { timeoutMs, evidence: () => this.describe() });
  }

  /** How each member stands and what it said last. */
  async describe(): Promise<string> {
    const statuses = await this.statuses();
    const rows = this.members.map((member) => {
      const status = statuses.get(member);
      if (status === undefined) return `${member.name}: ${member.isRunning ? 'does not answer' : 'not running'}`;
      const { id, role, term, leaderId, commitIndex, appliedIndex, lastIndex, firstIndex } = status;
      const indexes = `commit ${commitIndex}, applied ${appliedIndex}, log ${firstIndex}..${lastIndex}`;
      const names = status.members.map((one) => `${one.name}${one.voter ? '' : ' (learner)'}`).join(', ');
      return `${member.name}: id ${id}, ${role}, term ${term}, leader ${leaderId}, ${indexes}, members ${names}`;
    });
    return [...rows, ...this.members.map((member) => member.logText(LOG_LINES_IN_ERRORS))].join('\n');
  }

  /** Stops every process, gracefully if it can be, and removes the temporary folder. Safe to call twice. */
  async stop(): Promise<void> {
    await Promise.all(
      this.members.map(async (member) => {
        if (!member.isRunning) return;
        const timer = setTimeout(() => void member.kill('SIGKILL'), STOP_TIMEOUT_MS);
        await member.kill('SIGTERM');
        clearTimeout(timer);
      }),
    );
    if (this.#isTemporary) removeTemporaryFolder(this.folder);
  }

  #up(): ProcessMember[] {
    return this.members.filter((member) => member.isUp);
  }

  #seat(seat: {
    readonly name: string;
    readonly httpPort: number;
    readonly peerPort: number;
    readonly isFounder: boolean;
    readonly join: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  }): ProcessMember {
    const { name, isFounder, join } = seat;
    const address = `127.0.0.1:${seat.httpPort}`;
    const peerAddress = `127.0.0.1:${seat.peerPort}`;
    const dataFolder = path.join(this.folder, name);
    const envFile = path.join(this.folder, `${name}.env`);
    mkdirSync(this.folder, { recursive: true });
    const env: Record<string, string> = {
      ...HARNESS_ENV,
      SERVER_ADDRESS: address,
      SERVICE_RAFT_LEADER: String(isFounder),
      SERVICE_RAFT_STORE_DIR: dataFolder,
      SERVICE_RAFT_ADDR: peerAddress,
      SERVICE_RAFT_NODE_ID: name,
      SERVICE_RAFT_JOIN_ADDR: join.join(','),
      ...this.#options.env,
      ...seat.env,
    };
    writeFileSync(
      envFile,
      Object.entries(env)
        .map(([key, value]) => `${key}="${value}"\n`)
        .join(''),
    );
    const command = [...this.#options.command(), '--env-file', envFile];
    const member = new ProcessMember({ name, address, peerAddress, dataFolder, command, workingFolder: this.folder });
    this.members.push(member);
    return member;
  }
}
