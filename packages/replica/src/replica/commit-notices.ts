/**
 * Appends without entries, which tell a follower of a newer commit index and nothing else.
 *
 * They are held back for a moment, because the next append tells the same: under load a follower then gets one message a round instead
 * of two, and answers one (docs/decisions/0012-commit-notices.md). Only watchers and serializable reads at the follower notice. Those who
 * would wait have it sent before: a read index, and an answer to a forwarded request, leave behind the notice for the member that asked.
 *
 *     held --(next append or snapshot to that member)--> dropped: superseded
 *     held --(an answer to that member)--> sent
 *     held --(two rounds of tell())--> sent
 *
 * Holding or dropping one is safe: to Raft it is a message that is late or lost, and whoever relies on the commit index (a follower that
 * serves a read) relies on a message that carries it. It may be sent late, too: the leader that made it vouches for its previous entry and
 * its commit index for good, and what is of an earlier term is refused.
 */
import type { AppendMessage, MemberId } from '@quorate/raft';

/** Of one member; it stays when there is nothing to tell, since notices come and go with every write (see NumberWindow). */
interface Place {
  message: AppendMessage | undefined;
  isOld: boolean;
}

export class CommitNotices {
  readonly #places = new Map<MemberId, Place>();
  readonly #send: (message: AppendMessage) => void;

  constructor(send: (message: AppendMessage) => void) {
    this.#send = send;
  }

  get isHolding(): boolean {
    for (const { message } of this.#places.values()) if (message !== undefined) return true;
    return false;
  }

  /** In place of one that is held for the same member: it tells of a later commit index. */
  hold(message: AppendMessage): void {
    const place = this.#places.get(message.to);
    if (place === undefined) {
      this.#places.set(message.to, { message, isOld: false });
      return;
    }
    place.message = message;
    place.isOld = false;
  }

  /** What leaves for that member now tells it as much. */
  supersede(to: MemberId): void {
    const place = this.#places.get(to);
    if (place !== undefined) place.message = undefined;
  }

  /** To one member, before something that it will wait for. */
  sendTo(to: MemberId): void {
    const place = this.#places.get(to);
    const message = place?.message;
    if (place === undefined || message === undefined) return;
    place.message = undefined;
    this.#send(message);
  }

  /** Sends those that were here at the last call already. True if others are left: call it again after a pause. */
  tell(): boolean {
    for (const [to, place] of this.#places) {
      if (place.isOld) this.sendTo(to);
      place.isOld = true;
    }
    return this.isHolding;
  }

  /** Leadership is over, or ends: all that is left, now. Members may come and go until there is another leader. */
  sendAll(): void {
    for (const to of this.#places.keys()) this.sendTo(to);
    this.#places.clear();
  }
}
