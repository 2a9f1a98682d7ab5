/**
 * Are the answers that clients got those of one map that does one thing at a time? (Herlihy and Wing, 1990.)
 *
 * Keys are independent of each other, so each is checked for itself (locality). The search is Wing and Gong's (1993) in the
 * just-in-time form of Lowe (2017), with memoisation: the history is walked through in time, and with it the set of all
 * configurations that are possible: the key's value, and which of the operations under way have taken effect already. When an
 * operation ends, it must have taken effect: configurations in which it has not are continued by every operation under way that
 * fits, until it has; those in which it cannot are dropped. If none is left, no order explains the answers.
 *
 * An operation whose outcome is unknown stays under way for ever. An unknown write that nobody ever saw could have had no effect,
 * and whatever is explained with it is explained without it: it is left out, which keeps the sets small. A refused operation
 * surely had no effect, and is left out too: if its value is seen, no order explains that.
 */
export type OperationKind = 'get' | 'put' | 'delete' | 'swap';
export type OperationOutcome = 'ok' | 'rejected' | 'unknown';

export interface Operation {
  readonly client: number;
  readonly kind: OperationKind;
  readonly key: string;
  /** What a put or swap writes; values are unique. */
  readonly value: string | null;
  /** What a swap expects: null if it expects no key. */
  readonly expected: string | null;
  readonly invokedMs: number;
  endedMs: number;
  outcome: OperationOutcome | 'pending';
  /**
   * What was found: a get's answer, the value before a put, delete or swap; undefined if the answer does not tell, which only that
   * of a put, of a delete, and of a swap that took place may.
   */
  found: string | null | undefined;
  /** Whether a swap took place. */
  swapped: boolean;
  /** The store's revision in the answer. */
  revision: number;
  /** Who was asked. */
  readonly via: string;
}

/** More configurations than this at one time: the search gives up, and says so. */
const CONFIGURATIONS_MAX = 100_000;

interface Configuration {
  readonly value: string | null;
  /** Positions of operations under way that have taken effect, ascending. */
  readonly done: readonly number[];
}

export type KeyVerdict =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'violation'; readonly at: Operation }
  | { readonly kind: 'undecided' };

/** All operations on one key, which is absent to begin with. */
export function checkKey(history: readonly Operation[]): KeyVerdict {
  const operations = relevant(history);
  const ends: { readonly atMs: number; readonly isEnd: boolean; readonly position: number }[] = [];
  for (const [position, { invokedMs, endedMs, outcome }] of operations.entries()) {
    ends.push({ atMs: invokedMs, isEnd: false, position });
    if (outcome === 'ok') ends.push({ atMs: endedMs, isEnd: true, position });
  }
  // At one time beginnings come first: operations that touch are taken to overlap.
  const events = ends.toSorted(
    (a, b) => a.atMs - b.atMs || Number(a.isEnd) - Number(b.isEnd) || a.position - b.position,
  );
  const open: number[] = [];
  let configurations: readonly Configuration[] = [{ value: null, done: [] }];
  for (const { isEnd, position } of events) {
    if (!isEnd) {
      open.push(position);
      continue;
    }
    const survivors = finish(configurations, operations, open, position);
    if (survivors === undefined) return { kind: 'undecided' };
    if (survivors.length === 0) return { kind: 'violation', at: operations[position] as Operation };
    configurations = survivors;
    open.splice(open.indexOf(position), 1);
  }
  return { kind: 'linearizable' };
}

/** The configurations in which the operation that ends has taken effect; undefined if there are too many to follow. */
function finish(
  configurations: readonly Configuration[],
  operations: readonly Operation[],
  open: readonly number[],
  ending: number,
): readonly Configuration[] | undefined {
  const seen = new Set<string>();
  const survivors = new Map<string, Configuration>();
  const work = [...configurations];
  for (let current = work.pop(); current !== undefined; current = work.pop()) {
    if (current.done.includes(ending)) {
      const rest = { value: current.value, done: current.done.filter((position) => position !== ending) };
      survivors.set(nameOf(rest), rest);
      continue;
    }
    let deleteTried = false;
    for (const position of open) {
      if (current.done.includes(position)) continue;
      const operation = operations[position] as Operation;
      const value = effect(operation, current.value);
      if (value === undefined) continue;
      if (operation.outcome !== 'ok') {
        // Of what never ends: what changes nothing can wait, and of deletes, which are all alike, the first does for all.
        if (value === current.value || (operation.kind === 'delete' && deleteTried)) continue;
        deleteTried ||= operation.kind === 'delete';
      }
      const next = { value, done: [...current.done, position].toSorted((a, b) => a - b) };
      const name = nameOf(next);
      if (seen.has(name)) continue;
      seen.add(name);
      if (seen.size > CONFIGURATIONS_MAX) return undefined;
      work.push(next);
    }
  }
  return [...survivors.values()];
}

function nameOf({ value, done }: Configuration): string {
  return `${done.join()}|${value === null ? '' : `=${value}`}`;
}

/** The value after the operation; undefined if its answer does not fit the value before. */
function effect(operation: Operation, before: string | null): string | null | undefined {
  const isKnown = operation.outcome === 'ok';
  if (isKnown && operation.found !== undefined && operation.found !== before) return undefined;
  switch (operation.kind) {
    case 'get':
      return before;
    case 'put':
      return operation.value;
    case 'delete':
      return null;
    case 'swap':
      break;
  }
  const fits = before === operation.expected;
  if (isKnown && operation.swapped !== fits) return undefined;
  return fits ? operation.value : before;
}

/** Without what surely had no effect, and what need not have had one. */
function relevant(history: readonly Operation[]): readonly Operation[] {
  const seen = new Set<string>();
  for (const { outcome, kind, found, expected } of history) {
    if (outcome === 'ok' && typeof found === 'string') seen.add(found);
    if (kind === 'swap' && outcome !== 'rejected' && expected !== null) seen.add(expected);
  }
  return history.filter(({ outcome, kind, value }) => {
    if (outcome === 'rejected') return false;
    if (outcome === 'ok') return true;
    return kind === 'delete' || (value !== null && seen.has(value));
  });
}

/**
 * Answers carry the store's revision: what ended before another began must not have seen a later one. This is checked over all
 * keys together, so it sees what the keys by themselves do not.
 */
export function checkRevisions(
  history: readonly Operation[],
): { readonly earlier: Operation; readonly later: Operation } | undefined {
  const known = history.filter(({ outcome }) => outcome === 'ok');
  const byEnd = known.toSorted((a, b) => a.endedMs - b.endedMs);
  const byBegin = known.toSorted((a, b) => a.invokedMs - b.invokedMs);
  let ended = 0;
  let highest: Operation | undefined;
  for (const later of byBegin) {
    for (let next = byEnd[ended]; next !== undefined && next.endedMs < later.invokedMs; next = byEnd[ended]) {
      if (highest === undefined || next.revision > highest.revision) highest = next;
      ended += 1;
    }
    if (highest === undefined) continue;
    const must = highest.revision + (isChange(later) ? 1 : 0);
    if (later.revision < must) return { earlier: highest, later };
  }
  return undefined;
}

function isChange({ kind, swapped, found }: Operation): boolean {
  return kind === 'put' || (kind === 'swap' && swapped) || (kind === 'delete' && found !== null);
}

export function describeOperation(operation: Operation): string {
  const { client, kind, key, value, expected, invokedMs, endedMs, outcome, found, revision, via } = operation;
  const wanted = kind === 'swap' ? ` ${brief(expected)} -> ${brief(value)}` : kind === 'put' ? ` ${brief(value)}` : '';
  const answer =
    outcome === 'ok'
      ? `found ${brief(found)}${kind === 'swap' ? `, ${operation.swapped ? 'swapped' : 'kept'}` : ''}, revision ${revision}`
      : outcome;
  const end = Number.isFinite(endedMs) ? endedMs.toFixed(3) : '...';
  return `c${client} ${invokedMs.toFixed(3)}-${end} via ${via}: ${kind} ${key}${wanted}: ${answer}`;
}

/** Values are unique by how they begin. */
export function brief(value: string | null | undefined): string {
  return typeof value === 'string' ? value.replace(/x+$/, '') : String(value);
}
