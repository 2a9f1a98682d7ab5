/**
 * The sector layer of the log: which bytes of a segment file carry data, and how to tell a written sector from one that never
 * reached the disk.
 *
 * A disk writes sectors of 512 bytes, each wholly or not at all, and the file was zero before. So that "never written" cannot be
 * mistaken for "written, and by chance zero", the last byte of each sector is a marker that is never zero:
 *
 *     file offset   0 ......... 510  511   512 ......... 1022  1023
 *                   [ 511 data    ] [M]    [ 511 data       ]  [M]
 *
 * The data bytes of all sectors, joined, are the stream that frames are written into. A position is a file offset that is not a
 * marker's. A frame's last byte is not zero either. Hence each part of a frame that lies within one sector (a "portion") ends with a
 * byte that is not zero: the marker, or the frame's last. A portion that ends with zero was not written, or cut off by a write
 * that failed half way.
 */
/** What every disk in use writes atomically (4 KiB sectors are eight of these). */
export const SECTOR_BYTES = 512;
export const SECTOR_DATA_BYTES: number = SECTOR_BYTES - 1;
/** Differs from zero in five bits: no single flipped bit makes a written sector look unwritten. */
export const SECTOR_MARKER = 0xb5;

/** The position `count` stream bytes after `position`. */
export function advance(position: number, count: number): number {
  const stream = Math.floor(position / SECTOR_BYTES) * SECTOR_DATA_BYTES + (position % SECTOR_BYTES) + count;
  return Math.floor(stream / SECTOR_DATA_BYTES) * SECTOR_BYTES + (stream % SECTOR_DATA_BYTES);
}

/** Most file bytes that `count` stream bytes take, wherever they begin. */
export function fileBytesMax(count: number): number {
  return count + Math.ceil(count / SECTOR_DATA_BYTES) + 1;
}

/** Copies `count` stream bytes out of `bytes`, whose first byte is at file offset `base`, from `position` on. */
export function copyStream(
  bytes: Uint8Array,
  base: number,
  position: number,
  into: Uint8Array,
  offset: number,
  count: number,
): void {
  let from = position - base;
  let to = offset;
  let left = count;
  while (left > 0) {
    const room = SECTOR_DATA_BYTES - ((base + from) % SECTOR_BYTES);
    const take = left < room ? left : room;
    into.set(bytes.subarray(from, from + take), to);
    from += take === room ? take + 1 : take;
    to += take;
    left -= take;
  }
}

/**
 * Whether a portion of the frame in the file range [start, end) was never written, or not to its end. `bytes[0]` is at file
 * offset `base`.
 */
export function hasUnwrittenPortion(bytes: Uint8Array, base: number, start: number, end: number): boolean {
  let from = start;
  while (from < end) {
    const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (bytes[to - 1 - base] === 0) return true;
    from = to;
  }
  return false;
}

/** Below this a loop copies faster than a call of `set`. */
const LOOP_COPY_BYTES = 32;

/**
 * Lays stream bytes out in sectors, in one buffer that is written to the file at `base`.
 *
 * What is put is first joined to the stream as it is, which takes one copy of each piece and no view of any; lay() then moves it, within
 * the buffer, to where the sectors want it. The stream lies so far back that everything moves forward to its place:
 *
 *     | laid out, markers among it | free, as long as the markers that may still come | stream, not laid out yet |
 */
export class SectorWriter {
  /** The buffer; [0, position - base) is filled, after lay(). Valid until the next begin(). */
  bytes: Uint8Array = new Uint8Array(0);
  base = 0;
  /** Where in the file the bytes end that are laid out. */
  position = 0;
  /** In the buffer: where the stream begins that is not laid out, and where it ends. */
  #from = 0;
  #to = 0;

  /** `streamBytes`: at least all that will be put. */
  begin(base: number, streamBytes: number, allocate: (bytes: number) => Uint8Array): void {
    const capacityBytes = fileBytesMax(streamBytes);
    if (this.bytes.length < capacityBytes) this.bytes = allocate(Math.max(capacityBytes, 2 * this.bytes.length));
    this.base = base;
    this.position = base;
    this.#from = capacityBytes - streamBytes;
    this.#to = this.#from;
  }

  put(source: Uint8Array, count: number): void {
    const { bytes } = this;
    const to = this.#to;
    if (count === source.length && count >= LOOP_COPY_BYTES) bytes.set(source, to);
    else for (let i = 0; i < count; i += 1) bytes[to + i] = source[i] as number;
    this.#to = to + count;
  }

  /** Lays out all that was put. */
  lay(): void {
    const { bytes } = this;
    let from = this.#from;
    let to = this.position - this.base;
    let room = SECTOR_DATA_BYTES - (this.position % SECTOR_BYTES);
    while (this.#to - from >= room) {
      bytes.copyWithin(to, from, from + room);
      from += room;
      to += room;
      // fileBytesMax has room for each marker, so this is not the stream's next byte yet.
      bytes[to] = SECTOR_MARKER;
      to += 1;
      room = SECTOR_DATA_BYTES;
    }
    bytes.copyWithin(to, from, this.#to);
    this.position = this.base + to + this.#to - from;
    this.#from = this.#to;
  }

  /** Overwrites bytes that are laid out, from `position` on. */
  patch(position: number, source: Uint8Array, count: number): void {
    let to = position - this.base;
    for (let i = 0; i < count; i += 1) {
      this.bytes[to] = source[i] as number;
      to += (this.base + to) % SECTOR_BYTES === SECTOR_DATA_BYTES - 1 ? 2 : 1;
    }
  }
}
