/**
 * The storm's changes of the membership, and of what its members' disks hold. It never takes what no store could do without: of the
 * voters' disks a majority stays, because what was acknowledged lives nowhere else. So there is one such change at a time, and only
 * while every voter knows the configuration for good.
 */
import type { ConfigChange, ConfigState, SingleChange } from '@quorate/raft';
import type { DamageKind } from '../world/damage.js';
import type { Member } from '../world/member.js';
import type { Stream } from '../world/random.js';
import type { World } from '../world/world.js';

/** Voters that must be there before one may be removed, demoted or lose its disk. */
const VOTERS_MIN = 3;
/** With so many, two may be demoted at once. */
const VOTERS_MANY = 5;
const NO_CONTEXT: Uint8Array = new Uint8Array(0);

export class Membership {
  readonly #world: World;
  readonly #random: Stream;
  /** The last wipe, damage or removal: until it is through, there is no other. */
  #change: { readonly member: Member; readonly isLoss: boolean } | undefined;
  /** A removal without an answer may yet happen. */
  #isUnsure = false;
  /** Where the last change that was proposed stands: what is decided there says what became of it. */
  #proposedAt = 0;

  constructor(world: World, random: Stream) {
    this.#world = world;
    this.#random = random;
  }

  wipe(member: Member): void {
    if (!this.mayLose(member)) return;
    this.#change = { member, isLoss: true };
    member.wipe();
  }

  damage(member: Member, kind: DamageKind): void {
    if (this.mayLose(member) && member.damage(kind)) this.#change = { member, isLoss: true };
  }

  remove(member: Member): void {
    if (!this.mayLose(member)) return;
    const asked = this.#random.pick(this.#world.upMembers);
    const change = { member, isLoss: false };
    this.#change = change;
    const { memberId: id } = member;
    let isAnswered = false;
    const isThere = asked.administer({ kind: 'remove', id }, (result) => {
      isAnswered = true;
      this.#world.log.note('fault', member.name, `removal by ${asked.name}: ${result.ok ? 'done' : result.message}`);
      if (!result.ok && result.outcome === 'unknown') this.#isUnsure = true;
      if (this.#change === change) this.#change = undefined;
    });
    if (!isThere) this.#change = undefined;
    const { schedule, scenario } = this.#world;
    schedule.after(3 * scenario.requestTimeoutTicks * scenario.tickMs, () => {
      if (isAnswered || this.#change !== change) return;
      this.#isUnsure = true;
      this.#change = undefined;
    });
  }

  transfer(asked: Member): void {
    const target = this.#random.chance(0.3) ? 0 : this.#random.pick(this.#world.upMembers).memberId;
    asked.administer({ kind: 'transfer', target }, (result) => {
      this.#world.log.note('fault', asked.name, `transfer: ${result.ok ? 'done' : result.message}`);
    });
  }

  /** Asks for a learner to become a voter. */
  promote(asked: Member): void {
    const { learners } = this.#world.config ?? { learners: [] };
    if (learners.length === 0) return;
    const id = this.#random.pick(learners);
    asked.administer({ kind: 'promote', id }, (result) => {
      this.#world.log.note('fault', asked.name, `promotion: ${result.ok ? 'done' : result.message}`);
    });
  }

  /** Several changes at once, or one in a joint configuration; or leaves one that is not left by itself. */
  reconfigure(): void {
    const { leader, config } = this.#world;
    if (leader === undefined || config === undefined || this.#isChanging()) return;
    this.#leaveJoint(leader, config);
    if (config.votersOutgoing.length > 0) return;
    if (!this.#isKnown(config.voters)) return;
    const changes = this.#drawChanges(leader, config);
    if (changes.length === 0) return;
    const transition = this.#random.pick(['auto', 'joint-implicit', 'joint-explicit'] as const);
    this.#propose(leader, { changes, transition, context: NO_CONTEXT });
  }

  /** The leader becomes a learner while it leads: it has to stay until enough others know for good. */
  retire(leader: Member): void {
    const { config } = this.#world;
    if (config === undefined || !this.mayLose(leader)) return;
    const changes = [{ type: 'add-learner', member: leader.memberId }] as const;
    this.#propose(leader, { changes, transition: 'auto', context: NO_CONTEXT });
  }

  /** After the storm: joint configurations are left, and every learner becomes a voter. */
  settle(): void {
    const { schedule, scenario, leader, config } = this.#world;
    if (leader !== undefined && config !== undefined) {
      this.#leaveJoint(leader, config);
      if (config.learners.length > 0) this.promote(leader);
    }
    // Not in step with the leader's check of its quorum: right behind it everybody seems to be silent.
    const electionMs = scenario.electionTicks * scenario.tickMs;
    schedule.after(this.#random.between(electionMs / 2, 2 * electionMs), () => this.settle());
  }

  #leaveJoint(leader: Member, { votersOutgoing, autoLeave }: ConfigState): void {
    if (votersOutgoing.length === 0 || autoLeave) return;
    this.#propose(leader, { changes: [], transition: 'auto', context: NO_CONTEXT });
  }

  #propose(leader: Member, change: ConfigChange): void {
    // One that stands still would propose later, unknown to this account, when somebody else has lost his disk.
    if (leader.isPaused) return;
    const index = leader.reconfigure(change);
    if (index === undefined) return;
    this.#proposedAt = index;
    const steps = change.changes.map(({ type, member }) => `${type} ${this.#world.shortIds(`${member}`)}`);
    this.#world.log.note('fault', leader.name, `proposes ${steps.join(', ')} (${change.transition}) at ${index}`);
  }

  /** Promotes only who is there and has caught up, as the admin call does: a voter more that is not there can be one too many. */
  #drawChanges(leader: Member, { voters, learners }: ConfigState): readonly SingleChange[] {
    const demoted = [...voters];
    const count = voters.length < VOTERS_MIN ? 0 : this.#random.integer(voters.length < VOTERS_MANY ? 2 : 3);
    while (demoted.length > count) demoted.splice(this.#random.integer(demoted.length), 1);
    const isReady = (id: number): boolean => {
      const progress = leader.replica?.raft.core.progress.get(id);
      const isThere = this.#world.members.some(({ memberId, isUp }) => memberId === id && isUp);
      return isThere && progress?.recentlyActive === true && progress.match + 1 >= (leader.replica?.raft.commit ?? 0);
    };
    const ready = learners.filter(isReady);
    const promoted = ready.length > 0 ? [this.#random.pick(ready)] : [];
    return [
      ...demoted.map((member) => ({ type: 'add-learner', member }) as const),
      ...promoted.map((member) => ({ type: 'add-voter', member }) as const),
    ];
  }

  #isChanging(): boolean {
    if (this.#isUnsure || this.#world.rules.lastDecided < this.#proposedAt) return true;
    const change = this.#change;
    if (change === undefined) return false;
    const { config } = this.#world;
    const isBack = change.isLoss && config?.voters.includes(change.member.memberId) === true;
    if (isBack && config.votersOutgoing.length === 0) this.#change = undefined;
    return this.#change !== undefined;
  }

  /** Its disk, its vote or its place. */
  mayLose(member: Member): boolean {
    const { config } = this.#world;
    if (config === undefined || this.#isChanging()) return false;
    const isSpare = config.voters.length >= VOTERS_MIN && config.voters.includes(member.memberId);
    if (!isSpare || config.votersOutgoing.length > 0) return false;
    return this.#isKnown(config.voters) && this.#isKnownToBeStarted(member, config.voters);
  }

  /**
   * Every voter knows that the member is started, from its log, and will after a restart. Members that found a cluster together publish
   * that afterwards, and before it is decided only memory tells a member that has lost its disk from one that comes late (decision 0010).
   */
  #isKnownToBeStarted({ memberId }: Member, voters: readonly number[]): boolean {
    const replicas = this.#world.members.filter((member) => voters.includes(member.memberId));
    return replicas.every(({ replica }) => {
      if (replica === undefined) return false;
      const { directory, appliedIndex } = replica.state;
      return (directory.get(memberId)?.instance ?? '') !== '' && replica.raft.persistedIndex >= appliedIndex;
    });
  }

  /**
   * Every voter knows the configuration for good. A change takes effect where it is known to be committed: if only the member that
   * loses its disk knew that, the others would still ask it for its vote.
   */
  #isKnown(voters: readonly number[]): boolean {
    const { rules, members } = this.#world;
    return voters.every((voter) => {
      const raft = members.find((member) => member.memberId === voter)?.replica?.raft;
      return raft !== undefined && raft.core.hardStatePersisted.commit >= rules.lastConfig;
    });
  }
}
