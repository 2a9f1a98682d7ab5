/**
 * When the faults are over: one lease is renewed all the time, and every other must end within its time to live and a bound, though
 * leadership is handed on again and again meanwhile. A leader that gave leases their whole time again would keep them for longer than
 * that, and so would one whose time falls behind with each renewal.
 */
import { encodeCommand, type LeaseId } from '@quorate/replica/internal';
import type { Oracle } from '../checks/oracle.js';
import type { Question } from '../checks/questions.js';
import type { Stream } from '../world/random.js';
import type { World } from '../world/world.js';

const KEPT: LeaseId = 999n;
/** Its time to live: it does not end, whatever the others do. */
const KEPT_SECONDS = 60;
/** The client's number: no other has it. */
const NUMBER = 200;
const TRANSFERS = 3;
/** A change of leaders may cost so many election timeouts: to find one, for its grace, and for what waits meanwhile. */
const ELECTIONS_PER_TRANSFER = 4;
/** From a leader's look at the deadlines to the end of the leases everywhere, and what stamps may be behind by. */
const SLACK_MS = 500;
const SECOND_MS = 1_000;

export class LeaseFinale {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #random: Stream;
  readonly #beganMs: number;
  readonly untilMs: number;
  #stopped = false;
  #isGranted = false;

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
    this.#random = world.random.stream('lease finale');
    const { leaseSecondsMax, clockSkew, electionTicks, tickMs } = world.scenario;
    this.#beganMs = world.schedule.nowMs;
    const costMs = (1 + TRANSFERS) * ELECTIONS_PER_TRANSFER * electionTicks * tickMs;
    this.untilMs = this.#beganMs + (leaseSecondsMax * SECOND_MS + costMs) * (1 + clockSkew) + SLACK_MS;
  }

  start(): void {
    const { schedule, scenario } = this.#world;
    this.#renew();
    for (let i = 1; i <= TRANSFERS; i += 1) {
      const share = i / (TRANSFERS + 1);
      schedule.after(share * scenario.leaseSecondsMax * SECOND_MS, () => this.#transfer());
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The leases that are left, but for the one that is kept. */
  complaint(): string | undefined {
    const left = [...this.#oracle.model.leases.keys()].filter((lease) => lease !== KEPT);
    return left.length === 0
      ? undefined
      : `${left.join()}, which nobody renews since ${this.#beganMs.toFixed(3)}, are there`;
  }

  #transfer(): void {
    if (this.#stopped) return;
    const { leader, log } = this.#world;
    log.note('check', leader?.name ?? '', 'is to hand over');
    leader?.administer({ kind: 'transfer', target: 0 }, () => {});
  }

  /** One question after the other; the lease is granted first. */
  #renew(): void {
    const { schedule, scenario, platform } = this.#world;
    if (this.#stopped) return;
    const again = (): void => schedule.after(this.#random.between(0, scenario.tickMs), () => this.#renew());
    const { leader } = this.#world;
    if (leader === undefined) {
      again();
      return;
    }
    const question: Question = {
      client: NUMBER,
      via: leader.name,
      operation: this.#isGranted
        ? { kind: 'lease-renew', lease: KEPT, timeMs: 0 }
        : { kind: 'lease-grant', lease: KEPT, ttlSeconds: KEPT_SECONDS, timeMs: 0 },
      invokedMs: schedule.nowMs,
      endedMs: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      answer: undefined,
      index: undefined,
      expected: undefined,
    };
    const data = encodeCommand(platform, this.#oracle.questions.add(question));
    const end = (outcome: 'ok' | 'rejected'): void => {
      question.outcome = outcome;
      question.endedMs = schedule.nowMs;
      if (outcome === 'ok') this.#isGranted = true;
      else this.#oracle.questions.refused(question);
      again();
    };
    const isThere = leader.execute(data, (result) => {
      if (result.ok) {
        question.answer = result.value;
        end('ok');
      } else if (result.outcome !== 'unknown') end('rejected');
      // What became of it is not known: nothing more is asked about the lease (questions.ts says why).
      else question.outcome = 'unknown';
    });
    if (!isThere) end('rejected');
  }
}
