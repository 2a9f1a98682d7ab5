/**
 * How a member leaves its place well: leadership goes to somebody else, then what is under way ends.
 *
 *     leads --(each of the others asked, one after the other)--> led --(a heartbeat later)--> free to go
 *       |                                                                                        ^
 *       +-------------------------(nobody is left who could take it)-----------------------------+
 *
 * A member that leaves does not stand when it is told to: members that are stopped together, as a whole cluster mostly is, would hand leadership
 * on in a circle for as long as they may take.
 */
import { type MemberId, type Message, NO_MEMBER, type Raft } from '@quorate/raft';

export interface DeparturePort {
  readonly raft: Raft;
  readonly memberId: MemberId;
  readonly heartbeatTicks: number;
  isUnreachable(member: MemberId): boolean;
}

export class Departure {
  readonly #port: DeparturePort;
  #begun = false;
  #done: (() => void) | undefined;
  /** Who was asked to take over; whoever has not done so within an election timeout, or is gone, will not. */
  readonly #asked = new Set<MemberId>();
  #isForsaken = false;
  /** The last tick at which this member led. */
  #ledUntilTick = Number.NEGATIVE_INFINITY;

  constructor(port: DeparturePort) {
    this.#port = port;
  }

  /** Somebody waits for its end. */
  get isAwaited(): boolean {
    return this.#done !== undefined;
  }

  begin(nowTick: number, done: () => void): void {
    this.#begun = true;
    this.#done = done;
    this.tick(nowTick);
  }

  /** Each tick, and when this member may have lost the lead. */
  tick(nowTick: number): void {
    const { raft } = this.#port;
    if (raft.role !== 'leader') return;
    this.#ledUntilTick = nowTick;
    if (!this.#begun || this.#isForsaken) return;
    const { transferee } = raft;
    if (transferee !== NO_MEMBER && !this.#port.isUnreachable(transferee)) return;
    this.#isForsaken = !this.#handOver();
  }

  /** Orders of the leader that a member which leaves does not follow. */
  ignores(message: Message): boolean {
    return this.#begun && message.type === 'timeout-now';
  }

  /**
   * After it handed over, a former leader stays for a heartbeat: a member that has not heard of the next leader yet may still send it a
   * request, and should get it back as refused instead of losing it with the connection.
   */
  isFree(nowTick: number): boolean {
    this.tick(nowTick);
    const isAlone = this.#others().length === 0;
    return isAlone || this.#isForsaken || nowTick >= this.#ledUntilTick + this.#port.heartbeatTicks;
  }

  end(): void {
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  /** To the one that has most of the log. False if nobody is left. */
  #handOver(): boolean {
    const { raft } = this.#port;
    const progress = new Map(raft.status().progress.map((one) => [one.member, one]));
    const isLeft = (id: MemberId): boolean =>
      !this.#asked.has(id) && !this.#port.isUnreachable(id) && progress.get(id)?.isActive === true;
    const matchOf = (id: MemberId): number => progress.get(id)?.match ?? 0;
    const [next] = this.#others()
      .filter(isLeft)
      .toSorted((a, b) => matchOf(b) - matchOf(a));
    if (next === undefined) return false;
    this.#asked.add(next);
    return raft.transferLeadership(next) || this.#handOver();
  }

  #others(): readonly MemberId[] {
    const { raft, memberId } = this.#port;
    return raft.config.voters.filter((id) => id !== memberId);
  }
}
