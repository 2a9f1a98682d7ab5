/**
 * How the first members of a cluster come to be members: one founds it and the others join, or all on a list found it together, as
 * static-cluster.ts of @quorate/replica has it: each asks the others who is there until it may found itself. A member that must not,
 * because the others know it from before, is added anew like any newcomer. Who stands alone on the list has nobody to ask.
 */
import {
  commonFoundingBatch,
  type FoundingMember,
  foundingBatch,
  judgeFounding,
  type PeerView,
  type settleFolder,
} from '@quorate/replica/internal';
import type { Life } from './life.js';
import type { Member } from './member.js';
import type { Stream } from './random.js';
import type { World } from './world.js';

/** What a member begins with. */
export interface Founded {
  readonly clusterId: number;
  readonly memberId: number;
  readonly batch: Parameters<typeof settleFolder>[3];
  /** The cluster is there already, and the founder has forgotten it. */
  readonly isAgain?: boolean;
}

export interface Founding {
  /** The member's id, or that which it would have, stands on a list, with its address. */
  lists(member: Member): boolean;
  /** Calls `done` later, unless the life has ended by then; undefined: the member is to join. */
  begin(member: Member, life: Life, instance: string, done: (founded: Founded | undefined) => void): void;
}

/** Ids are drawn from the range below. */
const IDS = 2 ** 32;

/** The first member founds, as long as there is no cluster. */
export class LoneFounding implements Founding {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  lists(): boolean {
    return false;
  }

  begin(member: Member, life: Life, instance: string, done: (founded: Founded | undefined) => void): void {
    const { schedule, random } = this.#world;
    schedule.after(0, () => {
      if (life.over) return;
      if (this.#world.hasCluster || member !== this.#world.members[0]) {
        done(undefined);
        return;
      }
      const ids = random.within(member.name).stream('ids');
      const [clusterId, memberId] = [1 + ids.integer(IDS), 1 + ids.integer(IDS)];
      const founder = { name: member.name, peerAddress: member.address, clientAddress: '' };
      done({ clusterId, memberId, batch: foundingBatch(memberId, founder, instance) });
    });
  }
}

/**
 * The first member founds, alone on a list from which its ids follow. Started with an empty folder as it was at first it would found the
 * same cluster again, in which it is a stranger [M6]; an operator who knows that has it added anew.
 */
export class ListedFounding implements Founding {
  readonly #world: World;
  readonly #clusterId: number;
  readonly #listed: FoundingMember;
  readonly founder: Member;
  #isForgotten = false;

  constructor(world: World, founder: Member) {
    const ids = world.random.stream('founding');
    this.#world = world;
    this.#clusterId = 1 + ids.integer(IDS);
    this.#listed = { id: 1 + ids.integer(IDS), name: founder.name, peerUrls: [`http://${founder.address}`] };
    this.founder = founder;
  }

  lists(member: Member): boolean {
    return member === this.founder && (member.memberId === 0 || member.memberId === this.#listed.id);
  }

  /** The founder is about to lose its disk, and will be started as it was at first. False if it has got another id since. */
  forget(): boolean {
    this.#isForgotten = this.founder.memberId === this.#listed.id;
    return this.#isForgotten;
  }

  begin(member: Member, life: Life, _instance: string, done: (founded: Founded | undefined) => void): void {
    this.#world.schedule.after(0, () => {
      if (life.over) return;
      const isAgain = this.#isForgotten && member === this.founder;
      if (!isAgain && (this.#world.hasCluster || member !== this.founder)) {
        done(undefined);
        return;
      }
      if (isAgain) this.#isForgotten = false;
      const batch = commonFoundingBatch([this.#listed]);
      done({ clusterId: this.#clusterId, memberId: this.#listed.id, batch, isAgain });
    });
  }
}

/** An answer takes so long each way, at most. */
const ANSWER_MS_MAX = 20;
const ANSWER_LOST_CHANCE = 0.1;
const ROUND_MS = 50;
/** Whoever has not answered by then is not waited for. */
const LAST_CALL_MS = 200;
/**
 * Who waits so long though the others have a leader (of those on its list too many have left) is added anew by an operator. Without a
 * leader it could not be added, and may be the one that they need for a majority.
 */
const OPERATOR_MS = 2_000;

/** Those who are there from the beginning found it together. */
export class CommonFounding implements Founding {
  readonly #world: World;
  readonly #random: Stream;
  readonly #clusterId: number;
  readonly #listed = new Map<Member, FoundingMember>();
  /** Who asks, and answers meanwhile. */
  readonly #asking = new Set<Life>();

  constructor(world: World, members: readonly Member[]) {
    this.#world = world;
    this.#random = world.random.stream('founding');
    this.#clusterId = 1 + this.#random.integer(IDS);
    for (const member of members) {
      const id = 1 + this.#random.integer(IDS);
      this.#listed.set(member, { id, name: member.name, peerUrls: [`http://${member.address}`] });
    }
  }

  lists(member: Member): boolean {
    const id = this.#listed.get(member)?.id;
    return id !== undefined && (member.memberId === 0 || member.memberId === id);
  }

  begin(member: Member, life: Life, _instance: string, done: (founded: Founded | undefined) => void): void {
    const { schedule } = this.#world;
    const self = this.#listed.get(member);
    schedule.after(0, () => {
      if (life.over) return;
      // Added later.
      if (self === undefined) done(undefined);
      else this.#consult(member, life, self.id, done);
    });
  }

  #consult(member: Member, life: Life, memberId: number, done: (founded: Founded | undefined) => void): void {
    const { schedule, log } = this.#world;
    const begunMs = schedule.nowMs;
    const views = new Map<number, PeerView>();
    const ids = { clusterId: this.#clusterId, memberId };
    const plan = { ...ids, size: this.#listed.size };
    this.#asking.add(life);
    const end = (founded: Founded | undefined): void => {
      this.#asking.delete(life);
      done(founded);
    };
    const round = (): void => {
      if (life.over) return;
      const waitedMs = schedule.nowMs - begunMs;
      if (waitedMs >= OPERATOR_MS && this.#world.leader !== undefined) {
        end(undefined);
        return;
      }
      const verdict = judgeFounding(plan, [...views.values()], waitedMs >= LAST_CALL_MS);
      if (verdict.kind === 'go') {
        log.note('member', member.name, `founds itself as ${memberId}, with ${views.size} others there`);
        end({ ...ids, batch: commonFoundingBatch([...this.#listed.values()]) });
      } else if (verdict.kind === 'refuse') {
        log.note('member', member.name, `must not found itself: ${verdict.reason}`);
        end(undefined);
      } else {
        for (const [other, { id }] of this.#listed) {
          if (other !== member) this.#ask(other, memberId, (view) => views.set(id, view));
        }
        schedule.after(ROUND_MS, round);
      }
    };
    round();
  }

  #ask(other: Member, about: number, answer: (view: PeerView) => void): void {
    const { schedule } = this.#world;
    schedule.after(this.#random.between(0, ANSWER_MS_MAX), () => {
      const view = this.#viewOf(other, about);
      if (view === undefined || this.#random.chance(ANSWER_LOST_CHANCE)) return;
      schedule.after(this.#random.between(0, ANSWER_MS_MAX), () => answer(view));
    });
  }

  #viewOf(other: Member, about: number): PeerView | undefined {
    if (other.isPaused) return undefined;
    if (other.replica !== undefined) return other.replica.peerView(about);
    if (other.life === undefined || !this.#asking.has(other.life)) return undefined;
    const { id = 0 } = this.#listed.get(other) ?? {};
    return { isMember: false, clusterId: this.#clusterId, memberId: id, members: [], isRemoved: false };
  }
}
