/**
 * The first election of a cluster that its members found together: one of them calls it as soon as a majority is there, where otherwise
 * all would wait for the silence of a leader that never was.
 *
 * It is an election like any other, through pre-vote, so whoever calls it and when is no question of safety: should a leader have been
 * elected after all, its followers refuse. That one member calls it, the first on the list, keeps the votes from being split; if
 * that one is missing, the others' election timeouts end as ever.
 */
import { type ConfigState, type MemberId, majorityOf, NO_MEMBER } from '@quorate/raft';

/** Of the entries that founders write; nobody is ever elected in it. */
const FOUNDING_TERM = 1;

/** Of a Raft. */
export interface ElectionView {
  readonly term: number;
  readonly leader: MemberId;
  readonly commit: number;
}

/** Of a state machine. */
export interface AppliedView {
  readonly appliedIndex: number;
  readonly config: ConfigState;
}

export class FirstElection {
  readonly #self: MemberId;
  readonly #hasMet: (id: MemberId) => boolean;
  #isOver = false;

  /** `hasMet`: that member has introduced itself to this one. */
  constructor(self: MemberId, hasMet: (id: MemberId) => boolean) {
    this.#self = self;
    this.#hasMet = hasMet;
  }

  /** Once, when this member is to call it. */
  isDue(raft: ElectionView, applied: AppliedView): boolean {
    // Before all founding entries are applied the list is not whole.
    if (this.#isOver || applied.appliedIndex < raft.commit) return false;
    const { voters } = applied.config;
    this.#isOver = raft.term > FOUNDING_TERM || raft.leader !== NO_MEMBER || voters[0] !== this.#self;
    if (this.#isOver) return false;
    const present = voters.filter((id) => id === this.#self || this.#hasMet(id)).length;
    this.#isOver = present >= majorityOf(voters.length);
    return this.#isOver;
  }
}
