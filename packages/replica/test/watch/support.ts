/** What the hub's tests share: a store with its hub as a member runs them, and a sink that writes down what it is told. */
import { type Command, Store, type StoreEvent } from '../../src/store/index.js';
import { type WatchEvent, type Watcher, WatchHub, type WatchLimits, type WatchOptions } from '../../src/watch/index.js';
import { platform, text } from '../store/support.js';

export function watchOf(key: string, rangeEnd?: string, options: Partial<WatchOptions> = {}): WatchOptions {
  return { key, rangeEnd, startRevision: 0, previous: false, noPut: false, noDelete: false, ...options };
}

/** `put a=1 @5 (was 0 @3)` */
export function showEvent({ type, keyValue, previous }: StoreEvent): string {
  const was = previous === undefined ? '' : ` (was ${text(previous.value)} @${previous.modRevision})`;
  return type === 'put'
    ? `put ${keyValue.key}=${text(keyValue.value)} @${keyValue.modRevision}${was}`
    : `delete ${keyValue.key} @${keyValue.modRevision}${was}`;
}

/** A sink that takes whatever comes, or only so many calls. */
export class Recorder {
  readonly lines: string[] = [];
  readonly arrays: (readonly WatchEvent[])[] = [];
  readonly revisions: number[] = [];
  compactedAt: number | undefined;
  /** How many calls more it takes before it wants no more. */
  room: number;
  onEvents: (events: readonly WatchEvent[]) => void = () => undefined;

  constructor(room: number = Number.POSITIVE_INFINITY) {
    this.room = room;
  }

  events(events: readonly WatchEvent[], revision: number): boolean {
    this.arrays.push(events);
    this.revisions.push(revision);
    this.lines.push(...events.map(showEvent));
    this.onEvents(events);
    return --this.room > 0;
  }

  isFull(): boolean {
    return this.room <= 0;
  }

  compacted(compactRevision: number): void {
    this.compactedAt = compactRevision;
  }

  take(): string[] {
    return this.lines.splice(0);
  }
}

export class Bench {
  store: Store = new Store(platform, { slabBytes: 256, collectEvents: false });
  readonly hub: WatchHub;
  wakes = 0;
  readonly faults: unknown[] = [];

  constructor(limits: Partial<WatchLimits> = {}) {
    const requestTurn = (): void => {
      this.wakes++;
    };
    this.hub = new WatchHub(() => this.store, { requestTurn, faulted: (error) => this.faults.push(error) }, limits);
  }

  /** As the member does it. */
  apply(operation: Command['operation']): void {
    const { events, response } = this.store.apply({ operation, limits: undefined });
    if (response.kind === 'error') {
      throw new Error(response.code);
    }
    if (events.length > 0) this.hub.publish(events, this.store.revision);
  }

  compact(revision: number): void {
    this.apply({ kind: 'compact', revision });
  }

  watch(options: WatchOptions, sink: Recorder = new Recorder()): { sink: Recorder; watcher: Watcher } {
    return { sink, watcher: this.hub.watch(options, sink) };
  }

  poll(): void {
    for (let turns = 0; this.hub.poll(1); turns++) {
      if (turns > 100_000) {
        throw new Error('catching up does not come to an end');
      }
    }
  }
}
