/**
 * Decodes header blocks (RFC 7541): literals, Huffman strings, the static and the dynamic table.
 *
 * What a peer can make us hold is bounded: the dynamic table by its size, a block by the connection, and the fields of a block by
 * `listBytesMax`; past that the rest is decoded (the table must stay in step with the peer's) but not kept.
 */
import { ConnectionError, ErrorCode } from '../http2/protocol.js';
import { decodedBytesMax, decodeHuffman } from './huffman.js';
import { STATIC_ENTRIES, STATIC_NAMES, STATIC_VALUES } from './static-table.js';

/** RFC 7541 4.1: what an entry counts beyond its name and value. */
export const ENTRY_OVERHEAD_BYTES = 32;
/** RFC 9113 6.5.2: the default of SETTINGS_HEADER_TABLE_SIZE; we never announce another. */
export const TABLE_BYTES_DEFAULT = 4096;

/** Larger than any block, index or size that is accepted; an integer beyond it is an attack or a mistake. */
const INTEGER_MAX = 0xfffffff;

/** A ring: entries have ascending serial numbers, the newest is `added - 1`. */
class DynamicTable {
  count = 0;
  bytes = 0;
  bytesMax: number;
  private added = 0;
  private readonly mask: number;
  private readonly names: string[];
  private readonly values: string[];

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    const capacity = 2 ** Math.ceil(Math.log2(bytesMax / ENTRY_OVERHEAD_BYTES));
    this.mask = capacity - 1;
    this.names = Array.from({ length: capacity }, () => '');
    this.values = Array.from({ length: capacity }, () => '');
  }

  /** `index` 0 is the newest. */
  name(index: number): string {
    return this.names[(this.added - 1 - index) & this.mask] as string;
  }

  value(index: number): string {
    return this.values[(this.added - 1 - index) & this.mask] as string;
  }

  /** RFC 7541 4.4: an entry larger than the table empties it, which is no error. */
  add(name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.shrink(this.bytesMax - size);
    if (size > this.bytesMax) return;
    const slot = this.added & this.mask;
    this.names[slot] = name;
    this.values[slot] = value;
    this.added += 1;
    this.count += 1;
    this.bytes += size;
  }

  resize(bytesMax: number): void {
    this.bytesMax = bytesMax;
    this.shrink(bytesMax);
  }

  private shrink(bytes: number): void {
    while (this.count > 0 && this.bytes > bytes) {
      const oldest = this.count - 1;
      this.bytes -= this.name(oldest).length + this.value(oldest).length + ENTRY_OVERHEAD_BYTES;
      const slot = (this.added - 1 - oldest) & this.mask;
      this.names[slot] = '';
      this.values[slot] = '';
      this.count -= 1;
    }
  }
}

export class HpackDecoder {
  /** Changes whenever the dynamic table does: blocks with the same bytes mean the same as long as it stays. */
  generation = 0;
  /** The size of the last block's fields as RFC 9113 6.5.2 counts them. */
  listBytes = 0;
  private readonly listBytesMax: number;
  private readonly table = new DynamicTable(TABLE_BYTES_DEFAULT);
  private block: Buffer = Buffer.alloc(0);
  private position = 0;
  private end = 0;
  private scratch: Buffer = Buffer.allocUnsafe(256);
  private fields: string[] = [];
  private hasField = false;

  constructor(listBytesMax: number) {
    this.listBytesMax = listBytesMax;
  }

  /** The last block's fields were more than `listBytesMax`; those beyond it were dropped. */
  get isTooLarge(): boolean {
    return this.listBytes > this.listBytesMax;
  }

  /** The fields of a block: name, value, name, value... as latin1 strings. Throws a ConnectionError (COMPRESSION_ERROR). */
  decode(block: Buffer, start: number, end: number): string[] {
    this.block = block;
    this.position = start;
    this.end = end;
    this.fields = [];
    this.hasField = false;
    this.listBytes = 0;
    while (this.position < end) this.decodeField(block[this.position] as number);
    return this.fields;
  }

  private decodeField(first: number): void {
    if ((first & 0x80) !== 0) {
      const index = this.integer(7);
      return this.push(this.nameAt(index), this.valueAt(index));
    }
    if ((first & 0x40) !== 0) {
      const name = this.literalName(this.integer(6));
      const value = this.string();
      this.table.add(name, value);
      this.generation += 1;
      return this.push(name, value);
    }
    if ((first & 0x20) !== 0) return this.resize(this.integer(5));
    const name = this.literalName(this.integer(4));
    return this.push(name, this.string());
  }

  private push(name: string, value: string): void {
    this.hasField = true;
    this.listBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
    if (this.listBytes <= this.listBytesMax) this.fields.push(name, value);
  }

  /** RFC 7541 4.2, 6.3: only at the beginning of a block, and never above what we allow. */
  private resize(bytes: number): void {
    if (this.hasField) throw malformed('table size update after a field');
    if (bytes > TABLE_BYTES_DEFAULT) throw malformed(`table size ${bytes} above ${TABLE_BYTES_DEFAULT}`);
    this.table.resize(bytes);
    this.generation += 1;
  }

  private literalName(index: number): string {
    return index === 0 ? this.string() : this.nameAt(index);
  }

  private nameAt(index: number): string {
    if (index <= STATIC_ENTRIES) {
      if (index === 0) throw malformed('index 0');
      return STATIC_NAMES[index] as string;
    }
    const entry = index - STATIC_ENTRIES - 1;
    if (entry >= this.table.count) throw malformed(`index ${index} is not in the table`);
    return this.table.name(entry);
  }

  /** Of an index that nameAt() has accepted. */
  private valueAt(index: number): string {
    return index <= STATIC_ENTRIES ? (STATIC_VALUES[index] as string) : this.table.value(index - STATIC_ENTRIES - 1);
  }

  /** RFC 7541 5.1: an integer whose first byte has `prefixBits` bits of it. */
  private integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (this.block[this.position++] as number) & mask;
    if (value < mask) return value;
    let scale = 1;
    for (;;) {
      if (this.position >= this.end) throw malformed('integer is cut off');
      const byte = this.block[this.position++] as number;
      value += (byte & 0x7f) * scale;
      if (value > INTEGER_MAX || scale > INTEGER_MAX) throw malformed('integer is too large');
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  private string(): string {
    if (this.position >= this.end) throw malformed('string is missing');
    const isHuffman = ((this.block[this.position] as number) & 0x80) !== 0;
    const length = this.integer(7);
    const start = this.position;
    if (length > this.end - start) throw malformed('string is cut off');
    this.position = start + length;
    if (!isHuffman) return this.block.toString('latin1', start, this.position);
    const needed = decodedBytesMax(length);
    if (this.scratch.length < needed) this.scratch = Buffer.allocUnsafe(needed);
    return this.scratch.toString('latin1', 0, decodeHuffman(this.block, start, this.position, this.scratch));
  }
}

function malformed(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.compressionError, `malformed header block: ${what}`);
}
