/**
 * Is there an order of the operations on one key, each taking effect at one moment between its beginning and its end, that explains
 * all answers? (Herlihy and Wing, 1990. Keys are independent of each other, so each is checked for itself: locality.)
 *
 * The search is Wing and Gong's (1993) in the just-in-time form of Lowe (2017), with memoisation: the history is walked through in
 * time, and with it the set of all configurations that are possible: the key's value, and which of the operations under way have
 * taken effect already. When an operation ends, it must have taken effect: configurations in which it has not are continued by the
 * operations under way that fit, until it has; those in which it cannot are dropped. If none is left, no order explains the answers.
 *
 * Three things keep the sets small, however much is under way:
 *
 * - What changes nothing, whenever it takes effect (a read, a swap that was refused), takes effect as soon as it fits: that
 *   forbids nothing that was possible.
 * - An operation whose outcome is unknown stays under way, and never has to take effect. If what it left is not found by the next
 *   operation that takes effect, then the order without it is as good. So it is only tried as what provides the value that
 *   another operation has found, right before that one, and it is forgotten when the last that found its value has ended.
 * - Of two configurations that differ only in which unknown operations have taken effect, one in which fewer have can do all that
 *   the other can: the other is dropped.
 *
 * A refused operation surely had no effect, and is left out: if its value is seen, no order explains that.
 */
import type { Operation } from './history.js';

/** More configurations than this while one operation ends: the search gives up, and says so. */
const CONFIGURATIONS_MAX = 100_000;
const HASH_PRIME = 0x01000193;

export type KeyVerdict =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'violation'; readonly at: Operation }
  | { readonly kind: 'undecided' };

/** Values are numbered: no key is 0. */
const ABSENT = 0;
/** Changes nothing. */
const KEEPS = -1;
/** No value: an answer that contradicts itself finds this. */
const NOTHING = -2;

/** An operation as the search sees it. */
interface Step {
  readonly operation: Operation;
  readonly isKnown: boolean;
  /** What it finds; undefined: anything, but for `findsNot`. */
  readonly finds: number | undefined;
  readonly findsNot: number | undefined;
  /** The value that it leaves. */
  readonly leaves: number;
  /** Takes effect like every other unknown step of the same name, so the first that is left does for all; undefined: is unlike others. */
  readonly alike: string | undefined;
}

/** Positions of steps under way that have taken effect, ascending; those that will end, and those of unknown outcome. */
interface Configuration {
  readonly value: number;
  readonly known: readonly number[];
  readonly unknown: readonly number[];
}

/** All operations on one key, which is absent to begin with. */
export function checkKey(history: readonly Operation[]): KeyVerdict {
  const search = new Search(history);
  return search.verdict();
}

interface Moment {
  readonly atMs: number;
  /** At one time all begin before any ends (operations that touch are taken to overlap), and what ends needs what is forgotten then. */
  readonly order: 0 | 1 | 2;
  readonly position: number;
}

function inTime(a: Moment, b: Moment): number {
  return a.atMs - b.atMs || a.order - b.order || a.position - b.position;
}

class Search {
  readonly #steps: readonly Step[];
  readonly #moments: readonly Moment[];
  /** Positions of steps under way, in the order of their beginnings. */
  readonly #known: number[] = [];
  readonly #unknown: number[] = [];
  #configurations: readonly Configuration[] = [{ value: ABSENT, known: [], unknown: [] }];

  constructor(history: readonly Operation[]) {
    const steps = stepsOf(history);
    const needed = neededUntil(steps);
    const moments: Moment[] = [];
    for (const [position, step] of steps.entries()) {
      const { invokedMs, endedMs } = step.operation;
      const untilMs = step.isKnown ? endedMs : needed(step);
      if (untilMs < invokedMs) continue;
      moments.push({ atMs: invokedMs, order: 0, position });
      moments.push({ atMs: untilMs, order: step.isKnown ? 1 : 2, position });
    }
    this.#steps = steps;
    this.#moments = moments.toSorted(inTime);
  }

  verdict(): KeyVerdict {
    for (const { order, position } of this.#moments) {
      const { isKnown, operation } = this.#step(position);
      const open = isKnown ? this.#known : this.#unknown;
      if (order === 0) {
        open.push(position);
        continue;
      }
      if (order === 1) {
        const survivors = this.#finish(position);
        if (survivors === undefined) return { kind: 'undecided' };
        if (survivors.length === 0) return { kind: 'violation', at: operation };
        this.#configurations = survivors;
      } else this.#forget(position);
      open.splice(open.indexOf(position), 1);
    }
    return { kind: 'linearizable' };
  }

  #step(position: number): Step {
    return this.#steps[position] as Step;
  }

  /** The configurations in which the step that ends has taken effect; undefined if there are too many to follow. */
  #finish(ending: number): readonly Configuration[] | undefined {
    const seen = new Antichains();
    const survivors = new Antichains();
    const work = this.#configurations.map((configuration) => this.#settled(configuration));
    for (let current = work.pop(); current !== undefined; current = work.pop()) {
      if (current.known.includes(ending)) {
        survivors.add({ ...current, known: current.known.filter((position) => position !== ending) });
        continue;
      }
      for (const next of this.#continuations(current)) {
        if (seen.add(next)) work.push(next);
        if (seen.added > CONFIGURATIONS_MAX) return undefined;
      }
    }
    return survivors.all();
  }

  /** Nothing that still comes has found what the unknown step leaves. */
  #forget(position: number): void {
    if (!this.#configurations.some(({ unknown }) => unknown.includes(position))) return;
    const left = new Antichains();
    for (const configuration of this.#configurations) {
      left.add({ ...configuration, unknown: configuration.unknown.filter((other) => other !== position) });
    }
    this.#configurations = left.all();
  }

  /** With every step under way that changes nothing and fits. */
  #settled(configuration: Configuration): Configuration {
    const { value, known } = configuration;
    let settled = known;
    for (const position of this.#known) {
      const step = this.#step(position);
      if (changesNothing(step) && fits(step, value) && !settled.includes(position))
        settled = inserted(settled, position);
    }
    return settled === known ? configuration : { ...configuration, known: settled };
  }

  /** One more known step, and before it the unknown ones that it needs. */
  #continuations(current: Configuration): readonly Configuration[] {
    const next: Configuration[] = [];
    for (const position of this.#known) {
      if (current.known.includes(position)) continue;
      const step = this.#step(position);
      const before = fits(step, current.value) ? [current] : this.#provided(current, step);
      for (const { value, known, unknown } of before) {
        const left = step.leaves === KEEPS ? value : step.leaves;
        next.push(this.#settled({ value: left, known: inserted(known, position), unknown }));
      }
    }
    return next;
  }

  /** The configurations that unknown steps lead to from here and in which the step fits. */
  #provided(from: Configuration, wanted: Pick<Step, 'finds' | 'findsNot'>): readonly Configuration[] {
    const found: Configuration[] = [];
    const tried = new Set<string>();
    for (const position of this.#unknown) {
      const step = this.#step(position);
      if (!fits(wanted, step.leaves) || from.unknown.includes(position)) continue;
      if (step.alike !== undefined) {
        if (tried.has(step.alike)) continue;
        tried.add(step.alike);
      }
      const unknown = inserted(from.unknown, position);
      // A swap may need another one before it; none is used twice.
      const before = fits(step, from.value) ? [{ ...from, unknown }] : this.#provided({ ...from, unknown }, step);
      for (const configuration of before) found.push({ ...configuration, value: step.leaves });
    }
    return found;
  }
}

/** Configurations, without those that can do no more than another one. */
class Antichains {
  /** By a hash of value and known steps. */
  readonly #byHash = new Map<number, Configuration[]>();
  added = 0;

  /** False if there is one that can do as much. */
  add(configuration: Configuration): boolean {
    const hash = hashOf(configuration);
    const others = this.#byHash.get(hash);
    this.added += 1;
    if (others === undefined) {
      this.#byHash.set(hash, [configuration]);
      return true;
    }
    if (others.some((other) => canDoAll(other, configuration))) return false;
    const left = others.filter((other) => !canDoAll(configuration, other));
    left.push(configuration);
    this.#byHash.set(hash, left);
    return true;
  }

  all(): readonly Configuration[] {
    return [...this.#byHash.values()].flat();
  }
}

function hashOf({ value, known }: Configuration): number {
  let hash = value;
  for (const position of known) hash = Math.imul(hash ^ position, HASH_PRIME);
  return hash;
}

/** They differ at most in the unknown steps that have taken effect, and `one` has no more of these. */
function canDoAll(one: Configuration, other: Configuration): boolean {
  if (one.value !== other.value || one.known.length !== other.known.length) return false;
  if (one.known.some((position, place) => position !== other.known[place])) return false;
  return isSubset(one.unknown, other.unknown);
}

function fits({ finds, findsNot }: Pick<Step, 'finds' | 'findsNot'>, value: number): boolean {
  return (finds === undefined || finds === value) && (findsNot === undefined || findsNot !== value);
}

/** Whenever it takes effect. */
function changesNothing({ finds, leaves }: Step): boolean {
  return leaves === KEEPS || leaves === finds;
}

function stepsOf(history: readonly Operation[]): readonly Step[] {
  const numbers = new Map<string | null, number>([[null, ABSENT]]);
  const numberOf = (value: string | null): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(value, number);
    return number;
  };
  const found = new Set<string | null | undefined>();
  for (const operation of history) {
    if (operation.outcome === 'ok') found.add(operation.found);
    if (operation.kind === 'swap' && operation.outcome !== 'rejected') found.add(operation.expected);
  }
  const steps: Step[] = [];
  for (const operation of history) {
    if (operation.outcome === 'ok') steps.push(knownStep(operation, numberOf));
    else if (operation.outcome !== 'rejected' && operation.kind !== 'get') {
      steps.push(unknownStep(operation, numberOf, found.has(operation.value)));
    }
  }
  return steps;
}

function unknownStep(operation: Operation, numberOf: (value: string | null) => number, isFound: boolean): Step {
  const { kind, value, expected } = operation;
  const leaves = kind === 'delete' ? ABSENT : numberOf(value);
  const finds = kind === 'swap' ? numberOf(expected) : undefined;
  const alike = kind === 'delete' ? 'delete' : isFound ? undefined : `found by nobody, after ${finds}`;
  return { operation, isKnown: false, finds, findsNot: undefined, leaves, alike };
}

function knownStep(operation: Operation, numberOf: (value: string | null) => number): Step {
  const { kind, value, expected, found, existed, swapped } = operation;
  let finds = found === undefined ? undefined : numberOf(found);
  let findsNot: number | undefined;
  let leaves = KEEPS;
  switch (kind) {
    case 'get':
      break;
    case 'put':
    case 'delete':
      leaves = kind === 'put' ? numberOf(value) : ABSENT;
      if (existed === true) findsNot = ABSENT;
      else if (existed === false) finds = finds === undefined || finds === ABSENT ? ABSENT : NOTHING;
      break;
    case 'swap':
      if (swapped) {
        leaves = numberOf(value);
        finds = finds === undefined || found === expected ? numberOf(expected) : NOTHING;
      } else findsNot = numberOf(expected);
      break;
  }
  return { operation, isKnown: true, finds, findsNot, leaves, alike: undefined };
}

/** Until when an unknown step may be needed: as long as something that may have found what it leaves has not ended. */
function neededUntil(steps: readonly Step[]): (step: Step) => number {
  let anyMs = Number.NEGATIVE_INFINITY;
  const byValue = new Map<number, number>();
  const untilMs = (value: number): number => Math.max(anyMs, byValue.get(value) ?? Number.NEGATIVE_INFINITY);
  for (const { isKnown, finds, findsNot, operation } of steps) {
    if (!isKnown) continue;
    if (finds !== undefined) byValue.set(finds, Math.max(operation.endedMs, untilMs(finds)));
    else if (findsNot !== undefined) anyMs = Math.max(anyMs, operation.endedMs);
  }
  // An unknown swap needs what it expects as long as what it leaves is needed.
  const swaps = steps.filter(({ isKnown, finds }) => !isKnown && finds !== undefined);
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const { finds = ABSENT, leaves } of swaps) {
      if (untilMs(finds) >= untilMs(leaves)) continue;
      byValue.set(finds, untilMs(leaves));
      isNew = true;
    }
  }
  return ({ leaves }) => untilMs(leaves);
}

function inserted(positions: readonly number[], position: number): readonly number[] {
  let place = positions.length;
  while (place > 0 && (positions[place - 1] as number) > position) place -= 1;
  return positions.toSpliced(place, 0, position);
}

/** Both ascending. */
function isSubset(some: readonly number[], others: readonly number[]): boolean {
  if (some.length > others.length) return false;
  let place = 0;
  for (const position of some) {
    while (place < others.length && (others[place] as number) < position) place += 1;
    if (others[place] !== position) return false;
  }
  return true;
}
