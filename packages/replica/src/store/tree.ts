/**
 * The ordered map from keys to their newest versions: a B+tree that can be frozen in O(1).
 *
 * Every node carries the edition in which it was made. freeze() hands out the root and begins a new edition; from then on a
 * writer that meets a node of an older edition copies it first, along the path from the root (copy on write). Nodes of the
 * present edition can be reached from the present root only and are changed in place, so without frozen views nothing is copied.
 *
 *                     [ m ]                 inner: keys are separators, children[i] holds keys in [keys[i-1], keys[i])
 *                    /     \
 *            [ d  h ]       [ q ]           live: keys below the node whose newest version is not a tombstone,
 *           /   |    \      /    \                so that counting a range is O(log n)
 *        abc   dfg   hkl  mnp    qrs        leaves: keys[i] -> versions[i], which may be a tombstone
 *
 * A change is a search (locate), which remembers its path, and then one of replace, insert or remove at that place. Nodes
 * split when they exceed NODE_ITEMS_MAX. A node that falls below NODE_ITEMS_MIN is merged with a neighbour when both fit into
 * one node: two neighbours hold more than NODE_ITEMS_MAX together or at least NODE_ITEMS_MIN each.
 */
import type { Key } from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

/** Keys in a leaf, children of an inner node. Two of these make the copy that the first write after a freeze costs, per level. */
export const NODE_ITEMS_MAX = 64;
export const NODE_ITEMS_MIN = 16;
/** Bulk loading leaves room, so that the first inserts do not split every leaf. */
const NODE_ITEMS_LOADED = 56;

/** One class for leaves and inner nodes, so that code which descends sees one shape. */
export class Node {
  readonly edition: number;
  live: number;
  keys: Key[];
  /** Undefined in a leaf. */
  children: Node[] | undefined;
  /** Empty in an inner node. */
  versions: Version[];

  constructor(edition: number, live: number, keys: Key[], children: Node[] | undefined, versions: Version[]) {
    this.edition = edition;
    this.live = live;
    this.keys = keys;
    this.children = children;
    this.versions = versions;
  }

  static leaf(edition: number, live: number, keys: Key[], versions: Version[]): Node {
    return new Node(edition, live, keys, undefined, versions);
  }

  static inner(edition: number, live: number, keys: Key[], children: Node[]): Node {
    return new Node(edition, live, keys, children, []);
  }

  get items(): number {
    return this.children === undefined ? this.keys.length : this.children.length;
  }
}

/** Index of the first key that is not less than `key`. */
export function lowerBound(keys: readonly Key[], key: Key): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as Key) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Index of the child that `key` belongs to: the number of separators that are not greater. */
export function childIndex(separators: readonly Key[], key: Key): number {
  let low = 0;
  let high = separators.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (key < (separators[middle] as Key)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

function insertAt<Item>(items: Item[], index: number, item: Item): void {
  items.push(item);
  for (let position = items.length - 1; position > index; position--) {
    items[position] = items[position - 1] as Item;
  }
  items[index] = item;
}

function removeAt(items: unknown[], index: number): void {
  for (let position = index + 1; position < items.length; position++) {
    items[position - 1] = items[position];
  }
  items.pop();
}

function countLive(versions: readonly Version[]): number {
  let live = 0;
  for (const version of versions) {
    if (!isTombstone(version)) {
      live++;
    }
  }
  return live;
}

function liveOf(children: readonly Node[]): number {
  let live = 0;
  for (const child of children) {
    live += child.live;
  }
  return live;
}

/** How many keys below `root` are live and less than `key`. O(log n). */
export function rank(root: Node, key: Key): number {
  let node = root;
  let before = 0;
  while (node.children !== undefined) {
    const index = childIndex(node.keys, key);
    for (let sibling = 0; sibling < index; sibling++) {
      before += (node.children[sibling] as Node).live;
    }
    node = node.children[index] as Node;
  }
  const index = lowerBound(node.keys, key);
  for (let position = 0; position < index; position++) {
    if (!isTombstone(node.versions[position] as Version)) {
      before++;
    }
  }
  return before;
}

export class Tree {
  private edition = 0;
  private top: Node;
  // The path that locate() took: inner nodes with the index of the child taken, then a place in a leaf.
  private readonly pathNodes: Node[] = [];
  private readonly pathIndexes: number[] = [];
  private depth = 0;
  private leaf: Node;
  private index = 0;

  constructor() {
    this.top = Node.leaf(0, 0, [], []);
    this.leaf = this.top;
  }

  get root(): Node {
    return this.top;
  }

  /** How often the tree has been frozen. */
  get freezes(): number {
    return this.edition;
  }

  /** Live keys. */
  get liveCount(): number {
    return this.top.live;
  }

  /** The present root, which no later change will touch. O(1). */
  freeze(): Node {
    this.edition++;
    return this.top;
  }

  /** The newest version of `key`, or NO_VERSION. */
  find(key: Key): Version {
    let node = this.top;
    let children = node.children;
    while (children !== undefined) {
      node = children[childIndex(node.keys, key)] as Node;
      children = node.children;
    }
    const index = lowerBound(node.keys, key);
    return index < node.keys.length && node.keys[index] === key ? (node.versions[index] as Version) : NO_VERSION;
  }

  /** The same; and remembers the place for replace(), insert() or remove(), one of which may follow. */
  locate(key: Key): Version {
    let node = this.top;
    let depth = 0;
    let children = node.children;
    while (children !== undefined) {
      const index = childIndex(node.keys, key);
      this.pathNodes[depth] = node;
      this.pathIndexes[depth] = index;
      depth++;
      node = children[index] as Node;
      children = node.children;
    }
    this.depth = depth;
    this.leaf = node;
    const index = lowerBound(node.keys, key);
    this.index = index;
    return index < node.keys.length && node.keys[index] === key ? (node.versions[index] as Version) : NO_VERSION;
  }

  /** The located key, as the tree holds it. */
  get locatedKey(): Key {
    const key = this.leaf.keys[this.index];
    if (key === undefined) {
      throw new Error('there is no located key');
    }
    return key;
  }

  /** The located key gets another newest version. */
  replace(version: Version): void {
    this.own();
    const before = this.leaf.versions[this.index];
    if (before === undefined) {
      throw new Error('there is no located key to replace');
    }
    this.leaf.versions[this.index] = version;
    this.addLive((isTombstone(version) ? 0 : 1) - (isTombstone(before) ? 0 : 1));
  }

  /** The located place, where `key` is not, gets it. */
  insert(key: Key, version: Version): void {
    this.own();
    insertAt(this.leaf.keys, this.index, key);
    insertAt(this.leaf.versions, this.index, version);
    this.addLive(isTombstone(version) ? 0 : 1);
    if (this.leaf.keys.length > NODE_ITEMS_MAX) {
      this.split();
    }
  }

  /** The located key goes away altogether. */
  remove(): void {
    this.own();
    const before = this.leaf.versions[this.index];
    if (before === undefined) {
      throw new Error('there is no located key to remove');
    }
    this.addLive(isTombstone(before) ? 0 : -1);
    removeAt(this.leaf.keys, this.index);
    removeAt(this.leaf.versions, this.index);
    this.shrink();
  }

  private addLive(delta: number): void {
    if (delta === 0) {
      return;
    }
    this.leaf.live += delta;
    for (let depth = 0; depth < this.depth; depth++) {
      (this.pathNodes[depth] as Node).live += delta;
    }
  }

  /** Makes every node of the path one of the present edition. A node of it has only such nodes above it. */
  private own(): void {
    const edition = this.edition;
    if (this.leaf.edition === edition) {
      return;
    }
    for (let depth = 0; depth < this.depth; depth++) {
      const node = this.pathNodes[depth] as Node;
      if (node.edition !== edition) {
        const children = node.children as Node[];
        const copy = Node.inner(edition, node.live, node.keys.slice(), children.slice());
        this.pathNodes[depth] = copy;
        this.link(depth, copy);
      }
    }
    const leaf = this.leaf;
    this.leaf = Node.leaf(edition, leaf.live, leaf.keys.slice(), leaf.versions.slice());
    this.link(this.depth, this.leaf);
  }

  /** Puts `node` where the path's node of that depth was. */
  private link(depth: number, node: Node): void {
    if (depth === 0) {
      this.top = node;
    } else {
      const parent = this.pathNodes[depth - 1] as Node;
      (parent.children as Node[])[this.pathIndexes[depth - 1] as number] = node;
    }
  }

  /** The last leaf of the tree: where keys that arrive in order go. */
  private isRightEdge(): boolean {
    for (let depth = 0; depth < this.depth; depth++) {
      if (this.pathIndexes[depth] !== (this.pathNodes[depth] as Node).keys.length) {
        return false;
      }
    }
    return true;
  }

  private split(): void {
    // Keys that arrive in ascending order leave full nodes behind instead of half-full ones.
    const ascending = this.index === NODE_ITEMS_MAX && this.isRightEdge();
    const leaf = this.leaf;
    const at = ascending ? NODE_ITEMS_MAX : NODE_ITEMS_MAX >> 1;
    const versions = leaf.versions.slice(at);
    let right = Node.leaf(this.edition, countLive(versions), leaf.keys.slice(at), versions);
    leaf.keys = leaf.keys.slice(0, at);
    leaf.versions = leaf.versions.slice(0, at);
    leaf.live -= right.live;
    let separator = right.keys[0] as Key;
    for (let depth = this.depth - 1; depth >= 0; depth--) {
      const parent = this.pathNodes[depth] as Node;
      const index = this.pathIndexes[depth] as number;
      const children = parent.children as Node[];
      insertAt(parent.keys, index, separator);
      insertAt(children, index + 1, right);
      if (children.length <= NODE_ITEMS_MAX) {
        return;
      }
      const middle = ascending ? NODE_ITEMS_MAX - 1 : NODE_ITEMS_MAX >> 1;
      const moved = children.slice(middle);
      right = Node.inner(this.edition, liveOf(moved), parent.keys.slice(middle), moved);
      separator = parent.keys[middle - 1] as Key;
      parent.keys = parent.keys.slice(0, middle - 1);
      parent.children = children.slice(0, middle);
      parent.live -= right.live;
    }
    const left = this.top;
    this.top = Node.inner(this.edition, left.live + right.live, [separator], [left, right]);
  }

  /** After a removal: merges what has become too small, from the leaf upwards. */
  private shrink(): void {
    let node = this.leaf;
    for (let depth = this.depth - 1; depth >= 0 && node.items < NODE_ITEMS_MIN; depth--) {
      const parent = this.pathNodes[depth] as Node;
      const index = this.pathIndexes[depth] as number;
      const children = parent.children as Node[];
      if (node.items === 0) {
        removeAt(children, index);
        if (parent.keys.length > 0) {
          removeAt(parent.keys, index === 0 ? 0 : index - 1);
        }
      } else if (index + 1 < children.length) {
        this.merge(parent, index);
      } else if (index > 0) {
        this.merge(parent, index - 1);
      }
      node = parent;
    }
    while (this.top.children !== undefined && this.top.children.length < 2) {
      this.top = this.top.children[0] ?? Node.leaf(this.edition, 0, [], []);
    }
  }

  /** Children `index` and `index + 1` of `parent` become one if they fit. Neither is changed: one of them may be frozen. */
  private merge(parent: Node, index: number): void {
    const children = parent.children as Node[];
    const left = children[index] as Node;
    const right = children[index + 1] as Node;
    if (left.items + right.items > NODE_ITEMS_MAX) {
      return;
    }
    const live = left.live + right.live;
    if (left.children !== undefined && right.children !== undefined) {
      const keys = left.keys.concat([parent.keys[index] as Key], right.keys);
      children[index] = Node.inner(this.edition, live, keys, left.children.concat(right.children));
    } else {
      const versions = left.versions.concat(right.versions);
      children[index] = Node.leaf(this.edition, live, left.keys.concat(right.keys), versions);
    }
    removeAt(children, index + 1);
    removeAt(parent.keys, index);
  }

  /** A tree of entries that arrive in ascending order; for loading. */
  static builder(): TreeBuilder {
    return new TreeBuilder((root) => {
      const tree = new Tree();
      tree.top = root;
      return tree;
    });
  }
}

/** Builds full leaves left to right, then the levels above them. */
export class TreeBuilder {
  readonly #wrap: (root: Node) => Tree;
  readonly #leaves: Node[] = [];
  readonly #separators: Key[] = [];
  readonly #keys: Key[] = [];
  readonly #versions: Version[] = [];

  constructor(wrap: (root: Node) => Tree) {
    this.#wrap = wrap;
  }

  /** `key` must be greater than all before. */
  push(key: Key, version: Version): void {
    if (this.#keys.length === NODE_ITEMS_LOADED) {
      this.#closeLeaf();
    }
    this.#keys.push(key);
    this.#versions.push(version);
  }

  finish(): Tree {
    this.#closeLeaf();
    let nodes = this.#leaves;
    let firstKeys = this.#separators;
    while (nodes.length > 1) {
      const parents: Node[] = [];
      const parentKeys: Key[] = [];
      for (let start = 0; start < nodes.length; start += NODE_ITEMS_LOADED) {
        const children = nodes.slice(start, start + NODE_ITEMS_LOADED);
        const keys = firstKeys.slice(start + 1, start + children.length);
        parents.push(Node.inner(0, liveOf(children), keys, children));
        parentKeys.push(firstKeys[start] as Key);
      }
      nodes = parents;
      firstKeys = parentKeys;
    }
    return this.#wrap(nodes[0] as Node);
  }

  #closeLeaf(): void {
    if (this.#keys.length > 0 || this.#leaves.length === 0) {
      this.#separators.push(this.#keys[0] ?? '');
      // Copies have the room that they need, while an array that has grown has some to spare.
      this.#leaves.push(Node.leaf(0, countLive(this.#versions), this.#keys.slice(), this.#versions.slice()));
      this.#keys.length = 0;
      this.#versions.length = 0;
    }
  }
}
