/**
 * One member's process, life after life: it does the owner's duties for a core (README of @quorate/raft) over a disk that forgets
 * what was not written when the member crashed, and applies what is committed to the user's machine.
 *
 *   turn    one Ready: its messages leave, its write begins, its committed entries wait to be applied
 *   write   the oldest write is durable: what waited for it leaves
 *   apply   some time later: the machine responds, and so do the calls that were proposed here
 */
import { describeEntries, type MemberId } from '@quorate/raft';
import type { TestMember } from '@quorate/raft/testing';
import type { Stream } from '../world/random.js';
import type { Group } from './group.js';
import type { Machine } from './machine.js';

export type Answer =
  | { readonly kind: 'response'; readonly response: Uint8Array }
  /** Surely not carried out; `leader` is to be asked, if somebody is known to lead. */
  | { readonly kind: 'refused'; readonly leader: MemberId };

interface Pending {
  readonly term: number;
  readonly done: (answer: Answer) => void;
}

export class Host {
  readonly name: string;
  readonly member: TestMember;
  readonly #group: Group;
  readonly #random: Stream;
  readonly #tickMs: number;
  #machine: Machine;
  #life = 1;
  #isPaused = false;
  #backlog: (() => void)[] = [];
  #turnRequested = false;
  /** Until then the disk answers nothing. */
  #hangsUntilMs = 0;
  /** By index, what clients wait for. */
  readonly #pending = new Map<number, Pending>();

  constructor(group: Group, member: TestMember) {
    this.name = `n${member.id}`;
    this.member = member;
    this.#group = group;
    this.#random = group.random.stream(this.name);
    const { tickMs, clockSkew } = group.scenario;
    this.#tickMs = tickMs * this.#random.between(1 - clockSkew, 1 + clockSkew);
    this.#machine = group.tested.machine();
    this.#tickLater(this.#life);
  }

  get machine(): Machine {
    return this.#machine;
  }

  get isRunning(): boolean {
    return this.member.up;
  }

  get isUp(): boolean {
    return this.isRunning && !this.#isPaused;
  }

  // ---- life and death --------------------------------------------------------------------------------------------

  crash(): void {
    if (!this.isRunning) return;
    this.#life += 1;
    this.#isPaused = false;
    this.#backlog = [];
    this.#turnRequested = false;
    this.#pending.clear();
    this.member.crash();
    this.#group.crashes += 1;
    this.#group.log.note('member', this.name, 'crashes');
  }

  /** Comes back with what its disk holds. */
  start(): void {
    if (this.isRunning) return;
    this.#restore(this.#group.snapshotOf(this.member.disk.snapshot));
    this.member.start();
    this.#group.log.note('member', this.name, `is up, at ${this.member.appliedIndex}`);
    this.#tickLater(this.#life);
    this.enter(() => {});
  }

  pause(): void {
    this.#isPaused = this.isRunning;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const run of this.#backlog.splice(0)) run();
  }

  hang(untilMs: number): void {
    this.#hangsUntilMs = untilMs;
  }

  #restore(snapshot: Uint8Array | undefined): void {
    this.#machine = this.#group.tested.machine();
    if (snapshot !== undefined) this.#machine.restore(snapshot);
  }

  // ---- what comes in ---------------------------------------------------------------------------------------------

  /** An input: dropped if it is not for this life, put aside while the process stands still. */
  enter(run: () => void, life: number = this.#life): void {
    if (life !== this.#life || !this.isRunning) return;
    if (this.#isPaused) {
      this.#backlog.push(() => this.enter(run, life));
      return;
    }
    run();
    this.#group.flush(this);
    if (this.member.raft.hasReady()) this.#requestTurn();
  }

  /** False: nobody is there. `done` is called at most once. */
  propose(command: Uint8Array, done: (answer: Answer) => void): boolean {
    if (!this.isRunning) return false;
    this.enter(() => {
      const result = this.member.run((raft) => raft.propose(command));
      if (!result.accepted) {
        done({ kind: 'refused', leader: this.member.raft.leader });
        return;
      }
      // A leader holds everything that is committed: what stood here before is not, and never will be.
      this.#refuse(result.index);
      this.#pending.set(result.index, { term: result.term, done });
    });
    return true;
  }

  transfer(to: MemberId): void {
    this.enter(() => this.member.run((raft) => raft.transferLeadership(to)));
  }

  #tickLater(life: number): void {
    this.#group.schedule.after(this.#tickMs, () => {
      if (life !== this.#life) return;
      this.#tickLater(life);
      if (!this.#isPaused) this.enter(() => this.member.run((raft) => raft.tick()));
    });
  }

  // ---- duties ----------------------------------------------------------------------------------------------------

  #later(delayMs: number, run: () => void): void {
    const life = this.#life;
    this.#group.schedule.after(delayMs, () => this.enter(run, life));
  }

  #requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    this.#later(this.#delayMs(), () => this.#turn());
  }

  #delayMs(): number {
    return this.#random.between(0, this.#group.scenario.turnDelayMs);
  }

  #turn(): void {
    this.#turnRequested = false;
    const { schedule, cluster, scenario, isStorm } = this.#group;
    const ready = cluster.take(this.member.id);
    // Before anything else is applied: a snapshot message names the state as it is now.
    this.#group.flush(this);
    const received = this.member.writing.at(-1)?.state;
    if (received !== undefined) {
      this.#restore(this.#group.snapshotOf(received));
      for (const index of this.#pending.keys()) if (index <= received.metadata.index) this.#pending.delete(index);
    }
    const { diskLatencyMinMs, diskLatencyMaxMs } = scenario;
    const latencyMs = this.#random.between(diskLatencyMinMs, isStorm ? diskLatencyMaxMs : diskLatencyMinMs);
    this.#later(Math.max(latencyMs, this.#hangsUntilMs - schedule.nowMs), () => this.#write());
    if (ready.committedEntries.length > 0) this.#later(this.#delayMs(), () => this.#apply());
  }

  #write(): void {
    const { log, cluster } = this.#group;
    const { entries } = cluster.write(this.member.id);
    log.record('disk', this.name, entries.length, () => {
      return entries.length === 0 ? 'wrote the hard state' : `wrote ${describeEntries(entries)}`;
    });
    this.#compactIfDue();
  }

  #apply(): void {
    for (const { index, term, type, data } of this.member.apply()) {
      // A new leader's first entry is empty, and nobody's command.
      if (type !== 'normal' || data.length === 0) {
        this.#refuse(index);
        continue;
      }
      const response = this.#machine.apply(data.slice());
      this.#group.responded(this, index, response);
      const pending = this.#pending.get(index);
      if (pending?.term !== term) {
        this.#refuse(index);
        continue;
      }
      this.#pending.delete(index);
      pending.done({ kind: 'response', response: response.slice() });
    }
    this.#compactIfDue();
  }

  /** A snapshot is due after so many entries, and possible while nothing is being written. */
  #compactIfDue(): void {
    const { member } = this;
    const { log, scenario } = this.#group;
    const isDue = member.appliedIndex - member.disk.snapshot.metadata.index >= scenario.snapshotEntries;
    if (!isDue || member.writing.length > 0) return;
    const before = member.disk.snapshot;
    member.compact(member.appliedIndex);
    const { snapshot } = member.disk;
    if (snapshot === before) return;
    this.#group.keep(snapshot, this.#machine.snapshot());
    log.note('trace', this.name, `snapshot at ${snapshot.metadata.index}`);
  }

  /** Another entry stands where that call's was to be. */
  #refuse(index: number): void {
    const pending = this.#pending.get(index);
    this.#pending.delete(index);
    pending?.done({ kind: 'refused', leader: this.member.raft.leader });
  }
}
