/**
 * One run: a cluster comes up, a storm of faults goes over it while clients work, then all faults end and it must recover: elect,
 * commit, agree and answer, within a bound. At the end the clients' histories are judged.
 *
 * Everything follows from the seed and the scenario: the same two give the same run, event for event, on any machine.
 */
import { checkRevisions, describeOperation, type Operation } from '../checks/history.js';
import { checkKey } from '../checks/linearizability.js';
import { PastReads } from '../checks/past.js';
import { require, Violation } from '../checks/violation.js';
import type { Member } from '../world/member.js';
import { SeededRandom } from '../world/random.js';
import { drawScenario, type Scenario } from '../world/scenario.js';
import type { Tamper } from '../world/tamper.js';
import { World } from '../world/world.js';
import { Client } from './client.js';
import { Nemesis } from './nemesis.js';
import { Prober } from './prober.js';
import { StoreWork } from './store-work.js';

export interface RunOptions {
  readonly seed: number;
  /** Replaces parts of what the seed draws. */
  readonly change?: Partial<Scenario>;
  /** Lines kept for a reader; default none. */
  readonly linesMax?: number;
  /** Defects to be found: for tests of the checks. */
  readonly tamper?: Tamper;
}

export interface RunResult {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly failure: { readonly rule: string; readonly message: string; readonly stack: string } | undefined;
  /** The run's event log: equal for equal runs. */
  readonly hash: string;
  readonly virtualMs: number;
  readonly events: number;
  readonly crashes: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly operations: { readonly ok: number; readonly rejected: number; readonly unknown: number };
  readonly lines: readonly string[];
}

/** After the storm: so many election timeouts until everything is well again. */
const RECOVERY_ELECTIONS = 200;
/** A transfer may begin anew. */
const SNAPSHOTS_EACH = 4;
/** Operations that each member must answer well then. */
const SERVED_MIN = 4;
/** A run that has more is one that does not end. */
const EVENTS_MAX = 20_000_000;

/**
 * The last runs are held on to: V8 keeps the optimized code of a function only as long as some closure of it lives, and most
 * closures go with their run. Without them what was compiled would go at the next collection of the heap, and be compiled again.
 */
const lastRuns: Run[] = [];
const LAST_RUNS_MAX = 3;

export function run(options: RunOptions): RunResult {
  const one = new Run(options, { ...scenarioOf(options.seed), ...options.change });
  lastRuns.push(one);
  if (lastRuns.length > LAST_RUNS_MAX) lastRuns.shift();
  return one.result();
}

/** What the seed draws. */
export function scenarioOf(seed: number): Scenario {
  return drawScenario(new SeededRandom(seed).stream('scenario'));
}

/** `change`, and such faults are left out of what the seed draws (or `change` has in its place); nothing else is drawn differently. */
export function withoutFaults(seed: number, without: readonly string[], change: Partial<Scenario>): Partial<Scenario> {
  if (without.length === 0) return change;
  const { faults } = { ...scenarioOf(seed), ...change };
  const left = Object.entries(faults).filter(([name]) => !without.includes(name));
  return { ...change, faults: Object.fromEntries(left) };
}

class Run {
  readonly #seed: number;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #nemesis: Nemesis;
  readonly #history: Operation[] = [];
  readonly #clients: Client[] = [];
  readonly #past: PastReads;
  readonly #work: StoreWork | undefined;

  constructor(options: RunOptions, scenario: Scenario) {
    this.#seed = options.seed;
    this.#scenario = scenario;
    this.#world = new World({
      seed: options.seed,
      scenario,
      linesMax: options.linesMax ?? 0,
      tamper: options.tamper ?? {},
    });
    this.#past = new PastReads(this.#world.values);
    this.#nemesis = new Nemesis(this.#world);
    const { oracle } = this.#world;
    this.#work = oracle && new StoreWork(this.#world, oracle);
    this.#world.onEnd = (member) => this.#nemesis.restartLater(member);
  }

  result(): RunResult {
    let failure: RunResult['failure'];
    try {
      this.#storm();
      this.#calm();
      this.#judge();
    } catch (error) {
      failure = failureOf(error);
    }
    const { log, schedule, crashes } = this.#world;
    this.#world.end();
    return {
      seed: this.#seed,
      scenario: this.#scenario,
      failure,
      hash: log.hash,
      virtualMs: schedule.nowMs,
      events: schedule.happened,
      crashes,
      faults: this.#nemesis.counts,
      operations: {
        ok: this.#count('ok'),
        rejected: this.#count('rejected'),
        unknown: this.#count('unknown') + this.#count('pending'),
      },
      lines: log.lines(),
    };
  }

  #count(wanted: Operation['outcome']): number {
    let count = this.#work?.count(wanted) ?? 0;
    for (const { outcome } of this.#history) if (outcome === wanted) count += 1;
    return count;
  }

  get #electionMs(): number {
    return this.#scenario.electionTicks * this.#scenario.tickMs;
  }

  /** Elections, and a snapshot for each member one after the other, as fast as the limit allows, with time to try again. */
  get #recoveryMs(): number {
    const { historyBytesMax, keys, valueBytesMax, snapshotBytesPerSecondMax } = this.#scenario;
    const snapshotMs = (1000 * (historyBytesMax + keys * valueBytesMax)) / snapshotBytesPerSecondMax;
    return RECOVERY_ELECTIONS * this.#electionMs + SNAPSHOTS_EACH * this.#members.length * snapshotMs;
  }

  /** All that are there now: the storm may have added more than there were. */
  get #members(): readonly Member[] {
    return this.#world.members.filter((member) => !member.removed);
  }

  #storm(): void {
    const { world } = { world: this.#world };
    for (const member of world.members) member.start();
    for (let i = 1; i <= this.#scenario.clients; i += 1) {
      const client = new Client(world, i, this.#history, this.#past);
      this.#clients.push(client);
      client.start();
    }
    this.#work?.start();
    this.#nemesis.start();
    new Prober(world).start();
    this.#until(this.#scenario.stormMs, () => false);
    for (const client of this.#clients) client.stop();
    this.#work?.stop();
    world.isStorm = false;
  }

  /** No fault any more: everything must be well within a bound. */
  #calm(): void {
    const world = this.#world;
    world.log.note('check', '', 'the storm is over');
    world.setNetworkFaults(false);
    this.#nemesis.heal();
    const untilMs = world.schedule.nowMs + this.#recoveryMs;
    let complaint = this.#complaint();
    this.#until(untilMs, () => {
      complaint = this.#complaint();
      return complaint === undefined;
    });
    require(complaint === undefined, 'liveness', () =>
      `${complaint} after ${this.#recoveryMs.toFixed(0)} ms without faults`);
    this.#serve(world.schedule.nowMs + this.#recoveryMs);
    this.#endLeases();
    this.#converge();
  }

  /** What is not well yet. */
  #complaint(): string | undefined {
    const world = this.#world;
    const { leader, config } = world;
    if (leader === undefined || config === undefined) return 'no leader';
    const members = this.#members;
    for (const member of members) {
      const { replica } = member;
      if (replica === undefined) return `${member.name} is not up`;
      if (!config.voters.includes(member.memberId)) return `${member.name} is no voter`;
      const { state, raft } = replica;
      const known = state.directory.get(member.memberId)?.peerAddress;
      if (known !== member.address) return `${member.name} is known by the address ${known}, and has ${member.address}`;
      if (raft.leader !== leader.memberId) return `${member.name} follows ${raft.leader}`;
      const applied = leader.replica?.state.appliedIndex ?? 0;
      if (state.appliedIndex !== applied) return `${member.name} is at ${state.appliedIndex}, the leader at ${applied}`;
    }
    return config.votersOutgoing.length > 0 ? 'the configuration is joint' : undefined;
  }

  /** Every member takes a write and a read. */
  #serve(untilMs: number): void {
    const world = this.#world;
    const members = this.#members;
    // Patient: with one entry on its way at a time, a slow network serves few, and clients that give up and ask anew would keep it overloaded.
    const timeoutMs = this.#recoveryMs;
    const clients = members.map(
      (member, i) => new Client(world, 100 + i, this.#history, this.#past, { member, timeoutMs }),
    );
    for (const client of clients) client.start();
    // A removal that was under way when the storm ended may still come through.
    const idle = (): readonly string[] =>
      members.filter((member, i) => !member.removed && (clients[i]?.served ?? 0) < SERVED_MIN).map(({ name }) => name);
    const served = (): boolean => idle().length === 0;
    this.#until(untilMs, served);
    for (const client of clients) client.stop();
    require(served(), 'liveness', () => `${idle().join()} did not serve without faults`);
    this.#settle(() => (clients.every((client) => client.isIdle) ? undefined : 'requests wait'));
  }

  /** All is well, and there is no other complaint. */
  #settle(other: () => string | undefined): void {
    const complaint = (): string | undefined => this.#complaint() ?? this.#work?.complaint() ?? other();
    this.#until(this.#world.schedule.nowMs + this.#recoveryMs, () => complaint() === undefined);
    const left = complaint();
    require(left === undefined, 'liveness', () => `${left} at the end`);
  }

  /** Nobody renews them any more, but one: whoever leads meanwhile, they end in time. */
  #endLeases(): void {
    const finale = this.#work?.endLeases();
    if (finale === undefined) return;
    this.#until(finale.untilMs, () => finale.complaint() === undefined);
    const left = finale.complaint();
    require(left === undefined, 'lease too late', () => `${left} at ${this.#world.schedule.nowMs.toFixed(3)}`);
    finale.stop();
    this.#settle(() => undefined);
  }

  /** Equal revisions, equal content. */
  #converge(): void {
    let first: { readonly name: string; readonly text: string } | undefined;
    for (const { name, replica, removed } of this.#world.members) {
      if (removed || replica === undefined) continue;
      const { store, directory, position } = replica.state;
      store.checkInvariants();
      this.#world.oracle?.state(name, replica.state);
      const text = JSON.stringify([position, store.stateHash(), directory.list()]);
      require(first === undefined || first.text === text, 'equal state', () => {
        return `${first?.name}: ${first?.text}\n${name}: ${text}`;
      });
      first ??= { name, text };
    }
    this.#world.log.note('check', '', first?.text ?? '');
  }

  #judge(): void {
    const histories = new Map<string, Operation[]>();
    for (const operation of this.#history) {
      const history = histories.get(operation.key);
      if (history === undefined) histories.set(operation.key, [operation]);
      else history.push(operation);
    }
    for (const [key, history] of histories) {
      const verdict = checkKey(history);
      require(verdict.kind !== 'undecided', 'undecided', () => `the history of ${key} has too many possible orders`);
      if (verdict.kind !== 'violation') continue;
      const { at } = verdict;
      const near = history.filter(
        ({ invokedMs, endedMs }) => invokedMs <= at.endedMs && endedMs >= at.invokedMs - this.#electionMs,
      );
      throw new Violation(
        'linearizability',
        `${describeOperation(at)}\nnear it:\n${near.map(describeOperation).join('\n')}`,
      );
    }
    this.#world.oracle?.judge();
    this.#past.judge(this.#history);
    const stale = checkRevisions(this.#history);
    require(stale === undefined, 'stale revision', () => {
      return stale === undefined
        ? ''
        : `${describeOperation(stale.later)}\nbegan after the end of\n${describeOperation(stale.earlier)}`;
    });
  }

  /** Lets events happen until that time, or until it is enough. */
  #until(untilMs: number, isEnough: () => boolean): void {
    const { schedule } = this.#world;
    const stepMs = this.#scenario.tickMs;
    while (schedule.nowMs < untilMs && !isEnough()) {
      const stepEndMs = Math.min(untilMs, schedule.nowMs + stepMs);
      while (schedule.next(stepEndMs)) {
        if (schedule.happened > EVENTS_MAX) throw new Violation('simulator', `more than ${EVENTS_MAX} events`);
      }
    }
  }
}

/** What a run ended with, as a value. */
export function failureOf(error: unknown): RunResult['failure'] {
  if (error instanceof Violation) return { rule: error.rule, message: error.message, stack: error.stack ?? '' };
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return { rule: message.startsWith('assertion failed') ? 'assertion' : 'exception', message, stack };
}
