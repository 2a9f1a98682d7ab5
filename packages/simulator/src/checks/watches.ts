/**
 * What one who watches has seen, over all members that told him, against what happened: every change of his range from his start on
 * that passes his filter, in order, once, all of a revision together; and no promise of having told everything that was not true.
 */
import {
  type ModelEvent,
  type StoreEvent,
  showEvent,
  showModelEvent,
  type WatchOptions,
} from '@quorate/replica/internal';
import type { Oracle } from './oracle.js';
import { require } from './violation.js';

const RULE = 'watch';

/** One call of a sink. */
interface Told {
  readonly events: readonly { readonly revision: number; readonly text: string }[];
  /** Everything up to here. */
  readonly revision: number;
  /** Of the member that told it. */
  readonly compactRevision: number;
  readonly via: string;
}

export class WatchRecord {
  readonly options: WatchOptions;
  readonly #name: string;
  readonly #oracle: Oracle;
  /** Everything up to here has been seen, as far as he was told; at first all before his start. */
  #through: number;
  /** ... and up to here it has been checked. */
  #checked: number;
  readonly #told: Told[] = [];

  /** `startRevision` of the options: the first revision that he wants. */
  constructor(name: string, oracle: Oracle, options: WatchOptions) {
    this.#name = name;
    this.#oracle = oracle;
    this.options = options;
    this.#through = options.startRevision - 1;
    this.#checked = this.#through;
  }

  /** The first revision that he has not seen: where he goes on at another member. */
  get next(): number {
    return this.#through + 1;
  }

  /** Within a step of the member: the oracle may be behind, so it is only written down. */
  told(via: string, events: readonly StoreEvent[], revision: number, compactRevision: number): void {
    const shown = events.map((event) => ({ revision: event.keyValue.modRevision, text: showEvent(event) }));
    this.#told.push({ events: shown, revision, compactRevision, via });
    this.#through = Math.max(this.#through, revision);
  }

  /** Between steps. */
  check(): void {
    for (const told of this.#told.splice(0)) this.#check(told);
  }

  /** A member says that nothing up to `revision` will come any more. Between steps. */
  promised(via: string, revision: number): void {
    this.check();
    if (revision <= this.#through) return;
    const missed = this.#expected(this.next, revision);
    require(missed.length === 0, RULE, () => {
      return `${this.#name}: ${via} promises to have told everything up to ${revision}, and has not told ${missed.map(showModelEvent).join('; ')}`;
    });
    this.#through = revision;
    this.#checked = revision;
  }

  /** A member says that what he needs next has been compacted. */
  compacted(via: string, compactRevision: number): void {
    require(this.next < compactRevision, RULE, () => {
      return `${this.#name} needs ${this.next} next, and is told by ${via} that it is compacted at ${compactRevision}`;
    });
  }

  #check({ events, revision, compactRevision, via }: Told): void {
    const from = this.#checked + 1;
    this.#checked = Math.max(this.#checked, revision);
    const tell = (what: string): string => {
      const shown = events.map(({ text }) => text).join('; ');
      return `${this.#name}, who has seen everything before ${from}, is told by ${via}, up to ${revision}: ${shown}: ${what}`;
    };
    const first = events[0]?.revision ?? from;
    require(first >= from, RULE, () => tell('that is not new'));
    require((events.at(-1)?.revision ?? from) <= revision, RULE, () => tell('that is later than it claims'));
    const expected = this.#expected(from, revision);
    let place = 0;
    expected.forEach((event, i) => {
      const found = events[place]?.text;
      if (found !== undefined && this.#isShownAs(event, found, compactRevision)) {
        place += 1;
        return;
      }
      // Of what one revision did to a key, compaction at that revision leaves the last.
      const isSuperseded = expected.some(
        (other, j) => j > i && other.key === event.key && other.revision === event.revision,
      );
      require(isSuperseded && event.revision <= compactRevision, RULE, () => tell(`missing ${showModelEvent(event)}`));
    });
    require(place === events.length, RULE, () => tell(`too much: ${events[place]?.text}`));
  }

  #isShownAs(event: ModelEvent, found: string, compactRevision: number): boolean {
    if (found === showModelEvent(event)) return true;
    const mayBeWithout = !this.options.previous || event.revision - 1 < compactRevision;
    return mayBeWithout && found === showModelEvent({ ...event, previous: undefined });
  }

  #expected(from: number, to: number): readonly ModelEvent[] {
    const { noPut, noDelete } = this.options;
    return this.#oracle.history(this.options, from, to).filter(({ type }) => !(type === 'put' ? noPut : noDelete));
  }
}
