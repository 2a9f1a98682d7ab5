/** Makes answers comparable: what two clusters cannot have in common is taken out, everything else stays, field by field. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue, Method } from '@quorate/proto';
import type { Outcome } from '../support/grpc-client.js';

/** An answer as plain data. */
export interface Answer {
  readonly code: number;
  readonly message: string;
  readonly reply: JsonValue | undefined;
}

/** Told by the clusters about themselves. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['cluster_id', 'member_id', 'raft_term']);
/** The Go library says in its own words what is wrong with bytes that are no message. */
const MALFORMED = /^grpc: error unmarshalling request: .*$/s;
/** Remaining time is rounded down to seconds, so two clocks may differ by one. */
const TTL_TOLERANCE_SECONDS = 1;

export function answerOf(method: Method<unknown, unknown>, outcome: Outcome<unknown>): Answer {
  const message = outcome.message.replace(MALFORMED, 'grpc: error unmarshalling request: ...');
  const json = outcome.reply === undefined ? undefined : masked(method.response.toJson(outcome.reply));
  return { code: outcome.code, message, reply: json };
}

export function masked(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([name]) => !OWN_FIELDS.has(name));
  return Object.fromEntries(kept.map(([name, field]) => [name, masked(field)]));
}

/** `name`: that of the method. */
export function isSame(name: string, one: Answer, other: Answer): boolean {
  if (name === 'LeaseTimeToLive') return isDeepStrictEqual(...timeToLivePair(one, other));
  return isDeepStrictEqual(one, other);
}

/** Both with the first one's remaining time if they are as good as equal; a lease's keys are a set, in etcd 3.4 in no order. */
function timeToLivePair(one: Answer, other: Answer): [Answer, Answer] {
  const first = one.reply as JsonObject | undefined;
  const second = other.reply as JsonObject | undefined;
  if (first === undefined || second === undefined) return [one, other];
  const isNear = Math.abs(Number(first['TTL'] ?? 0) - Number(second['TTL'] ?? 0)) <= TTL_TOLERANCE_SECONDS;
  const ttl = isNear && first['TTL'] !== undefined ? first['TTL'] : undefined;
  return [
    { ...one, reply: sortedKeys(first, ttl) },
    { ...other, reply: sortedKeys(second, ttl) },
  ];
}

function sortedKeys(reply: JsonObject, ttl: JsonValue | undefined): JsonObject {
  const { keys } = reply;
  return {
    ...reply,
    ...(ttl === undefined ? {} : { TTL: ttl }),
    ...(Array.isArray(keys) ? { keys: keys.map(String).toSorted() } : {}),
  };
}
