/**
 * Replay: what the log's records, read in order, amount to. Pure bookkeeping, no disk.
 *
 * An entry with an index that the log has already replaces that entry and drops everything behind it: what was truncated never
 * comes back (bug 32). Entries are final once the commit index, as recorded so far, covers them; only then are they handed out,
 * since any other entry may still be replaced further on. What contradicts itself is refused (bugs 31, 38, 44, 50).
 */
import type { Entry, HardState } from '@quorate/raft';
import type { WalErrorCode } from './errors.js';
import type { LogPosition } from './log.js';
import type { LogRecord } from './record.js';

/** Why the log is refused; the caller adds file and offset. */
export interface ReplayRefusal {
  readonly code: WalErrorCode;
  readonly detail: string;
}

export class Replay {
  readonly #snapshot: LogPosition;
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #last: LogPosition = { index: 0, term: 0 };
  /** The term of the entry at the snapshot's index; undefined while the log ends before it. */
  #termAtSnapshot: number | undefined;
  /** Entries after the snapshot, contiguous up to the log's end. The first `#taken` were handed out. */
  #entries: Entry[] = [];
  #taken = 0;

  constructor(snapshot: LogPosition) {
    this.#snapshot = snapshot;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get last(): LogPosition {
    return this.#last;
  }

  get entries(): readonly Entry[] {
    return this.#taken === 0 ? this.#entries : this.#entries.slice(this.#taken);
  }

  /** The oldest segment begins: everything before it was released, which a snapshot must make up for (bugs 41, 65). */
  begin(position: LogPosition): ReplayRefusal | undefined {
    this.#moveTo(position);
    if (position.index <= this.#snapshot.index) return undefined;
    const reach = this.#snapshot.index === 0 ? 'there is no snapshot' : `the snapshot ends at ${this.#snapshot.index}`;
    return { code: 'gap', detail: `the log begins after index ${position.index}, ${reach}` };
  }

  /** Takes the next record; a refusal if it does not fit what was read before. */
  take(record: LogRecord): ReplayRefusal | undefined {
    if (record.type === 'entry') return this.#takeEntry(record.entry);
    if (record.type === 'hard-state') return this.#takeHardState(record.hardState);
    return this.#takeReset(record);
  }

  /** The next final entries, at most `bytesMax` of data but at least one; empty if there are none. */
  takeFinal(bytesMax: number): readonly Entry[] {
    const first = this.#entries[this.#taken];
    if (first === undefined || first.index > this.#hardState.commit) return [];
    const begin = this.#taken;
    let bytes = 0;
    while (this.#taken < this.#entries.length) {
      const entry = this.#entries[this.#taken] as Entry;
      if (entry.index > this.#hardState.commit) break;
      bytes += entry.data.length;
      if (bytes > bytesMax && this.#taken > begin) break;
      this.#taken += 1;
    }
    const final = this.#entries.slice(begin, this.#taken);
    if (this.#taken > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#taken);
      this.#taken = 0;
    }
    return final;
  }

  /** At the end: what the snapshot and the log make together; `reset` if the log does not reach or does not match the snapshot. */
  finish(): { readonly hardState: HardState; readonly reset: LogPosition | undefined } {
    const { index, term } = this.#snapshot;
    const { term: oldTerm, vote, commit } = this.#hardState;
    // The snapshot became durable before the log could say so. No vote was given in a term that the log does not name.
    const raised = term > oldTerm ? { term, vote: 0 } : { term: oldTerm, vote };
    const hardState = { ...raised, commit: Math.max(commit, index) };
    if (this.#termAtSnapshot === term) return { hardState, reset: undefined };
    // An installed snapshot of which the log has not heard, and no entry that matches it: the log begins anew (Raft paper 7).
    this.#entries = [];
    this.#taken = 0;
    this.#last = this.#snapshot;
    return { hardState, reset: this.#snapshot };
  }

  #takeHardState(state: HardState): ReplayRefusal | undefined {
    const before = this.#hardState;
    if (state.term < before.term) return corrupt(`term ${state.term} after term ${before.term}`);
    if (state.commit < before.commit) return corrupt(`commit index ${state.commit} after ${before.commit}`);
    if (state.commit > this.#last.index) {
      return corrupt(`commit index ${state.commit} beyond the log's end ${this.#last.index}`);
    }
    if (state.term === before.term && before.vote !== 0 && state.vote !== before.vote) {
      return corrupt(`two votes in term ${state.term}: for ${before.vote} and ${state.vote}`);
    }
    this.#hardState = state;
    return this.#checkSnapshot();
  }

  #takeEntry(entry: Entry): ReplayRefusal | undefined {
    const { index, term } = entry;
    if (index > this.#last.index + 1) return corrupt(`entry ${index} after index ${this.#last.index}`);
    if (index <= this.#hardState.commit) {
      return corrupt(`entry ${index} replaces a committed one (commit index ${this.#hardState.commit})`);
    }
    if (index === this.#last.index + 1 && term < this.#last.term) {
      return corrupt(`entry ${index} of term ${term} after one of term ${this.#last.term}`);
    }
    if (term > this.#hardState.term) return corrupt(`entry ${index} of term ${term} in term ${this.#hardState.term}`);
    this.#moveTo({ index, term });
    if (index > this.#snapshot.index) this.#keep(entry);
    return undefined;
  }

  #keep(entry: Entry): void {
    const first = this.#entries[this.#taken];
    // Nothing that was handed out is ever replaced: it was committed, which takeEntry has checked.
    const keep = first === undefined ? this.#taken : this.#taken + (entry.index - first.index);
    if (keep < this.#entries.length) this.#entries.length = keep;
    this.#entries.push(entry);
  }

  #takeReset(position: LogPosition): ReplayRefusal | undefined {
    const { index, term } = position;
    if (index < this.#hardState.commit)
      return corrupt(`begins anew at ${index}, committed was ${this.#hardState.commit}`);
    if (index > this.#snapshot.index) {
      return { code: 'missing', detail: `the log begins after the snapshot at ${index}, and that snapshot is missing` };
    }
    this.#entries = [];
    this.#taken = 0;
    this.#moveTo({ index, term });
    this.#hardState = { ...this.#hardState, commit: index };
    return this.#checkSnapshot();
  }

  #moveTo(position: LogPosition): void {
    this.#last = position;
    if (position.index < this.#snapshot.index) {
      this.#termAtSnapshot = undefined;
      this.#entries = [];
      this.#taken = 0;
    } else if (position.index === this.#snapshot.index) {
      this.#termAtSnapshot = position.term;
      this.#entries = [];
      this.#taken = 0;
    }
  }

  /** What is committed is the same everywhere: a snapshot that disagrees is not of this history (bug 23). */
  #checkSnapshot(): ReplayRefusal | undefined {
    const { index, term } = this.#snapshot;
    if (this.#hardState.commit < index || this.#termAtSnapshot === undefined || this.#termAtSnapshot === term) {
      return undefined;
    }
    return corrupt(`entry ${index} was committed in term ${this.#termAtSnapshot}, the snapshot has term ${term}`);
  }
}

function corrupt(detail: string): ReplayRefusal {
  return { code: 'corrupt', detail };
}
