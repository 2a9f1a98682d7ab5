/**
 * The store as it should be. All members apply the same entries, so one naive model (StoreModel of @quorate/replica) that is given
 * the log as it is decided says what every client must be told, what every watcher must see, and how every member's state stands.
 *
 *     entry decided -> model -> response of the question that it carries, events, revision    leases.ts: the times
 *     answer        == response, by the question's entry
 *     member        == revision, compaction, time and leases at its position
 *     questions in real time: what ended before another began comes before it in the log
 */
import type { Entry, MemberId } from '@quorate/raft';
import {
  type Command,
  comparable,
  decodeCommand,
  type KeyRange,
  type ModelEvent,
  type Platform,
  type RangeOperation,
  type RangeResponse,
  type Response,
  type StateMachine,
  StoreModel,
  TXN_OPERATIONS_MAX,
} from '@quorate/replica/internal';
import { inOrderOfBeginnings, inOrderOfEnds } from './history.js';
import { LeaseRules, type LeaseRulesOptions } from './leases.js';
import { describe, type Question, Questions, tell } from './questions.js';
import { require } from './violation.js';

const RULE = 'model';
/** What begins an entry that is no store command: see Directory of the replica. */
const PUBLICATION_TAG = 0xfe;

/** The state after an entry, as far as it can be compared at a glance. */
interface Mark {
  readonly revision: number;
  readonly compactRevision: number;
  readonly timeMs: number;
  readonly leases: number;
}

/** A read of a range, as a member answered it. */
export interface RangeRead {
  readonly client: number;
  readonly via: string;
  readonly operation: RangeOperation;
  readonly invokedMs: number;
  readonly endedMs: number;
  /** Where the member's state stood. */
  readonly index: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly answer: unknown;
}

export interface OracleOptions extends LeaseRulesOptions {
  readonly platform: Platform;
  readonly nowMs: () => number;
}

export class Oracle {
  readonly model: StoreModel = new StoreModel(TXN_OPERATIONS_MAX);
  readonly questions: Questions = new Questions();
  readonly #options: OracleOptions;
  readonly #leases: LeaseRules;
  /** All that ever happened, in order. */
  readonly #events: ModelEvent[] = [];
  /** By index, from 1. */
  readonly #marks: (Mark | undefined)[] = [];
  readonly #waiting = new Map<number, Entry>();
  readonly #reads: RangeRead[] = [];
  #index = 0;

  constructor(options: OracleOptions) {
    this.#options = options;
    this.#leases = new LeaseRules(options);
  }

  /** The last entry that the model has. */
  get index(): number {
    return this.#index;
  }

  decided(entry: Entry): void {
    this.#waiting.set(entry.index, entry);
    for (let next = this.#waiting.get(this.#index + 1); next !== undefined; ) {
      this.#waiting.delete(next.index);
      this.#index = next.index;
      this.#apply(next);
      next = this.#waiting.get(this.#index + 1);
    }
  }

  #apply(entry: Entry): void {
    const { index, term, type, data } = entry;
    if (type === 'normal' && data.length > 0 && data[0] !== PUBLICATION_TAG) {
      const command = decodeCommand(this.#options.platform, data);
      const question = this.questions.find(command, index);
      const { response, events } = this.model.apply(command);
      for (const event of events) this.#events.push(event);
      if (question !== undefined) {
        question.index = index;
        question.expected = response;
      }
      this.#leases.applied({ command, question, response, term, nowMs: this.#options.nowMs() });
    }
    const { revision, compactRevision, timeMs, leases } = this.model;
    this.#marks[index] = { revision, compactRevision, timeMs, leases: leases.size };
  }

  /** A member's state must be the model's. */
  position(id: MemberId, { position, store }: StateMachine): void {
    const mark = this.#marks[position.index];
    if (mark === undefined) return;
    const { revision, compactRevision, timeMs, leaseCount: leases } = store;
    const isSame =
      revision === mark.revision &&
      compactRevision === mark.compactRevision &&
      timeMs === mark.timeMs &&
      leases === mark.leases;
    require(isSame, RULE, () => {
      const found: Mark = { revision, compactRevision, timeMs, leases };
      return `member ${id} is at ${tell(found)} after entry ${position.index}, the model at ${tell(mark)}`;
    });
  }

  /** The whole of a member's present state. */
  state(name: string, { position, store }: StateMachine): void {
    if (position.index !== this.#index) return;
    const { model } = this;
    const everything = { key: '\0', rangeEnd: '\0' };
    const operation = { ...RANGE, ...everything };
    const [found, expected] = [store.range(operation), model.range(operation)];
    require(tell(comparable(found)) === tell(expected), RULE, () => {
      return `${name} holds ${tell(comparable(found))}, the model ${tell(expected)}`;
    });
    const ids = [...model.leases.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    const kept = ids.map((lease) => [model.leases.get(lease), model.leaseKeys(lease)]);
    const found2 = ids.map((lease) => [store.lease(lease), store.leaseKeys(lease)]);
    require(tell(found2) === tell(kept), RULE, () => `${name} has the leases ${tell(found2)}, the model ${tell(kept)}`);
  }

  // ---- what happened ---------------------------------------------------------------------------------------------

  /** What happened to a range in the revisions from `from` to `to`, in order; `previous` is there even where it is compacted. */
  history(range: KeyRange, from: number, to: number): ModelEvent[] {
    const found: ModelEvent[] = [];
    for (let i = this.#firstAt(from); i < this.#events.length; i += 1) {
      const event = this.#events[i] as ModelEvent;
      if (event.revision > to) break;
      if (isInRange(event.key, range)) found.push(event);
    }
    return found;
  }

  #firstAt(revision: number): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as ModelEvent).revision < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // ---- reads -----------------------------------------------------------------------------------------------------

  /** Not within the step that has answered: the model may be behind until that is over. */
  read(read: RangeRead): void {
    this.#reads.push(read);
    const mark = this.#marks[read.index];
    if (mark !== undefined) {
      const isRight = mark.revision === read.revision && mark.compactRevision === read.compactRevision;
      require(isRight, RULE, () => `${describeRead(read)}; the model is at ${tell(mark)}`);
    }
    const expected = this.#expected(read);
    if (expected === undefined) return;
    require(tell(read.answer) === tell(expected), RULE, () => `${describeRead(read)}; the model: ${tell(expected)}`);
  }

  /** Undefined: the model does not know any more. */
  #expected({ operation, revision, compactRevision }: RangeRead): unknown {
    const at = operation.revision > 0 ? operation.revision : revision;
    if (at > revision) return { kind: 'error', code: 'future-revision' };
    if (at < compactRevision) return { kind: 'error', code: 'compacted' };
    if (at < this.model.compactRevision || at > this.model.revision) return undefined;
    const response = this.model.range({ ...operation, revision: at }) as RangeResponse;
    return response.kind === 'range' ? { ...response, revision } : response;
  }

  // ---- at the end ------------------------------------------------------------------------------------------------

  judge(): void {
    for (const question of this.questions.all) this.#judgeAnswer(question);
    this.#judgeOrder();
  }

  #judgeAnswer(question: Question): void {
    const { outcome, index, answer, expected } = question;
    if (outcome === 'rejected') {
      require(index === undefined, RULE, () => `refused, and carried out: ${describe(question)}`);
    } else if (outcome === 'ok') {
      require(index !== undefined, RULE, () => `answered, and not in the log: ${describe(question)}`);
      require(tell(answer) === tell(expected), RULE, () => `${describe(question)}; the model: ${tell(expected)}`);
    }
  }

  /** In real time: by the ends, and the beginnings of what came later. */
  #judgeOrder(): void {
    const written = this.questions.all.flatMap((question) => {
      const { index, outcome, invokedMs, endedMs } = question;
      const isKnown = index !== undefined && outcome === 'ok';
      return isKnown ? [{ index, invokedMs, endedMs, step: 1, text: () => describe(question) }] : [];
    });
    const read = this.#reads.map((item) => ({ ...item, step: 0, text: () => describeRead(item) }));
    const all = [...written, ...read];
    const byEnd = all.toSorted(inOrderOfEnds);
    let ended = 0;
    let highest: (typeof all)[number] | undefined;
    for (const later of all.toSorted(inOrderOfBeginnings)) {
      for (let next = byEnd[ended]; next !== undefined && next.endedMs < later.invokedMs; next = byEnd[ended]) {
        if (highest === undefined || next.index > highest.index) highest = next;
        ended += 1;
      }
      const earlier = highest;
      require(earlier === undefined || later.index >= earlier.index + later.step, 'order', () => {
        return `${later.text()}\nbegan after the end of\n${earlier?.text()}`;
      });
    }
  }
}

const RANGE: Omit<RangeOperation, 'key' | 'rangeEnd'> = {
  kind: 'range',
  limit: 0,
  revision: 0,
  sortOrder: 'none',
  sortTarget: 'key',
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
};

function isInRange(key: string, { key: from, rangeEnd }: KeyRange): boolean {
  return rangeEnd === undefined ? key === from : key >= from && (rangeEnd === '\0' || key < rangeEnd);
}

function describeRead({ client, via, operation, invokedMs, endedMs, index, revision, answer }: RangeRead): string {
  return `s${client} ${invokedMs.toFixed(3)}-${endedMs.toFixed(3)} via ${via}: ${tell(operation)}: at entry ${index}, revision ${revision}: ${tell(answer)}`;
}

export type { Command, Response };
