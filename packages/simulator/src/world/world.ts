/**
 * The world that members live in: one clock, one network, one log of what happened, and what the simulation knows about the
 * cluster from outside.
 */
import { type ConfigState, describeMessage } from '@quorate/raft';
import {
  type AddRequest,
  type AdminAnswer,
  Arena,
  decodePeerMessage,
  MemoryDisk,
  MemoryNetwork,
  nodePlatform,
  type Platform,
} from '@quorate/replica/internal';
import { ClusterRules } from '../checks/cluster-rules.js';
import { Oracle } from '../checks/oracle.js';
import { Values } from '../checks/values.js';
import { EventLog } from './event-log.js';
import { CommonFounding, type Founding, ListedFounding, LoneFounding } from './founding.js';
import { type CrashKind, Member } from './member.js';
import { SeededRandom, type Stream } from './random.js';
import type { FaultName, Scenario } from './scenario.js';
import { Schedule } from './schedule.js';
import type { Tamper } from './tamper.js';

export interface WorldOptions {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Lines kept of what happened, for a reader; 0 for speed. */
  readonly linesMax: number;
  /** Defects to be found. */
  readonly tamper: Tamper;
}

export class World {
  readonly scenario: Scenario;
  readonly tamper: Tamper;
  readonly schedule: Schedule = new Schedule();
  readonly random: SeededRandom;
  readonly log: EventLog;
  readonly network: MemoryNetwork;
  readonly rules: ClusterRules;
  /** In runs that look at the whole of the store. */
  readonly oracle: Oracle | undefined;
  readonly platform: Platform = nodePlatform;
  readonly values: Values = new Values();
  readonly members: Member[] = [];
  readonly founding: Founding;
  readonly #arena: Arena = new Arena();
  readonly #latency: Stream;
  readonly #choices: Stream;
  /** Faults may happen; afterwards everything heals. */
  isStorm = true;
  /** Clients only read for the moment. */
  isQuiet = false;
  crashes = 0;
  /** A member's life has ended. */
  onEnd: (member: Member) => void = () => {};
  /** A member that starts knows its id, which may be another one than before. */
  onIdentified: () => void = () => {};
  #clusterId = 0;

  constructor(options: WorldOptions) {
    this.scenario = options.scenario;
    this.tamper = options.tamper;
    this.random = new SeededRandom(options.seed);
    this.log = new EventLog({ linesMax: options.linesMax, nowMs: () => this.schedule.nowMs });
    this.#latency = this.random.stream('disk latency');
    this.#choices = this.random.stream('world');
    this.rules = new ClusterRules(this.platform);
    this.oracle = this.#makeOracle();
    this.network = new MemoryNetwork({ schedule: this.schedule.after, random: this.random.stream('network') });
    this.setNetworkFaults(true);
    for (let i = 1; i <= this.scenario.members; i += 1) this.addMember();
    this.founding = this.#makeFounding();
  }

  #makeFounding(): Founding {
    const { founding, members } = this.scenario;
    if (founding === 'listed') return new ListedFounding(this, this.members[0] as Member);
    // Of a list of one nobody else is there to be asked, should its disk be lost (decision 0010): that is for the plan of those.
    return founding === 'alone' || members === 1 ? new LoneFounding(this) : new CommonFounding(this, this.members);
  }

  #makeOracle(): Oracle | undefined {
    const { scenario, platform, schedule, rules } = this;
    if (scenario.storeClients === 0) return undefined;
    const oracle = new Oracle({ ...scenario, platform, nowMs: () => schedule.nowMs });
    rules.onDecided = (entry) => oracle.decided(entry);
    rules.onPosition = (id, state) => oracle.position(id, state);
    return oracle;
  }

  isOn(fault: FaultName): boolean {
    return this.scenario.faults[fault] !== undefined;
  }

  drawCrashKind(random: Stream): CrashKind {
    return random.chance(this.scenario.powerLoss) ? 'power' : 'kill';
  }

  setNetworkFaults(areOn: boolean): void {
    const { dropChance: drop, duplicateChance: duplicate, latencyMinMs, latencyMaxMs } = this.scenario;
    for (const channel of ['control', 'append', 'snapshot'] as const) {
      this.network.setFaults(channel, areOn ? { drop, duplicate } : { drop: 0, duplicate: 0 });
    }
    this.network.setLatency(latencyMinMs, areOn ? latencyMaxMs : latencyMinMs);
  }

  newDisk(random: SeededRandom): MemoryDisk {
    const { diskLatencyMinMs, diskLatencyMaxMs } = this.scenario;
    return new MemoryDisk({
      schedule: this.schedule.after,
      random: random.stream('losses'),
      allocate: this.#arena.allocate,
      latencyMs: () => (this.isStorm ? this.#latency.between(diskLatencyMinMs, diskLatencyMaxMs) : diskLatencyMinMs),
    });
  }

  /** Nothing happens here any more, and what is on the disks is not looked at. */
  end(): void {
    this.#arena.release();
  }

  addMember(): Member {
    const member = new Member(this, `n${this.members.length + 1}`);
    this.members.push(member);
    return member;
  }

  // ---- what members ask of it ------------------------------------------------------------------------------------

  get hasCluster(): boolean {
    return this.#clusterId !== 0;
  }

  belongs(_member: Member, clusterId: number): void {
    this.#clusterId = clusterId;
    this.onIdentified();
  }

  ended(member: Member): void {
    this.crashes += 1;
    this.onEnd(member);
  }

  /** Asks some other member to add this one; undefined: no answer, or a refusal. */
  askToJoin(asking: Member, request: AddRequest, done: (answer: AdminAnswer | undefined) => void): void {
    const others = this.members.filter((member) => member !== asking && member.isUp);
    if (others.length === 0) {
      this.schedule.after(1, () => done(undefined));
      return;
    }
    const asked = this.#choices.pick(others);
    let answered = false;
    const answer = (result: AdminAnswer | undefined): void => {
      if (answered) return;
      answered = true;
      this.schedule.after(1, () => done(result));
    };
    const { requestTimeoutTicks, tickMs } = this.scenario;
    this.schedule.after(2 * requestTimeoutTicks * tickMs, () => answer(undefined));
    this.schedule.after(1, () => {
      const isThere = asked.administer({ kind: 'add', request }, (result) => {
        const outcome = result.ok ? `is added as ${result.value.memberId}` : result.message;
        this.log.note('member', asking.name, `joins by ${asked.name}: ${outcome}`);
        answer(result.ok ? result.value : undefined);
      });
      if (!isThere) answer(undefined);
    });
  }

  // ---- what is known from outside ---------------------------------------------------------------------------------

  get upMembers(): readonly Member[] {
    return this.members.filter((member) => member.isUp);
  }

  /** The member that leads the highest term, as far as it knows. */
  get leader(): Member | undefined {
    let leader: Member | undefined;
    for (const member of this.members) {
      const raft = member.replica?.raft;
      if (raft?.role === 'leader' && raft.term > (leader?.replica?.raft.term ?? 0)) leader = member;
    }
    return leader;
  }

  /** The configuration at whoever has applied most. */
  get config(): ConfigState | undefined {
    let latest: { readonly index: number; readonly config: ConfigState } | undefined;
    for (const { replica } of this.members) {
      const position = replica?.state.position;
      if (position !== undefined && position.index >= (latest?.index ?? 0)) latest = position;
    }
    return latest?.config;
  }

  tellFrame(from: number, to: number, frame: Uint8Array): string {
    const sender = this.members.find((member) => member.memberId === from)?.name ?? `${from}`;
    const message = decodePeerMessage(this.platform, frame, { from, to });
    if (message.kind === 'raft') return `<- ${sender} ${this.shortIds(describeMessage(message.message))}`;
    if (message.kind === 'snapshot-begin') return `<- ${sender} snapshot-begin of ${message.metadata.index}`;
    if (message.kind === 'snapshot-chunk')
      return `<- ${sender} snapshot-chunk at ${message.offset}${message.last ? ', last' : ''}`;
    if (message.kind === 'snapshot-ack') return `<- ${sender} snapshot-ack ${message.status} ${message.offset}`;
    return `<- ${sender} ${message.kind} ${message.requestId}`;
  }

  /** Members by their names. */
  shortIds(text: string): string {
    let result = text;
    for (const { name, memberId } of this.members) {
      if (memberId !== 0) result = result.replaceAll(String(memberId), name);
    }
    return result;
  }
}
