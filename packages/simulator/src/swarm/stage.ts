/** What a plan (plans.ts) sees of the world and may do to it. Whatever it has done is undone when it ends, or the storm does. */
import type { Member, TraceListener } from '../world/member.js';
import type { Stream } from '../world/random.js';
import type { World } from '../world/world.js';
import { type Cuts, type Link, linksBetween } from './cuts.js';
import type { Membership } from './membership.js';

/** A plan goes on by itself from one yield to the next look, half a tick later on average. */
export type Plan = Generator<void, void>;
/** A part of a plan that waits; true if what it waited for has come. */
export type Wait = Generator<void, boolean>;

/** A member that leads, and the other voters that are up. */
export interface Scene {
  readonly leader: Member;
  readonly others: readonly Member[];
  /** The term it leads. */
  readonly term: number;
}

export class Stage {
  readonly world: World;
  readonly random: Stream;
  readonly cuts: Cuts;
  readonly membership: Membership;
  readonly #undo: (() => void)[] = [];

  constructor(world: World, cuts: Cuts, membership: Membership) {
    this.membership = membership;
    this.world = world;
    this.random = world.random.stream('plan');
    this.cuts = cuts;
  }

  get electionMs(): number {
    const { electionTicks, tickMs } = this.world.scenario;
    return electionTicks * tickMs;
  }

  /** Undoes what was done so far, the last first. */
  clear(): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo();
  }

  undoLater(undo: () => void): void {
    this.#undo.push(undo);
  }

  *sleep(ms: number): Plan {
    const untilMs = this.world.schedule.nowMs + ms;
    while (this.world.schedule.nowMs < untilMs) yield;
  }

  /** Waits until it is so, at most for so many election timeouts. */
  *until(condition: () => boolean, elections: number): Wait {
    const untilMs = this.world.schedule.nowMs + elections * this.electionMs;
    while (!condition()) {
      if (this.world.schedule.nowMs >= untilMs) return false;
      yield;
    }
    return true;
  }

  /** Waits for a leader that has committed in its term, and at least `othersMin` other voters that follow it. */
  *scene(othersMin: number): Generator<void, Scene | undefined> {
    let scene: Scene | undefined;
    const look = (): boolean => {
      scene = this.#look(othersMin);
      return scene !== undefined;
    };
    yield* this.until(look, 10);
    return scene;
  }

  #look(othersMin: number): Scene | undefined {
    const { leader, upMembers } = this.world;
    const raft = leader?.replica?.raft;
    if (leader?.isUp !== true || raft?.core.hasCommittedInTerm !== true) return undefined;
    const others = upMembers.filter(
      ({ replica, memberId }) =>
        replica?.raft.leader === leader.memberId &&
        memberId !== leader.memberId &&
        raft.config.voters.includes(memberId),
    );
    if (others.length < othersMin || others.length * 2 < raft.config.voters.length) return undefined;
    return { leader, others: this.shuffle(others), term: raft.term };
  }

  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items];
    const shuffled: T[] = [];
    while (left.length > 0) shuffled.push(...left.splice(this.random.integer(left.length), 1));
    return shuffled;
  }

  // ---- what may be done --------------------------------------------------------------------------------------------

  cut(links: readonly Link[]): void {
    this.cuts.add(links);
    this.undoLater(() => this.cuts.remove(links));
  }

  uncut(links: readonly Link[]): void {
    this.cuts.remove(links);
  }

  /** Members of different groups, and those in none, do not hear each other; within a group they do. */
  allow(...groups: readonly (readonly Member[])[]): void {
    const { members } = this.world;
    const groupOf = (member: Member): number => groups.findIndex((group) => group.includes(member));
    const apart = (a: Member, b: Member): boolean => groupOf(a) < 0 || groupOf(a) !== groupOf(b);
    this.cuts.clear();
    this.cut(members.flatMap((a) => members.filter((b) => apart(a, b)).flatMap((b) => linksBetween([a], [b]))));
  }

  /** Appends (or everything) on the way into the member wait from now on. */
  hold(member: Member, what: 'append' | 'everything'): void {
    const { inbox } = member;
    inbox?.hold((_from, channel) => what === 'everything' || channel === what);
    this.undoLater(() => inbox?.release());
  }

  release(member: Member): void {
    member.inbox?.release();
  }

  hang(member: Member): void {
    const { disk } = member;
    disk.hang();
    this.undoLater(() => disk.resume());
  }

  pause(member: Member): void {
    member.pause();
    this.undoLater(() => member.resume());
  }

  /** Clients only read. */
  quiet(): void {
    this.world.isQuiet = true;
    this.undoLater(() => this.loud());
  }

  loud(): void {
    this.world.isQuiet = false;
  }

  /** Calls back at each event of the member's trace, in whatever life. */
  watch(member: Member, event: TraceListener): void {
    member.onTrace = event;
    this.undoLater(() => {
      member.onTrace = undefined;
    });
  }

  /** The member loses power before the first operation of its disk that matches. */
  crashAt(member: Member, matches: (operation: string, path: string) => boolean): void {
    member.onDisk = (operation, path) => {
      const isHere = matches(operation, path);
      if (isHere) member.onDisk = undefined;
      return isHere;
    };
    this.undoLater(() => {
      member.onDisk = undefined;
    });
  }

  /** Calls back after each step of the member. */
  follow(member: Member, step: () => void): void {
    member.onStep = step;
    this.undoLater(() => {
      member.onStep = undefined;
    });
  }

  // ---- what may be asked -------------------------------------------------------------------------------------------

  /** Somebody leads a later term than that, and has committed in it. */
  isSucceeded(term: number): boolean {
    return this.world.members.some(({ replica }) => {
      const raft = replica?.raft;
      return raft !== undefined && raft.role === 'leader' && raft.term > term && raft.core.hasCommittedInTerm;
    });
  }
}
