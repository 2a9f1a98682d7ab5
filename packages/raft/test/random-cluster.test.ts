/**
 * Clusters under random faults: messages are lost, doubled and reordered, members crash with writes under way, are cut off,
 * added, promoted and removed; leaders hand over; logs are compacted. After every step the invariants S1-S7, T1-T6 (see
 * invariants.ts) and C1-C5 (see testing/cluster.ts) are checked; at the end all is mended and the cluster has to agree.
 *
 * A failure names the seed; SEED=<n> runs that one alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigChange, MemberId, RaftConfig, SingleChange } from '../src/index.js';
import { Cluster, type TestMember } from '../src/testing/index.js';

const RUNS = 300;
const STEPS = 3_000;
const MEMBERS_MAX = 7;
const FIRST_SEED = 1;

/** xorshift32: small, and the same everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) | 1;
  }

  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % bound;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }
}

/** Which faults a run has, so that some runs are calm enough to get far and others are not. */
interface Weather {
  readonly lossPercent: number;
  readonly crashPercent: number;
  readonly changePercent: number;
  readonly healPercent: number;
}

class Run {
  readonly cluster: Cluster;
  readonly #random: Random;
  readonly #weather: Weather;
  #slowMember = 0;
  #context = 0;
  #text = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    this.#weather = {
      lossPercent: random.below(3) * 8,
      crashPercent: random.below(3) * 10,
      changePercent: random.below(3) * 15,
      healPercent: 20 + random.below(3) * 25,
    };
    const settings: Partial<Omit<RaftConfig, 'id'>> = {
      electionTicks: 6,
      heartbeatTicks: 1 + random.below(2),
      random: (bound) => random.below(bound),
      appendBytesMax: 1 + random.below(20),
      inflightMessagesMax: 1 + random.below(4),
      inflightBytesMax: 20 + random.below(100),
      uncommittedBytesMax: 50,
      committedBytesPerReadyMax: 1 + random.below(10),
      reads: random.chance(50) ? 'safe' : 'lease',
    };
    const voters = [1, 2, 3, 4, 5].slice(0, 1 + random.below(5));
    if (settings.reads === 'safe') this.#slowMember = 1 + random.below(5);
    const config = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    this.cluster = new Cluster({ config, members: voters, settings });
    for (let id = voters.length + 1; id <= MEMBERS_MAX; id++) this.cluster.addEmpty(id);
  }

  step(): void {
    const { cluster } = this;
    const random = this.#random;
    const kind = random.below(100);
    const member = random.pick(cluster.up);
    if (kind < 40) this.#deliverSome();
    else if (member === undefined) this.#restart();
    else if (kind < 78) this.#duties();
    else if (kind < 82) this.#ticks();
    else if (kind < 87) this.#request(member);
    else if (kind < 91 && random.chance(this.#weather.changePercent)) this.#change(member);
    else if (kind < 93) member.compact(random.chance(70) ? member.appliedIndex : random.below(member.appliedIndex + 2));
    else if (kind < 95) this.#transfer(member);
    else if (kind < 97) this.#partition();
    else if (random.chance(this.#weather.crashPercent)) member.crash();
    else this.#restart();
  }

  /**
   * Lease reads rely on clocks that advance together. Nothing else does, so in the other runs one member's clock is slow:
   * as a leader it notices late that it was deposed.
   */
  #ticks(): void {
    for (const member of this.cluster.up) {
      if (member.id === this.#slowMember && !this.#random.chance(15)) continue;
      member.run((raft) => raft.tick());
    }
  }

  /** The more is under way the more arrives, so that no backlog builds up. */
  #deliverSome(): void {
    const { network } = this.cluster;
    for (let n = this.#random.below(4 + Math.ceil(network.length / 2)); n >= 0; n--) this.#network();
  }

  #network(): void {
    const { network } = this.cluster;
    const random = this.#random;
    if (network.length === 0) return;
    const place = random.chance(70) ? 0 : random.below(network.length);
    const [envelope] = network.splice(place, 1);
    if (envelope === undefined) return;
    if (random.chance(this.#weather.lossPercent)) {
      this.cluster.lose(envelope.message);
      return;
    }
    if (random.chance(this.#weather.lossPercent)) network.push(envelope);
    this.cluster.deliver(envelope);
  }

  #duties(): void {
    for (const member of this.cluster.up) {
      if (this.#random.chance(40)) this.#duty(member);
    }
  }

  #writeSome(member: TestMember): void {
    for (let n = this.#random.below(4); n >= 0 && member.writing.length > 0; n--) this.cluster.write(member.id);
  }

  #duty(member: TestMember): void {
    const random = this.#random;
    const kind = random.below(10);
    if (kind < 5 && member.raft.hasReady()) this.cluster.take(member.id);
    else if (kind < 8) this.#writeSome(member);
    else if (kind < 9) member.apply(1 + random.below(5));
    else this.cluster.process(member.id);
  }

  #request(member: TestMember): void {
    const random = this.#random;
    if (random.chance(40)) {
      this.#context += 1;
      this.cluster.read(member.id, this.#context);
      return;
    }
    for (const { id } of this.cluster.up) {
      this.#text += 1;
      const data = new TextEncoder().encode(`${this.#text}`);
      this.cluster.member(id).run((raft) => raft.propose(data));
    }
  }

  #change(proposer: TestMember): void {
    const random = this.#random;
    const one = (): SingleChange => ({
      type: random.pick(['add-voter', 'add-learner', 'remove', 'add-voter'] as const) ?? 'update',
      member: 1 + random.below(MEMBERS_MAX),
    });
    const changes = random.chance(70) ? [one()] : [one(), one()];
    const leave = random.chance(20);
    const transition = leave
      ? 'auto'
      : (random.pick(['auto', 'auto', 'joint-implicit', 'joint-explicit'] as const) ?? 'auto');
    const change: ConfigChange = { changes: leave ? [] : changes, transition, context: new Uint8Array(0) };
    for (const member of this.cluster.up) {
      if (member.raft.role === 'leader' || member === proposer) member.run((raft) => raft.proposeConfigChange(change));
    }
  }

  #transfer(member: TestMember): void {
    const to = this.#random.below(MEMBERS_MAX + 1);
    if (this.#random.chance(30)) member.run((raft) => raft.reportUnreachable(to));
    else if (to !== member.id) member.run((raft) => raft.transferLeadership(to));
  }

  #partition(): void {
    const random = this.#random;
    if (random.chance(this.#weather.healPercent)) {
      this.cluster.heal();
      return;
    }
    // A leader that is cut off and does not know it is what most safety rules are about.
    const leader = this.cluster.up.find(({ raft }) => raft.role === 'leader');
    if (leader !== undefined && random.chance(50)) this.cluster.isolate(leader.id);
    else this.cluster.cut(1 + random.below(MEMBERS_MAX), 1 + random.below(MEMBERS_MAX));
  }

  #restart(): void {
    const down = [...this.cluster.members.values()].filter((member) => !member.up);
    this.#random.pick(down)?.start();
  }

  /** Everything works again: there must be a leader, an entry must commit, and every member of the configuration must have it. */
  finish(): void {
    const { cluster } = this;
    cluster.heal();
    this.#slowMember = 0;
    for (const member of cluster.members.values()) if (!member.up) member.start();
    for (let round = 0; round < 200; round++) {
      cluster.settle();
      this.#ticks();
      const leader = cluster.up.find(({ raft }) => raft.role === 'leader' && raft.commit === raft.lastIndex);
      if (leader === undefined || leader.raft.config.autoLeave) continue;
      const { voters, votersOutgoing, learners } = leader.raft.config;
      if (!voters.includes(leader.id) && !votersOutgoing.includes(leader.id)) continue;
      const members: MemberId[] = [...voters, ...votersOutgoing, ...learners];
      if (members.every((id) => cluster.member(id).appliedIndex === leader.raft.commit)) return;
    }
    const states = cluster.up.map(({ raft, appliedIndex }) => `${JSON.stringify(raft.status())} ${appliedIndex}`);
    throw new Error(`no agreement after the faults ended:\n${states.join('\n')}`);
  }
}

test('[C1] [C2] [C3] [C4] [C5] random faults: elections, log, state machine and reads stay safe, and the cluster agrees afterwards', () => {
  const chosen = process.env['SEED'];
  const seeds = chosen === undefined ? Array.from({ length: RUNS }, (_, n) => FIRST_SEED + n) : [Number(chosen)];
  let reads = 0;
  let commits = 0;
  for (const seed of seeds) {
    const run = new Run(seed);
    try {
      for (let step = 0; step < STEPS; step++) run.step();
      run.finish();
    } catch (error) {
      throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    reads += run.cluster.readsAnswered;
    commits += Math.max(...run.cluster.up.map(({ raft }) => raft.commit));
  }
  // The runs must get somewhere, or they prove nothing.
  assert.ok(commits / seeds.length > 10, `${commits} entries committed in ${seeds.length} runs`);
  assert.ok(chosen !== undefined || reads > RUNS, `${reads} reads answered`);
});
