/**
 * Every change since the last compaction in the order in which it happened: what watchers that are behind catch up from.
 *
 * The tree answers "what was this key then"; a watcher asks "what changed since", over many keys. Searching the chains of all
 * keys for that would cost as much as there are keys; here it costs a binary search and the changes themselves. An entry is a
 * key and the Version that the tree's chain holds too, in chunks of parallel arrays: 16 bytes a change.
 *
 * Only changes at or above the compacted revision are in it. Compaction takes whole chunks off the front and empties the rest
 * of the first one, so that nothing here keeps memory alive that the sweep gives back. The order of the entries is by
 * (modRevision, order, key), since a command's operations run in order and each deletes its keys in order.
 */

import type { Tree } from './tree.js';
import type { Key } from './types.js';
import { RecordReader, type Version, versionAt } from './version.js';

const CHUNK_CHANGES = 1024;
/** Memory of an entry, but for what stands anyway. */
export const CHANGE_BYTES = 16;

class Chunk {
  /** Of its first change, also when that has been trimmed. */
  readonly firstRevision: number;
  // As long as they will become: growing them would cost half as much again.
  readonly keys: (Key | undefined)[] = Array.from({ length: CHUNK_CHANGES });
  readonly versions: (Version | undefined)[] = Array.from({ length: CHUNK_CHANGES });
  length = 0;

  constructor(firstRevision: number) {
    this.firstRevision = firstRevision;
  }
}

export class RevisionIndex {
  private readonly chunks: Chunk[] = [];
  /** Changes of the first chunk that have been trimmed. */
  private start = 0;
  private last: Chunk | undefined;

  /** Estimate of its memory. */
  get bytes(): number {
    const full = Math.max(0, this.chunks.length - 1) * CHUNK_CHANGES;
    return (full + (this.last?.length ?? 0) - this.start) * CHANGE_BYTES;
  }

  /** The change that follows all others. */
  push(key: Key, version: Version): void {
    let { last } = this;
    if (last === undefined || last.length === CHUNK_CHANGES) {
      last = new Chunk(version.modRevision);
      this.chunks.push(last);
      this.last = last;
    }
    last.keys[last.length] = key;
    last.versions[last.length] = version;
    last.length++;
  }

  /** Takes back the last change. */
  pop(): void {
    const { last } = this;
    if (last === undefined) {
      throw new Error('there is no change to take back');
    }
    last.length--;
    last.keys[last.length] = undefined;
    last.versions[last.length] = undefined;
    if (last.length === (this.chunks.length === 1 ? this.start : 0)) {
      this.chunks.pop();
      this.last = this.chunks.at(-1);
      this.start = this.chunks.length === 0 ? 0 : this.start;
    }
  }

  /** Forgets all changes below `revision`. Linear in the chunks. */
  trim(revision: number): void {
    const { chunk, index } = this.find(revision);
    this.chunks.splice(0, chunk);
    this.start = chunk > 0 ? 0 : this.start;
    const first = this.chunks[0];
    if (first === undefined) {
      this.last = undefined;
      this.start = 0;
      return;
    }
    first.keys.fill(undefined, this.start, index);
    first.versions.fill(undefined, this.start, index);
    this.start = index;
  }

  /** Stands on the first change at or above `revision`. Not to be moved after a trim: ask again. */
  cursor(revision: number): ChangeCursor {
    const { chunk, index } = this.find(revision);
    return new ChangeCursor(this.chunks, chunk, index);
  }

  private find(revision: number): { readonly chunk: number; readonly index: number } {
    // The last chunk that begins before the revision: the first change at or above it is there, or opens the next chunk.
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.chunks[middle] as Chunk).firstRevision < revision) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const chunk = Math.max(0, low - 1);
    const found = this.chunks[chunk];
    if (found === undefined) {
      return { chunk: 0, index: 0 };
    }
    let from = chunk === 0 ? this.start : 0;
    let to = found.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((found.versions[middle] as Version).modRevision < revision) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from < found.length ? { chunk, index: from } : { chunk: chunk + 1, index: 0 };
  }
}

/**
 * Is a change still to be seen? Where one revision has changed a key several times, compaction at that very revision leaves only
 * the last of them, as of every key. In the index the others stay until the next compaction; so whoever reads it asks here.
 */
export function isCurrentAt(tree: Tree, key: Key, version: Version, compactRevision: number): boolean {
  return version.modRevision > compactRevision || versionAt(tree.find(key), compactRevision) === version;
}

export class ChangeCursor {
  private readonly chunks: readonly Chunk[];
  private chunk: number;
  private index: number;

  constructor(chunks: readonly Chunk[], chunk: number, index: number) {
    this.chunks = chunks;
    this.chunk = chunk;
    this.index = index;
  }

  get key(): Key {
    return this.chunks[this.chunk]?.keys[this.index] as Key;
  }

  /** Undefined behind the last change. */
  get version(): Version | undefined {
    return this.chunks[this.chunk]?.versions[this.index];
  }

  next(): void {
    this.index++;
    if (this.index === CHUNK_CHANGES) {
      this.chunk++;
      this.index = 0;
    }
  }
}

/** Makes the index of a snapshot, whose versions come in the order of keys. */
export class RevisionIndexBuilder {
  readonly #compactRevision: number;
  readonly #keys: Key[] = [];
  readonly #versions: Version[] = [];

  constructor(compactRevision: number) {
    this.#compactRevision = compactRevision;
  }

  push(key: Key, version: Version): void {
    if (version.modRevision >= this.#compactRevision) {
      this.#keys.push(key);
      this.#versions.push(version);
    }
  }

  /** In one go. Revisions are a dense range as a rule, and then they are counted out; linear. */
  finish(revision: number): RevisionIndex {
    const places = this.#byRevision(revision);
    const index = new RevisionIndex();
    for (let start = 0; start < places.length; ) {
      const modRevision = this.#revisionAt(places, start);
      let end = start + 1;
      while (end < places.length && this.#revisionAt(places, end) === modRevision) {
        end++;
      }
      // Nearly every revision has changed one key.
      const changed = end - start === 1 ? undefined : this.#byOrder(places.subarray(start, end));
      for (let position = start; position < end; position++) {
        const place = changed?.[position - start] ?? places[position] ?? 0;
        index.push(this.#keys[place] as Key, this.#versions[place] as Version);
      }
      start = end;
    }
    return index;
  }

  #revisionAt(places: Uint32Array, position: number): number {
    return (this.#versions[places[position] as number] as Version).modRevision;
  }

  /** The places of all versions, by revision and then by key. */
  #byRevision(revision: number): Uint32Array {
    const versions = this.#versions;
    const places = new Uint32Array(versions.length);
    const span = revision - this.#compactRevision + 1;
    if (span > 2 * versions.length) {
      // Somebody has raised the revision: not worth an array as long as the range.
      return places.map((_, place) => place).toSorted((left, right) => this.#compare(left, right));
    }
    const ends = new Uint32Array(span);
    for (const { modRevision } of versions) {
      const bucket = modRevision - this.#compactRevision;
      ends[bucket] = (ends[bucket] ?? 0) + 1;
    }
    for (let bucket = 1; bucket < span; bucket++) {
      ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0);
    }
    for (let place = versions.length - 1; place >= 0; place--) {
      const bucket = (versions[place] as Version).modRevision - this.#compactRevision;
      const position = (ends[bucket] ?? 0) - 1;
      ends[bucket] = position;
      places[position] = place;
    }
    return places;
  }

  #compare(left: number, right: number): number {
    return (
      (this.#versions[left] as Version).modRevision - (this.#versions[right] as Version).modRevision || left - right
    );
  }

  /** What one revision did, by order and then by key; `places` are by key already, but for a key that was put and deleted. */
  #byOrder(places: Uint32Array): number[] {
    const record = new RecordReader();
    const orders = new Map<number, number>();
    for (const place of places) {
      record.read(this.#versions[place] as Version);
      orders.set(place, record.order);
    }
    return [...places].toSorted((left, right) => (orders.get(left) ?? 0) - (orders.get(right) ?? 0) || left - right);
  }
}
