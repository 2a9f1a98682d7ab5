/** The header of every answer: who gave it and at which revision. */
import type { ResponseHeader } from '@quorate/proto';
import type { MemberDoor } from '@quorate/replica';

/** Makes headers; the two identities are turned into 64-bit integers once. */
export class Headers {
  readonly #door: MemberDoor;
  readonly #clusterId: bigint;
  readonly #memberId: bigint;

  constructor(door: MemberDoor) {
    this.#door = door;
    this.#clusterId = BigInt(door.header.clusterId);
    this.#memberId = BigInt(door.header.memberId);
  }

  get memberId(): bigint {
    return this.#memberId;
  }

  /** `revision`: that of the change answered; default: the store's present one (contract 4). */
  now(revision: number = this.#door.header.revision): ResponseHeader {
    return {
      clusterId: this.#clusterId,
      memberId: this.#memberId,
      revision,
      raftTerm: this.#door.header.raftTerm,
    };
  }
}
