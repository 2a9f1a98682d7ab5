/**
 * One file of the virtual disk: what is durable, what the operating system shows, and what of the latter may reach the disk before
 * a crash.
 *
 * Since the last sync each write has left one more version of every sector that it touched. At a crash each sector ends up, each
 * for itself, in any of its versions or as it was durable: that is all a page cache over a disk promises. Crashes are rare and writes
 * are not: what was written since is remembered as it came, and taken apart into sectors when there is a crash.
 */
import type { RandomStream } from '../seams/random.js';
import { isAt } from './chunks.js';

export const MEMORY_SECTOR_BYTES = 512;

/** Room for so many to begin with. */
const SECTORS_MIN = 4;

/** Bytes without end, in sectors: those that nobody has written are not there, and read as zeros. */
class Image {
  #bytes = new Uint8Array(0);
  /** By sector: 1 if it is there. */
  #there = new Uint8Array(0);
  /** Every sector that is there lies before it. */
  end = 0;

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(offset, offset + length));
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const first = Math.floor(offset / MEMORY_SECTOR_BYTES);
    const end = Math.ceil((offset + bytes.length) / MEMORY_SECTOR_BYTES);
    if (end > this.#there.length) this.reserve(Math.max(end, 2 * this.#there.length, SECTORS_MIN));
    this.#bytes.set(bytes, offset);
    for (let number = first; number < end; number += 1) this.#there[number] = 1;
    if (end > this.end) this.end = end;
  }

  /** A view; undefined if it is not there. */
  sector(number: number): Uint8Array | undefined {
    if (this.#there[number] !== 1) return undefined;
    return this.#bytes.subarray(number * MEMORY_SECTOR_BYTES, (number + 1) * MEMORY_SECTOR_BYTES);
  }

  /** Sectors from `number` on are not there any more. */
  cut(number: number): void {
    if (number >= this.end) return;
    this.#there.fill(0, number);
    this.#bytes.fill(0, number * MEMORY_SECTOR_BYTES);
    this.end = number;
  }

  copy(): Image {
    const image = new Image();
    image.#bytes = this.#bytes.slice(0, this.end * MEMORY_SECTOR_BYTES);
    image.#there = this.#there.slice(0, this.end);
    image.end = this.end;
    return image;
  }

  isEqual(other: Image): boolean {
    const end = Math.max(this.end, other.end);
    for (let number = 0; number < end; number += 1) {
      const [one, another] = [this.sector(number), other.sector(number)];
      if (one === undefined || another === undefined ? one !== another : !isAt(one, another, 0)) return false;
    }
    return true;
  }

  /** Room for so many sectors in all. */
  reserve(sectors: number): void {
    if (sectors <= this.#there.length) return;
    const bytes = new Uint8Array(sectors * MEMORY_SECTOR_BYTES);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    const there = new Uint8Array(sectors);
    there.set(this.#there);
    this.#there = there;
  }
}

/** A write, or the end of the file where `sizeBytes` is given. */
interface Change {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly sizeBytes: number | undefined;
}

const NO_BYTES = new Uint8Array(0);

export class MemoryFile {
  sizeBytes = 0;
  #durableSizeBytes = 0;
  #shown = new Image();
  readonly #durable = new Image();
  /** Since the last sync, oldest first. */
  #changes: Change[] = [];
  #hasShrunk = false;
  /** What was shown at the last sync, where that is not what is durable. */
  #base: Image | undefined;

  read(offset: number, length: number): Uint8Array {
    const end = Math.max(offset, Math.min(offset + length, this.sizeBytes));
    return this.#shown.read(offset, end - offset);
  }

  /** `bytes` must not be changed afterwards. */
  write(offset: number, bytes: Uint8Array): void {
    this.#shown.write(offset, bytes);
    if (bytes.length > 0) this.#changes.push({ offset, bytes, sizeBytes: undefined });
    this.sizeBytes = Math.max(this.sizeBytes, offset + bytes.length);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      const last = Math.floor(sizeBytes / MEMORY_SECTOR_BYTES);
      this.#shown.cut(last + 1);
      this.#shown.sector(last)?.fill(0, sizeBytes % MEMORY_SECTOR_BYTES);
      this.#changes.push({ offset: 0, bytes: NO_BYTES, sizeBytes });
      this.#hasShrunk = true;
    } else {
      // It will be filled.
      for (const image of [this.#shown, this.#durable]) image.reserve(Math.ceil(sizeBytes / MEMORY_SECTOR_BYTES));
    }
    this.sizeBytes = sizeBytes;
  }

  sync(): void {
    const end = Math.ceil(this.sizeBytes / MEMORY_SECTOR_BYTES);
    // Only what is known to have changed: what an earlier sync has failed to write is not tried again.
    if (this.#base === undefined && !this.#hasShrunk && this.#durable.end <= end) {
      for (const { offset, bytes } of this.#changes) this.#durable.write(offset, bytes);
    } else {
      for (const [number, versions] of this.#versions()) this.#setDurable(number, versions.at(-1) as Uint8Array);
      this.#durable.cut(end);
      this.#base = this.#shown.isEqual(this.#durable) ? undefined : this.#shown.copy();
    }
    this.#durableSizeBytes = this.sizeBytes;
    this.#forget();
  }

  /** A sync that fails: some sectors got there, the others never will, and yet the system takes them for written. */
  failSync(random: RandomStream): void {
    for (const [number, versions] of this.#versions()) {
      if (random.integer(2) === 0) this.#persist(number, versions.at(-1));
    }
    this.#base = this.#shown.copy();
    this.#forget();
  }

  /** What is left after the power was cut. */
  crash(random: RandomStream): void {
    const sizes = [this.#durableSizeBytes, this.sizeBytes];
    this.#durableSizeBytes = sizes[random.integer(sizes.length)] as number;
    for (const [number, versions] of this.#versions()) {
      const survivor = versions[random.integer(versions.length + 1) - 1];
      if (survivor !== undefined) this.#persist(number, survivor);
    }
    this.#forget();
    this.#base = undefined;
    this.#shown = this.#durable.copy();
    this.sizeBytes = this.#durableSizeBytes;
  }

  /** Damages what is durable, and what is read with it. */
  alter(offset: number, change: (byte: number) => number): void {
    for (const image of [this.#shown, this.#durable, this.#base]) {
      image?.write(offset, Uint8Array.of(change(image.read(offset, 1)[0] as number)));
    }
  }

  /** Of each sector that was written since the last sync, what it has been since, oldest first. */
  #versions(): ReadonlyMap<number, readonly Uint8Array[]> {
    const before = this.#base ?? this.#durable;
    let beforeEnd = Number.POSITIVE_INFINITY;
    const versions = new Map<number, Uint8Array[]>();
    const latest = (number: number): Uint8Array | undefined =>
      versions.get(number)?.at(-1) ?? (number < beforeEnd ? before.sector(number) : undefined);
    const add = (number: number, sector: Uint8Array): void => {
      const earlier = versions.get(number);
      if (earlier === undefined) versions.set(number, [sector]);
      else earlier.push(sector);
    };
    for (const { offset, bytes, sizeBytes } of this.#changes) {
      if (sizeBytes !== undefined) {
        const last = Math.floor(sizeBytes / MEMORY_SECTOR_BYTES);
        for (const number of versions.keys()) if (number > last) versions.delete(number);
        beforeEnd = Math.min(beforeEnd, last + 1);
        const cut = latest(last)
          ?.slice()
          .fill(0, sizeBytes % MEMORY_SECTOR_BYTES);
        if (cut !== undefined) add(last, cut);
      }
      for (let at = 0; at < bytes.length; ) {
        const number = Math.floor((offset + at) / MEMORY_SECTOR_BYTES);
        const from = (offset + at) % MEMORY_SECTOR_BYTES;
        const take = Math.min(MEMORY_SECTOR_BYTES - from, bytes.length - at);
        const sector = latest(number)?.slice() ?? new Uint8Array(MEMORY_SECTOR_BYTES);
        sector.set(bytes.subarray(at, at + take), from);
        add(number, sector);
        at += take;
      }
    }
    return versions;
  }

  #forget(): void {
    this.#changes = [];
    this.#hasShrunk = false;
  }

  #setDurable(number: number, sector: Uint8Array): void {
    this.#durable.write(number * MEMORY_SECTOR_BYTES, sector);
  }

  #persist(number: number, sector: Uint8Array | undefined): void {
    if (sector === undefined) return;
    this.#setDurable(number, sector);
    const end = Math.min(this.sizeBytes, (number + 1) * MEMORY_SECTOR_BYTES);
    this.#durableSizeBytes = Math.max(this.#durableSizeBytes, end);
  }
}
