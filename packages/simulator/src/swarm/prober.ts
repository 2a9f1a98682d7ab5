/**
 * Asks where the answer is delicate: a member that has just come to know a leader, and one that does not know yet that a later
 * term has committed something. Clients come there only by chance. What a probe is told is checked where all reads are (claims.ts);
 * that it is refused, or never answered, is as good.
 */
import type { Member } from '../world/member.js';
import type { World } from '../world/world.js';

export class Prober {
  readonly #world: World;
  /** About to be asked. */
  readonly #due = new Set<Member>();
  probes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    const { claims } = this.#world.rules;
    claims.onLeader = (id) => this.#ask(this.#world.members.find((member) => member.memberId === id));
    claims.onCommit = (_leader, term) => this.#askThoseBehind(term);
  }

  /** They may still take an earlier leader for the present one. */
  #askThoseBehind(term: number): void {
    for (const member of this.#world.members) {
      const raft = member.replica?.raft;
      if (raft !== undefined && raft.term < term && raft.leader !== 0) this.#ask(member);
    }
  }

  /** Not within the step that gave the reason: that is not over. */
  #ask(member: Member | undefined): void {
    if (member === undefined || this.#due.has(member)) return;
    this.#due.add(member);
    this.#world.schedule.after(0, () => {
      this.#due.delete(member);
      if (!member.isUp) return;
      this.probes += 1;
      member.read(() => {});
    });
  }
}
