/** Does harm: from time to time one of the run's faults, for a while; and follows the run's plan, if it has one. */
import type { Member } from '../world/member.js';
import type { Stream } from '../world/random.js';
import { FAULT_NAMES, type FaultName } from '../world/scenario.js';
import type { World } from '../world/world.js';
import { Cuts, type Link, linkOf } from './cuts.js';
import { Director } from './director.js';
import { Membership } from './membership.js';

/** Past this many names nobody is added any more. */
const MEMBERS_MAX = 9;
/** A partition leaves the leader alone with this probability, else it goes anywhere: what happens at a deposed leader is delicate. */
const LONELY_LEADER_CHANCE = 0.5;

type MembershipFault = Extract<
  FaultName,
  'add' | 'bit-rot' | 'joint' | 'lost-log' | 'lost-segment' | 'promote' | 'readdress' | 'remove' | 'transfer' | 'wipe'
>;

export class Nemesis {
  readonly #world: World;
  readonly #random: Stream;
  readonly #cuts: Cuts;
  readonly #director: Director;
  readonly #membership: Membership;
  /** What ends the faults that are on. */
  readonly #ends = new Set<() => void>();
  readonly #counts = new Map<FaultName, number>();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.stream('nemesis');
    this.#cuts = new Cuts(world);
    this.#membership = new Membership(world, this.#random);
    this.#director = new Director(world, this.#cuts, this.#membership);
  }

  /** What was done, and how often. */
  get counts(): Readonly<Record<string, number>> {
    const { plan } = this.#world.scenario;
    return { ...Object.fromEntries(this.#counts), ...(plan === 'none' ? {} : { [plan]: this.#director.performed }) };
  }

  start(): void {
    this.#director.start();
    this.#later();
  }

  /** Ends every fault, for good. */
  heal(): void {
    this.#director.end();
    for (const end of this.#ends) end();
    this.#cuts.clear();
    for (const member of this.#world.members) {
      member.resume();
      member.disk.resume();
      member.disk.limitTo(Number.POSITIVE_INFINITY);
      replaceIfRefused(member);
      member.start();
    }
    this.#membership.settle();
  }

  #later(): void {
    const { schedule, scenario } = this.#world;
    schedule.after(this.#random.between(0, 2 * scenario.faultIntervalMs), () => {
      if (!this.#world.isStorm) return;
      const fault = this.#draw();
      if (fault !== undefined) this.#perform(fault);
      this.#later();
    });
  }

  #draw(): FaultName | undefined {
    const { faults } = this.#world.scenario;
    let total = 0;
    for (const name of FAULT_NAMES) total += faults[name] ?? 0;
    if (total === 0) return undefined;
    let draw = this.#random.integer(total);
    for (const name of FAULT_NAMES) {
      draw -= faults[name] ?? 0;
      if (draw < 0) return name;
    }
    return undefined;
  }

  #durationMs(): number {
    return this.#random.between(0, 2 * this.#world.scenario.faultDurationMs);
  }

  /** Until its time is up, or the storm. */
  #during(end: () => void): void {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#world.schedule.after(this.#durationMs(), once);
  }

  #perform(fault: FaultName): void {
    const running = this.#world.members.filter((member) => member.isRunning);
    const up = this.#world.upMembers;
    if (running.length === 0 || up.length === 0) return;
    const victim = this.#preferLeader(up);
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
    this.#world.log.note('fault', victim.name, fault);
    switch (fault) {
      case 'crash':
        this.#crash(running);
        break;
      case 'crash-point':
        // Drawn at each start: see Member.
        break;
      case 'pause':
        victim.pause();
        this.#during(() => victim.resume());
        break;
      case 'partition':
        this.#partition();
        break;
      case 'one-way-cut':
        this.#cut(victim, this.#random.pick(up), this.#random.chance(0.5));
        break;
      case 'flap':
        this.#flap(victim, this.#random.pick(up), 1 + this.#random.integer(6));
        break;
      case 'slow-network':
        this.#slow();
        break;
      case 'late-frames':
        this.#repeatLater(victim);
        break;
      case 'campaign':
        victim.campaign();
        break;
      case 'stop':
        victim.stop();
        break;
      case 'disk-hang':
      case 'disk-error':
      case 'disk-full':
        this.#performOnDisk(fault, victim);
        break;
      case 'add':
      case 'bit-rot':
      case 'joint':
      case 'lost-log':
      case 'lost-segment':
      case 'promote':
      case 'readdress':
      case 'remove':
      case 'transfer':
      case 'wipe':
        this.#performOnMembers(fault, victim, this.#random.pick(running));
    }
  }

  #performOnDisk(fault: 'disk-hang' | 'disk-error' | 'disk-full', victim: Member): void {
    switch (fault) {
      case 'disk-hang':
        this.#hang(victim);
        break;
      case 'disk-error':
        victim.disk.failNext(this.#random.pick(['sync', 'write', 'create', 'sync directory']), 'io');
        break;
      case 'disk-full':
        victim.disk.limitTo(victim.disk.usedBytes + this.#random.integer(64 * 1024));
        this.#during(() => victim.disk.limitTo(Number.POSITIVE_INFINITY));
        break;
    }
  }

  #performOnMembers(fault: MembershipFault, victim: Member, member: Member): void {
    switch (fault) {
      case 'wipe':
        this.#membership.wipe(member);
        break;
      case 'lost-log':
      case 'lost-segment':
      case 'bit-rot':
        this.#membership.damage(member, fault);
        break;
      case 'remove':
        this.#membership.remove(member);
        break;
      case 'joint':
        this.#membership.reconfigure();
        break;
      case 'promote':
        this.#membership.promote(victim);
        break;
      case 'readdress':
        // From a list its address could only be changed by an operator.
        if (!this.#world.founding.lists(member)) member.move();
        break;
      case 'add':
        if (this.#world.members.length < MEMBERS_MAX) this.#world.addMember().start();
        break;
      case 'transfer':
        this.#membership.transfer(victim);
        break;
    }
  }

  #preferLeader(up: readonly Member[]): Member {
    const { leader } = this.#world;
    return leader?.isUp === true && this.#random.chance(0.5) ? leader : this.#random.pick(up);
  }

  /** One, or several at once. Whoever is down comes back later: see restart(). */
  #crash(running: readonly Member[]): void {
    const count = this.#random.chance(0.2) ? 1 + this.#random.integer(running.length) : 1;
    const left = [...running];
    const kind = this.#world.drawCrashKind(this.#random);
    for (let i = 0; i < count; i += 1) {
      const [victim] = left.splice(this.#random.integer(left.length), 1);
      victim?.crash(kind, 'crash');
    }
  }

  /** A member's life has ended, by whatever cause: a new one begins after a while. */
  restartLater(member: Member): void {
    if (!this.#world.isStorm) {
      this.#world.schedule.after(1, () => {
        replaceIfRefused(member);
        member.start();
      });
      return;
    }
    // Who was removed may come back with an empty disk, as a new member by the old name.
    const isBack = member.removed && this.#random.chance(0.5);
    this.#during(() => {
      member.disk.limitTo(Number.POSITIVE_INFINITY);
      if (isBack) member.wipe();
      replaceIfRefused(member);
      member.start();
    });
  }

  // ---- network ---------------------------------------------------------------------------------------------------

  #partition(): void {
    const lonely = this.#random.chance(LONELY_LEADER_CHANCE) ? this.#world.leader : undefined;
    const sides = this.#world.members.map((member) => ({
      member,
      side: lonely === undefined ? this.#random.integer(2) : Number(member === lonely),
    }));
    const added: Link[] = [];
    for (const a of sides) {
      for (const b of sides) {
        if (a.side !== b.side) added.push(linkOf(a.member, b.member));
      }
    }
    this.#cuts.add(added);
    this.#during(() => this.#cuts.remove(added));
  }

  #cut(from: Member, to: Member, isReversed: boolean): void {
    const cut = [isReversed ? linkOf(to, from) : linkOf(from, to)];
    this.#cuts.add(cut);
    this.#during(() => this.#cuts.remove(cut));
  }

  /** Comes and goes, several times. */
  #flap(from: Member, to: Member, times: number): void {
    const cuts = [linkOf(from, to), linkOf(to, from)];
    this.#cuts.add(cuts);
    const { schedule, scenario } = this.#world;
    schedule.after(this.#random.between(0, scenario.electionTicks * scenario.tickMs), () => {
      this.#cuts.remove(cuts);
      if (times <= 1 || !this.#world.isStorm) return;
      schedule.after(this.#random.between(0, 10 * scenario.tickMs), () => {
        if (this.#world.isStorm) this.#flap(from, to, times - 1);
      });
    });
  }

  #slow(): void {
    const { network, scenario } = this.#world;
    const electionMs = scenario.electionTicks * scenario.tickMs;
    network.setLatency(scenario.latencyMinMs, scenario.latencyMaxMs + this.#random.between(0, electionMs));
    this.#during(() => network.setLatency(scenario.latencyMinMs, scenario.latencyMaxMs));
  }

  /** What it receives now comes a second time, much later. */
  #repeatLater(victim: Member): void {
    const { inbox } = victim;
    inbox?.remember();
    this.#during(() => {
      if (inbox === victim.inbox && this.#world.isStorm) inbox?.repeat();
    });
  }

  // ---- disk ------------------------------------------------------------------------------------------------------

  #hang(victim: Member): void {
    const { disk } = victim;
    disk.hang();
    this.#during(() => disk.resume());
  }
}

/** The operator gives a member whose folder was refused an empty one. */
function replaceIfRefused(member: Member): void {
  if (member.refused) member.wipe();
}
