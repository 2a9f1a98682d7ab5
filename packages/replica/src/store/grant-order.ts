/**
 * The leases in the order of their grants, which a frozen view keeps as it was: blocks of them, of which each is copied before its first
 * change after a freeze. So a freeze costs a pointer per block instead of one per lease, of which there may be a million.
 */
import type { LeaseInfo } from './types.js';

const BLOCK_LEASES = 256;

export class GrantBlock {
  /** Undefined where a lease has ended. */
  infos: (LeaseInfo | undefined)[] = [];
  live = 0;
  /** The edition whose `infos` these are: those of an earlier one belong to a frozen view as well. */
  edition: number;

  constructor(edition: number) {
    this.edition = edition;
  }
}

/** Where a lease stands. */
export interface GrantPlace {
  readonly block: GrantBlock;
  readonly slot: number;
}

/** The leases of one moment, in the order of their grants. */
export class FrozenGrants {
  readonly size: number;
  readonly #blocks: readonly (readonly (LeaseInfo | undefined)[])[];

  constructor(size: number, blocks: readonly (readonly (LeaseInfo | undefined)[])[]) {
    this.size = size;
    this.#blocks = blocks;
  }

  *[Symbol.iterator](): Generator<LeaseInfo, undefined> {
    for (const infos of this.#blocks) {
      for (const info of infos) {
        if (info !== undefined) {
          yield info;
        }
      }
    }
    return undefined;
  }
}

export class GrantOrder {
  readonly #blocks: GrantBlock[] = [];
  #edition = 0;
  #size = 0;

  push(info: LeaseInfo): GrantPlace {
    let block = this.#blocks.at(-1);
    if (block === undefined || block.infos.length === BLOCK_LEASES) {
      block = new GrantBlock(this.#edition);
      this.#blocks.push(block);
    }
    this.#own(block).push(info);
    block.live++;
    this.#size++;
    return { block, slot: block.infos.length - 1 };
  }

  replace({ block, slot }: GrantPlace, info: LeaseInfo): void {
    this.#own(block)[slot] = info;
  }

  remove({ block, slot }: GrantPlace): void {
    this.#own(block)[slot] = undefined;
    block.live--;
    this.#size--;
    if (block.live === 0) {
      this.#blocks.splice(this.#blocks.indexOf(block), 1);
    }
  }

  /** The present order, which no later change will touch. O(blocks). */
  freeze(): FrozenGrants {
    this.#edition++;
    return new FrozenGrants(
      this.#size,
      this.#blocks.map(({ infos }) => infos),
    );
  }

  #own(block: GrantBlock): (LeaseInfo | undefined)[] {
    if (block.edition !== this.#edition) {
      block.infos = block.infos.slice();
      block.edition = this.#edition;
    }
    return block.infos;
  }
}
