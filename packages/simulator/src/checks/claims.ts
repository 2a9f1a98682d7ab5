/**
 * What members claim, held against what is true. From outside all logs can be seen at once, so a wrong belief is caught when it is
 * formed, and not only when, with luck, a client comes to see what follows from it.
 *
 *   committed index     a member's commit index names an entry that some leader has committed by counting, and not another one
 *   committed entry     an entry that is committed is never dropped by a member that has it
 *   early durability    what a member takes for durable grows only when a write of its has ended
 *   matched log         what a leader believes a follower of its term to hold lies on that follower's disk
 *   configuration       the core goes by the configuration that its member's state holds
 *   farewell            what has let a removed leader go is known to those who said so, also after a restart
 *   honest vote         who gets a vote (or the promise of one) has a log that is at least as up to date as the voter's
 *   fit to campaign     who campaigns has applied every committed configuration that it knows, and its log's ground is durable
 *   newest snapshot     a member's newest snapshot is never replaced by an older one
 *   kept for transfer   a leader keeps the log after a snapshot that is on its way to a member that answers
 *   fresh read          a linearizable read is answered from a state that holds all that any leader had committed when it began
 *   at most once        no write of a client is decided at two positions
 */
import type { MemberId, Message, Raft, VoteResponseMessage } from '@quorate/raft';
import type { Replica } from '@quorate/replica/internal';
import { require, violated } from './violation.js';

/** The disks as the rules know them: what member `id` holds durably, and the last term that is durable there. */
export interface DurableLogs {
  holds(id: MemberId, index: number, term: number | undefined): boolean;
  /** The highest term that the member has taken part in, as far as its disk says; 0 if nothing is known. */
  termOf(id: MemberId): number;
}

/** What was last seen of a member in its present life. */
export interface Seen {
  readonly replica: Replica;
  term: number;
  role: Raft['role'];
  leader: MemberId;
  commit: number;
  lastIndex: number;
  /** The last index at which its log was seen to agree with what is committed. */
  agreed: number;
  compacted: number;
  persisted: number;
  persistedId: number;
  snapshot: number;
  /** The queue of promises as it was, and how much of it was looked at. */
  queue: readonly Message[];
  queueLength: number;
  readonly matches: Map<MemberId, number>;
}

export class Claims {
  readonly #disks: DurableLogs;
  readonly #seen = new Map<MemberId, Seen>();
  /** The term in which a member's last life ended, which its disk need not know. */
  readonly #endedIn = new Map<MemberId, number>();
  /** The term of each committed entry, by index. */
  readonly #committed: number[] = [];
  #highestCommit = 0;
  readonly #writes = new Map<string, number>();
  /** The change that took a leader's vote away, by the members of which that leader believes that they surely know of it. */
  readonly #farewells = new Map<MemberId, number>();
  /** A leader has committed something. */
  onCommit: (leader: MemberId, term: number) => void = () => {};
  /** A member has come to know a leader, which may be itself. */
  onLeader: (member: MemberId) => void = () => {};

  constructor(disks: DurableLogs) {
    this.#disks = disks;
  }

  /** The highest index that any leader has committed. */
  get highestCommit(): number {
    return this.#highestCommit;
  }

  /** What step() is to be given from now on. */
  watch(id: MemberId, replica: Replica): Seen {
    const { raft } = replica;
    const told = this.#farewells.get(id) ?? 0;
    require(raft.commit >= told, 'farewell', () =>
      `member ${id} has said that it knows ${told} to be committed, and starts with ${raft.commit}`);
    // The founder's first entry was never counted: it is the only one.
    if (this.#highestCommit === 0) this.#commits(raft, 0);
    this.#checkCommit(id, raft);
    checkConfig(id, replica);
    const seen: Seen = {
      replica,
      term: raft.term,
      role: raft.role,
      leader: raft.leader,
      commit: raft.commit,
      lastIndex: raft.lastIndex,
      agreed: 0,
      compacted: raft.core.log.compactedIndex,
      persisted: raft.persistedIndex,
      persistedId: raft.core.lastPersistedId,
      snapshot: replica.snapshots.index,
      queue: [],
      queueLength: 0,
      matches: new Map(),
    };
    this.#seen.set(id, seen);
    return seen;
  }

  forget(id: MemberId): void {
    const seen = this.#seen.get(id);
    if (seen !== undefined) this.#endedIn.set(id, seen.replica.raft.term);
    this.#seen.delete(id);
  }

  /** The member has had an input. */
  step(id: MemberId, seen: Seen): void {
    const { raft, snapshots } = seen.replica;
    const isLeader = raft.role === 'leader';
    checkConfig(id, seen.replica);
    if (raft.commit !== seen.commit) this.#commitMoved(id, seen, raft);
    if (raft.role !== seen.role || raft.term !== seen.term) this.#roleChanged(id, seen, raft);
    if (isLeader) this.#checkMatches(id, seen, raft);
    else if (raft.lastIndex < seen.lastIndex) this.#checkMatched(id, raft);
    const { farewellKnown } = raft.core;
    if (farewellKnown.size > 0) for (const member of farewellKnown) this.#farewells.set(member, raft.core.configCommit);
    this.#checkVotes(id, seen, raft);
    const { lastPersistedId } = raft.core;
    if (raft.persistedIndex > seen.persisted && lastPersistedId <= seen.persistedId) {
      violated(
        'early durability',
        `member ${id} takes ${raft.persistedIndex} for durable, no write has ended since it was ${seen.persisted}`,
      );
    }
    seen.persisted = raft.persistedIndex;
    seen.persistedId = lastPersistedId;
    const { compactedIndex } = raft.core.log;
    if (compactedIndex !== seen.compacted) {
      seen.compacted = compactedIndex;
      if (isLeader) this.#checkKept(id, raft);
    }
    seen.lastIndex = raft.lastIndex;
    this.#checkAgreed(id, seen, raft);
    if (snapshots.index < seen.snapshot) {
      violated('newest snapshot', `member ${id} had a snapshot of ${seen.snapshot}, now of ${snapshots.index}`);
    }
    seen.snapshot = snapshots.index;
    if (raft.leader !== seen.leader) {
      seen.leader = raft.leader;
      if (raft.leader !== 0) this.onLeader(id);
    }
  }

  /** A read that began when `begun` was the highest commit index is answered. */
  read(id: MemberId, begun: number, applied: number): void {
    require(applied >= begun, 'fresh read', () =>
      `member ${id} answers a read at ${applied}; when it began, ${begun} was committed`);
  }

  /** A client's write, told from every other by `fingerprint`, is decided at `index`. */
  decided(index: number, fingerprint: string): void {
    const before = this.#writes.get(fingerprint);
    require(before === undefined, 'at most once', () =>
      `the write at ${index} was decided at ${before} already: ${JSON.stringify(fingerprint)}`);
    this.#writes.set(fingerprint, index);
  }

  #commitMoved(id: MemberId, seen: Seen, raft: Raft): void {
    if (raft.role === 'leader') {
      this.#commits(raft, seen.commit);
      this.onCommit(id, raft.term);
    } else {
      this.#checkCommit(id, raft);
    }
    seen.commit = raft.commit;
  }

  #commits(raft: Raft, from: number): void {
    for (let index = Math.max(from, this.#highestCommit) + 1; index <= raft.commit; index += 1) {
      this.#committed[index] = raft.entryTerm(index) ?? 0;
    }
    this.#highestCommit = Math.max(this.#highestCommit, raft.commit);
  }

  #checkCommit(id: MemberId, raft: Raft): void {
    const { commit } = raft;
    const term = raft.entryTerm(commit);
    const truth = commit === 0 ? 0 : this.#committed[commit];
    if (commit <= this.#highestCommit && (term === undefined || term === truth)) return;
    violated(
      'committed index',
      `member ${id} takes ${commit} of term ${term} for committed; committed was ${this.#highestCommit}, term ${truth} there`,
    );
  }

  #roleChanged(id: MemberId, seen: Seen, raft: Raft): void {
    seen.role = raft.role;
    seen.term = raft.term;
    seen.matches.clear();
    if (raft.role !== 'pre-candidate' && raft.role !== 'candidate') return;
    const { log, hasUnappliedConfig } = raft.core;
    require(!hasUnappliedConfig, 'fit to campaign', () =>
      `member ${id} campaigns in term ${raft.term} and has not applied a configuration up to ${raft.commit}`);
    require(log.persistedIndex >= log.compactedIndex, 'fit to campaign', () => {
      return `member ${id} campaigns in term ${raft.term}, its log begins after ${log.compactedIndex}, durable is ${log.persistedIndex}`;
    });
  }

  /** What agrees at an index agrees before it, too: so one index tells of all. */
  #checkAgreed(id: MemberId, seen: Seen, raft: Raft): void {
    const { agreed } = seen;
    if (raft.lastIndex < agreed) {
      violated(
        'committed entry',
        `member ${id} had all that is committed up to ${agreed}; its log ends at ${raft.lastIndex} now`,
      );
    }
    const index = Math.min(raft.lastIndex, this.#highestCommit);
    if (index > agreed && raft.entryTerm(index) === this.#committed[index]) seen.agreed = index;
  }

  /**
   * At a leader: what it has come to believe of the others. A member of a later term may have lost what it had acknowledged, and one that
   * died while it wrote what replaces it too: its disk holds the one or the other.
   */
  #checkMatches(id: MemberId, { matches }: Seen, raft: Raft): void {
    const { peers, progress } = raft.core;
    // Not by an iterator, which makes an object for each of them: this is asked after each step.
    for (let place = 0; place < peers.length; place += 1) {
      const peer = peers[place] as MemberId;
      const match = progress.get(peer)?.match ?? 0;
      if (match <= (matches.get(peer) ?? 0)) continue;
      matches.set(peer, match);
      this.#checkMatch(id, raft, peer, match);
    }
  }

  #checkMatch(id: MemberId, raft: Raft, peer: MemberId, match: number): void {
    if (this.#termOf(peer) > raft.term || this.#disks.holds(peer, match, raft.entryTerm(match))) return;
    violated(
      'matched log',
      `${id} leads term ${raft.term} and believes that ${peer} holds ${match}, which is not on its disk`,
    );
  }

  /** At a follower whose log has become shorter: its leader must not rely on what is gone. */
  #checkMatched(id: MemberId, raft: Raft): void {
    const leader = this.#seen.get(raft.leader)?.replica.raft;
    if (leader === undefined || leader.role !== 'leader' || leader.term !== raft.term) return;
    const match = leader.core.progress.get(id)?.match ?? 0;
    require(match <= raft.lastIndex, 'matched log', () =>
      `${leader.id} leads term ${raft.term} and counts on ${id} for ${match}, whose log ends at ${raft.lastIndex} now`);
  }

  #termOf(id: MemberId): number {
    return this.#seen.get(id)?.replica.raft.term ?? Math.max(this.#endedIn.get(id) ?? 0, this.#disks.termOf(id));
  }

  #checkVotes(id: MemberId, seen: Seen, raft: Raft): void {
    const queue = raft.core.messagesAfterPersist;
    const from = queue === seen.queue ? seen.queueLength : 0;
    seen.queue = queue;
    seen.queueLength = queue.length;
    for (let place = from; place < queue.length; place += 1) {
      const message = queue[place] as Message;
      if (message.type !== 'vote-response' && message.type !== 'pre-vote-response') continue;
      if (message.granted) this.#checkVote(id, raft, message);
    }
  }

  /** Raft paper 5.4.1, with the candidate's log as it is: it does not change while it campaigns. */
  #checkVote(id: MemberId, { core }: Raft, { type, to, term }: VoteResponseMessage): void {
    const candidate = this.#seen.get(to)?.replica.raft;
    const isVote = type === 'vote-response';
    if (candidate?.role !== (isVote ? 'candidate' : 'pre-candidate')) return;
    if (candidate.term !== (isVote ? term : term - 1)) return;
    const own = core.log;
    const { lastIndex, lastTerm } = candidate.core.log;
    const isUpToDate = lastTerm > own.lastTerm || (lastTerm === own.lastTerm && lastIndex >= own.lastIndex);
    require(isUpToDate, 'honest vote', () => {
      return `${id}, whose log ends with ${own.lastIndex}@${own.lastTerm}, grants a ${type} to ${to}, whose log ends with ${lastIndex}@${lastTerm}`;
    });
  }

  #checkKept(id: MemberId, { core }: Raft): void {
    for (const [peer, { state, isActive, pendingSnapshot }] of core.progress) {
      const isKept = state !== 'snapshot' || !isActive || core.log.compactedIndex <= pendingSnapshot;
      require(isKept, 'kept for transfer', () => {
        return `${id} sends ${peer} a snapshot of ${pendingSnapshot} and has dropped its log up to ${core.log.compactedIndex}`;
      });
    }
  }
}

/** Between the arrival of a snapshot and its taking the place of the state they may differ. */
function checkConfig(id: MemberId, { raft, state }: Replica): void {
  const { config } = state.position;
  if (raft.config === config || raft.appliedIndex !== state.appliedIndex) return;
  const [used, known] = [JSON.stringify(raft.config), JSON.stringify(config)];
  require(used === known, 'configuration', () =>
    `member ${id} goes by ${used}; at ${state.appliedIndex} it is ${known}`);
}
