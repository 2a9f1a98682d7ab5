/**
 * `/health`, `/livez` and `/readyz` as etcd answers them (contract, section 11), so that its probes and dashboards work.
 *
 *     /livez?verbose     [+]serializable_read ok
 *                        ok
 *     /readyz (503)      [+]data_corruption ok
 *                        [-]linearizable_read failed: no leader
 *
 * A member that is still starting is alive but not ready.
 */
import type { Member, ReadOptions } from '@quorate/replica';
import { text, textError } from './responses.js';
import { type HttpResponse, JSON_TYPE } from './types.js';

/** Resolves with undefined if all is well, else with why not. */
type Check = (member: Member) => Promise<string | undefined>;

/** Any key will do: what counts is that the read is answered. */
const PROBE_KEY = 'health';

function readCheck(options: ReadOptions): Check {
  return async (member) => {
    try {
      await member.kv.get(PROBE_KEY, options);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  };
}

const serializableRead = readCheck({ consistency: 'serializable' });
const linearizableRead = readCheck({ consistency: 'linearizable' });

/** A member that finds its own data corrupt stops itself; this is the alarm, which tells it to all. */
const dataCorruption: Check = (member) => {
  const isRaised = alarmsOf(member).includes('CORRUPT');
  return Promise.resolve(isRaised ? 'alarm activated: CORRUPT' : undefined);
};

type AlarmName = 'NOSPACE' | 'CORRUPT';

/** By etcd's names, in its order. */
function alarmsOf(member: Member): readonly AlarmName[] {
  return member.door
    .store()
    .alarms()
    .map(({ alarm }) => (alarm === 'no-space' ? 'NOSPACE' : 'CORRUPT'));
}

const nonLearner: Check = (member) => {
  const { role } = member.cluster.status();
  return Promise.resolve(role === 'learner' || role === 'removed' ? `this member is ${role}` : undefined);
};

const LIVEZ_CHECKS: ReadonlyMap<string, Check> = new Map([['serializable_read', serializableRead]]);
const READYZ_CHECKS: ReadonlyMap<string, Check> = new Map([
  ['data_corruption', dataCorruption],
  ['serializable_read', serializableRead],
  ['linearizable_read', linearizableRead],
  ['non_learner', nonLearner],
]);

/** What the handlers must know of the server's life. */
export interface Life {
  readonly member: Member | undefined;
  readonly stopping: boolean;
}

export interface HealthCounts {
  readonly successes: number;
  readonly failures: number;
}

export class Health {
  #successes = 0;
  #failures = 0;

  /** Answers of `/health` so far. */
  get counts(): HealthCounts {
    return { successes: this.#successes, failures: this.#failures };
  }

  /**
   * `/health`: the cluster's health as this member sees it; with `?serializable=true` only its own. `?exclude=NOSPACE`, which can be
   * repeated, has an alarm not count.
   */
  async health(life: Life, query: string): Promise<HttpResponse> {
    const parameters = new URLSearchParams(query);
    const reason = await healthReason(life, parameters.get('serializable') === 'true', parameters.getAll('exclude'));
    const body = JSON.stringify({ health: reason === '' ? 'true' : 'false', reason });
    if (reason !== '') {
      this.#failures += 1;
      return textError(503, body);
    }
    this.#successes += 1;
    return { status: 200, contentType: JSON_TYPE, body };
  }

  /** `/livez` or one check of it. Undefined: no such check. */
  async livez(life: Life, check: string | undefined, query: string): Promise<HttpResponse | undefined> {
    const checks = select(LIVEZ_CHECKS, check);
    // While the member reads its log there is nothing to ask, and killing the process would not help.
    if (checks === undefined) return undefined;
    return life.member === undefined ? text(200, 'ok\n') : runChecks(checks, life.member, query);
  }

  /** `/readyz` or one check of it. Undefined: no such check. */
  async readyz(life: Life, check: string | undefined, query: string): Promise<HttpResponse | undefined> {
    const checks = select(READYZ_CHECKS, check);
    if (checks === undefined) return undefined;
    if (life.stopping) return textError(503, '[-]running failed: this member is stopping');
    if (life.member === undefined) return textError(503, '[-]running failed: starting');
    return runChecks(checks, life.member, query);
  }
}

async function healthReason(life: Life, serializable: boolean, excluded: readonly string[]): Promise<string> {
  if (life.member === undefined) return 'RAFT NO LEADER';
  const alarm = alarmsOf(life.member).find((name) => !excluded.includes(name));
  if (alarm !== undefined) return `ALARM ${alarm}`;
  if (!serializable && life.member.cluster.status().leaderId === 0) return 'RAFT NO LEADER';
  const failure = await (serializable ? serializableRead : linearizableRead)(life.member);
  return failure === undefined ? '' : `RANGE ERROR:${failure}`;
}

function select(checks: ReadonlyMap<string, Check>, name: string | undefined): ReadonlyMap<string, Check> | undefined {
  if (name === undefined) return checks;
  const check = checks.get(name);
  return check === undefined ? undefined : new Map([[name, check]]);
}

async function runChecks(checks: ReadonlyMap<string, Check>, member: Member, query: string): Promise<HttpResponse> {
  const parameters = new URLSearchParams(query);
  const excluded = new Set(parameters.getAll('exclude'));
  const lines = await Promise.all(
    [...checks].map(async ([name, check]) => {
      if (excluded.has(name)) return `[+]${name} excluded: ok`;
      const failure = await check(member);
      return failure === undefined ? `[+]${name} ok` : `[-]${name} failed: ${failure}`;
    }),
  );
  if (lines.some((line) => line.startsWith('[-]'))) return textError(503, lines.join('\n'));
  return text(200, parameters.has('verbose') ? `${lines.join('\n')}\nok\n` : 'ok\n');
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
}
