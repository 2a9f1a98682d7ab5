/**
 * Reads that ask nobody: of a member's own state as it is (serializable), and as it was at an earlier revision. They may be old, and
 * they must be true: the value of a key at a revision is the same whoever is asked, whenever, until compaction makes it unreadable;
 * it was really written; and who asks one member again sees no older state than before.
 */
import type { KeyValue, RangeResponse, Store, StoreErrorCode } from '@quorate/replica/internal';
import { brief, type Operation } from './history.js';
import type { Values } from './values.js';
import { require, violated } from './violation.js';

const RULE = 'past read';

/** What a key was at a revision: `value` undefined if it was not there. */
interface View {
  readonly value: string | undefined;
  readonly modRevision: number;
}

/** What is known of one key. */
interface Known {
  /** By the revision of the change. */
  readonly changes: Map<number, string>;
  /** By the revision read at. */
  readonly views: Map<number, View>;
}

export class PastReads {
  readonly #values: Values;
  readonly #keys = new Map<string, Known>();
  readonly #seen = new Set<string>();

  constructor(values: Values) {
    this.#values = values;
  }

  /** The present state of one member. `before`: the revision that the same client saw there last, in the same life. */
  present(who: string, key: string, store: Store, before: number): void {
    const { revision } = store;
    require(revision >= before, RULE, () => `${who} shows revision ${revision} after ${before}`);
    this.#note(who, key, revision, store.get(key));
  }

  /** What a member answers that is asked for a key as of revision `at`; `revision` and `compacted` are its own. */
  view(
    who: string,
    key: string,
    at: number,
    { revision, compactRevision }: Pick<Store, 'compactRevision' | 'revision'>,
    answer: RangeResponse | { readonly kind: 'error'; readonly code: StoreErrorCode },
  ): void {
    const tell = (): string =>
      `${who}, at revision ${revision}, compacted at ${compactRevision}, is asked for ${key} at ${at}`;
    if (answer.kind === 'error') {
      const isRight =
        answer.code === 'compacted' ? at < compactRevision : answer.code === 'future-revision' && at > revision;
      require(isRight, RULE, () => `${tell()}: ${answer.code}`);
      return;
    }
    require(at <= revision && at >= compactRevision, RULE, () => `${tell()}, and answers`);
    this.#note(who, key, at, answer.keyValues[0]);
  }

  /** Whatever was seen, somebody has written. */
  judge(history: readonly Operation[]): void {
    const written = new Set<string>();
    for (const { outcome, value } of history) if (outcome !== 'rejected' && value !== null) written.add(value);
    for (const value of this.#seen) {
      if (!written.has(value)) violated(RULE, `nobody has written ${brief(value)}`);
    }
  }

  #note(who: string, key: string, at: number, found: KeyValue | undefined): void {
    const { views, changes } = this.#known(key);
    const value = found === undefined ? undefined : this.#values.textOf(found.value);
    const modRevision = found?.modRevision ?? 0;
    const before = views.get(at);
    if (before === undefined) views.set(at, { value, modRevision });
    else if (before.value !== value || before.modRevision !== modRevision) {
      const [shown, known] = [describeView({ value, modRevision }), describeView(before)];
      violated(RULE, `${who} shows ${shown} for ${key} at ${at}; ${known} was seen there before`);
    }
    if (value === undefined) return;
    if (modRevision > at) violated(RULE, `${who} shows ${describeView({ value, modRevision })} for ${key} at ${at}`);
    const changed = changes.get(modRevision);
    if (changed === undefined) changes.set(modRevision, value);
    else if (changed !== value) {
      const change = `${key}@${modRevision}`;
      violated(RULE, `${who} shows ${brief(value)} as ${change}; ${brief(changed)} was seen there before`);
    }
    this.#seen.add(value);
  }

  #known(key: string): Known {
    const present = this.#keys.get(key);
    if (present !== undefined) return present;
    const known: Known = { changes: new Map(), views: new Map() };
    this.#keys.set(key, known);
    return known;
  }
}

function describeView({ value, modRevision }: View): string {
  return value === undefined ? 'nothing' : `${brief(value)} of revision ${modRevision}`;
}
