/**
 * The replicated state machine of a member: the key-value store and the directory of members, moved by log entries.
 *
 * It is deterministic: two members that have applied the same entries hold the same state. It knows which entry it has
 * reached, and refuses to go back or to skip (raft-bugs 19, 41, 58).
 */
import {
  applyConfigChange,
  type ConfigState,
  decodeConfigChange,
  EMPTY_CONFIG,
  type Entry,
  type SnapshotMetadata,
} from '@quorate/raft';
import type { Platform } from '../seams/index.js';
import {
  type Applied,
  type Command,
  decodeCommand,
  type FrozenStore,
  Store,
  type StoreLoader,
  type StoreOptions,
} from '../store/index.js';
import type { EntryRun } from '../wal/entry-run.js';
import { assert } from './assert.js';
import { Directory, decodePublication, PUBLICATION_TAG } from './directory.js';

/** Bytes before the directory in a snapshot's stream: its length, little-endian. */
const DIRECTORY_LENGTH_BYTES = 4;
/** A directory beyond this is a damaged length, not a cluster. */
const DIRECTORY_BYTES_MAX = 16 * 1024 * 1024;

/** Whoever watches switches them on: see WatchHub. */
const STORE_OPTIONS: StoreOptions = { collectEvents: false };

/** A store command that was applied. */
export interface AppliedCommand extends Applied {
  readonly kind: Command['operation']['kind'];
}

export class StateMachine {
  readonly #platform: Platform;
  readonly store: Store;
  readonly directory: Directory;
  // The position's parts: it is asked for less often than it changes.
  #index: number;
  #term: number;
  #config: ConfigState;

  constructor(
    platform: Platform,
    store: Store = new Store(platform, STORE_OPTIONS),
    directory: Directory = new Directory(),
    position: SnapshotMetadata = { index: 0, term: 0, config: EMPTY_CONFIG },
  ) {
    this.#platform = platform;
    this.store = store;
    this.directory = directory;
    this.#index = position.index;
    this.#term = position.term;
    this.#config = position.config;
  }

  /** The last entry applied and the configuration after it. */
  get position(): SnapshotMetadata {
    return { index: this.#index, term: this.#term, config: this.#config };
  }

  get appliedIndex(): number {
    return this.#index;
  }

  get appliedTerm(): number {
    return this.#term;
  }

  get config(): ConfigState {
    return this.#config;
  }

  /** Applies a normal entry if it is a put of which nobody need hear more than the store's revision; false: nothing was done. */
  applyPlainPut(entry: Entry): boolean {
    if (!this.store.applyPlainPut(entry.data, 0, entry.data.length)) return false;
    this.#advance(entry.index, entry.term, this.#config);
    return true;
  }

  /** Applies a normal entry; undefined for entries that have no answer (a new leader's empty entry, a publication). */
  applyNormal(entry: Entry): AppliedCommand | undefined {
    this.#advance(entry.index, entry.term, this.#config);
    if (entry.data.length === 0) return undefined;
    if (entry.data[0] === PUBLICATION_TAG) {
      this.directory.applyPublication(decodePublication(entry.data));
      return undefined;
    }
    const command = decodeCommand(this.#platform, entry.data);
    const { response, events } = this.store.apply(command);
    return { kind: command.operation.kind, response, events };
  }

  /** Follows a configuration entry whose outcome Raft has computed. */
  applyConfig(entry: Entry, config: ConfigState): void {
    this.#advance(entry.index, entry.term, config);
    this.directory.applyConfigChange(decodeConfigChange(entry.data), config);
  }

  /** Applies entries of the log while a member starts, when there is no Raft yet to follow configurations. Keeps nothing of their data. */
  replay(run: EntryRun): void {
    for (let at = 0; at < run.length; at += 1) {
      if (run.type(at) === 'config') {
        const entry = run.at(at);
        this.applyConfig(entry, applyConfigChange(this.#config, decodeConfigChange(entry.data)));
      } else if (this.store.applyPlainPut(run.payload(at), run.start(at), run.end(at))) {
        this.#advance(run.firstIndex + at, run.term(at), this.#config);
      } else {
        this.applyNormal(run.at(at));
      }
    }
  }

  /** O(1): the present state for a snapshot, untouched by later entries. */
  freeze(): FrozenState {
    return new FrozenState(this.position, this.directory.encode(), this.store.freeze());
  }

  static loader(platform: Platform): StateMachineLoader {
    return new StateMachineLoader(platform);
  }

  #advance(index: number, term: number, config: ConfigState): void {
    assert(index === this.#index + 1, () => `applying entry ${index} after ${this.#index}`);
    assert(term >= this.#term, () => `term goes back at entry ${index}`);
    this.#index = index;
    this.#term = term;
    this.#config = config;
  }
}

/** See SnapshotChunks.next(). */
export interface StateChunks {
  next(maxBytes: number, into?: Uint8Array): Uint8Array | undefined;
}

/** A frozen state: serialises itself a slice at a time, as often as asked, until released. */
export class FrozenState {
  readonly metadata: SnapshotMetadata;
  readonly bytesEstimate: number;
  readonly #directory: Uint8Array;
  readonly #store: FrozenStore;

  constructor(metadata: SnapshotMetadata, directory: Uint8Array, store: FrozenStore) {
    this.metadata = metadata;
    this.#directory = directory;
    this.#store = store;
    this.bytesEstimate = directory.length + store.bytes;
  }

  /** A fresh pass over the stream, from its beginning. Two passes give the same bytes. */
  chunks(): StateChunks {
    const head = new Uint8Array(DIRECTORY_LENGTH_BYTES + this.#directory.length);
    new DataView(head.buffer).setUint32(0, this.#directory.length, true);
    head.set(this.#directory, DIRECTORY_LENGTH_BYTES);
    let headOffset = 0;
    const body = this.#store.chunks();
    return {
      next: (maxBytes, into) => {
        if (headOffset === head.length) return body.next(maxBytes, into);
        const slice = head.subarray(headOffset, headOffset + maxBytes);
        headOffset += slice.length;
        return slice;
      },
    };
  }

  release(): void {
    this.#store.release();
  }
}

/** Builds a state machine from the stream of FrozenState.chunks(), cut anywhere. Throws on a malformed stream. */
export class StateMachineLoader {
  readonly #platform: Platform;
  readonly #store: StoreLoader<Store>;
  #head = new Uint8Array(0);
  #directory: Directory | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#store = Store.loader(platform, STORE_OPTIONS);
  }

  push(chunk: Uint8Array): void {
    if (this.#directory !== undefined) {
      this.#store.push(chunk);
      return;
    }
    const head = new Uint8Array(this.#head.length + chunk.length);
    head.set(this.#head);
    head.set(chunk, this.#head.length);
    this.#head = head;
    if (head.length < DIRECTORY_LENGTH_BYTES) return;
    const length = new DataView(head.buffer).getUint32(0, true);
    if (length > DIRECTORY_BYTES_MAX) throw new RangeError(`snapshot: a directory of ${length} bytes is not credible`);
    const end = DIRECTORY_LENGTH_BYTES + length;
    if (head.length < end) return;
    this.#directory = Directory.decode(head.subarray(DIRECTORY_LENGTH_BYTES, end));
    this.#head = new Uint8Array(0);
    if (head.length > end) this.#store.push(head.subarray(end));
  }

  /** A slice of what finish() would otherwise do in one go; true while there is more of it. */
  settle(): boolean {
    return this.#store.settle();
  }

  finish(position: SnapshotMetadata): StateMachine {
    if (this.#directory === undefined) throw new RangeError('snapshot: the stream ends before its directory');
    return new StateMachine(this.#platform, this.#store.finish(), this.#directory, position);
  }
}
