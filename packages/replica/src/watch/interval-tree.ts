/**
 * Ranges of keys, to find all that contain a given key: an AVL tree in the order of (start, end), in which every node also knows
 * the greatest end below it, so that whole subtrees which end before the key are passed over. Insert and remove are O(log n);
 * finding costs O(log n) for each range found, and O(log n) where there is none.
 */
import type { Key } from '../store/index.js';
import { assert } from './assert.js';

/** [start, end); an undefined end is behind every key. */
interface Interval {
  readonly start: Key;
  readonly end: Key | undefined;
}

interface Node<Item> {
  start: Key;
  end: Key | undefined;
  item: Item;
  left: Node<Item> | undefined;
  right: Node<Item> | undefined;
  height: number;
  maxEnd: Key | undefined;
}

function isAfter(left: Key | undefined, right: Key | undefined): boolean {
  return right !== undefined && (left === undefined || left > right);
}

/** Negative if `left` comes first, 0 if they are one interval. */
function compare(left: Interval, right: Interval): number {
  if (left.start !== right.start) return left.start < right.start ? -1 : 1;
  if (left.end === right.end) return 0;
  return isAfter(left.end, right.end) ? 1 : -1;
}

function heightOf(node: Node<unknown> | undefined): number {
  return node === undefined ? 0 : node.height;
}

function update(node: Node<unknown>): void {
  node.height = 1 + Math.max(heightOf(node.left), heightOf(node.right));
  let { end } = node;
  if (node.left !== undefined && isAfter(node.left.maxEnd, end)) end = node.left.maxEnd;
  if (node.right !== undefined && isAfter(node.right.maxEnd, end)) end = node.right.maxEnd;
  node.maxEnd = end;
}

function rotateRight<Item>(node: Node<Item>): Node<Item> {
  const { left } = node;
  assert(left !== undefined, () => 'a rotation without a left child');
  node.left = left.right;
  left.right = node;
  update(node);
  update(left);
  return left;
}

function rotateLeft<Item>(node: Node<Item>): Node<Item> {
  const { right } = node;
  assert(right !== undefined, () => 'a rotation without a right child');
  node.right = right.left;
  right.left = node;
  update(node);
  update(right);
  return right;
}

/** The root of the subtree after one insertion or removal below `node`. */
function balance<Item>(node: Node<Item>): Node<Item> {
  update(node);
  const lean = heightOf(node.left) - heightOf(node.right);
  if (lean > 1 && node.left !== undefined) {
    if (heightOf(node.left.left) < heightOf(node.left.right)) node.left = rotateLeft(node.left);
    return rotateRight(node);
  }
  if (lean < -1 && node.right !== undefined) {
    if (heightOf(node.right.right) < heightOf(node.right.left)) node.right = rotateRight(node.right);
    return rotateLeft(node);
  }
  return node;
}

function insertBelow<Item>(node: Node<Item> | undefined, added: Node<Item>): Node<Item> {
  if (node === undefined) return added;
  const order = compare(added, node);
  assert(order !== 0, () => 'an interval is inserted twice');
  if (order < 0) node.left = insertBelow(node.left, added);
  else node.right = insertBelow(node.right, added);
  return balance(node);
}

function removeBelow<Item>(node: Node<Item> | undefined, interval: Interval): Node<Item> | undefined {
  assert(node !== undefined, () => 'an interval to be removed is not there');
  const order = compare(interval, node);
  if (order < 0) node.left = removeBelow(node.left, interval);
  else if (order > 0) node.right = removeBelow(node.right, interval);
  else if (node.left === undefined || node.right === undefined) return node.left ?? node.right;
  else {
    let successor = node.right;
    while (successor.left !== undefined) successor = successor.left;
    node.right = removeBelow(node.right, successor);
    node.start = successor.start;
    node.end = successor.end;
    node.item = successor.item;
  }
  return balance(node);
}

function findBelow<Item>(node: Node<Item> | undefined, key: Key, found: (item: Item) => void): void {
  if (node === undefined || !isAfter(node.maxEnd, key)) return;
  findBelow(node.left, key, found);
  // All to the right start no earlier than here.
  if (node.start > key) return;
  if (isAfter(node.end, key)) found(node.item);
  findBelow(node.right, key, found);
}

export class IntervalTree<Item> {
  #root: Node<Item> | undefined;

  insert(start: Key, end: Key | undefined, item: Item): void {
    this.#root = insertBelow(this.#root, {
      start,
      end,
      item,
      left: undefined,
      right: undefined,
      height: 1,
      maxEnd: end,
    });
  }

  remove(start: Key, end: Key | undefined): void {
    this.#root = removeBelow(this.#root, { start, end });
  }

  /** Calls `found` with every item whose interval contains `key`. */
  find(key: Key, found: (item: Item) => void): void {
    findBelow(this.#root, key, found);
  }

  get height(): number {
    return heightOf(this.#root);
  }
}
