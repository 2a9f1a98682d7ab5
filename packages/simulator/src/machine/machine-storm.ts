/** Does harm to the members of a user's machine: from time to time one of the run's faults, for a while. */
import type { Stream } from '../world/random.js';
import type { Group } from './group.js';
import type { Host } from './host.js';
import { MACHINE_FAULTS, type MachineFault } from './machine-scenario.js';

export class MachineStorm {
  readonly #group: Group;
  readonly #random: Stream;
  /** What ends the faults that are on. */
  readonly #ends = new Set<() => void>();
  readonly counts: Map<MachineFault, number> = new Map<MachineFault, number>();

  constructor(group: Group) {
    this.#group = group;
    this.#random = group.random.stream('storm');
  }

  start(): void {
    const { schedule, scenario } = this.#group;
    schedule.after(this.#random.between(0, 2 * scenario.faultIntervalMs), () => {
      if (!this.#group.isStorm) return;
      const fault = this.#draw();
      const { up } = this.#group;
      if (fault !== undefined && up.length > 0) this.#perform(fault, up);
      this.start();
    });
  }

  /** Ends every fault, for good. */
  heal(): void {
    this.#group.isStorm = false;
    for (const end of this.#ends) end();
  }

  #draw(): MachineFault | undefined {
    const { faults } = this.#group.scenario;
    const total = MACHINE_FAULTS.reduce((sum, name) => sum + (faults[name] ?? 0), 0);
    if (total === 0) return undefined;
    let draw = this.#random.integer(total);
    return MACHINE_FAULTS.find((name) => (draw -= faults[name] ?? 0) < 0);
  }

  #durationMs(): number {
    return this.#random.between(0, 2 * this.#group.scenario.faultDurationMs);
  }

  /** Until its time is up, or the storm. */
  #during(end: () => void): void {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#group.schedule.after(this.#durationMs(), once);
  }

  #perform(fault: MachineFault, up: readonly Host[]): void {
    const { leader, schedule, log, hosts } = this.#group;
    const victim = leader !== undefined && this.#random.chance(0.5) ? leader : this.#random.pick(up);
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    log.note('fault', victim.name, fault);
    switch (fault) {
      case 'crash':
        this.#crash(victim);
        break;
      case 'pause':
        victim.pause();
        this.#during(() => victim.resume());
        break;
      case 'partition': {
        const side = hosts.map(() => this.#random.integer(2));
        this.#cut(hosts.flatMap((a, i) => hosts.filter((_, j) => side[i] !== side[j]).map((b) => linkOf(a, b))));
        break;
      }
      case 'one-way-cut': {
        const other = this.#random.pick(hosts);
        this.#cut([this.#random.chance(0.5) ? linkOf(victim, other) : linkOf(other, victim)]);
        break;
      }
      case 'slow-network':
        this.#slow();
        break;
      case 'disk-hang':
        victim.hang(schedule.nowMs + this.#durationMs());
        break;
      case 'transfer':
        victim.transfer(this.#random.pick(hosts).member.id);
        break;
    }
  }

  /** One, or all at once. */
  #crash(victim: Host): void {
    const crashed = this.#random.chance(0.1) ? this.#group.up : [victim];
    for (const host of crashed) {
      host.crash();
      this.#during(() => host.start());
    }
  }

  #cut(links: readonly string[]): void {
    const { cuts } = this.#group;
    for (const link of links) cuts.add(link);
    this.#during(() => {
      for (const link of links) cuts.delete(link);
    });
  }

  #slow(): void {
    const { electionTicks, tickMs } = this.#group.scenario;
    this.#group.slowMs = this.#random.between(0, electionTicks * tickMs);
    this.#during(() => {
      this.#group.slowMs = 0;
    });
  }
}

function linkOf(from: Host, to: Host): string {
  return `${from.member.id}>${to.member.id}`;
}
