/**
 * One run of a user's machine: members replicate it while clients work and a storm of faults goes over them; then all faults end and
 * they must recover, serve and agree within a bound. At the end the user's own check judges the calls.
 *
 * Everything follows from the seed, the scenario and the user's functions.
 */
import { require, Violation } from '../checks/violation.js';
import { failureOf, type RunResult } from '../swarm/run.js';
import { SeededRandom } from '../world/random.js';
import { Group, isEqual, show } from './group.js';
import type { Call, Machine, MachineUnderTest } from './machine.js';
import { MachineClient } from './machine-client.js';
import { drawMachineScenario, type MachineScenario } from './machine-scenario.js';
import { MachineStorm } from './machine-storm.js';

export interface MachineRunOptions<M extends Machine = Machine> extends MachineUnderTest<M> {
  readonly seed: number;
  /** Replaces parts of what the seed draws. */
  readonly change?: Partial<MachineScenario>;
  /** Lines kept for a reader; default none. */
  readonly linesMax?: number;
}

export interface MachineRun extends Omit<RunResult, 'scenario'> {
  readonly scenario: MachineScenario;
}

/** After the storm: so many election timeouts until everything is well again. */
const RECOVERY_ELECTIONS = 200;
/** Calls of each client that must be answered then. */
const SERVED_MIN = 2;
/** A run that has more is one that does not end. */
const EVENTS_MAX = 5_000_000;

export function runMachine<M extends Machine>(options: MachineRunOptions<M>): MachineRun {
  const random = new SeededRandom(options.seed);
  return new Run(options, { ...drawMachineScenario(random), ...options.change }, random).result();
}

class Run {
  readonly #options: MachineRunOptions;
  readonly #group: Group;
  readonly #storm: MachineStorm;
  readonly #clients: readonly MachineClient[];

  constructor(options: MachineRunOptions, scenario: MachineScenario, random: SeededRandom) {
    this.#options = options;
    this.#group = new Group(scenario, options, random, options.linesMax ?? 0);
    this.#storm = new MachineStorm(this.#group);
    this.#clients = Array.from({ length: scenario.clients }, (_, i) => new MachineClient(this.#group, i + 1));
  }

  result(): MachineRun {
    let failure: RunResult['failure'];
    try {
      for (const client of this.#clients) client.start();
      this.#storm.start();
      this.#until(this.#group.scenario.stormMs, () => false);
      this.#calm();
      this.#judge();
    } catch (error) {
      failure = failureOf(error);
    }
    const { log, schedule, crashes, calls, scenario } = this.#group;
    const count = (outcome: Call['outcome']): number => calls.filter((call) => call.outcome === outcome).length;
    return {
      seed: this.#options.seed,
      scenario,
      failure,
      hash: log.hash,
      virtualMs: schedule.nowMs,
      events: schedule.happened,
      crashes,
      faults: Object.fromEntries(this.#storm.counts),
      operations: { ok: count('ok'), rejected: count('rejected'), unknown: count('unknown') + count('pending') },
      lines: log.lines(),
    };
  }

  #calm(): void {
    const { log, hosts } = this.#group;
    log.note('check', '', 'the storm is over');
    this.#storm.heal();
    for (const host of hosts) {
      host.resume();
      host.start();
    }
    for (const client of this.#clients) client.served = 0;
    this.#require('the clients are not served', () => this.#clients.every(({ served }) => served >= SERVED_MIN));
    for (const client of this.#clients) client.stop();
    this.#require('the members do not agree', () => {
      const commit = this.#group.leader?.member.raft.lastIndex;
      return this.#clients.every(({ isIdle }) => isIdle) && hosts.every(({ member }) => member.appliedIndex === commit);
    });
    log.note('check', '', 'all agree');
  }

  #require(complaint: string, isWell: () => boolean): void {
    const { schedule, scenario } = this.#group;
    const boundMs = RECOVERY_ELECTIONS * scenario.electionTicks * scenario.tickMs;
    this.#until(schedule.nowMs + boundMs, isWell);
    require(isWell(), 'liveness', () => `${complaint} after ${boundMs.toFixed(0)} ms without faults`);
  }

  #judge(): void {
    const { hosts, calls, log } = this.#group;
    let first: Uint8Array | undefined;
    for (const { name, machine } of hosts) {
      const snapshot = machine.snapshot();
      first ??= snapshot;
      require(isEqual(first, snapshot), 'equal state', () => {
        return `${hosts[0]?.name} holds ${show(first ?? snapshot)}, ${name} holds ${show(snapshot)}`;
      });
    }
    log.note('check', '', show(first ?? new Uint8Array(0)));
    const [host] = hosts;
    if (host === undefined) return;
    try {
      this.#options.check?.(calls, host.machine);
    } catch (error) {
      throw new Violation('check', error instanceof Error ? error.message : String(error));
    }
  }

  /** Lets events happen until that time, or until it is enough. */
  #until(untilMs: number, isEnough: () => boolean): void {
    const { schedule, scenario } = this.#group;
    while (schedule.nowMs < untilMs && !isEnough()) {
      const stepEndMs = Math.min(untilMs, schedule.nowMs + scenario.tickMs);
      while (schedule.next(stepEndMs)) {
        require(schedule.happened < EVENTS_MAX, 'simulator', () => `more than ${EVENTS_MAX} events`);
      }
    }
  }
}
