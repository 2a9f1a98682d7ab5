/** The same watches at both systems, each system's on one stream: what they tell must be the same, watch by watch, in order. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type JsonValue, type MessageInit, type WatchCreateRequest, WatchRequest, WatchResponse } from '@quorate/proto';
import type { GrpcStream } from '../support/grpc-client.js';
import { masked } from './answers.js';

/** Counted in polls, not in time: on a crowded machine this process may stand still for longer than any limit. */
const POLLS_MAX = 10_000;
const POLL_MS = 1;
const ASKED_SHOWN = 8;

type WatchStream = Pick<GrpcStream<WatchRequest, WatchResponse>, 'send' | 'cancel'>;

/** Opens the stream that a system's watches are on. */
export type OpenWatchStream = (receive: (response: WatchResponse) => void) => WatchStream;

/** What one system told, in order, for each watch. */
class WatchLog {
  readonly stream: WatchStream;
  readonly lines = new Map<number, JsonValue[]>();
  /** Replies that are no events: creations, ends, progress. */
  replies = 0;
  #told = 0;
  #newest = -1;

  constructor(open: OpenWatchStream) {
    this.stream = open((response) => this.#take(response));
  }

  #take(response: WatchResponse): void {
    let lines = this.lines.get(response.watchId);
    if (lines === undefined) {
      lines = [];
      this.lines.set(response.watchId, lines);
    }
    const { events, ...rest } = response;
    const { events: told, ...shown } = WatchResponse.toJson(response);
    // How many revisions come in one response is the server's choice: their events are compared, not their grouping.
    if (Array.isArray(told)) lines.push(...told);
    if (rest.created) this.#newest = rest.watchId;
    if (rest.watchId === this.#newest) this.#told += events.length;
    if (events.length > 0 && !rest.canceled) return;
    this.replies += 1;
    lines.push(masked(shown));
  }

  /** From now on, only a watch that is created after this call counts: until then, an earlier one may still be telling. */
  awaitNextWatch(): void {
    this.#newest = -1;
    this.#told = 0;
  }

  /** Whether the watch that was awaited exists and has told something. */
  hasNextWatchTold(): boolean {
    return this.#told > 0;
  }
}

export interface WatchDifference {
  readonly watchId: number;
  /** What was asked last, oldest first. */
  readonly asked: readonly JsonValue[];
  readonly etcd: readonly JsonValue[];
  readonly quorate: readonly JsonValue[];
}

export class WatchPair {
  readonly #logs: readonly [WatchLog, WatchLog];
  readonly #asked: JsonValue[] = [];
  #created = 0;

  constructor(etcd: OpenWatchStream, quorate: OpenWatchStream) {
    this.#logs = [new WatchLog(etcd), new WatchLog(quorate)];
  }

  get created(): number {
    return this.#created;
  }

  /** Asks both, and waits for both to say so. */
  async create(request: MessageInit<WatchCreateRequest>): Promise<void> {
    this.#created += 1;
    await this.#ask({ createRequest: request });
  }

  /** `isKnown`: an unknown watch's end is not confirmed. */
  async cancel(watchId: number, isKnown: boolean): Promise<void> {
    await this.#ask({ cancelRequest: { watchId } }, isKnown);
  }

  async progress(): Promise<void> {
    await this.#ask({ progressRequest: {} }, true);
  }

  /** Watches that are there and were not ended. */
  running(): number[] {
    return [...this.#logs[0].lines].filter(([id, lines]) => id >= 0 && !isEnded(lines)).map(([id]) => id);
  }

  /** Waits until both have told the same; the first difference that stays. */
  async agree(): Promise<WatchDifference | undefined> {
    for (let polls = 0; ; polls += 1) {
      const difference = this.#difference();
      if (difference === undefined) break;
      if (polls >= POLLS_MAX) {
        this.#forget();
        return difference;
      }
      await delay(POLL_MS);
    }
    this.#forget();
    return undefined;
  }

  /** What was compared need not be held any longer; the last line tells whether a watch is over. */
  #forget(): void {
    for (const { lines } of this.#logs) {
      for (const told of lines.values()) told.splice(0, told.length - 1);
    }
  }

  /**
   * Waits until watches that begin in the past have caught up, even those that had nothing to tell: etcd takes them up all together, ten
   * times a second, and a compaction before that would end them. `revision`: that of the latest change, of `key`.
   */
  async caughtUp(key: Uint8Array, revision: number): Promise<void> {
    for (const log of this.#logs) log.awaitNextWatch();
    const known = new Set(this.running());
    await this.#ask({ createRequest: { key, startRevision: revision } });
    for (let polls = 0; polls < POLLS_MAX && !this.#logs.every((log) => log.hasNextWatchTold()); polls += 1) {
      await delay(POLL_MS);
    }
    const [watchId] = this.running().filter((id) => !known.has(id));
    if (watchId !== undefined) await this.cancel(watchId, true);
  }

  close(): void {
    for (const { stream } of this.#logs) stream.cancel();
  }

  async #ask(request: MessageInit<WatchRequest>, isAnswered = true): Promise<void> {
    const before = this.#logs.map(({ replies }) => replies);
    this.#asked.push(WatchRequest.toJson(request));
    if (this.#asked.length > ASKED_SHOWN) this.#asked.shift();
    for (const { stream } of this.#logs) stream.send(request);
    if (!isAnswered) return;
    for (let polls = 0; polls < POLLS_MAX; polls += 1) {
      if (this.#logs.every(({ replies }, i) => replies !== before[i])) return;
      await delay(POLL_MS);
    }
  }

  #difference(): WatchDifference | undefined {
    const [etcd, quorate] = this.#logs;
    for (const watchId of new Set([...etcd.lines.keys(), ...quorate.lines.keys()])) {
      const one = etcd.lines.get(watchId) ?? [];
      const other = quorate.lines.get(watchId) ?? [];
      if (!isDeepStrictEqual(one, other)) {
        return { watchId, asked: [...this.#asked], etcd: [...one], quorate: [...other] };
      }
    }
    return undefined;
  }
}

function isEnded(lines: readonly JsonValue[]): boolean {
  const last = lines.at(-1);
  return typeof last === 'object' && !Array.isArray(last) && last['canceled'] === true;
}
