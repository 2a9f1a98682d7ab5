/**
 * What must hold across members, after every step of any of them. It looks at the members' consensus cores from outside and
 * keeps its own account of what was promised and what was decided; an account outlives the member's crash.
 *
 *   election safety        at most one leader in a term
 *   leader completeness    a leader has every entry that an earlier term committed
 *   state machine safety   the entry applied at an index is the same at every member, in every life
 *   commit of own term     a leader commits by counting only entries of its own term (Raft paper 5.4.2, figure 8)
 *   durable quorum         what a leader commits is durable at a majority of each half of its configuration
 *   kept promises          what a member took for durable is there after its restart
 *   early promise          no vote and no acknowledgement may leave before it is durable
 *   monotonic              term, commit, applied index and revision never go back within a life
 *
 * What members believe of each other and of themselves is held against the same accounts in claims.ts.
 */
import {
  type ConfigState,
  checkState,
  checkTransition,
  type Entry,
  type MemberId,
  type Message,
  type Raft,
  type RaftSnapshot,
  snapshotState,
} from '@quorate/raft';
import {
  decodeCommand,
  type Platform,
  type RecoveredState,
  type Replica,
  type StateMachine,
} from '@quorate/replica/internal';
import { Claims, type Seen } from './claims.js';
import { require, violated } from './violation.js';

/** An entry as it was applied first. */
interface Decided {
  readonly term: number;
  readonly checksum: number;
  /** The term of the member that applied it: at least that in which it was committed. */
  readonly knownInTerm: number;
}

/** What a member believes to be on its disk. */
interface Promised {
  term: number;
  vote: MemberId;
  lastIndex: number;
  lastTerm: number;
}

/** One member's life as the rules follow it. */
interface Watched {
  readonly replica: Replica;
  readonly promised: Promised;
  readonly seen: Seen;
  before: RaftSnapshot;
  applied: number;
  revision: number;
  commitSeen: number;
  stepsUnchecked: number;
  /** Before the step: it may have changed within. */
  config: ConfigState;
}

/** checkState looks at every entry in memory: so that a step costs about as many looks, long logs are looked at less often. */
const FULL_CHECK_ENTRIES = 8;
/** What begins an entry that is no store command: see Directory of the replica. */
const PUBLICATION_TAG = 0xfe;
/** So many bytes of a command go into its fingerprint, beside its length and checksum. */
const FINGERPRINT_BYTES = 40;

export class ClusterRules {
  readonly #platform: Platform;
  readonly #leaders = new Map<number, MemberId>();
  /** By index, from 1. */
  readonly #decided: (Decided | undefined)[] = [];
  readonly #revisions = new Map<number, number>();
  readonly #promised = new Map<MemberId, Promised>();
  readonly #watched = new Map<MemberId, Watched>();
  /** Died within a call, and have not come back yet. */
  readonly #unsure = new Set<MemberId>();
  #lastDecided = 0;
  #lastConfig = 0;
  readonly claims: Claims;
  /** Told once of each entry that is surely committed, as soon as some member has applied it: mostly in the log's order. */
  onDecided: (entry: Entry) => void = () => {};
  /** Told of where a member's state stands, after each of its steps that has moved it. */
  onPosition: (id: MemberId, state: StateMachine) => void = () => {};

  constructor(platform: Platform) {
    this.#platform = platform;
    this.claims = new Claims({
      holds: (id, index, term) => this.#holds(id, index, term),
      termOf: (id) => this.#promised.get(id)?.term ?? 0,
    });
  }

  /** The highest index that any member has applied. */
  get lastDecided(): number {
    return this.#lastDecided;
  }

  /** The highest index at which any member has applied a configuration. */
  get lastConfig(): number {
    return this.#lastConfig;
  }

  /** A member's life begins: what recovery found is compared with what its former life had promised. */
  recovered(id: MemberId, found: RecoveredState): void {
    const promised = this.#promised.get(id);
    const { hardState, entries, compacted, applied } = found.initial;
    const rule = 'kept promises';
    if (promised !== undefined) {
      const text = (): string =>
        `member ${id} had promised ${JSON.stringify(promised)}, its disk holds ${JSON.stringify({ hardState, applied, compacted, entries: entries.length })}`;
      require(hardState.term >= promised.term, rule, text);
      const sameTerm = hardState.term === promised.term;
      require(!sameTerm || promised.vote === 0 || hardState.vote === promised.vote, rule, text);
      if (promised.lastIndex > compacted.index) {
        const entry = entries[promised.lastIndex - compacted.index - 1];
        require(entry?.term === promised.lastTerm, rule, text);
      }
    }
    for (const entry of entries) {
      if (entry.index > applied.index) break;
      this.#compare(id, entry);
      // Whoever applied it may have died in the step in which it did.
      this.#decide(entry, hardState.term);
    }
  }

  watch(id: MemberId, replica: Replica): void {
    const { state, raft } = replica;
    let promised = this.#promised.get(id);
    if (promised === undefined) {
      promised = { term: 0, vote: 0, lastIndex: 0, lastTerm: 0 };
      this.#promised.set(id, promised);
    }
    this.#watched.set(id, {
      replica,
      promised,
      seen: this.claims.watch(id, replica),
      before: snapshotState(raft),
      applied: state.appliedIndex,
      revision: state.store.revision,
      commitSeen: raft.commit,
      stepsUnchecked: 0,
      config: raft.core.config,
    });
    this.#unsure.delete(id);
    this.#checkPosition(id, replica);
    this.step(id);
  }

  /**
   * The member's life is over. `withinCall`: it may have promised more since its last step than is known here; and what it has applied
   * since, clients and watchers may have heard of: that is decided, whether or not any other member ever applies it.
   */
  forget(id: MemberId, withinCall: boolean): void {
    const watched = this.#watched.get(id);
    if (withinCall && watched !== undefined) this.#checkApplied(id, watched);
    this.#watched.delete(id);
    this.claims.forget(id);
    if (withinCall) this.#unsure.add(id);
  }

  /** The member has had an input. */
  step(id: MemberId): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    const { raft } = watched.replica;
    this.#checkCore(watched, raft);
    this.#checkPromises(id, raft);
    this.#checkLeader(id, raft, watched);
    this.#checkApplied(id, watched);
    notePromised(watched.promised, raft);
    this.#checkCommit(id, watched, raft);
    watched.config = raft.core.config;
    this.claims.step(id, watched.seen);
  }

  #checkCore(watched: Watched, raft: Raft): void {
    const { log } = raft.core;
    watched.stepsUnchecked += 1;
    const { before } = watched;
    const after = checkTransition(before, raft);
    const isDue = watched.stepsUnchecked * FULL_CHECK_ENTRIES >= log.lastIndex - log.compactedIndex;
    if (isDue || after.role !== before.role) {
      watched.stepsUnchecked = 0;
      checkState(raft);
    }
    watched.before = after;
  }

  /** What may leave at once promises nothing that a crash could take back. (What promises more waits for the disk.) */
  #checkPromises(id: MemberId, { core }: Raft): void {
    const { messages } = core;
    if (messages.length === 0) return;
    for (const message of messages) {
      if (!isDurable(message, core)) {
        violated('early promise', `member ${id} may send ${JSON.stringify(message)} before it is durable`);
      }
    }
  }

  #checkLeader(id: MemberId, raft: Raft, watched: Watched): void {
    if (raft.role !== 'leader') return;
    const known = this.#leaders.get(raft.term);
    if (known !== id) this.#leads(id, raft, watched, known);
  }

  #leads(id: MemberId, raft: Raft, watched: Watched, known: MemberId | undefined): void {
    require(known === undefined, 'election safety', () => `${known} and ${id} both lead term ${raft.term}`);
    this.#leaders.set(raft.term, id);
    watched.commitSeen = raft.commit;
    for (let index = this.#lastDecided; index > 0; index -= 1) {
      const decided = this.#decided[index];
      if (decided === undefined || decided.knownInTerm >= raft.term) continue;
      const term = raft.entryTerm(index);
      const isThere = term === undefined ? index < raft.core.log.compactedIndex : term === decided.term;
      require(isThere, 'leader completeness', () => {
        return `${id} leads term ${raft.term} and has term ${term} at ${index}, where term ${decided.term} was committed`;
      });
      break;
    }
  }

  #checkApplied(id: MemberId, watched: Watched): void {
    const { state, raft } = watched.replica;
    const now = state.appliedIndex;
    if (now === watched.applied) return;
    if (now < watched.applied) violated('monotonic', `member ${id} applied ${watched.applied}, then ${now}`);
    const { log } = raft.core;
    for (let index = Math.max(watched.applied, log.compactedIndex) + 1; index <= now; index += 1) {
      const entry = log.entry(index);
      this.#compare(id, entry);
      this.#decide(entry, raft.term);
    }
    const { revision } = state.store;
    if (revision < watched.revision) {
      violated('monotonic', `member ${id}: revision ${watched.revision}, then ${revision}`);
    }
    this.#checkPosition(id, watched.replica);
    watched.applied = now;
    watched.revision = revision;
  }

  #decide(entry: Entry, knownInTerm: number): void {
    const { index, term, data, type } = entry;
    if (this.#decided[index] !== undefined) return;
    const checksum = this.#platform.crc32(data, 0);
    this.#decided[index] = { term, checksum, knownInTerm };
    this.#lastDecided = Math.max(this.#lastDecided, index);
    this.#noteWrite(entry, checksum);
    if (type === 'config') this.#lastConfig = Math.max(this.#lastConfig, index);
    this.onDecided(entry);
  }

  /** Values are unique, so two writes are never alike. (Deletes are, and compactions.) */
  #noteWrite({ index, type, data }: Entry, checksum: number): void {
    if (type === 'config' || data.length === 0 || data[0] === PUBLICATION_TAG) return;
    const { kind } = decodeCommand(this.#platform, data).operation;
    if (kind !== 'put' && kind !== 'txn') return;
    const beginning = this.#platform.latin1(data, 0, Math.min(data.length, FINGERPRINT_BYTES));
    this.claims.decided(index, `${kind} of ${data.length} bytes, ${checksum}, ${beginning}`);
  }

  #checkPosition(id: MemberId, { state }: Replica): void {
    this.onPosition(id, state);
    const { position, store } = state;
    const { index, term } = position;
    const decided = this.#decided[index];
    const known = this.#revisions.get(index) ?? store.revision;
    this.#revisions.set(index, known);
    if (known === store.revision && (decided === undefined || decided.term === term)) return;
    violated(
      'state machine safety',
      `member ${id} is at revision ${store.revision} after entry ${index} of term ${term}; another was at ${known}, term ${decided?.term}`,
    );
  }

  #compare(id: MemberId, entry: Entry): void {
    const decided = this.#decided[entry.index];
    if (decided === undefined) return;
    if (decided.term === entry.term && decided.checksum === this.#platform.crc32(entry.data, 0)) return;
    violated(
      'state machine safety',
      `member ${id} applied another entry at ${entry.index}: term ${entry.term}, decided was term ${decided.term}`,
    );
  }

  /** Raft paper 5.4.2: a leader's commit index moves only over what a majority has on disk. */
  #checkCommit(id: MemberId, watched: Watched, raft: Raft): void {
    if (raft.role !== 'leader' || raft.commit <= watched.commitSeen) return;
    const index = raft.commit;
    watched.commitSeen = index;
    const term = raft.entryTerm(index);
    if (term !== raft.term) {
      violated(
        'commit of own term',
        `${id} leads term ${raft.term} and committed ${index} of term ${term} by counting`,
      );
    }
    const { config } = raft.core;
    if (this.#isOnQuorum(watched.config, index, term) || this.#isOnQuorum(config, index, term)) return;
    const { voters, votersOutgoing } = config;
    const holders = [...voters, ...votersOutgoing].filter((member) => this.#holds(member, index, term));
    violated(
      'durable quorum',
      `${id} committed ${index} of term ${term} in [${voters.join()}|${votersOutgoing.join()}]; it is durable at ${holders.join()} only`,
    );
  }

  #isOnQuorum({ voters, votersOutgoing }: ConfigState, index: number, term: number): boolean {
    return this.#isOnMajority(voters, index, term) && this.#isOnMajority(votersOutgoing, index, term);
  }

  #isOnMajority(half: readonly MemberId[], index: number, term: number): boolean {
    let holders = 0;
    for (const member of half) if (this.#holds(member, index, term)) holders += 1;
    return half.length === 0 || holders > half.length / 2;
  }

  #holds(member: MemberId, index: number, term: number | undefined): boolean {
    if (this.#unsure.has(member)) return true;
    const promised = this.#promised.get(member);
    if (promised === undefined || promised.lastIndex < index) return false;
    const raft = this.#watched.get(member)?.replica.raft;
    const own = raft?.entryTerm(index);
    // Compacted away there or here: then it is committed, and so the same.
    return own === undefined || term === undefined || own === term;
  }
}

function isDurable(message: Message, { hardStatePersisted: durable, log }: Raft['core']): boolean {
  if (message.type === 'vote') return durable.term >= message.term;
  if (message.type === 'vote-response' && message.granted) {
    return durable.term > message.term || (durable.term === message.term && durable.vote === message.to);
  }
  if (message.type === 'append-response' && !message.rejected) return log.persistedIndex >= message.index;
  return true;
}

function notePromised(promised: Promised, raft: Raft): void {
  const { hardStatePersisted, log } = raft.core;
  promised.term = hardStatePersisted.term;
  promised.vote = hardStatePersisted.vote;
  const lastTerm = raft.entryTerm(log.persistedIndex);
  // While the log's new beginning behind a snapshot is being written: the snapshot's own file is durable already.
  promised.lastIndex = lastTerm === undefined ? log.compactedIndex : log.persistedIndex;
  promised.lastTerm = lastTerm ?? log.compactedTerm;
}
