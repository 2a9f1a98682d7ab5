/**
 * Several members and the network between them, in memory, moved one step at a time by whoever tests.
 *
 * Nothing happens by itself: messages lie in `network` until they are delivered, dropped or doubled, writes and applies lie
 * at their members. After every input the invariants of that member are checked, and those of the whole (Raft paper,
 * figure 3), which no member could check alone:
 *
 *     C1 election safety        at most one leader in a term
 *     C2 log matching           an entry of one index and term has one content and one predecessor, wherever it is
 *     C3 leader completeness    a leader holds everything that was committed in earlier terms
 *     C4 state machine safety   all members apply the same entry at an index
 *     C5 linearizable reads     a read's index covers everything that was committed anywhere when it was asked for
 */
import { assert } from '../assert.js';
import { describeEntry } from '../describe.js';
import { type ConfigState, type MemberId, type Message, NO_MEMBER, type RaftConfig, type Ready } from '../types.js';
import { type Disk, emptyDisk, type MachineState, TestMember } from './test-member.js';

/** A message under way; an install-snapshot one with the data, which in reality takes a way of its own. */
export interface Envelope {
  readonly message: Message;
  readonly state: MachineState | undefined;
}

export interface ClusterOptions {
  readonly config: ConfigState;
  readonly members: readonly MemberId[];
  /** Settings that differ from the defaults below. */
  readonly settings: Partial<Omit<RaftConfig, 'id'>>;
}

/** The position of the configuration that the cluster starts from. Empty members get it by snapshot. */
const FOUNDING = { index: 1, term: 1 } as const;

const SETTINGS_DEFAULT: Omit<RaftConfig, 'id'> = {
  electionTicks: 10,
  heartbeatTicks: 1,
  // The longest election timeout: members campaign when a test says so, unless it waits for twice electionTicks.
  random: (bound) => bound - 1,
  appendBytesMax: 1_048_576,
  inflightMessagesMax: 256,
  inflightBytesMax: 4_194_304,
  uncommittedBytesMax: 1_048_576,
  committedBytesPerReadyMax: 1_048_576,
  reads: 'safe',
  priority: 100,
};

export class Cluster {
  readonly members: Map<MemberId, TestMember> = new Map();
  network: Envelope[] = [];
  readonly #cut: Set<string> = new Set();
  readonly #options: ClusterOptions;
  readonly #leaders: Map<number, MemberId> = new Map();
  /** C2: by position, the content and the term before it. */
  readonly #written: Map<string, string> = new Map();
  /** C3, C4: what was committed at an index, and in which term it was seen to be. */
  readonly #committed: Map<number, { readonly text: string; readonly term: number; readonly seenIn: number }> =
    new Map();
  #commitMax: number = FOUNDING.index;
  /** C5: by member and context, the commit index when the read was asked for. */
  readonly #readFloors: Map<string, number> = new Map();
  readsAnswered = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    for (const id of options.members) this.#add(id, this.#foundingDisk());
  }

  #foundingDisk(): Disk {
    const metadata = { ...FOUNDING, config: this.#options.config };
    return {
      hardState: { term: FOUNDING.term, vote: NO_MEMBER, commit: FOUNDING.index },
      snapshot: { metadata, history: [] },
      entries: [],
    };
  }

  #add(id: MemberId, disk: Disk, settings: Partial<Omit<RaftConfig, 'id'>> = {}): void {
    assert(!this.members.has(id), () => `member ${id} is there already`);
    const config = { ...SETTINGS_DEFAULT, ...this.#options.settings, ...settings, id };
    this.members.set(
      id,
      new TestMember(config, disk, (member) => {
        this.#check(member);
      }),
    );
  }

  /** A member with an empty disk, which somebody may add to the configuration. */
  addEmpty(id: MemberId): void {
    this.#add(id, emptyDisk());
  }

  member(id: MemberId): TestMember {
    const member = this.members.get(id);
    assert(member !== undefined, () => `no member ${id}`);
    return member;
  }

  get up(): TestMember[] {
    return [...this.members.values()].filter((member) => member.up).toSorted((a, b) => a.id - b.id);
  }

  /** Cuts or mends one direction. Messages that are under way get through. */
  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(`${from}>${to}`);
  }

  isolate(id: MemberId): void {
    for (const other of this.members.keys()) {
      if (other === id) continue;
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#cut.has(`${message.from}>${message.to}`)) {
        this.lose(message);
        continue;
      }
      const state = message.type === 'install-snapshot' ? this.member(message.from).machineState() : undefined;
      assert(
        state === undefined || message.type !== 'install-snapshot' || state.metadata.index === message.snapshot.index,
        () => `snapshot ${JSON.stringify(message)} is not what member ${message.from} has applied`,
      );
      this.network.push({ message, state });
    }
  }

  /** Members that are down, or were never there, hear nothing. */
  deliver({ message, state }: Envelope): void {
    const receiver = this.members.get(message.to);
    if (receiver === undefined || !receiver.up) {
      this.lose(message);
      return;
    }
    receiver.receive(message, state);
    if (state === undefined) return;
    const sender = this.members.get(message.from);
    if (sender?.up === true) sender.run((raft) => raft.reportSnapshot(message.to, 'finished'));
  }

  /** A snapshot that the core did not ask for: an old one that took long, or an owner that knows better. */
  sendSnapshot(from: MemberId, to: MemberId): void {
    const state = this.member(from).machineState();
    const { term } = this.member(from).raft;
    this.network.push({ message: { type: 'install-snapshot', from, to, term, snapshot: state.metadata }, state });
  }

  /** The message does not arrive. Its sender only hears of that if it was a snapshot. */
  lose(message: Message): void {
    const sender = this.members.get(message.from);
    if (message.type !== 'install-snapshot' || sender?.up !== true) return;
    sender.run((raft) => raft.reportSnapshot(message.to, 'failed'));
  }

  /** First duties: the messages that may leave at once. */
  take(id: MemberId): Ready {
    const member = this.member(id);
    const ready = member.take();
    this.send(ready.messages);
    for (const entry of ready.entries) this.#checkEntry(member, entry.index, describeEntry(entry));
    for (const { context, index } of ready.readStates) {
      const floor = this.#readFloors.get(`${id}:${context}`);
      assert(
        floor !== undefined && index >= floor,
        () => `C5 read ${context} at n${id}: index ${index}, floor ${floor}`,
      );
      this.readsAnswered += 1;
    }
    return ready;
  }

  /** The oldest write of the member is durable, and what waited for it leaves. */
  write(id: MemberId): Ready {
    const member = this.member(id);
    const ready = member.write();
    this.send(ready.messagesAfterPersist);
    member.reportPersisted(ready);
    return ready;
  }

  /** All duties of one Ready, at once. */
  process(id: MemberId): Ready {
    const ready = this.take(id);
    const member = this.member(id);
    while (member.writing.length > 0) this.write(id);
    member.apply();
    return ready;
  }

  /** False if the member knows nobody to ask. */
  read(id: MemberId, context: number): boolean {
    this.#readFloors.set(`${id}:${context}`, this.#commitMax);
    return this.member(id).run((raft) => raft.readIndex(context));
  }

  /** Delivers and processes until nothing is left to do. Gives the number of messages that were delivered. */
  settle(rounds: number = 1_000): number {
    let delivered = 0;
    for (let round = 0; round < rounds; round++) {
      for (const { id } of this.up) {
        while (this.member(id).hasDuties) this.process(id);
      }
      const batch = this.network;
      this.network = [];
      if (batch.length === 0) return delivered;
      for (const envelope of batch) this.deliver(envelope);
      delivered += batch.length;
    }
    throw new Error(`the cluster does not settle within ${rounds} rounds`);
  }

  #check(member: TestMember): void {
    const { raft } = member;
    if (raft.role === 'leader') {
      const known = this.#leaders.get(raft.term);
      assert(known === undefined || known === raft.id, () => `C1 term ${raft.term}: leaders ${known} and ${raft.id}`);
      if (known === undefined) {
        this.#leaders.set(raft.term, raft.id);
        this.#checkCompleteness(member);
      }
    }
    for (; this.#commitMax < raft.commit; this.#commitMax++) {
      const { log } = raft.core;
      const index = this.#commitMax + 1;
      // What a snapshot brought was committed, and seen, before it was made.
      assert(
        index > log.compactedIndex,
        () => `C4 ${index} was committed by nobody, but n${raft.id} has a snapshot of it`,
      );
      const entry = log.entry(index);
      this.#committed.set(index, { text: describeEntry(entry), term: entry.term, seenIn: raft.term });
    }
    const { history, appliedIndex } = member;
    const newest = history.at(-1);
    const committed = this.#committed.get(appliedIndex);
    assert(
      newest === undefined || committed?.text === newest,
      () => `C4 n${raft.id} applies ${newest}, committed is ${committed?.text}`,
    );
    assert(
      history.length === appliedIndex - FOUNDING.index || appliedIndex === 0,
      () => `C4 n${raft.id}: a gap in what it applied`,
    );
  }

  #checkCompleteness(member: TestMember): void {
    const { raft } = member;
    for (const [index, { term, text, seenIn }] of this.#committed) {
      if (seenIn >= raft.term) continue;
      const held = index <= raft.core.log.compactedIndex || raft.entryTerm(index) === term;
      assert(held, () => `C3 n${raft.id} leads term ${raft.term} without ${text}, committed in term ${seenIn}`);
    }
  }

  #checkEntry(member: TestMember, index: number, text: string): void {
    const content = `${text} after term ${member.raft.entryTerm(index - 1)}`;
    const position = text.split(' ')[0] as string;
    const known = this.#written.get(position);
    assert(
      known === undefined || known === content,
      () => `C2 n${member.id} writes ${content}, elsewhere it is ${known}`,
    );
    this.#written.set(position, content);
  }
}
