/** The header of every answer: who gave it and at which revision. */
import { ResponseHeader } from '@quorate/proto';
import type { MemberDoor } from '@quorate/replica';

/** Makes headers; the two identities are turned into 64-bit integers once. */
export class Headers {
  readonly #door: MemberDoor;
  readonly #clusterId: bigint;
  readonly #memberId: bigint;
  /** The fields of both as they are written. */
  readonly #identities: Uint8Array;
  #answer = new Uint8Array(0);

  constructor(door: MemberDoor) {
    this.#door = door;
    this.#clusterId = BigInt(door.header.clusterId);
    this.#memberId = BigInt(door.header.memberId);
    this.#identities = ResponseHeader.encode({ clusterId: this.#clusterId, memberId: this.#memberId });
  }

  get memberId(): bigint {
    return this.#memberId;
  }

  /**
   * The bytes of an answer that is a header and nothing else, as that of most puts is (a message whose first field is the header). They are
   * valid until the next call.
   */
  answer(revision: number): Uint8Array {
    const { raftTerm } = this.#door.header;
    const revisionAt = 2 + this.#identities.length;
    const termAt = revisionAt + varintFieldBytes(revision);
    const end = termAt + varintFieldBytes(raftTerm);
    if (this.#answer.length !== end) {
      this.#answer = new Uint8Array(end);
      this.#answer[0] = 0x0a;
      // Two identities, a revision and a term take no more than 44 bytes.
      this.#answer[1] = end - 2;
      this.#answer.set(this.#identities, 2);
    }
    writeVarintField(this.#answer, revisionAt, 0x18, revision);
    writeVarintField(this.#answer, termAt, 0x20, raftTerm);
    return this.#answer;
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

/** Zero is not written (proto3). */
function varintFieldBytes(value: number): number {
  if (value === 0) return 0;
  let bytes = 2;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

function writeVarintField(into: Uint8Array, offset: number, tag: number, value: number): void {
  if (value === 0) return;
  into[offset] = tag;
  let at = offset + 1;
  let rest = value;
  // Shifts work on 32 bits only, so what is larger is divided.
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 0x80;
  for (; rest > 0x7f; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80;
  into[at] = rest;
}
