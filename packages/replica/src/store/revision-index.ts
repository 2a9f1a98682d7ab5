/**
 * Every change since the last compaction in the order in which it happened: what watchers that are behind catch up from.
 *
 * The tree answers "what was this key then"; a watcher asks "what changed since", over many keys. Searching the chains of all
 * keys for that would cost as much as there are keys; here it costs a binary search and the changes themselves. An entry is a
 * key, the Version that the tree's chain holds too, and its revision, in chunks of parallel arrays: 20 bytes a change.
 *
 * Only changes at or above the compacted revision are in it. Compaction takes whole chunks off the front and empties the rest
 * of the first one, so that nothing here keeps memory alive that the sweep gives back. The order of the entries is by
 * (modRevision, order, key), since a command's operations run in order and each deletes its keys in order.
 */

import type { RecordReader } from './record.js';
import type { Tree } from './tree.js';
import type { Key } from './types.js';
import { NO_VERSION, type Version, type Versions } from './versions.js';

const CHUNK_CHANGES = 1024;
/** Memory of an entry, but for what stands anyway. */
export const CHANGE_BYTES = 20;

const EMPTY_CHUNK: readonly undefined[] = Array.from({ length: CHUNK_CHANGES });
const ZEROS: readonly number[] = Array.from({ length: CHUNK_CHANGES }, () => 0);

class Chunk {
  /** Of its first change, also when that has been trimmed. */
  readonly firstRevision: number;
  // As long as they will become: growing them would cost half as much again. Copies, since Array.from() makes them item by item.
  readonly keys: (Key | undefined)[] = EMPTY_CHUNK.slice();
  /** NO_VERSION behind the last one. */
  readonly versions: Int32Array;
  /** A column of its own, since the sweep may have freed a version: see isCurrentAt(). */
  readonly revisions: number[] = ZEROS.slice();
  /** At most CHUNK_CHANGES, but in an index that was loaded, where a revision's changes are never in two chunks. */
  length = 0;

  constructor(firstRevision: number, changesMax: number = CHUNK_CHANGES) {
    this.firstRevision = firstRevision;
    this.versions = new Int32Array(changesMax);
  }

  push(key: Key, version: Version, revision: number): void {
    this.set(this.length, key, version, revision);
    this.length++;
  }

  set(index: number, key: Key, version: Version, revision: number): void {
    this.keys[index] = key;
    this.versions[index] = version;
    this.revisions[index] = revision;
  }
}

export class RevisionIndex {
  private readonly chunks: Chunk[] = [];
  /** Changes of the first chunk that have been trimmed. */
  private start = 0;
  private last: Chunk | undefined;

  private count = 0;

  /** `chunks` are not empty. */
  static of(chunks: readonly Chunk[]): RevisionIndex {
    const index = new RevisionIndex();
    for (const chunk of chunks) {
      index.chunks.push(chunk);
      index.count += chunk.length;
      index.last = chunk;
    }
    return index;
  }

  /** Estimate of its memory. */
  get bytes(): number {
    return this.count * CHANGE_BYTES;
  }

  /** The change that follows all others. */
  push(key: Key, version: Version, revision: number): void {
    let { last } = this;
    if (last === undefined || last.length >= CHUNK_CHANGES) {
      last = new Chunk(revision);
      this.chunks.push(last);
      this.last = last;
    }
    last.push(key, version, revision);
    this.count++;
  }

  /** Takes back the last change. */
  pop(): void {
    const { last } = this;
    if (last === undefined) {
      throw new Error('there is no change to take back');
    }
    this.count--;
    last.length--;
    last.keys[last.length] = undefined;
    last.versions[last.length] = NO_VERSION;
    if (last.length === (this.chunks.length === 1 ? this.start : 0)) {
      this.chunks.pop();
      this.last = this.chunks.at(-1);
      this.start = this.chunks.length === 0 ? 0 : this.start;
    }
  }

  /** Forgets all changes below `revision`. Linear in the chunks. */
  trim(revision: number): void {
    const { chunk, index } = this.find(revision);
    for (const { length } of this.chunks.splice(0, chunk)) {
      this.count -= length - this.start;
      this.start = 0;
    }
    const first = this.chunks[0];
    if (first === undefined) {
      this.last = undefined;
      this.start = 0;
      return;
    }
    this.count -= index - this.start;
    first.keys.fill(undefined, this.start, index);
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
      if ((found.revisions[middle] as number) < revision) {
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
 *
 * The sweep may have freed those others, and they alone: it takes what is older than the version that stands at the compacted
 * revision, or a tombstone below it, and the index begins there. So above it a version may be followed; at it, it is compared
 * only. Equal means the same, even when the row is in use again: what is written later has a later revision, and does not stand at this one.
 */
export function isCurrentAt(
  tree: Tree,
  versions: Versions,
  change: { readonly key: Key; readonly version: Version; readonly revision: number },
  compactRevision: number,
): boolean {
  const { key, version, revision } = change;
  return revision > compactRevision || versions.at(tree.find(key), compactRevision) === version;
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

  /** NO_VERSION behind the last change. */
  get version(): Version {
    return (this.chunks[this.chunk]?.versions[this.index] ?? NO_VERSION) as Version;
  }

  get revision(): number {
    return this.chunks[this.chunk]?.revisions[this.index] as number;
  }

  next(): void {
    this.index++;
    const length = this.chunks[this.chunk]?.length ?? 0;
    if (this.index >= length && (length >= CHUNK_CHANGES || this.chunk + 1 < this.chunks.length)) {
      this.chunk++;
      this.index = 0;
    }
  }
}

/** The changes of up to CHUNK_CHANGES revisions that follow each other, while they come in the order of keys. */
class RevisionSpan {
  readonly chunk: Chunk;
  changes = 0;
  /** Revisions that have a change. */
  revisions = 0;
  /** The changes of a revision that has several, by its place, as they came. */
  readonly several: Map<number, Change[]> = new Map();

  constructor(firstRevision: number) {
    this.chunk = new Chunk(firstRevision);
  }

  push(key: Key, version: Version, revision: number): void {
    const { keys, versions, firstRevision } = this.chunk;
    const place = revision - firstRevision;
    const present = versions[place] as Version;
    this.changes++;
    if (present === NO_VERSION) {
      this.chunk.set(place, key, version, revision);
      this.chunk.length = Math.max(this.chunk.length, place + 1);
      this.revisions++;
      return;
    }
    const several = this.several.get(place);
    if (several === undefined) {
      this.several.set(place, [
        { key: keys[place] as Key, version: present },
        { key, version },
      ]);
    } else {
      several.push({ key, version });
    }
  }

  /** All changes in order. Where each revision has one, as nearly all have, they are in their places already. */
  settled(record: RecordReader): Chunk {
    const { chunk, several } = this;
    if (several.size === 0 && this.revisions === chunk.length) {
      return chunk;
    }
    const settled = new Chunk(chunk.firstRevision, Math.max(CHUNK_CHANGES, this.changes));
    for (let place = 0; place < chunk.length; place++) {
      const version = chunk.versions[place] as Version;
      const revision = chunk.firstRevision + place;
      if (version === NO_VERSION) {
        continue;
      }
      const changes = several.get(place);
      if (changes === undefined) {
        settled.push(chunk.keys[place] as Key, version, revision);
      } else {
        for (const change of byOrder(changes, record)) {
          settled.push(change.key, change.version, revision);
        }
      }
    }
    return settled;
  }
}

interface Change {
  readonly key: Key;
  readonly version: Version;
}

/** What one revision did, by order and then by key: by key the changes come already, but for a key that was put and deleted. */
function byOrder(changes: readonly Change[], record: RecordReader): Change[] {
  const ordered = changes.map((change, place) => {
    record.read(change.version);
    return { change, place, order: record.order };
  });
  ordered.sort((left, right) => left.order - right.order || left.place - right.place);
  return ordered.map(({ change }) => change);
}

/**
 * Makes the index of a snapshot, whose versions come in the order of keys. Each goes to the place that its revision has among all
 * revisions, so there is nothing to sort in the end but what single revisions did.
 */
export class RevisionIndexBuilder {
  readonly #compactRevision: number;
  readonly #spans: Map<number, RevisionSpan> = new Map();
  readonly #record: RecordReader;
  #unsettled: number[] | undefined;
  readonly #settled: Chunk[] = [];

  constructor(record: RecordReader, compactRevision: number) {
    this.#record = record;
    this.#compactRevision = compactRevision;
  }

  push(key: Key, version: Version, revision: number): void {
    if (revision < this.#compactRevision) {
      return;
    }
    const number = Math.floor((revision - this.#compactRevision) / CHUNK_CHANGES);
    let span = this.#spans.get(number);
    if (span === undefined) {
      span = new RevisionSpan(this.#compactRevision + number * CHUNK_CHANGES);
      this.#spans.set(number, span);
    }
    span.push(key, version, revision);
  }

  /** Puts the changes of about `changesMax` revisions in order, when all have come; true while there is more to do. */
  settle(changesMax: number): boolean {
    this.#unsettled ??= [...this.#spans.keys()].toSorted((left, right) => right - left);
    for (let done = 0; done < changesMax; done += CHUNK_CHANGES) {
      const number = this.#unsettled.pop();
      if (number === undefined) {
        return false;
      }
      this.#settled.push((this.#spans.get(number) as RevisionSpan).settled(this.#record));
    }
    return this.#unsettled.length > 0;
  }

  finish(): RevisionIndex {
    this.settle(Number.POSITIVE_INFINITY);
    return RevisionIndex.of(this.#settled);
  }
}
