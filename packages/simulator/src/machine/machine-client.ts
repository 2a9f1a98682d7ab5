/** A client of the user's machine: asks what the workload says, one call at a time, at whoever leads, and writes down what it was told. */
import type { Stream } from '../world/random.js';
import { type Group, show } from './group.js';
import type { Answer, Host } from './host.js';
import type { Call, Caller } from './machine.js';

/** Who was refused, or found nobody, asks again after so many ticks, until its time is up. */
const RETRY_TICKS = 2;

export class MachineClient {
  readonly #group: Group;
  readonly #random: Stream;
  readonly #caller: Caller & { readonly calls: Call[] };
  #host: Host;
  #stopped = false;
  isIdle = true;
  /** Calls that were answered. */
  served = 0;

  constructor(group: Group, number: number) {
    this.#group = group;
    this.#random = group.random.stream(`client ${number}`);
    this.#caller = { number, random: group.random.stream(`workload ${number}`), calls: [] };
    this.#host = this.#random.pick(group.hosts);
  }

  start(): void {
    this.#thinkThen(() => this.#next());
  }

  stop(): void {
    this.#stopped = true;
  }

  #thinkThen(run: () => void): void {
    this.#group.schedule.after(this.#random.between(0, 2 * this.#group.scenario.thinkMs), run);
  }

  #next(): void {
    if (this.#stopped) return;
    const { schedule, scenario, calls, tested } = this.#group;
    const call: Call = {
      client: this.#caller.number,
      command: tested.workload(this.#caller).slice(),
      invokedMs: schedule.nowMs,
      endedMs: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      response: undefined,
    };
    // An empty entry is what a new leader begins its term with.
    if (call.command.length === 0) throw new RangeError('the workload gives an empty command');
    calls.push(call);
    this.isIdle = false;
    const attempt = { isOver: false, isUnderWay: false };
    schedule.after(scenario.clientTimeoutMs, () => this.#end(call, attempt, undefined));
    this.#ask(call, attempt);
  }

  #ask(call: Call, attempt: Attempt): void {
    const { tickMs } = this.#group.scenario;
    const again = (): void =>
      this.#group.schedule.after(RETRY_TICKS * tickMs, () => {
        if (!attempt.isOver) this.#ask(call, attempt);
      });
    const host = this.#host;
    attempt.isUnderWay = true;
    this.#travel(() => {
      const isThere = host.propose(call.command, (answer) => {
        this.#travel(() => {
          if (attempt.isOver) return;
          attempt.isUnderWay = false;
          if (answer.kind === 'response') {
            this.#end(call, attempt, answer);
            return;
          }
          this.#host = this.#group.hosts[answer.leader - 1] ?? this.#random.pick(this.#group.hosts);
          again();
        });
      });
      if (isThere || attempt.isOver) return;
      attempt.isUnderWay = false;
      this.#host = this.#random.pick(this.#group.hosts);
      again();
    });
  }

  /** From the client to a member or back, if it gets there. */
  #travel(arrive: () => void): void {
    const { schedule, scenario, isStorm } = this.#group;
    if (isStorm && this.#random.chance(scenario.dropChance)) return;
    schedule.after(this.#group.latencyMs(this.#random), arrive);
  }

  /** An attempt that was sent and not refused may still be carried out: then the outcome is unknown. */
  #end(call: Call, attempt: Attempt, answer: Extract<Answer, { kind: 'response' }> | undefined): void {
    if (attempt.isOver) return;
    attempt.isOver = true;
    const { schedule, log, hosts } = this.#group;
    call.endedMs = schedule.nowMs;
    call.outcome = answer !== undefined ? 'ok' : attempt.isUnderWay ? 'unknown' : 'rejected';
    call.response = answer?.response;
    if (answer === undefined) this.#host = this.#random.pick(hosts);
    else this.served += 1;
    const told = answer === undefined ? call.outcome : show(answer.response);
    log.note('client', `c${call.client}`, `${call.invokedMs.toFixed(3)} ${show(call.command)}: ${told}`);
    this.#caller.calls.push(call);
    this.isIdle = true;
    this.#thinkThen(() => this.#next());
  }
}

interface Attempt {
  isOver: boolean;
  /** Sent, and neither answered nor refused. */
  isUnderWay: boolean;
}
