/**
 * Encodes response header blocks. Two fields only enter the peer's dynamic table, once each: `content-type: application/grpc` and
 * `grpc-status: 0`; from then on a response head is two bytes and the trailers of a success are one. Everything else is sent
 * as a literal without indexing and without Huffman coding, which keeps the peer's table as it is.
 *
 * Blocks must reach the peer in the order in which they were encoded.
 */
import { TABLE_BYTES_DEFAULT } from './decoder.js';
import { CONTENT_TYPE_INDEX, STATIC_ENTRIES } from './static-table.js';

const STATUS_200 = 0x88;
const CONTENT_TYPE = 'application/grpc';
const GRPC_STATUS = 'grpc-status';
const SIZE_UPDATE_ZERO = Uint8Array.of(0x20);

/** Both fields indexed: `content-type` was added before or after `grpc-status`. */
const NEWEST = 0x80 | (STATIC_ENTRIES + 1);
const SECOND = 0x80 | (STATIC_ENTRIES + 2);

function integer(bytes: number[], value: number, prefixBits: number, pattern: number): void {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    bytes.push(pattern | value);
    return;
  }
  bytes.push(pattern | mask);
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
}

function string(bytes: number[], value: string): void {
  integer(bytes, value.length, 7, 0);
  for (let at = 0; at < value.length; at++) bytes.push(value.charCodeAt(at) & 0xff);
}

/** Fields as literals without indexing; names and values are latin1. */
export function literalFields(fields: Iterable<readonly [name: string, value: string]>): Uint8Array {
  const bytes: number[] = [];
  for (const [name, value] of fields) {
    bytes.push(0);
    string(bytes, name);
    string(bytes, value);
  }
  return Uint8Array.from(bytes);
}

function contentTypeLiteral(isIndexed: boolean): Uint8Array {
  const bytes: number[] = [STATUS_200];
  if (isIndexed) integer(bytes, CONTENT_TYPE_INDEX, 6, 0x40);
  else integer(bytes, CONTENT_TYPE_INDEX, 4, 0);
  string(bytes, CONTENT_TYPE);
  return Uint8Array.from(bytes);
}

function statusLiteral(isIndexed: boolean): Uint8Array {
  const bytes: number[] = [isIndexed ? 0x40 : 0];
  string(bytes, GRPC_STATUS);
  string(bytes, '0');
  return Uint8Array.from(bytes);
}

const HEAD_ADDED = contentTypeLiteral(true);
const HEAD_LITERAL = contentTypeLiteral(false);
const HEAD_NEWEST = Uint8Array.of(STATUS_200, NEWEST);
const HEAD_SECOND = Uint8Array.of(STATUS_200, SECOND);
const OK_ADDED = statusLiteral(true);
const OK_LITERAL = statusLiteral(false);
const OK_NEWEST = Uint8Array.of(NEWEST);
const OK_SECOND = Uint8Array.of(SECOND);

export class ResponseEncoder {
  private headBlock: Uint8Array = HEAD_ADDED;
  private okBlock: Uint8Array = OK_ADDED;
  private mustUpdateSize = false;

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE. A table smaller than the default is not used at all from then on, and the peer is told so
   * at the beginning of the next block (RFC 7541 4.2).
   */
  setTableBytesMax(bytes: number): void {
    if (bytes >= TABLE_BYTES_DEFAULT) return;
    this.headBlock = HEAD_LITERAL;
    this.okBlock = OK_LITERAL;
    this.mustUpdateSize = true;
  }

  /** `:status: 200`, `content-type: application/grpc`. */
  head(): Uint8Array {
    const block = this.headBlock;
    if (block === HEAD_ADDED) {
      this.headBlock = HEAD_NEWEST;
      if (this.okBlock === OK_NEWEST) this.okBlock = OK_SECOND;
    }
    return this.begin(block);
  }

  /** `grpc-status: 0`. */
  okTrailers(): Uint8Array {
    const block = this.okBlock;
    if (block === OK_ADDED) {
      this.okBlock = OK_NEWEST;
      if (this.headBlock === HEAD_NEWEST) this.headBlock = HEAD_SECOND;
    }
    return this.begin(block);
  }

  /** Literal fields that begin a block. */
  fields(fields: Iterable<readonly [name: string, value: string]>): Uint8Array {
    return this.begin(literalFields(fields));
  }

  /** What a block must begin with, and then the block. */
  begin(block: Uint8Array): Uint8Array {
    if (!this.mustUpdateSize) return block;
    this.mustUpdateSize = false;
    return Buffer.concat([SIZE_UPDATE_ZERO, block]);
  }
}
