/** What a client does beside its operations: looks at one member's state, present and past, and has history compacted. */
import { encodeCommand, rangeOf } from '@quorate/replica/internal';
import type { PastReads } from '../checks/past.js';
import type { Life } from '../world/life.js';
import type { Member } from '../world/member.js';
import type { Stream } from '../world/random.js';
import type { World } from '../world/world.js';

/** How far back it looks. */
const REVISIONS_BACK = 12;

export class Looker {
  readonly #world: World;
  readonly #past: PastReads;
  readonly #random: Stream;
  #member: Member | undefined;
  /** The life that was looked at last, and the revision seen there. */
  #life: Life | undefined;
  #revision = 0;

  constructor(world: World, past: PastReads, random: Stream) {
    this.#world = world;
    this.#past = past;
    this.#random = random;
  }

  /** `revision`: the last one that the client was told. */
  act(member: Member, key: string, revision: number): void {
    const { looks, compactions } = this.#world.scenario;
    if (this.#random.chance(looks)) this.#look(member, key);
    if (revision > 0 && this.#random.chance(compactions)) this.#compact(member, revision);
  }

  #look(member: Member, key: string): void {
    const { replica, life, isUp, name } = member;
    if (!isUp || replica === undefined || life === undefined) return;
    const { store } = replica.state;
    this.#past.present(name, key, store, this.#life === life && this.#member === member ? this.#revision : 0);
    this.#member = member;
    this.#life = life;
    this.#revision = store.revision;
    const at = Math.max(1, store.revision + 1 - this.#random.integer(REVISIONS_BACK));
    this.#past.view(name, key, at, store, store.range(rangeOf(key, undefined, { revision: at })));
  }

  /** Whether it is carried out does not matter: nothing is to change but what can be read of the past. */
  #compact(member: Member, revision: number): void {
    const { platform } = this.#world;
    member.execute(encodeCommand(platform, { operation: { kind: 'compact', revision }, limits: undefined }), () => {});
  }
}
