/**
 * The events of a call, for watchers with any filter: one array for each filter, made when first asked for. All watchers with
 * the same filter are given the same object; where a filter drops nothing, it is the array without any filter.
 */
import type { WatchEvent, WatchOptions } from './types.js';

const NO_PUT = 1;
const NO_DELETE = 2;

export function filterOf(options: WatchOptions): number {
  return (options.noPut ? NO_PUT : 0) | (options.noDelete ? NO_DELETE : 0);
}

export class EventSelection {
  private readonly byFilter: (readonly WatchEvent[] | undefined)[];

  constructor(events: readonly WatchEvent[]) {
    this.byFilter = [events, undefined, undefined, undefined];
  }

  /** What passes `filter`, from revision `from` on. */
  passing(filter: number, from: number): readonly WatchEvent[] {
    const events = this.byFilter[filter] ?? this.filtered(filter);
    const [first] = events;
    if (first === undefined || first.keyValue.modRevision >= from) {
      return events;
    }
    // One that joins in the middle: alone with that as a rule, and only once.
    return events.filter((event) => event.keyValue.modRevision >= from);
  }

  private filtered(filter: number): readonly WatchEvent[] {
    const all = this.byFilter[0] ?? [];
    const passing = all.filter(({ type }) => (filter & (type === 'put' ? NO_PUT : NO_DELETE)) === 0);
    const events = passing.length === all.length ? all : passing;
    this.byFilter[filter] = events;
    return events;
  }
}
