/**
 * Entries of the log without an object for each: a queue of consecutive entries as columns of numbers, with their data one behind the
 * other in slabs that are used again and again.
 *
 * The log keeps tens of thousands of entries that nobody looks at any more, for a follower that might lag. As objects, each with a view of
 * its data, they take some 170 bytes beside the data, and since they live on, each young collection would copy all that have come since the
 * last one, twice; and the buffers of their data, which V8 counts until the old generation is collected, would make it collect that more
 * often (docs/decisions/0014-applied-entries-without-objects.md). So small data are copied into a slab, and an Entry is made anew for
 * whoever asks, of bytes of its own: no view of a slab ever leaves this class, so that it knows when a slab can be overwritten.
 *
 *     position   0                      SLAB_BYTES                                      where the data of each entry begin, as if
 *     slabs      |1111222333333334444..|555556666...                    |  next         all slabs ever made stood in a row
 *     chunks     |1 2 3 4 5 6 ... 256|257 ...                                           numbers of CHUNK_ENTRIES entries each
 *
 * Positions never decrease, so the slabs before that of the first entry are free. Large data stay the views that they are.
 */
import { assert } from './assert.js';
import type { Entry, EntryType } from './types.js';

const CHUNK_ENTRIES = 256;
const SLAB_BYTES: number = 64 * 1024;
/** Larger data are kept as they are: they mostly stand in a buffer of their own, and little is left over at the end of a slab. */
const COPIED_BYTES_MAX: number = 4 * 1024;
/** Kept for what comes next: more than is dropped at a time. */
const FREE_SLABS_MAX = 64;
const FREE_CHUNKS_MAX = 64;

class Chunk {
  // Of 64 bits, which hold all safe integers.
  readonly terms: Float64Array = new Float64Array(CHUNK_ENTRIES);
  readonly positions: Float64Array = new Float64Array(CHUNK_ENTRIES);
  readonly lengths: Float64Array = new Float64Array(CHUNK_ENTRIES);
  readonly areConfig: Uint8Array = new Uint8Array(CHUNK_ENTRIES);
  /** Data beyond COPIED_BYTES_MAX. */
  readonly large: (Uint8Array | undefined)[] = [];
}

export class PackedEntries {
  readonly #chunks: Chunk[] = [];
  readonly #freeChunks: Chunk[] = [];
  /** The first chunk begins with this index. */
  #chunksFrom: number;
  readonly #slabs: Uint8Array[] = [];
  readonly #freeSlabs: Uint8Array[] = [];
  /** How many slabs were there before the first one. */
  #slabsFrom = 0;
  /** The position behind everything that was copied. */
  #end = 0;
  #droppedIndex: number;
  #lastIndex: number;

  /** Empty; the first entry will be the one after `index`. */
  constructor(index: number) {
    this.#chunksFrom = index + 1;
    this.#droppedIndex = index;
    this.#lastIndex = index;
  }

  /** The index of the last entry or, if there is none, of the one that was dropped last. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  push({ index, term, type, data }: Entry): void {
    assert(index === this.#lastIndex + 1, () => `entry ${index} is packed after ${this.#lastIndex}`);
    const at = this.#at(index);
    if (at === 0) this.#chunks.push(this.#freeChunks.pop() ?? new Chunk());
    const chunk = this.#chunks[this.#chunks.length - 1] as Chunk;
    if (data.length > COPIED_BYTES_MAX) chunk.large[at] = data;
    else this.#reserve(data.length).set(data, this.#end % SLAB_BYTES);
    chunk.terms[at] = term;
    chunk.positions[at] = this.#end;
    chunk.lengths[at] = data.length;
    chunk.areConfig[at] = type === 'config' ? 1 : 0;
    if (data.length <= COPIED_BYTES_MAX) this.#end += data.length;
    this.#lastIndex = index;
  }

  /** The entries from `from` to `to`, which must be here, as objects made for this call. */
  entries(from: number, to: number): Entry[] {
    let copiedBytes = 0;
    for (let index = from; index <= to; index++) {
      const length = this.dataBytes(index);
      if (length <= COPIED_BYTES_MAX) copiedBytes += length;
    }
    const copy = new Uint8Array(copiedBytes);
    let used = 0;
    const entries: Entry[] = [];
    for (let index = from; index <= to; index++) {
      const chunk = this.#chunk(index);
      const at = this.#at(index);
      const length = chunk.lengths[at] as number;
      let data = chunk.large[at];
      if (length <= COPIED_BYTES_MAX) {
        data = copy.subarray(used, used + length);
        data.set(this.#copied(chunk.positions[at] as number, length));
        used += length;
      }
      entries.push({ index, term: this.term(index), type: this.type(index), data: data as Uint8Array });
    }
    return entries;
  }

  term(index: number): number {
    return this.#chunk(index).terms[this.#at(index)] as number;
  }

  type(index: number): EntryType {
    return this.#chunk(index).areConfig[this.#at(index)] === 1 ? 'config' : 'normal';
  }

  dataBytes(index: number): number {
    return this.#chunk(index).lengths[this.#at(index)] as number;
  }

  /** Drops everything up to `index`, which must be here. */
  dropTo(index: number): void {
    assert(
      index >= this.#droppedIndex && index <= this.#lastIndex,
      () => `dropping up to ${index} from (${this.#droppedIndex}, ${this.#lastIndex}]`,
    );
    this.#droppedIndex = index;
    for (; index >= this.#chunksFrom + CHUNK_ENTRIES - 1; this.#chunksFrom += CHUNK_ENTRIES) {
      const chunk = this.#chunks.shift() as Chunk;
      chunk.large.length = 0;
      if (this.#freeChunks.length < FREE_CHUNKS_MAX) this.#freeChunks.push(chunk);
    }
    this.#chunks[0]?.large.fill(undefined, 0, index + 1 - this.#chunksFrom);
    const isEmpty = index === this.#lastIndex;
    const position = isEmpty ? this.#end : (this.#chunk(index + 1).positions[this.#at(index + 1)] as number);
    for (; position >= (this.#slabsFrom + 1) * SLAB_BYTES; this.#slabsFrom += 1) {
      const slab = this.#slabs.shift() as Uint8Array;
      if (this.#freeSlabs.length < FREE_SLABS_MAX) this.#freeSlabs.push(slab);
    }
  }

  /** The slab in which `bytes` have room at `#end`. */
  #reserve(bytes: number): Uint8Array {
    const room = SLAB_BYTES - (this.#end % SLAB_BYTES);
    if (bytes > room) this.#end += room;
    const slab = Math.floor(this.#end / SLAB_BYTES) - this.#slabsFrom;
    if (slab === this.#slabs.length) this.#slabs.push(this.#freeSlabs.pop() ?? new Uint8Array(SLAB_BYTES));
    return this.#slabs[slab] as Uint8Array;
  }

  #copied(position: number, bytes: number): Uint8Array {
    const slab = this.#slabs[Math.floor(position / SLAB_BYTES) - this.#slabsFrom] as Uint8Array;
    const start = position % SLAB_BYTES;
    return slab.subarray(start, start + bytes);
  }

  #chunk(index: number): Chunk {
    assert(
      index > this.#droppedIndex && index <= this.#lastIndex,
      () => `entry ${index} is outside of (${this.#droppedIndex}, ${this.#lastIndex}]`,
    );
    return this.#chunks[Math.floor((index - this.#chunksFrom) / CHUNK_ENTRIES)] as Chunk;
  }

  #at(index: number): number {
    return (index - this.#chunksFrom) % CHUNK_ENTRIES;
  }
}
