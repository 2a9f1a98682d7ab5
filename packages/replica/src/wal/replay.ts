/**
 * Replay: what the log's records, read in order, amount to. Pure bookkeeping, no disk.
 *
 * An entry with an index that the log has already replaces that entry and drops everything behind it: what was truncated never
 * comes back (bug 32). Entries are final once the commit index, as recorded so far, covers them; only then are they handed out,
 * since any other entry may still be replaced further on. What contradicts itself is refused (bugs 31, 38, 44, 50).
 */
import type { Entry, HardState } from '@quorate/raft';
import { EntryRun } from './entry-run.js';
import type { WalErrorCode } from './errors.js';
import type { LogPosition } from './log.js';

/** Why the log is refused; the caller adds file and offset. */
export interface ReplayRefusal {
  readonly code: WalErrorCode;
  readonly detail: string;
}

export class Replay {
  readonly #snapshot: LogPosition;
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #lastIndex = 0;
  #lastTerm = 0;
  /** The term of the entry at the snapshot's index; undefined while the log ends before it. */
  #termAtSnapshot: number | undefined;
  /** Entries after the snapshot, contiguous up to the log's end. The first `#taken` were handed out. */
  #entries = new EntryRun();
  #taken = 0;

  constructor(snapshot: LogPosition) {
    this.#snapshot = snapshot;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get last(): LogPosition {
    return { index: this.#lastIndex, term: this.#lastTerm };
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get entries(): EntryRun {
    return this.#taken === 0 ? this.#entries : this.#entries.slice(this.#taken);
  }

  /** The oldest segment begins: everything before it was released, which a snapshot must make up for (bugs 41, 65). */
  begin(position: LogPosition): ReplayRefusal | undefined {
    this.#moveTo(position.index, position.term);
    if (position.index <= this.#snapshot.index) return undefined;
    const reach = this.#snapshot.index === 0 ? 'there is no snapshot' : `the snapshot ends at ${this.#snapshot.index}`;
    return { code: 'gap', detail: `the log begins after index ${position.index}, ${reach}` };
  }

  /** The next final entries, at most `bytesMax` of data but at least one; empty if there are none. */
  takeFinal(bytesMax: number): EntryRun {
    const entries = this.#entries;
    const begin = this.#taken;
    const finalEnd = Math.min(entries.length, this.#hardState.commit + 1 - entries.firstIndex);
    if (begin >= finalEnd) return NONE;
    let bytes = 0;
    while (this.#taken < finalEnd) {
      bytes += entries.dataBytes(this.#taken);
      if (bytes > bytesMax && this.#taken > begin) break;
      this.#taken += 1;
    }
    const final = entries.slice(begin, this.#taken);
    if (this.#taken > entries.length / 2) this.#keepFrom(this.#taken);
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
    this.#dropEntries();
    this.#lastIndex = index;
    this.#lastTerm = term;
    return { hardState, reset: this.#snapshot };
  }

  /** Takes the next record; a refusal if it does not fit what was read before. */
  takeHardState(state: HardState): ReplayRefusal | undefined {
    const before = this.#hardState;
    if (state.term < before.term) return corrupt(`term ${state.term} after term ${before.term}`);
    if (state.commit < before.commit) return corrupt(`commit index ${state.commit} after ${before.commit}`);
    if (state.commit > this.#lastIndex) {
      return corrupt(`commit index ${state.commit} beyond the log's end ${this.#lastIndex}`);
    }
    if (state.term === before.term && before.vote !== 0 && state.vote !== before.vote) {
      return corrupt(`two votes in term ${state.term}: for ${before.vote} and ${state.vote}`);
    }
    this.#hardState = state;
    return this.#checkSnapshot();
  }

  /** The same of an entry, whose data are payload[start, end). */
  takeEntry(
    index: number,
    term: number,
    type: Entry['type'],
    payload: Uint8Array,
    start: number,
    end: number,
  ): ReplayRefusal | undefined {
    if (index > this.#lastIndex + 1) return corrupt(`entry ${index} after index ${this.#lastIndex}`);
    if (index <= this.#hardState.commit) {
      return corrupt(`entry ${index} replaces a committed one (commit index ${this.#hardState.commit})`);
    }
    if (index === this.#lastIndex + 1 && term < this.#lastTerm) {
      return corrupt(`entry ${index} of term ${term} after one of term ${this.#lastTerm}`);
    }
    if (term > this.#hardState.term) return corrupt(`entry ${index} of term ${term} in term ${this.#hardState.term}`);
    this.#moveTo(index, term);
    if (index <= this.#snapshot.index) return undefined;
    // Nothing that was handed out is ever replaced: it was committed, which was checked above.
    const entries = this.#entries;
    if (entries.length > 0 && index < entries.firstIndex + entries.length) entries.truncate(index - entries.firstIndex);
    entries.push(index, term, type, payload, start, end);
    return undefined;
  }

  /** The same of the log's replacement by a snapshot. */
  takeReset(position: LogPosition): ReplayRefusal | undefined {
    const { index, term } = position;
    if (index < this.#hardState.commit)
      return corrupt(`begins anew at ${index}, committed was ${this.#hardState.commit}`);
    if (index > this.#snapshot.index) {
      return { code: 'missing', detail: `the log begins after the snapshot at ${index}, and that snapshot is missing` };
    }
    this.#dropEntries();
    this.#moveTo(index, term);
    this.#hardState = { ...this.#hardState, commit: index };
    return this.#checkSnapshot();
  }

  #moveTo(index: number, term: number): void {
    this.#lastIndex = index;
    this.#lastTerm = term;
    if (index > this.#snapshot.index) return;
    this.#termAtSnapshot = index === this.#snapshot.index ? term : undefined;
    if (this.#entries.length > 0) this.#dropEntries();
  }

  #keepFrom(at: number): void {
    this.#entries = this.#entries.slice(at);
    this.#taken = 0;
  }

  #dropEntries(): void {
    this.#entries = new EntryRun();
    this.#taken = 0;
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

/** Handed out when nothing is final; nobody adds to what is handed out. */
const NONE = new EntryRun();

function corrupt(detail: string): ReplayRefusal {
  return { code: 'corrupt', detail };
}
