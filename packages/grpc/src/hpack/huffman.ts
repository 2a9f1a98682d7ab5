/**
 * The Huffman code of HPACK (RFC 7541 Appendix B).
 *
 * The code is canonical (codes of one length are consecutive, in the order of their symbols; shorter codes come first), so that the
 * lengths alone define it. Decoding walks a table four bits at a time: a state is an inner node of the code's tree; no code is
 * shorter than five bits, so that four bits end at most one symbol.
 */
import { ConnectionError, ErrorCode } from '../http2/protocol.js';

/** The length in bits of each symbol's code; the last symbol (256) is the end of the string, which must not occur. */
const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const END_OF_STRING = 256;
const CODE_BITS_MAX = 30;

/** A table entry: the next state in the low bits, then whether a symbol ended, whether the string may end here, the symbol. */
const STATE_MASK = 0xffff;
const HAS_SYMBOL = 0x10000;
const IS_FAILURE = 0x20000;
const SYMBOL_SHIFT = 18;

interface Node {
  readonly children: [Node | number | undefined, Node | number | undefined];
  /** A string may end inside a code only by at most 7 bits, all ones (RFC 7541 5.2). */
  readonly mayEnd: boolean;
}

function buildTree(): Node {
  const root: Node = { children: [undefined, undefined], mayEnd: true };
  let code = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    code *= 2;
    for (const [symbol, length] of CODE_BITS.entries()) {
      if (length === bits) addCode(root, code++, bits, symbol);
    }
  }
  if (code !== 2 ** CODE_BITS_MAX) throw new Error('the Huffman code is not complete');
  return root;
}

function addCode(root: Node, code: number, bits: number, symbol: number): void {
  let node = root;
  for (let depth = 1; depth < bits; depth++) {
    const bit = (code >>> (bits - depth)) & 1;
    let next = node.children[bit];
    if (next === undefined) {
      next = { children: [undefined, undefined], mayEnd: node.mayEnd && bit === 1 && depth <= 7 };
      node.children[bit] = next;
    }
    if (typeof next === 'number') throw new Error('the Huffman code is not prefix-free');
    node = next;
  }
  node.children[code & 1] = symbol;
}

function buildTable(): { readonly steps: Int32Array; readonly mayEnd: Uint8Array } {
  const root = buildTree();
  const nodes: Node[] = [root];
  const numbers = new Map<Node, number>([[root, 0]]);
  for (const node of nodes) {
    for (const child of node.children) {
      if (typeof child !== 'object') continue;
      numbers.set(child, nodes.length);
      nodes.push(child);
    }
  }
  const steps = new Int32Array(nodes.length * 16);
  for (const [state, from] of nodes.entries()) {
    for (let nibble = 0; nibble < 16; nibble++) steps[state * 16 + nibble] = step(root, from, nibble, numbers);
  }
  return { steps, mayEnd: Uint8Array.from(nodes, (node) => (node.mayEnd ? 1 : 0)) };
}

function step(root: Node, from: Node, nibble: number, numbers: ReadonlyMap<Node, number>): number {
  let node = from;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.children[(nibble >>> bit) & 1];
    if (next === END_OF_STRING || next === undefined) return IS_FAILURE;
    if (typeof next === 'number') {
      entry = HAS_SYMBOL | (next << SYMBOL_SHIFT);
      node = root;
    } else {
      node = next;
    }
  }
  return entry | (numbers.get(node) as number);
}

const { steps: STEPS, mayEnd: MAY_END } = buildTable();

/** Five bits are the shortest code, so that n bytes hold at most this many symbols. */
export function decodedBytesMax(encodedBytes: number): number {
  return Math.ceil((encodedBytes * 8) / 5);
}

/** Decodes `source` from `start` to `end` into `target`, which must have room; returns the decoded length. Throws a ConnectionError. */
export function decodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = source[at] as number;
    const high = STEPS[state * 16 + (byte >>> 4)] as number;
    if ((high & HAS_SYMBOL) !== 0) target[length++] = high >>> SYMBOL_SHIFT;
    const low = STEPS[(high & STATE_MASK) * 16 + (byte & 15)] as number;
    if ((low & HAS_SYMBOL) !== 0) target[length++] = low >>> SYMBOL_SHIFT;
    if (((high | low) & IS_FAILURE) !== 0) throw badCode();
    state = low & STATE_MASK;
  }
  if (MAY_END[state] === 0) throw badCode();
  return length;
}

function badCode(): ConnectionError {
  return new ConnectionError(ErrorCode.compressionError, 'invalid Huffman code in a header field');
}
