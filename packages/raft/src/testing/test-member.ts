/**
 * One member of a test cluster: a core with an owner that does its duties step by step, over a disk that keeps what was
 * written and forgets what was not. The state machine is the list of what was applied.
 */
import { assert } from '../assert.js';
import { EMPTY_CONFIG } from '../config-change.js';
import { describeEntry } from '../describe.js';
import { checkState, checkTransition, type RaftSnapshot, snapshotState } from '../invariants.js';
import { Raft } from '../raft.js';
import type {
  Entry,
  HardState,
  InitialState,
  MemberId,
  Message,
  RaftConfig,
  Ready,
  SnapshotMetadata,
} from '../types.js';

/** A state of the state machine: what was applied (in the notation of describe.ts), at a position. */
export interface MachineState {
  readonly metadata: SnapshotMetadata;
  readonly history: readonly string[];
}

export interface Disk {
  hardState: HardState;
  /** The last snapshot: the log begins after it. */
  snapshot: MachineState;
  entries: readonly Entry[];
}

/** A member that knows nothing. */
export function emptyDisk(): Disk {
  const metadata: SnapshotMetadata = { index: 0, term: 0, config: EMPTY_CONFIG };
  return { hardState: { term: 0, vote: 0, commit: 0 }, snapshot: { metadata, history: [] }, entries: [] };
}

export class TestMember {
  readonly id: MemberId;
  readonly disk: Disk;
  readonly #config: RaftConfig;
  readonly #onChange: (member: TestMember) => void;
  /** Undefined while it is down. */
  #raft: Raft | undefined;
  history: string[] = [];
  appliedIndex = 0;
  /** Readys whose write is under way, oldest first; with the snapshot's data, if they hold one. */
  readonly writing: { readonly ready: Ready; readonly state: MachineState | undefined }[] = [];
  readonly applying: Entry[] = [];
  /** Snapshot data that arrived, by index. */
  readonly #received: Map<number, MachineState> = new Map();

  constructor(config: RaftConfig, disk: Disk, onChange: (member: TestMember) => void) {
    this.id = config.id;
    this.disk = disk;
    this.#config = config;
    this.#onChange = onChange;
    this.start();
  }

  get up(): boolean {
    return this.#raft !== undefined;
  }

  get raft(): Raft {
    assert(this.#raft !== undefined, () => `member ${this.id} is down`);
    return this.#raft;
  }

  get hasDuties(): boolean {
    return this.raft.hasReady() || this.writing.length > 0 || this.applying.length > 0;
  }

  start(): void {
    const { hardState, snapshot, entries } = this.disk;
    const { index, term } = snapshot.metadata;
    const initial: InitialState = { hardState, applied: snapshot.metadata, compacted: { index, term }, entries };
    this.#raft = new Raft(this.#config, initial);
    this.history = [...snapshot.history];
    this.appliedIndex = index;
    checkState(this.#raft);
  }

  /** What is not durable is lost. */
  crash(): void {
    this.#raft = undefined;
    this.writing.length = 0;
    this.applying.length = 0;
    this.#received.clear();
  }

  /** Runs one input, and checks the invariants around it. */
  run<T>(input: (raft: Raft) => T): T {
    const before: RaftSnapshot = snapshotState(this.raft);
    const result = input(this.raft);
    checkState(this.raft);
    checkTransition(before, this.raft);
    this.#onChange(this);
    return result;
  }

  /** A message; an install-snapshot one comes with its data, which is durable before the core hears of it. */
  receive(message: Message, state: MachineState | undefined): void {
    if (state !== undefined) this.#received.set(state.metadata.index, state);
    this.run((raft) => raft.step(message));
  }

  /** Takes a Ready and queues its duties. Its messages are for the caller to send. */
  take(): Ready {
    const promised = this.raft.hasReady();
    const ready = this.run((raft) => raft.ready());
    assert(promised === !isEmpty(ready), () => `hasReady() said ${promised} before ${JSON.stringify(ready)}`);
    let state: MachineState | undefined;
    if (ready.snapshot !== undefined) {
      state = this.#received.get(ready.snapshot.index);
      assert(state !== undefined, () => `no data for snapshot ${ready.snapshot?.index}`);
      this.#received.clear();
      this.history = [...state.history];
      this.appliedIndex = state.metadata.index;
      this.applying.length = 0;
    }
    this.writing.push({ ready, state });
    this.applying.push(...ready.committedEntries);
    return ready;
  }

  /** The oldest write becomes durable. Its messages are for the caller to send, before it calls reportPersisted. */
  write(): Ready {
    const oldest = this.writing.shift();
    assert(oldest !== undefined, () => `member ${this.id} writes nothing`);
    const { ready, state } = oldest;
    const { disk } = this;
    if (state !== undefined) {
      disk.snapshot = state;
      disk.entries = [];
    }
    const first = ready.entries[0];
    if (first !== undefined) {
      const kept = disk.entries.filter(({ index }) => index < first.index);
      const last = kept.at(-1)?.index ?? disk.snapshot.metadata.index;
      assert(last === first.index - 1, () => `n${this.id} writes ${first.index} after ${last}`);
      disk.entries = [...kept, ...ready.entries];
    }
    if (ready.hardState !== undefined) disk.hardState = ready.hardState;
    return ready;
  }

  reportPersisted(ready: Ready): void {
    this.run((raft) => raft.persisted(ready.id));
  }

  /** Applies up to `count` of the committed entries that were handed out. */
  apply(count: number = Number.POSITIVE_INFINITY): readonly Entry[] {
    const entries = this.applying.splice(0, count);
    for (const entry of entries) {
      assert(
        entry.index === this.appliedIndex + 1,
        () => `n${this.id} applies ${entry.index} after ${this.appliedIndex}`,
      );
      this.history.push(describeEntry(entry));
      this.appliedIndex = entry.index;
      if (entry.type === 'config') this.run((raft) => raft.applyConfigChange(entry));
    }
    if (entries.length > 0) this.run((raft) => raft.applied(this.appliedIndex));
    return entries;
  }

  /** The state machine as it is now. */
  machineState(): MachineState {
    const index = this.appliedIndex;
    const metadata = { index, term: this.raft.entryTerm(index) as number, config: this.raft.config };
    return { metadata, history: [...this.history] };
  }

  /** Makes a durable snapshot of what is applied, and forgets the log up to `index`. */
  compact(index: number): void {
    // A snapshot has arrived and the next Ready tells: there is nothing of one's own to keep.
    if (this.raft.appliedIndex !== this.appliedIndex) return;
    const state = this.machineState();
    // The disk's log begins where its snapshot stands; what is not on the disk yet cannot be part of that.
    if (index === state.metadata.index && this.writing.length === 0) {
      this.disk.snapshot = state;
      this.disk.entries = this.disk.entries.filter((entry) => entry.index > index);
    }
    this.run((raft) => raft.compact(index));
  }
}

function isEmpty(ready: Ready): boolean {
  const { softState, hardState, snapshot, entries, committedEntries, messages, messagesAfterPersist, readStates } =
    ready;
  const lists = [entries, committedEntries, messages, messagesAfterPersist, readStates];
  return (
    softState === undefined && hardState === undefined && snapshot === undefined && lists.every((x) => x.length === 0)
  );
}
