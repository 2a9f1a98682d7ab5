/** Which directions between members are cut now, by the members' names: one that comes back under a new id stays behind the cut. */
import type { Member } from '../world/member.js';
import type { World } from '../world/world.js';

/** A direction between two members. */
export type Link = `${string}>${string}`;

export class Cuts {
  readonly #world: World;
  readonly #links = new Set<Link>();

  constructor(world: World) {
    this.#world = world;
    world.onIdentified = () => {
      if (this.#links.size > 0) this.#apply();
    };
  }

  add(links: readonly Link[]): void {
    for (const link of links) this.#links.add(link);
    this.#apply();
  }

  remove(links: readonly Link[]): void {
    for (const link of links) this.#links.delete(link);
    this.#apply();
  }

  clear(): void {
    this.#links.clear();
    this.#apply();
  }

  #apply(): void {
    const { network, members } = this.#world;
    network.heal();
    const idOf = new Map(members.map((member) => [member.name, member.memberId]));
    for (const link of this.#links) {
      const [from = '', to = ''] = link.split('>');
      network.cut(idOf.get(from) ?? 0, idOf.get(to) ?? 0);
    }
  }
}

export function linkOf(from: Member, to: Member): Link {
  return `${from.name}>${to.name}`;
}

/** Both directions between each of these and each of those. */
export function linksBetween(these: readonly Member[], those: readonly Member[]): Link[] {
  return these.flatMap((a) => those.filter((b) => a !== b).flatMap((b) => [linkOf(a, b), linkOf(b, a)]));
}
