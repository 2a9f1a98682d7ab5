/**
 * Reads that ask nobody: of a member's own state as it is (serializable), and as it was at an earlier revision. They may be old, and
 * they must be true: the value of a key at a revision is the same whoever is asked, whenever, until compaction makes it unreadable;
 * it was really written; and who asks one member again sees no older state than before.
 */
import {
  type KeyValue,
  nodePlatform,
  type RangeResponse,
  type Store,
  type StoreErrorCode,
} from '@quorate/replica/internal';
import { brief, type Operation } from './history.js';
import { require } from './violation.js';

const RULE = 'past read';
export class PastReads {
  /** By key and revision of the change. */
  readonly #changes = new Map<string, string>();
  /** By key and the revision read at. */
  readonly #views = new Map<string, string>();
  readonly #values = new Set<string>();

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
    const written = new Set(
      history.flatMap(({ outcome, value }) => (outcome === 'rejected' || value === null ? [] : [value])),
    );
    for (const value of this.#values) require(written.has(value), RULE, () => `nobody has written ${brief(value)}`);
  }

  #note(who: string, key: string, at: number, found: KeyValue | undefined): void {
    const value = found === undefined ? undefined : nodePlatform.latin1(found.value, 0, found.value.length);
    const seen = value === undefined ? 'nothing' : `${brief(value)} of revision ${found?.modRevision}`;
    const known = this.#views.get(`${key}@${at}`) ?? seen;
    this.#views.set(`${key}@${at}`, known);
    require(known === seen, RULE, () => `${who} shows ${seen} for ${key} at ${at}; ${known} was seen there before`);
    if (found === undefined || value === undefined) return;
    require(found.modRevision <= at, RULE, () => `${who} shows ${seen} for ${key} at ${at}`);
    const change = `${key}@${found.modRevision}`;
    const changed = this.#changes.get(change) ?? value;
    this.#changes.set(change, changed);
    require(changed === value, RULE, () =>
      `${who} shows ${brief(value)} as ${change}; ${brief(changed)} was seen there before`);
    this.#values.add(value);
  }
}
