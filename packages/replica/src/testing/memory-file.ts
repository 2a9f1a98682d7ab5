/**
 * One file of the virtual disk, in sectors: what is durable, what the operating system holds in memory, and what of the latter
 * may reach the disk before a crash.
 *
 * Since the last sync each write has left one more version of every sector that it touched. At a crash each sector ends up, each
 * for itself, in any of its versions or as it was durable: that is all a page cache over a disk promises.
 */
import type { RandomStream } from '../seams/random.js';

export const MEMORY_SECTOR_BYTES = 512;

type Sectors = Map<number, Uint8Array>;

/** Sectors are cut from blocks of this size: one by one, each would be an allocation outside of the heap. */
const BLOCK_BYTES = 32 * MEMORY_SECTOR_BYTES;
let block = new ArrayBuffer(BLOCK_BYTES);
let blockUsed = 0;

/** A copy of the former one, or zeros. */
function newSector(former: Uint8Array | undefined): Uint8Array {
  if (blockUsed === BLOCK_BYTES) {
    block = new ArrayBuffer(BLOCK_BYTES);
    blockUsed = 0;
  }
  const sector = new Uint8Array(block, blockUsed, MEMORY_SECTOR_BYTES);
  blockUsed += MEMORY_SECTOR_BYTES;
  if (former !== undefined) sector.set(former);
  return sector;
}

export class MemoryFile {
  sizeBytes = 0;
  #durableSizeBytes = 0;
  /** Sectors that are not there are zero. Their arrays are never written to, only replaced. */
  #sectors: Sectors = new Map();
  readonly #durable: Sectors = new Map();
  /** Every durable sector lies before it. */
  #durableEnd = 0;
  /** Oldest first. */
  readonly #versions = new Map<number, Uint8Array[]>();

  read(offset: number, length: number): Uint8Array {
    const end = Math.max(offset, Math.min(offset + length, this.sizeBytes));
    const bytes = new Uint8Array(end - offset);
    for (let at = offset; at < end; ) {
      const number = Math.floor(at / MEMORY_SECTOR_BYTES);
      const from = at % MEMORY_SECTOR_BYTES;
      const take = Math.min(MEMORY_SECTOR_BYTES - from, end - at);
      const sector = this.#sectors.get(number);
      if (sector !== undefined) bytes.set(sector.subarray(from, from + take), at - offset);
      at += take;
    }
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const number = Math.floor((offset + at) / MEMORY_SECTOR_BYTES);
      const from = (offset + at) % MEMORY_SECTOR_BYTES;
      const take = Math.min(MEMORY_SECTOR_BYTES - from, bytes.length - at);
      const sector = newSector(take < MEMORY_SECTOR_BYTES ? this.#sectors.get(number) : undefined);
      sector.set(bytes.subarray(at, at + take), from);
      this.#sectors.set(number, sector);
      const versions = this.#versions.get(number);
      if (versions === undefined) this.#versions.set(number, [sector]);
      else versions.push(sector);
      at += take;
    }
    this.sizeBytes = Math.max(this.sizeBytes, offset + bytes.length);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      const keep = Math.floor(sizeBytes / MEMORY_SECTOR_BYTES);
      for (const number of this.#sectors.keys()) if (number > keep) this.#sectors.delete(number);
      for (const number of this.#versions.keys()) if (number > keep) this.#versions.delete(number);
      const cut = this.#sectors
        .get(keep)
        ?.slice()
        .fill(0, sizeBytes % MEMORY_SECTOR_BYTES);
      if (cut !== undefined) {
        this.#sectors.set(keep, cut);
        this.#versions.set(keep, [...(this.#versions.get(keep) ?? []), cut]);
      }
    }
    this.sizeBytes = sizeBytes;
  }

  sync(): void {
    // Only what is known to have changed: what an earlier sync has failed to write is not tried again.
    for (const [number, versions] of this.#versions) this.#setDurable(number, versions.at(-1) as Uint8Array);
    const keep = Math.ceil(this.sizeBytes / MEMORY_SECTOR_BYTES);
    if (this.#durableEnd > keep) {
      for (const number of this.#durable.keys()) if (number >= keep) this.#durable.delete(number);
      this.#durableEnd = keep;
    }
    this.#durableSizeBytes = this.sizeBytes;
    this.#versions.clear();
  }

  /** A sync that fails: some sectors got there, the others never will, and yet the system takes them for written. */
  failSync(random: RandomStream): void {
    for (const [number, versions] of this.#versions) {
      if (random.integer(2) === 0) this.#persist(number, versions.at(-1));
    }
    this.#versions.clear();
  }

  /** What is left after the power was cut. */
  crash(random: RandomStream): void {
    const sizes = [this.#durableSizeBytes, this.sizeBytes];
    this.#durableSizeBytes = sizes[random.integer(sizes.length)] as number;
    for (const [number, versions] of this.#versions) {
      const survivor = versions[random.integer(versions.length + 1) - 1];
      if (survivor !== undefined) this.#persist(number, survivor);
    }
    this.#versions.clear();
    this.#sectors = new Map(this.#durable);
    this.sizeBytes = this.#durableSizeBytes;
  }

  /** Damages what is durable, and what is read with it. */
  alter(offset: number, change: (byte: number) => number): void {
    const number = Math.floor(offset / MEMORY_SECTOR_BYTES);
    const altered = (former: Uint8Array | undefined): Uint8Array => {
      const sector = newSector(former);
      const at = offset % MEMORY_SECTOR_BYTES;
      sector[at] = change(sector[at] as number);
      return sector;
    };
    this.#sectors.set(number, altered(this.#sectors.get(number)));
    this.#setDurable(number, altered(this.#durable.get(number)));
  }

  #setDurable(number: number, sector: Uint8Array): void {
    this.#durable.set(number, sector);
    this.#durableEnd = Math.max(this.#durableEnd, number + 1);
  }

  #persist(number: number, sector: Uint8Array | undefined): void {
    if (sector === undefined) return;
    this.#setDurable(number, sector);
    const end = Math.min(this.sizeBytes, (number + 1) * MEMORY_SECTOR_BYTES);
    this.#durableSizeBytes = Math.max(this.#durableSizeBytes, end);
  }
}
