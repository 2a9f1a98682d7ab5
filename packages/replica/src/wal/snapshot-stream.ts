/**
 * The bytes of a snapshot file, apart from any disk: made block by block for a file or a stream, and read as they arrive, cut anywhere.
 *
 *     header (snapshot-header.ts) | blocks, checksums chained from the header on (blocks.ts) | end block
 */
import type { SnapshotMetadata } from '@quorate/raft';
import type { Platform } from '../seams/index.js';
import {
  BLOCK_BYTES_MAX,
  BLOCK_END_BYTES,
  BLOCK_HEADER_BYTES,
  blockChain,
  blockEnd,
  blockHeader,
  blockLength,
  blockMatches,
  blockTotal,
} from './blocks.js';
import { assert, WalError } from './errors.js';
import {
  encodeSnapshotHeader,
  type FolderIds,
  readSnapshotHeader,
  SNAPSHOT_PREFIX_BYTES,
  type SnapshotHeader,
  snapshotHeaderBytes,
} from './snapshot-header.js';

/** What may follow the end: a digest, say. */
const TRAILER_BYTES_MAX = 1024;

/** Frames a state's stream. */
export class SnapshotFramer {
  readonly header: Uint8Array;
  readonly #platform: Platform;
  #chain: number;
  #totalBytes = 0;

  constructor(platform: Platform, ids: FolderIds, metadata: SnapshotMetadata) {
    this.#platform = platform;
    this.header = encodeSnapshotHeader(platform, ids, metadata);
    this.#chain = platform.crc32(this.header, 0);
  }

  /** The next bytes of the state's stream, framed; views of `chunk` among them. */
  blocks(chunk: Uint8Array): Uint8Array[] {
    const framed: Uint8Array[] = [];
    for (let from = 0; from < chunk.length; from += BLOCK_BYTES_MAX) {
      const block = chunk.subarray(from, Math.min(from + BLOCK_BYTES_MAX, chunk.length));
      const header = blockHeader(this.#platform, block, this.#chain);
      this.#chain = blockChain(header);
      framed.push(header, block);
    }
    this.#totalBytes += chunk.length;
    return framed;
  }

  end(): Uint8Array {
    return blockEnd(this.#platform, this.#totalBytes, this.#chain);
  }
}

/** Reads what a SnapshotFramer made. Throws WalError `corrupt` or `version` naming `name` and the offset; after that it is of no more use. */
export class SnapshotUnframer {
  readonly #platform: Platform;
  readonly #name: string;
  readonly #take: (block: Uint8Array) => void;
  /** What has arrived and is not understood yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Where #rest begins in the stream. */
  #offset = 0;
  #header: SnapshotHeader | undefined;
  #chain = 0;
  #totalBytes = 0;
  #isOver = false;

  /** `take` gets the state's stream, block by block; the blocks are its to keep. Nothing of it counts before finish(). */
  constructor(platform: Platform, name: string, take: (block: Uint8Array) => void) {
    this.#platform = platform;
    this.#name = name;
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    if (this.#isOver && this.#rest.length + chunk.length > TRAILER_BYTES_MAX)
      throw this.#corrupt('bytes after the end');
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    let at = 0;
    while (!this.#isOver) {
      const taken = this.#header === undefined ? this.#readHeader(bytes) : this.#readBlock(bytes.subarray(at));
      if (taken === 0) break;
      at += taken;
      this.#offset += taken;
    }
    this.#rest = bytes.slice(at);
  }

  /** Whose snapshot it was; `trailer`: the bytes after its end, which are no part of it. */
  finish(): SnapshotHeader & { readonly trailer: Uint8Array } {
    if (!this.#isOver || this.#header === undefined) throw this.#corrupt('the stream ends early');
    return { ...this.#header, trailer: this.#rest };
  }

  /** Bytes taken; 0: there are too few. */
  #readHeader(bytes: Uint8Array): number {
    if (bytes.length < SNAPSHOT_PREFIX_BYTES) return 0;
    const length = snapshotHeaderBytes(this.#name, bytes.subarray(0, SNAPSHOT_PREFIX_BYTES));
    if (bytes.length < length) return 0;
    const header = bytes.subarray(0, length);
    this.#header = readSnapshotHeader(this.#platform, this.#name, header);
    this.#chain = this.#platform.crc32(header, 0);
    return length;
  }

  #readBlock(bytes: Uint8Array): number {
    if (bytes.length < BLOCK_HEADER_BYTES) return 0;
    const header = bytes.subarray(0, BLOCK_HEADER_BYTES);
    const length = blockLength(header);
    if (length > BLOCK_BYTES_MAX) throw this.#corrupt(`a block of ${length} bytes`);
    const end = length === 0 ? BLOCK_END_BYTES : BLOCK_HEADER_BYTES + length;
    if (bytes.length < end) return 0;
    const body = bytes.slice(BLOCK_HEADER_BYTES, end);
    if (!blockMatches(this.#platform, header, body, this.#chain)) throw this.#corrupt('block checksum does not match');
    if (length === 0) {
      if (blockTotal(body) !== this.#totalBytes) throw this.#corrupt('blocks are missing');
      this.#isOver = true;
    } else {
      assert(body.length === length, 'a whole block');
      this.#chain = blockChain(header);
      this.#totalBytes += length;
      this.#take(body);
    }
    return end;
  }

  #corrupt(detail: string): WalError {
    return new WalError('corrupt', this.#name, this.#offset, detail);
  }
}
