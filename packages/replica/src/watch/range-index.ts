/** Things by the range of keys that they are about, one for each range. Single keys in a map, ranges in an interval tree. */
import { EVERY_KEY_FROM, type Key, type KeyRange } from '../store/index.js';
import { IntervalTree } from './interval-tree.js';

export class RangeIndex<Item extends KeyRange> {
  readonly #keys: Map<Key, Item> = new Map();
  readonly #ranges: Map<string, Item> = new Map();
  readonly #tree: IntervalTree<Item> = new IntervalTree();

  get size(): number {
    return this.#keys.size + this.#ranges.size;
  }

  /** The item of exactly that range. */
  get(range: KeyRange): Item | undefined {
    return range.rangeEnd === undefined
      ? this.#keys.get(range.key)
      : this.#ranges.get(nameOf(range.key, range.rangeEnd));
  }

  /** There must be none of that range. */
  add(item: Item): void {
    if (item.rangeEnd === undefined) {
      this.#keys.set(item.key, item);
    } else {
      this.#ranges.set(nameOf(item.key, item.rangeEnd), item);
      this.#tree.insert(item.key, endOf(item.rangeEnd), item);
    }
  }

  remove(item: Item): void {
    if (item.rangeEnd === undefined) {
      this.#keys.delete(item.key);
    } else {
      this.#ranges.delete(nameOf(item.key, item.rangeEnd));
      this.#tree.remove(item.key, endOf(item.rangeEnd));
    }
  }

  /** Calls `found` with every item whose range contains `key`. It must not change the index. */
  find(key: Key, found: (item: Item) => void): void {
    const item = this.#keys.get(key);
    if (item !== undefined) {
      found(item);
    }
    this.#tree.find(key, found);
  }

  /** Items may be removed while they are walked. */
  *all(): IterableIterator<Item> {
    yield* this.#keys.values();
    yield* this.#ranges.values();
  }
}

/** The tree's end: undefined is behind every key. */
function endOf(rangeEnd: Key): Key | undefined {
  return rangeEnd === EVERY_KEY_FROM ? undefined : rangeEnd;
}

function nameOf(key: Key, rangeEnd: Key): string {
  return `${key.length}:${key}${rangeEnd}`;
}
