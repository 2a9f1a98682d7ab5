/**
 * The members that replicate a user's machine, and the network between them, under virtual time. The members' cores and disks, and
 * the rules that hold across members (Raft paper, figure 3), are those that the core itself is tested with.
 */
import { describeMessage } from '@quorate/raft';
import { Cluster, type Envelope, type MachineState } from '@quorate/raft/testing';
import { REPLICA_LIMITS } from '@quorate/replica/internal';
import { require } from '../checks/violation.js';
import { EventLog } from '../world/event-log.js';
import type { SeededRandom, Stream } from '../world/random.js';
import { Schedule } from '../world/schedule.js';
import { Host } from './host.js';
import type { Call, MachineUnderTest } from './machine.js';
import type { MachineScenario } from './machine-scenario.js';

export class Group {
  readonly scenario: MachineScenario;
  readonly tested: MachineUnderTest;
  readonly random: SeededRandom;
  readonly schedule: Schedule = new Schedule();
  readonly log: EventLog;
  readonly cluster: Cluster;
  readonly hosts: readonly Host[];
  readonly calls: Call[] = [];
  /** Frames in these directions are lost. */
  readonly cuts: Set<string> = new Set<string>();
  /** What a frame may take besides its latency. */
  slowMs = 0;
  /** Faults may happen; afterwards everything heals. */
  isStorm = true;
  crashes = 0;
  /** A snapshot's bytes, by the state that the core's test disk keeps. */
  readonly #snapshots = new WeakMap<MachineState, Uint8Array>();
  /** By index, the response of whoever applied that entry first. */
  readonly #responses = new Map<number, Uint8Array>();
  readonly #network: Stream;

  constructor(scenario: MachineScenario, tested: MachineUnderTest, random: SeededRandom, linesMax: number) {
    this.scenario = scenario;
    this.tested = tested;
    this.random = random;
    this.#network = random.stream('network');
    this.log = new EventLog({ linesMax, nowMs: () => this.schedule.nowMs });
    const { heartbeatTicks, electionTicks, limits } = scenario;
    const { committedBytesPerTurnMax, ...sizes } = { ...REPLICA_LIMITS, ...limits };
    const elections = random.stream('elections');
    const voters = Array.from({ length: scenario.members }, (_, i) => i + 1);
    this.cluster = new Cluster({
      config: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
      members: voters,
      settings: {
        heartbeatTicks,
        electionTicks,
        random: (bound) => elections.integer(bound),
        appendBytesMax: sizes.appendBytesMax,
        inflightMessagesMax: sizes.inflightMessagesMax,
        inflightBytesMax: sizes.inflightBytesMax,
        uncommittedBytesMax: sizes.uncommittedBytesMax,
        committedBytesPerReadyMax: committedBytesPerTurnMax,
      },
    });
    this.hosts = voters.map((id) => new Host(this, this.cluster.member(id)));
  }

  get up(): readonly Host[] {
    return this.hosts.filter((host) => host.isUp);
  }

  /** The host that leads the highest term, as far as it knows. */
  get leader(): Host | undefined {
    return this.up
      .filter(({ member }) => member.raft.role === 'leader')
      .toSorted((a, b) => b.member.raft.term - a.member.raft.term)[0];
  }

  // ---- the network -----------------------------------------------------------------------------------------------

  /** Puts on their way what the host's core has just sent; a snapshot is of what its machine holds now. */
  flush(host: Host): void {
    const { cluster } = this;
    const sent = cluster.network;
    if (sent.length === 0) return;
    cluster.network = [];
    for (const envelope of sent) {
      if (envelope.state !== undefined) this.keep(envelope.state, host.machine.snapshot());
      this.#transmit(envelope);
      const isDoubled = envelope.state === undefined && this.isStorm;
      if (isDoubled && this.#network.chance(this.scenario.duplicateChance)) this.#transmit(envelope);
    }
  }

  #transmit(envelope: Envelope): void {
    const { from, to } = envelope.message;
    const isLost = this.cuts.has(`${from}>${to}`) || (this.isStorm && this.#network.chance(this.scenario.dropChance));
    this.schedule.after(this.latencyMs(this.#network), () => this.#arrive(envelope, isLost));
  }

  latencyMs(random: Stream): number {
    const { latencyMinMs, latencyMaxMs } = this.scenario;
    return this.isStorm ? random.between(latencyMinMs, latencyMaxMs + this.slowMs) : latencyMinMs;
  }

  /** Like Cluster.deliver, but each of the two has its own time. */
  #arrive({ message, state }: Envelope, isLost: boolean): void {
    const receiver = this.hosts[message.to - 1];
    const isThere = !isLost && receiver?.isRunning === true;
    if (isThere) {
      this.log.record('frame', receiver.name, message.term * 32 + message.type.length, () => describeMessage(message));
      receiver.enter(() => receiver.member.receive(message, state));
    }
    if (state === undefined) return;
    const sender = this.hosts[message.from - 1];
    const outcome = isThere ? 'finished' : 'failed';
    sender?.enter(() => sender.member.run((raft) => raft.reportSnapshot(message.to, outcome)));
  }

  // ---- machines --------------------------------------------------------------------------------------------------

  keep(state: MachineState, snapshot: Uint8Array): void {
    this.#snapshots.set(state, snapshot.slice());
  }

  /** The bytes of a snapshot; undefined for the state that the group was founded with. */
  snapshotOf(state: MachineState): Uint8Array | undefined {
    return this.#snapshots.get(state)?.slice();
  }

  /** Every member, in every life, must respond to the entry at an index alike. */
  responded(host: Host, index: number, response: Uint8Array): void {
    const known = this.#responses.get(index);
    if (known === undefined) this.#responses.set(index, response.slice());
    else {
      require(isEqual(known, response), 'equal responses', () => {
        return `${host.name} responds to entry ${index} with ${show(response)}, another has with ${show(known)}`;
      });
    }
  }
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const SHOWN_BYTES_MAX = 64;

/** Bytes for a reader: as text, if they are that, and not too much of it. */
export function show(bytes: Uint8Array): string {
  const text = JSON.stringify(new TextDecoder().decode(bytes.subarray(0, SHOWN_BYTES_MAX)));
  return bytes.length > SHOWN_BYTES_MAX ? `${text} and ${bytes.length - SHOWN_BYTES_MAX} bytes more` : text;
}
