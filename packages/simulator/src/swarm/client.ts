/**
 * A client of the simulated cluster: one operation at a time, at any member, on few keys, with values that occur once. It writes
 * down what it asked, when, and what it was told.
 */
import { type Command, encodeCommand, type KeyValue, type Response, rangeOf } from '@quorate/replica/internal';
import { describeOperation, type Operation, type OperationKind } from '../checks/history.js';
import type { PastReads } from '../checks/past.js';
import type { Values } from '../checks/values.js';
import { Violation } from '../checks/violation.js';
import type { Member } from '../world/member.js';
import type { Stream } from '../world/random.js';
import type { World } from '../world/world.js';
import { Looker } from './looker.js';
import { TimeLimit } from './time-limit.js';

/** From a client to a member and back. */
const CALL_MS_MAX = 2;
const SWITCH_CHANCE = 0.2;
/** From three revisions that are yet to come backwards. */
const LOOK_BACK = 9;
/** Of those that it could ask it takes one that believes to lead, with this chance: also one that leads no more and does not know. */
const LEADER_CHANCE = 0.4;
/** Of the clients but the first some only read. At a leader that is cut off a write waits, and who waits reads nothing that is stale. */
const READER_CHANCE = 0.4;

export class Client {
  readonly #world: World;
  readonly #number: number;
  readonly #random: Stream;
  readonly #history: Operation[];
  #member: Member;
  #sequence = 0;
  #stopped = false;
  readonly #seat: Member | undefined;
  readonly #isReader: boolean;
  readonly #past: PastReads;
  readonly #looker: Looker;
  readonly #limit: TimeLimit;
  /** The last revision that it was told. */
  #revision = 0;
  /** The revision at which a put reads its key's past, in the same transaction; 0: it does not. */
  #lookBack = 0;
  /** What it last knew of each key: swaps that expect it often succeed. */
  readonly #known = new Map<string, string | null>();

  /** Operations that ended well. */
  served = 0;
  isIdle = true;

  /** `seat`: the only member that it asks, if given, and how long it waits for each answer. */
  constructor(
    world: World,
    number: number,
    history: Operation[],
    past: PastReads,
    seat?: { readonly member: Member; readonly timeoutMs: number },
  ) {
    this.#world = world;
    this.#past = past;
    this.#number = number;
    this.#history = history;
    this.#random = world.random.stream(`client ${number}`);
    this.#looker = new Looker(world, past, world.random.stream(`looker ${number}`));
    this.#limit = new TimeLimit(world.schedule, seat?.timeoutMs ?? world.scenario.clientTimeoutMs);
    this.#seat = seat?.member;
    this.#isReader = seat === undefined && number > 1 && this.#random.chance(READER_CHANCE);
    this.#member = this.#choose();
  }

  start(): void {
    const { thinkMs } = this.#world.scenario;
    this.#world.schedule.after(this.#random.between(0, 2 * thinkMs), () => this.#next());
  }

  stop(): void {
    this.#stopped = true;
  }

  #choose(): Member {
    if (this.#seat !== undefined) return this.#seat;
    const { members } = this.#world;
    const leaders = members.filter(({ replica }) => replica?.raft.role === 'leader');
    return this.#random.pick(leaders.length > 0 && this.#random.chance(LEADER_CHANCE) ? leaders : members);
  }

  #next(): void {
    if (this.#stopped) return;
    this.isIdle = false;
    if (this.#random.chance(SWITCH_CHANCE)) this.#member = this.#choose();
    const operation = this.#draw();
    this.#looker.act(this.#member, operation.key, this.#revision);
    this.#history.push(operation);
    const { schedule } = this.#world;
    let isOver = false;
    const end = (outcome: Operation['outcome']): void => {
      if (isOver) return;
      isOver = true;
      this.#limit.over();
      this.#end(operation, outcome);
    };
    this.#limit.begin(() => end('unknown'));
    schedule.after(this.#random.between(0, CALL_MS_MAX), () => {
      const answer = (outcome: Operation['outcome']): void =>
        schedule.after(this.#random.between(0, CALL_MS_MAX), () => end(outcome));
      if (!this.#ask(operation, () => isOver, answer)) answer('rejected');
    });
  }

  #end(operation: Operation, outcome: Operation['outcome']): void {
    const { schedule, scenario, log, tamper } = this.#world;
    operation.outcome = outcome;
    operation.endedMs = schedule.nowMs;
    tamper.operation?.(operation, this.#random);
    log.record('client', `c${this.#number}`, operation.revision * 4 + outcome.length, () => {
      return describeOperation(operation);
    });
    if (outcome === 'ok') {
      this.#revision = Math.max(this.#revision, operation.revision);
      const isWritten = operation.kind === 'put' || (operation.kind === 'swap' && operation.swapped);
      const known = isWritten ? operation.value : operation.kind === 'delete' ? null : operation.found;
      if (known !== undefined) this.#known.set(operation.key, known);
    } else {
      this.#member = this.#choose();
    }
    this.isIdle = true;
    if (outcome === 'ok') this.served += 1;
    schedule.after(this.#random.between(0, 2 * scenario.thinkMs), () => this.#next());
  }

  #draw(): Operation {
    const { gets, puts, deletes, swaps, keys, valueBytesMax } = this.#world.scenario;
    const draw = this.#isReader || this.#world.isQuiet ? 0 : this.#random.integer(gets + puts + deletes + swaps);
    let kind: OperationKind = 'swap';
    if (draw < gets) kind = 'get';
    else if (draw < gets + puts) kind = 'put';
    else if (draw < gets + puts + deletes) kind = 'delete';
    const key = `k${this.#random.integer(keys)}`;
    this.#sequence += 1;
    const length = this.#random.integer(valueBytesMax);
    const looksBack = kind === 'put' && this.#random.chance(this.#world.scenario.lookBacks);
    this.#lookBack = looksBack ? Math.max(1, this.#revision + 3 - this.#random.integer(LOOK_BACK)) : 0;
    const isWrite = kind === 'put' || kind === 'swap';
    return {
      client: this.#number,
      kind,
      key,
      value: isWrite ? this.#world.values.make(this.#number, this.#sequence, length) : null,
      expected: kind === 'swap' ? (this.#known.get(key) ?? null) : null,
      invokedMs: this.#world.schedule.nowMs,
      endedMs: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      found: undefined,
      swapped: false,
      revision: 0,
      via: this.#member.name,
    };
  }

  /** False: nobody is there. */
  #ask(operation: Operation, isOver: () => boolean, answer: (outcome: Operation['outcome']) => void): boolean {
    const { platform } = this.#world;
    if (operation.kind === 'get') {
      return this.#member.read((result, replica) => {
        if (isOver()) return;
        if (result.ok) {
          const { store } = replica.state;
          operation.found = this.#textOf(store.get(operation.key));
          operation.revision = store.revision;
        }
        answer(result.ok ? 'ok' : 'rejected');
      });
    }
    const lookBack = this.#lookBack;
    return this.#member.execute(
      encodeCommand(platform, commandOf(operation, lookBack, this.#world.values)),
      (result) => {
        if (isOver()) return;
        if (result.ok && lookBack > 0 && !this.#seesPast(operation, lookBack, result.value)) {
          answer('rejected');
          return;
        }
        if (result.ok) this.#learn(operation, result.value);
        answer(result.ok ? 'ok' : result.outcome === 'unknown' ? 'unknown' : 'rejected');
      },
    );
  }

  /** A put that also reads its key at an earlier revision. False: that cannot be read, so nothing of it took place. */
  #seesPast({ key, via }: Operation, at: number, response: Response): boolean {
    if (response.kind === 'error' && (response.code === 'compacted' || response.code === 'future-revision'))
      return false;
    const inner = response.kind === 'txn' ? response.responses[1] : undefined;
    if (response.kind !== 'txn' || inner?.kind !== 'range') {
      throw new Violation(
        'answer',
        `a put that reads ${key} at ${at} was answered by ${response.kind}, ${inner?.kind}`,
      );
    }
    // The transaction makes the revision that it tells: its reads are of those before.
    const store = { revision: response.revision - 1, compactRevision: 0 };
    this.#past.view(`${via}, within a put,`, key, at, store, inner);
    return true;
  }

  /** Takes from the answer what the history needs. */
  #learn(operation: Operation, response: Response): void {
    if (response.kind === 'error') {
      throw new Violation('answer', `${operation.kind} ${operation.key}: ${response.code}`);
    }
    operation.revision = response.revision;
    const inner = response.kind === 'txn' ? response.responses[0] : response;
    if (response.kind === 'txn') operation.swapped = response.succeeded;
    if (inner?.kind === 'put') operation.found = this.#textOf(inner.previous);
    else if (inner?.kind === 'delete') operation.found = this.#textOf(inner.previous[0]);
    else if (inner?.kind === 'range') operation.found = this.#textOf(inner.keyValues[0]);
    else throw new Violation('answer', `${operation.kind} was answered by ${inner?.kind}`);
  }

  #textOf(keyValue: KeyValue | undefined): string | null {
    return keyValue === undefined ? null : this.#world.values.textOf(keyValue.value);
  }
}

function commandOf({ kind, key, value, expected }: Operation, lookBack: number, values: Values): Command {
  const put = {
    kind: 'put',
    key,
    value: values.bytesOf(value ?? ''),
    lease: 0n,
    returnPrevious: true,
    ignoreValue: false,
    ignoreLease: false,
  } as const;
  if (kind === 'put' && lookBack > 0) {
    const success = [put, rangeOf(key, undefined, { revision: lookBack })];
    return { operation: { kind: 'txn', compares: [], success, failure: [] }, limits: undefined };
  }
  if (kind === 'put') return { operation: put, limits: undefined };
  if (kind === 'delete') {
    return { operation: { kind: 'delete', key, rangeEnd: undefined, returnPrevious: true }, limits: undefined };
  }
  const range = rangeOf(key, undefined);
  const compare =
    expected === null
      ? ({ key, rangeEnd: undefined, result: 'equal', target: 'version', operand: 0 } as const)
      : ({
          key,
          rangeEnd: undefined,
          result: 'equal',
          target: 'value',
          operand: values.bytesOf(expected),
        } as const);
  return { operation: { kind: 'txn', compares: [compare], success: [put], failure: [range] }, limits: undefined };
}
