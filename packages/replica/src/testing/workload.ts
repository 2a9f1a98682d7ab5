/**
 * Clients that write and read through HTTP while members are killed around them, and that write down what they were told.
 *
 * All of them create (which is a compare-and-set with "there is no such key"), overwrite, delete and read the same keys, with values
 * that occur once; whether a linearizable map can have answered so is for a judge to say. A client stays with a member for a while,
 * goes to another from time to time, and at once when it is refused or hears nothing.
 */
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pauseMs, waitUntil } from './conditions.js';
import { hasWritten, historyLines, type Operation, type OperationKind, type OperationOutcome } from './history.js';
import { type HttpCall, type HttpResult, httpCall } from './http-call.js';

export interface WorkloadOptions {
  /** Whom to ask: host:port of members, dead ones too. Called before each operation. */
  readonly addresses: () => readonly string[];
  /** Begins the names of the keys: keeps the keys of workloads on one cluster apart. */
  readonly prefix: string;
  /** Default 4. */
  readonly clients?: number;
  /** Keys that all clients write and read; default 40. */
  readonly keys?: number;
  /** Pause between two operations of a client; default 4. Leaves the processor to the members. */
  readonly thinkMs?: number;
  /** A client that hears nothing for so long goes on elsewhere, the outcome unknown to it; default 2000. */
  readonly requestTimeoutMs?: number;
  /** Default 24. */
  readonly valueBytes?: number;
}

const DEFAULTS = { clients: 4, keys: 40, thinkMs: 4, requestTimeoutMs: 2000, valueBytes: 24 } as const;

/** A history that is longer was not meant to be. */
const OPERATIONS_MAX = 2_000_000;
/** After a refusal: long enough not to spin, short enough not to blur when service came back. */
const REFUSED_PAUSE_MS = 10;
const SWITCH_CHANCE = 0.05;
const READ_CHANCE = 0.4;
const DELETE_CHANCE = 0.1;
const CREATE_CHANCE = 0.3;
const READS_AT_ONCE = 8;
const VIOLATIONS_TOLD_MAX = 10;
/** The client of the reads at the end. */
const VERIFIER = -1;

/** What a linearizable map could not have answered, a sentence each, in a history of one operation a line; none if all is well. */
export type HistoryJudge = (history: string) => readonly string[];

export class Workload {
  readonly #options: Required<WorkloadOptions>;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #operations: Operation[] = [];
  readonly #keys: readonly string[];
  #clients: Promise<void>[] = [];
  #isStopping = false;
  #sequence = 0;
  #acknowledgedWrites = 0;
  /** What ended a client that nobody had stopped: an answer that the interface does not know. */
  #fault: unknown;

  constructor(options: WorkloadOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#keys = Array.from({ length: this.#options.keys }, (_, i) => `${options.prefix}-${i + 1}`);
  }

  /** What happened so far, in the order of the returns. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  get acknowledgedWrites(): number {
    return this.#acknowledgedWrites;
  }

  start(): this {
    this.#clients = Array.from({ length: this.#options.clients }, (_, client) =>
      this.#run(client).catch((error: unknown) => {
        this.#fault ??= error;
      }),
    );
    return this;
  }

  /** Resolves when every client has had the answer to its last operation. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
    this.#throwFault();
  }

  /** Resolves when so many writes that are invoked from now on were acknowledged. */
  async waitWrites(count: number, evidence?: () => Promise<string>, timeoutMs?: number): Promise<void> {
    const fromMs = performance.now();
    const isDone = (): boolean => this.#fault !== undefined || this.#writesSince(fromMs) >= count;
    await waitUntil(isDone, `${count} more writes are acknowledged`, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      evidence: async () => `${this.#tellLatest()}\n${(await evidence?.()) ?? ''}`,
    });
    this.#throwFault();
  }

  /** When the first acknowledged write that was invoked after that moment returned; undefined: none yet. */
  firstWriteAfter(momentMs: number): number | undefined {
    let firstMs: number | undefined;
    for (const operation of this.#operations) {
      if (!hasWritten(operation) || operation.invokedAtMs < momentMs) continue;
      firstMs = Math.min(firstMs ?? Number.POSITIVE_INFINITY, operation.returnedAtMs);
    }
    return firstMs;
  }

  /**
   * Ends the clients, reads every key through each of the members, and throws unless the judge finds that the whole history is that
   * of a linearizable map. If it is not, the history is in a file that the error names.
   */
  async verify(addresses: readonly string[], judge: HistoryJudge): Promise<void> {
    await this.stop();
    const agent = new Agent({ keepAlive: true });
    try {
      await Promise.all(addresses.map((address) => this.#readAll(address, agent)));
    } finally {
      agent.destroy();
    }
    const history = historyLines(this.#operations);
    const violations = judge(history);
    if (violations.length === 0) return;
    const file = path.join(tmpdir(), `quorate-history-${process.pid}-${Date.now()}.jsonl`);
    writeFileSync(file, history);
    const told = violations.slice(0, VIOLATIONS_TOLD_MAX).join('\n  ');
    throw new Error(`${violations.length} violations of linearizability; history: ${file}\n  ${told}`);
  }

  /** How many operations ended how, for a line of diagnostics. */
  summary(): string {
    const counts = new Map<string, number>();
    for (const { kind, outcome } of this.#operations) {
      const name = `${outcome} ${kind === 'read' ? 'reads' : 'writes'}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  }

  async #run(client: number): Promise<void> {
    let seat = client;
    while (!this.#isStopping) {
      if (this.#operations.length >= OPERATIONS_MAX) throw new Error(`a workload of ${OPERATIONS_MAX} operations`);
      const addresses = this.#options.addresses();
      if (Math.random() < SWITCH_CHANCE) seat += 1 + Math.floor(Math.random() * Math.max(1, addresses.length - 1));
      const address = addresses[seat % addresses.length];
      if (address === undefined) {
        await pauseMs(REFUSED_PAUSE_MS);
        continue;
      }
      const operation = await this.#operate(client, address);
      if (operation.outcome !== 'acknowledged') {
        seat += 1;
        await pauseMs(REFUSED_PAUSE_MS);
      } else if (this.#options.thinkMs > 0) await pauseMs(this.#options.thinkMs);
    }
  }

  async #operate(client: number, address: string): Promise<Operation> {
    const key = this.#keys[Math.floor(Math.random() * this.#keys.length)] ?? '';
    const kind = drawKind();
    const value = kind === 'create' || kind === 'put' ? this.#nextValue(client) : null;
    const operation = await this.#ask(client, kind, key, value, address, this.#agent);
    if (hasWritten(operation)) this.#acknowledgedWrites += 1;
    return operation;
  }

  #nextValue(client: number): string {
    this.#sequence += 1;
    return `${client}.${this.#sequence}.`.padEnd(this.#options.valueBytes, 'x');
  }

  async #ask(
    client: number,
    kind: OperationKind,
    key: string,
    value: string | null,
    address: string,
    agent: Agent,
  ): Promise<Operation> {
    const { requestTimeoutMs: timeoutMs } = this.#options;
    const invokedAtMs = performance.now();
    const result = await httpCall({ ...requestOf(kind, key, value), address, agent, timeoutMs });
    const returnedAtMs = performance.now();
    const outcome = outcomeOf(kind, result);
    const operation: Operation = {
      client,
      kind,
      key,
      value: kind === 'read' && outcome === 'acknowledged' ? valueOf(key, result) : value,
      via: address,
      invokedAtMs,
      returnedAtMs,
      outcome,
      status: result.kind === 'answer' ? result.status : 0,
      reason: result.kind === 'answer' ? '' : result.reason,
    };
    this.#operations.push(operation);
    return operation;
  }

  async #readAll(address: string, agent: Agent): Promise<void> {
    const left = this.#keys.values();
    const read = async (): Promise<void> => {
      for (const key of left) {
        await waitUntil(
          async () => (await this.#ask(VERIFIER, 'read', key, null, address, agent)).outcome === 'acknowledged',
          `${address} answers a linearizable read of ${key}`,
          { evidence: () => this.#tellLatest() },
        );
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, read));
  }

  #throwFault(): void {
    if (this.#fault !== undefined)
      throw new Error('a client got an answer that it does not know', { cause: this.#fault });
  }

  #writesSince(fromMs: number): number {
    let count = 0;
    for (let i = this.#operations.length - 1; i >= 0; i--) {
      const operation = this.#operations[i];
      if (operation === undefined || operation.returnedAtMs < fromMs) break;
      if (hasWritten(operation) && operation.invokedAtMs >= fromMs) count += 1;
    }
    return count;
  }

  #tellLatest(): string {
    return historyLines(this.#operations.slice(-VIOLATIONS_TOLD_MAX)).trimEnd();
  }
}

function drawKind(): OperationKind {
  if (Math.random() < READ_CHANCE) return 'read';
  if (Math.random() < DELETE_CHANCE) return 'delete';
  return Math.random() < CREATE_CHANCE ? 'create' : 'put';
}

function requestOf(kind: OperationKind, key: string, value: string | null): Pick<HttpCall, 'body' | 'method' | 'path'> {
  if (kind === 'create') return { method: 'POST', path: '/key', body: { key, value } };
  if (kind === 'put') return { method: 'PUT', path: `/key/${key}`, body: { value } };
  return { method: kind === 'delete' ? 'DELETE' : 'GET', path: `/key/${key}` };
}

/** An answer that the interface does not know is a fault, and no outcome. */
function outcomeOf(kind: OperationKind, result: HttpResult): OperationOutcome {
  if (result.kind !== 'answer') return result.kind === 'refused' ? 'refused' : 'unknown';
  const { status, body } = result;
  if (status === 200 || (status === 201 && kind !== 'read')) return 'acknowledged';
  if (status === 404 && (kind === 'read' || kind === 'delete')) return 'acknowledged';
  if (status === 409 && kind === 'create') return 'acknowledged';
  if (status === 503) return 'refused';
  if (status === 504) return body.startsWith('outcome unknown') ? 'unknown' : 'refused';
  throw new Error(`a ${kind} was answered with ${status}: ${body}`);
}

/** From `{ "key" : "value" }`. */
function valueOf(key: string, result: HttpResult): string | null {
  if (result.kind !== 'answer' || result.status === 404) return null;
  const value = (JSON.parse(result.body) as Record<string, unknown>)[key];
  if (typeof value !== 'string') throw new Error(`a read of ${key} was answered with ${result.body}`);
  return value;
}
