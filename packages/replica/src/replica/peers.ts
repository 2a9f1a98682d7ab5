/**
 * Whom this member talks to, under which addresses, and who does not answer.
 *
 * The log's directory names the members; what a member says itself when it introduces itself counts before that, and what the
 * answer to the join request named serves until the log says anything.
 */
import { type ConfigState, configMembers, type MemberId } from '@quorate/raft';
import type { Network, PeerAddress } from '../seams/index.js';
import type { Directory } from './directory.js';

export class Peers {
  readonly #self: MemberId;
  readonly #network: Network;
  readonly #initial: readonly PeerAddress[];
  readonly #introduced = new Map<MemberId, string>();
  readonly #met = new Set<MemberId>();
  /** What the directory said last: when it changes, it is newer than what the member said itself. */
  readonly #listed = new Map<MemberId, string>();
  readonly #unreachable = new Set<MemberId>();
  /** Addresses that the directory has listed for a member and lists no more. */
  readonly #outdated = new Map<MemberId, Set<string>>();
  readonly #graceTicks: number;
  /** Who was removed and is still connected to, with the tick that ends it. */
  readonly #departing = new Map<MemberId, number>();
  #connected: readonly PeerAddress[] = [];

  /** `graceTicks`: how long a removed member stays connected, so that it gets its removal and its last answers. */
  constructor(self: MemberId, network: Network, initial: readonly PeerAddress[], graceTicks: number) {
    this.#self = self;
    this.#network = network;
    this.#initial = initial;
    this.#graceTicks = graceTicks;
  }

  /** True if that is news. */
  introduced(peer: PeerAddress): boolean {
    this.#met.add(peer.id);
    // A member that does not know yet that its address was changed tells the old one: it could never be reached there to learn it.
    if (this.#outdated.get(peer.id)?.has(peer.address) === true) return false;
    if (this.#introduced.get(peer.id) === peer.address) return false;
    this.#introduced.set(peer.id, peer.address);
    return true;
  }

  lost(id: MemberId): void {
    this.#unreachable.add(id);
  }

  heardFrom(id: MemberId): void {
    this.#unreachable.delete(id);
  }

  /** Its connection broke, and nothing was heard from it since. */
  isUnreachable(id: MemberId): boolean {
    return this.#unreachable.has(id);
  }

  /** Everybody who has introduced itself since this member started: each runs, or did, with a log of its own. */
  get met(): ReadonlySet<MemberId> {
    return this.#met;
  }

  /** True when a removed member's time is over: update() is due. */
  isUpdateDue(nowTick: number): boolean {
    for (const untilTick of this.#departing.values()) if (untilTick <= nowTick) return true;
    return false;
  }

  /** Tells the network whom to keep connections to. */
  update(directory: Directory, config: ConfigState, nowTick: number): void {
    const peers = this.#members(directory, config);
    for (const peer of this.#connected) {
      if (!directory.isRemoved(peer.id)) continue;
      const untilTick = this.#departing.get(peer.id) ?? nowTick + this.#graceTicks;
      this.#departing.set(peer.id, untilTick);
      if (nowTick < untilTick) peers.push(peer);
      else this.#departing.delete(peer.id);
    }
    this.#connected = peers;
    this.#network.setPeers(peers);
  }

  #moved(id: MemberId, from: string, to: string): void {
    this.#introduced.delete(id);
    const outdated = this.#outdated.get(id) ?? new Set();
    outdated.add(from);
    outdated.delete(to);
    this.#outdated.set(id, outdated);
  }

  #members(directory: Directory, config: ConfigState): PeerAddress[] {
    const addresses = new Map<MemberId, string>();
    for (const peer of this.#initial) addresses.set(peer.id, peer.address);
    const members = directory.list();
    for (const { id, peerAddress } of members) {
      addresses.set(id, peerAddress);
      const before = this.#listed.get(id);
      if (before !== undefined && before !== peerAddress) this.#moved(id, before, peerAddress);
      this.#listed.set(id, peerAddress);
    }
    for (const [id, address] of this.#introduced) addresses.set(id, address);
    const known = new Set(configMembers(config));
    const peers: PeerAddress[] = [];
    for (const [id, address] of addresses) {
      if (id === this.#self || directory.isRemoved(id)) continue;
      // Someone who is in no configuration that is known here may still be a member newer than this member's log.
      if (known.has(id) || this.#introduced.has(id) || members.length === 0) peers.push({ id, address });
    }
    return peers;
  }
}
