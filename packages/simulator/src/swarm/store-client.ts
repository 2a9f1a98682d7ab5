/**
 * A client of the whole store, one question at a time: puts with leases, deletes of ranges, transactions, leases, compactions, and
 * linearizable reads of ranges. What it is told is held against the model (checks/oracle.ts).
 */
import { comparable, encodeCommand, type Response, type Result } from '@quorate/replica/internal';
import type { Oracle } from '../checks/oracle.js';
import { describe, type Question } from '../checks/questions.js';
import type { Member } from '../world/member.js';
import type { Stream } from '../world/random.js';
import { STORE_ASKS, type StoreAsk } from '../world/scenario.js';
import type { World } from '../world/world.js';
import { LeaseHolder } from './lease-holder.js';
import { QuestionDrawer } from './store-questions.js';
import { TimeLimit } from './time-limit.js';

/** From a client to a member and back. */
const CALL_MS_MAX = 2;
const SWITCH_CHANCE = 0.2;
const LEADER_CHANCE = 0.5;
/** A compaction is asked for at most so far back. */
const COMPACTED_BACK = 20;

export class StoreClient {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #number: number;
  readonly #random: Stream;
  readonly #drawer: QuestionDrawer;
  readonly #leases: LeaseHolder;
  readonly #limit: TimeLimit;
  #member: Member;
  #stopped = false;
  #sequence = 0;
  /** The last revision that it was told. */
  #revision = 1;
  isIdle = true;
  /** Reads by how they ended; the questions are the oracle's. */
  readonly reads = { ok: 0, rejected: 0, unknown: 0 };

  constructor(world: World, oracle: Oracle, number: number) {
    this.#world = world;
    this.#oracle = oracle;
    this.#number = number;
    this.#random = world.random.stream(`store client ${number}`);
    const { storeKeys, leaseSecondsMax, clientTimeoutMs } = world.scenario;
    this.#limit = new TimeLimit(world.schedule, clientTimeoutMs);
    const leases = new LeaseHolder(this.#random, number, leaseSecondsMax);
    this.#leases = leases;
    const revision = (): number => this.#revision;
    this.#drawer = new QuestionDrawer(this.#random, {
      keys: storeKeys,
      get revision() {
        return revision();
      },
      get leases() {
        return leases.known;
      },
      fresh: () => this.#fresh(),
    });
    this.#member = this.#choose();
  }

  start(): void {
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
  }

  #fresh(): string {
    this.#sequence += 1;
    return `${this.#random.integer(9)}.${this.#number}.${this.#sequence}`;
  }

  #later(): void {
    const { schedule, scenario } = this.#world;
    schedule.after(this.#random.between(0, 2 * scenario.storeThinkMs), () => this.#next());
  }

  #choose(): Member {
    const { members } = this.#world;
    const leaders = members.filter(({ replica }) => replica?.raft.role === 'leader');
    return this.#random.pick(leaders.length > 0 && this.#random.chance(LEADER_CHANCE) ? leaders : members);
  }

  #next(): void {
    if (this.#stopped) return;
    this.isIdle = false;
    if (this.#random.chance(SWITCH_CHANCE)) this.#member = this.#choose();
    const ask = this.#world.isQuiet ? 'range' : this.#draw();
    if (ask === 'range') this.#read();
    else this.#execute(this.#operation(ask));
  }

  #draw(): StoreAsk {
    const { storeMix } = this.#world.scenario;
    let draw = this.#random.between(
      0,
      STORE_ASKS.reduce((sum, ask) => sum + storeMix[ask], 0),
    );
    return STORE_ASKS.find((ask) => (draw -= storeMix[ask]) < 0) ?? 'put';
  }

  #operation(ask: Exclude<StoreAsk, 'range'>): Question['operation'] {
    const { nowMs } = this.#world.schedule;
    switch (ask) {
      case 'put':
        return this.#drawer.put() as Question['operation'];
      case 'delete':
        return this.#drawer.delete() as Question['operation'];
      case 'txn':
        return this.#drawer.txn();
      case 'lease':
        return this.#leases.next(nowMs);
      case 'compact':
      default:
        return { kind: 'compact', revision: Math.max(1, this.#revision + 2 - this.#random.integer(COMPACTED_BACK)) };
    }
  }

  // ---- commands --------------------------------------------------------------------------------------------------

  #execute(operation: Question['operation']): void {
    const { schedule, platform } = this.#world;
    const member = this.#member;
    const question: Question = {
      client: this.#number,
      via: member.name,
      operation,
      invokedMs: schedule.nowMs,
      endedMs: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      answer: undefined,
      index: undefined,
      expected: undefined,
    };
    const data = encodeCommand(platform, this.#oracle.questions.add(question));
    const end = this.#ending((outcome) => this.#ended(question, outcome));
    schedule.after(this.#random.between(0, CALL_MS_MAX), () => {
      this.#noteArrival(question, member);
      const isThere = member.execute(data, (result) => {
        // The values are views into what may change.
        if (result.ok && question.outcome === 'pending') question.answer = comparable(result.value);
        this.#answerLater(end, outcomeOf(result));
      });
      if (!isThere) this.#answerLater(end, 'rejected');
    });
  }

  /** A paused leader finds it when it goes on, and whatever its clock has led to in between. */
  #noteArrival(question: Question, member: Member): void {
    const { life, replica, isPaused, pausedMs } = member;
    if (life === undefined || replica === undefined || !isPaused) return;
    const { schedule } = this.#world;
    const { role, term } = replica.raft;
    const arrival = { term: role === 'leader' ? term : 0, arrivedMs: schedule.nowMs, pausedMs };
    question.arrival = { ...arrival, resumedMs: undefined };
    member.enter(life, () => {
      question.arrival = { ...arrival, resumedMs: schedule.nowMs };
    });
  }

  #ended(question: Question, outcome: 'ok' | 'rejected' | 'unknown'): void {
    const { schedule, log } = this.#world;
    question.outcome = outcome;
    question.endedMs = schedule.nowMs;
    log.record('client', `s${this.#number}`, outcome.length, () => describe(question));
    const { operation, answer } = question;
    if (outcome === 'rejected') this.#oracle.questions.refused(question);
    const isOfLease =
      operation.kind === 'lease-grant' || operation.kind === 'lease-renew' || operation.kind === 'lease-revoke';
    if (isOfLease && outcome === 'unknown') this.#leases.abandon(operation.lease);
    if (outcome !== 'ok') return;
    const { revision, code } = answer as { readonly revision?: number; readonly code?: string };
    this.#revision = Math.max(this.#revision, revision ?? 0);
    if (isOfLease) this.#leases.answered(operation, code, schedule.nowMs);
  }

  // ---- reads -----------------------------------------------------------------------------------------------------

  #read(): void {
    const { schedule } = this.#world;
    const operation = this.#drawer.read();
    const member = this.#member;
    const invokedMs = schedule.nowMs;
    let found: { readonly index: number; readonly revision: number; readonly compactRevision: number } | undefined;
    let answer: unknown;
    const end = this.#ending((outcome) => {
      this.reads[outcome] += 1;
      if (outcome !== 'ok' || found === undefined) return;
      const who = { client: this.#number, via: member.name, operation, invokedMs, endedMs: schedule.nowMs };
      this.#revision = Math.max(this.#revision, found.revision);
      this.#oracle.read({ ...who, ...found, answer });
    });
    schedule.after(this.#random.between(0, CALL_MS_MAX), () => {
      const isThere = member.read((result, replica) => {
        if (result.ok) {
          const { store, appliedIndex } = replica.state;
          found ??= { index: appliedIndex, revision: store.revision, compactRevision: store.compactRevision };
          answer ??= comparable(store.range(operation));
        }
        this.#answerLater(end, result.ok ? 'ok' : 'rejected');
      });
      if (!isThere) this.#answerLater(end, 'rejected');
    });
  }

  // ---- how either ends -------------------------------------------------------------------------------------------

  /** Once: with the answer, or when it has waited long enough. */
  #ending(end: (outcome: 'ok' | 'rejected' | 'unknown') => void): (outcome: 'ok' | 'rejected' | 'unknown') => void {
    let isOver = false;
    const once = (outcome: 'ok' | 'rejected' | 'unknown'): void => {
      if (isOver) return;
      isOver = true;
      this.#limit.over();
      end(outcome);
      if (outcome !== 'ok') this.#member = this.#choose();
      this.isIdle = true;
      this.#later();
    };
    this.#limit.begin(() => once('unknown'));
    return once;
  }

  #answerLater(end: (outcome: 'ok' | 'rejected' | 'unknown') => void, outcome: 'ok' | 'rejected' | 'unknown'): void {
    this.#world.schedule.after(this.#random.between(0, CALL_MS_MAX), () => end(outcome));
  }
}

function outcomeOf(result: Result<Response>): 'ok' | 'rejected' | 'unknown' {
  if (result.ok) return 'ok';
  return result.outcome === 'unknown' ? 'unknown' : 'rejected';
}
