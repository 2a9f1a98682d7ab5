/** Walks a tree's entries in ascending order from any key. Not to be moved after the tree below its root has changed: seek again. */

import { childIndex, lowerBound, type Node } from './tree.js';
import type { Key, KeyRange } from './types.js';
import type { Version } from './versions.js';

export class Cursor {
  private readonly nodes: Node[] = [];
  private readonly indexes: number[] = [];
  private depth = 0;
  private leaf: Node;
  private index = 0;

  /** Stands on the first entry whose key is not less than `key`. */
  constructor(root: Node, key: Key) {
    this.leaf = root;
    this.seek(root, key);
  }

  seek(root: Node, key: Key): void {
    let node = root;
    this.depth = 0;
    while (node.children !== undefined) {
      const index = childIndex(node.keys, key);
      this.nodes[this.depth] = node;
      this.indexes[this.depth] = index;
      this.depth++;
      node = node.children[index] as Node;
    }
    this.leaf = node;
    this.index = lowerBound(node.keys, key);
    this.settle();
  }

  /** Undefined behind the last entry. */
  get key(): Key | undefined {
    return this.leaf.keys[this.index];
  }

  /** The newest version of the key it stands on. */
  get version(): Version {
    return this.leaf.versions[this.index] as Version;
  }

  next(): void {
    this.index++;
    this.settle();
  }

  /** Behind a leaf's end, goes on to the next leaf that has an entry. */
  private settle(): void {
    while (this.index >= this.leaf.keys.length && this.climb()) {
      this.index = 0;
    }
  }

  private climb(): boolean {
    for (let depth = this.depth - 1; depth >= 0; depth--) {
      const children = (this.nodes[depth] as Node).children as Node[];
      const index = (this.indexes[depth] as number) + 1;
      if (index < children.length) {
        this.indexes[depth] = index;
        this.descend(depth + 1, children[index] as Node);
        return true;
      }
    }
    return false;
  }

  /** Goes down the left edge below `from`. */
  private descend(depth: number, from: Node): void {
    let node = from;
    let position = depth;
    while (node.children !== undefined) {
      this.nodes[position] = node;
      this.indexes[position] = 0;
      position++;
      node = node.children[0] as Node;
    }
    this.leaf = node;
  }
}

/** A rangeEnd that means "every key from `key` on" (contract section 3.1). */
export const EVERY_KEY_FROM = '\0';

/** Is `key` before the end of `range`? */
export function isBeforeEnd(key: Key, range: KeyRange): boolean {
  if (range.rangeEnd === undefined) {
    return key === range.key;
  }
  return range.rangeEnd === EVERY_KEY_FROM || key < range.rangeEnd;
}

export function isInRange(key: Key, range: KeyRange): boolean {
  return key >= range.key && isBeforeEnd(key, range);
}
