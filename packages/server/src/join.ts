/**
 * How a member with an empty folder comes to its cluster: it asks each join address in turn to take it in
 * (`POST /register-follower`), with exponential back-off, until one does or the time is up.
 *
 * A founder with join addresses asks them too, and founds only when all of them, in one round, refused the connection or said that they
 * belong to no cluster. Anything else (no route, no answer, a member that still starts) might hide a cluster: two clusters of the
 * same name could never be merged, so it asks again and in the end gives up rather than found a second one.
 */
import type { JoinRequest, JoinResult } from '@quorate/replica';
import { RequestFailure, send } from './http/client.js';
import type { Log } from './log.js';

export interface JoinOptions {
  readonly addresses: readonly string[];
  /** Whether this member may found a cluster if there is none. */
  readonly found: boolean;
  /** For all attempts together. */
  readonly timeoutMs: number;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** Short at first: members that are started together find each other at once. */
const BACK_OFF_FIRST_MS = 50;
const BACK_OFF_MAX_MS = 2000;
const BACK_OFF_FACTOR = 1.5;
/** Up to so much of a pause is drawn at random, so that members do not ask in step. */
const JITTER = 0.5;
/** One request; shorter than the whole so that a silent address does not use up the time of the others. */
const ATTEMPT_TIMEOUT_MS = 5000;
/** The last attempts may overrun the whole by that: cut shorter, they would only hide why the ones before failed. */
const ATTEMPT_TIMEOUT_MIN_MS = 500;

export class JoinError extends Error {
  override readonly name = 'JoinError';
}

type Attempt =
  | { readonly kind: 'joined'; readonly result: JoinResult }
  /** No cluster is there for sure. */
  | { readonly kind: 'nobody'; readonly reason: string }
  | { readonly kind: 'again'; readonly reason: string }
  /** Asking again will not help. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Undefined: there is no cluster, found one. Rejects with a JoinError, or with the signal's reason. */
export async function joinCluster(request: JoinRequest, options: JoinOptions): Promise<JoinResult | undefined> {
  const { addresses, found, timeoutMs, log, signal } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let pauseMs = BACK_OFF_FIRST_MS;
  for (let round = 1; ; round += 1) {
    const reasons: string[] = [];
    let nobody = true;
    for (const address of addresses) {
      const leftMs = Math.max(ATTEMPT_TIMEOUT_MIN_MS, deadlineMs - performance.now());
      const attempt = await ask(address, request, Math.min(ATTEMPT_TIMEOUT_MS, leftMs), signal);
      signal?.throwIfAborted();
      if (attempt.kind === 'joined') {
        log.info({ via: address, clusterId: attempt.result.clusterId, memberId: attempt.result.memberId }, 'joined');
        return attempt.result;
      }
      if (attempt.kind === 'refused') throw new JoinError(`joining was refused: ${attempt.reason}`);
      reasons.push(attempt.reason);
      nobody &&= attempt.kind === 'nobody';
    }
    if (found && nobody) return undefined;
    if (round === 1) log.info({ addresses, reasons }, 'waiting for a member to join');
    else log.debug({ round, reasons }, 'still waiting for a member to join');
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) throw new JoinError(`could not join within SERVICE_RAFT_TIMEOUT: ${reasons.join('; ')}`);
    await pause(Math.min(leftMs, pauseMs * (1 - JITTER * Math.random())), signal);
    pauseMs = Math.min(BACK_OFF_MAX_MS, pauseMs * BACK_OFF_FACTOR);
  }
}

async function ask(
  address: string,
  request: JoinRequest,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const { name, peerAddress, clientAddress, instance } = request;
  try {
    const answer = await send({
      address,
      method: 'POST',
      path: '/register-follower',
      body: { follower_id: name, follower_addr: peerAddress, client_addr: clientAddress, instance },
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    return judge(address, answer.status, answer.body);
  } catch (error) {
    if (!(error instanceof RequestFailure)) throw error;
    return { kind: error.kind === 'refused' ? 'nobody' : 'again', reason: error.message };
  }
}

/**
 * What the other side will say again however often it is asked. Not `member-exists`: a member that comes back without its folder is
 * taken for its former self until the leader has missed that one for an election timeout.
 */
const FINAL_CODES: ReadonlySet<string> = new Set(['invalid-argument']);

function judge(address: string, status: number, body: string): Attempt {
  const answer = parseObject(body);
  if (status === 200) {
    if (typeof answer?.['clusterId'] === 'number' && typeof answer['memberId'] === 'number') {
      return { kind: 'joined', result: answer as unknown as JoinResult };
    }
    return { kind: 'refused', reason: `${address}: this is no Quorate member` };
  }
  const { error: code, message } = answer ?? {};
  const reason = `${address}: ${typeof message === 'string' ? message : `HTTP ${status}`}`;
  if (code === 'no-cluster') return { kind: 'nobody', reason };
  return { kind: typeof code === 'string' && FINAL_CODES.has(code) ? 'refused' : 'again', reason };
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
