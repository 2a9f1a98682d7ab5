/**
 * Header blocks: put together from HEADERS and CONTINUATION, decoded, and understood as requests. Blocks seen before are
 * recognised by their bytes.
 */
import type { MethodTable } from '../grpc/method-table.js';
import { parseRequestHead, type RequestHead, tooLargeHead } from '../grpc/request-head.js';
import { BlockCache } from '../hpack/block-cache.js';
import { HpackDecoder } from '../hpack/decoder.js';
import type { Limits } from '../options.js';
import { ConnectionError, ErrorCode } from './protocol.js';

/** A block within headerBlockBytesMax that comes in more pieces than this was cut up to annoy. */
const CONTINUATIONS_MAX = 16;

/** The block of a HEADERS frame without END_HEADERS, until a CONTINUATION ends it (RFC 9113 6.10). */
export class OpenBlock {
  readonly streamId: number;
  readonly flags: number;
  private readonly bytesMax: number;
  private readonly pieces: Buffer[] = [];
  private bytes = 0;

  constructor(streamId: number, flags: number, bytesMax: number) {
    this.streamId = streamId;
    this.flags = flags;
    this.bytesMax = bytesMax;
  }

  append(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.pieces.push(Buffer.from(bytes.subarray(start, end)));
    if (this.bytes <= this.bytesMax && this.pieces.length <= CONTINUATIONS_MAX + 1) return;
    // Refusing the call alone would need the block decoded, to keep the table in step.
    throw new ConnectionError(
      ErrorCode.enhanceYourCalm,
      `header block above ${this.bytesMax} bytes or in too many pieces`,
    );
  }

  whole(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

export class HeaderBlocks {
  /** Bytes of fields that the last request alone refers to. */
  freshBytes = 0;
  private readonly decoder: HpackDecoder;
  private readonly methods: MethodTable;
  private readonly listBytesMax: number;
  private readonly cache = new BlockCache<RequestHead>();

  constructor(limits: Limits, methods: MethodTable) {
    this.decoder = new HpackDecoder(limits.headerListBytesMax);
    this.methods = methods;
    this.listBytesMax = limits.headerListBytesMax;
  }

  /** The request that a block means; undefined if it is malformed. */
  request(block: Buffer, start: number, end: number): RequestHead | undefined {
    const { decoder, cache } = this;
    const before = decoder.generation;
    const known = cache.find(block, start, end, before);
    this.freshBytes = 0;
    if (known !== undefined) return known;
    const fields = decoder.decode(block, start, end);
    if (decoder.isTooLarge) return tooLargeHead(decoder.listBytes, this.listBytesMax);
    this.freshBytes = decoder.listBytes;
    const head = parseRequestHead(fields, this.methods);
    if (head !== undefined && decoder.generation === before) cache.add(block, start, end, before, head);
    return head;
  }

  /** The fields of any other block. */
  fields(block: Buffer, start: number, end: number): readonly string[] {
    return this.decoder.decode(block, start, end);
  }
}
