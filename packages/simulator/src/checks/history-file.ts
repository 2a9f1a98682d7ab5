/**
 * A history from outside, to be judged like a simulated one: JSON, one operation a line, in any order.
 *
 *     {"client":1,"key":"a","kind":"put","value":"1.7","invokedMs":10.5,"endedMs":12.25,"outcome":"ok","existed":false}
 *
 *     kind       get | put | delete | swap (a compare-and-set; one that expects null creates)
 *     value      what a put or swap writes; should occur once in the history, or the judge sees less
 *     expected   of a swap: the value that it expects, or null for no key
 *     outcome    ok | rejected (surely without effect) | unknown (perhaps with one, perhaps later)
 *     found      of an answered get: the value, null for no key; of others: what was there before, if the answer tells
 *     existed    of an answered put or delete, instead of `found`: whether there was a key
 *     swapped    of an answered swap: whether it took place
 *     revision   the store's revision in the answer, if it has one: then revisions are judged as well
 *
 * invokedMs and endedMs are of one clock for all clients. Other fields are passed over.
 */
import {
  checkRevisions,
  describeOperation,
  type Operation,
  type OperationKind,
  type OperationOutcome,
} from './history.js';
import { checkKey } from './linearizability.js';

const KINDS: readonly OperationKind[] = ['get', 'put', 'delete', 'swap'];
const OUTCOMES: readonly OperationOutcome[] = ['ok', 'rejected', 'unknown'];

/** The file is not a history: the message names the line. */
export class HistoryFormatError extends Error {
  override readonly name = 'HistoryFormatError';
}

export interface JudgedHistory {
  readonly operations: number;
  readonly keys: number;
  /** What no map could have answered, a text each; none if all is well. */
  readonly violations: readonly string[];
}

/** @throws HistoryFormatError */
export function readHistory(text: string): Operation[] {
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [readOperation(line, i + 1)]));
}

export function judgeHistory(operations: readonly Operation[]): JudgedHistory {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const present = byKey.get(operation.key);
    if (present === undefined) byKey.set(operation.key, [operation]);
    else present.push(operation);
  }
  const violations: string[] = [];
  for (const [key, history] of byKey) {
    const verdict = checkKey(history);
    if (verdict.kind === 'undecided')
      violations.push(`the history of ${key} has too many possible orders to be judged`);
    if (verdict.kind === 'violation') violations.push(`no order explains ${describeOperation(verdict.at)}`);
  }
  const answered = operations.filter(({ outcome, revision }) => outcome === 'ok' && revision > 0);
  const stale = checkRevisions(answered);
  if (stale !== undefined) {
    violations.push(`${describeOperation(stale.later)} began after the end of ${describeOperation(stale.earlier)}`);
  }
  return { operations: operations.length, keys: byKey.size, violations };
}

function readOperation(line: string, number: number): Operation {
  const refuse = (what: string): never => {
    throw new HistoryFormatError(`line ${number}: ${what}`);
  };
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    return refuse('is not JSON');
  }
  if (typeof read !== 'object' || read === null) return refuse('is not an object');
  const fields = read as Readonly<Record<string, unknown>>;
  const numberOf = (name: string, missing?: number): number => {
    const value = fields[name] ?? missing;
    return typeof value === 'number' && Number.isFinite(value) ? value : refuse(`${name} is not a number`);
  };
  const textOf = (name: string): string | null => {
    const value = fields[name] ?? null;
    return value === null || typeof value === 'string' ? value : refuse(`${name} is not a string or null`);
  };
  const flagOf = (name: string): boolean | undefined => {
    const value = fields[name];
    return value === undefined || typeof value === 'boolean' ? value : refuse(`${name} is not true or false`);
  };
  const kind = KINDS.find((one) => one === fields['kind']) ?? refuse(`kind is none of ${KINDS.join(', ')}`);
  const outcome =
    OUTCOMES.find((one) => one === fields['outcome']) ?? refuse(`outcome is none of ${OUTCOMES.join(', ')}`);
  const isAnswered = outcome === 'ok';
  const [key, value, swapped, invokedMs] = [textOf('key'), textOf('value'), flagOf('swapped'), numberOf('invokedMs')];
  if (key === null) return refuse('there is no key');
  if ((kind === 'put' || kind === 'swap') && value === null) return refuse(`a ${kind} without a value`);
  if (kind === 'get' && isAnswered && fields['found'] === undefined) return refuse('an answered get without found');
  if (kind === 'swap' && isAnswered && swapped === undefined) return refuse('an answered swap without swapped');
  const endedMs = isAnswered ? numberOf('endedMs') : numberOf('endedMs', invokedMs);
  if (endedMs < invokedMs) return refuse('it ends before it begins');
  return {
    client: numberOf('client', 0),
    kind,
    key,
    value: kind === 'put' || kind === 'swap' ? value : null,
    expected: kind === 'swap' ? textOf('expected') : null,
    invokedMs,
    endedMs,
    outcome,
    found: fields['found'] === undefined ? undefined : textOf('found'),
    existed: flagOf('existed'),
    swapped: swapped ?? false,
    revision: numberOf('revision', 0),
    via: textOf('via') ?? '?',
  };
}
