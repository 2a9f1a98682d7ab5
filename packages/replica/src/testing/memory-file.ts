/**
 * One file of the virtual disk: what is durable, what the operating system shows, and what of the latter may reach the disk before
 * a crash.
 *
 * Since the last sync each write has left one more version of every sector that it touched. At a crash each sector ends up, each
 * for itself, in any of its versions or as it was durable: that is all a page cache over a disk promises. Crashes are rare and writes
 * are not: what was written since is remembered as it came, and taken apart into sectors when there is a crash. What was
 * cut off and grown over before a sync may come back at one: disks are kinder than that.
 */
import type { RandomStream } from '../seams/random.js';
import { type Allocate, allocate, isAt } from './chunks.js';

export const MEMORY_SECTOR_BYTES = 512;

const NO_BYTES = new Uint8Array(0);
/** Room for so many to begin with. */
const SECTORS_MIN = 4;

/** Bytes without end, in sectors: those that nobody has written are not there, and read as zeros. */
class Image {
  readonly #allocate: Allocate;
  #bytes: Uint8Array = NO_BYTES;
  /** By sector: 1 if it is there. */
  #there = new Uint8Array(0);
  /** Every sector that is there lies before it. */
  end = 0;

  constructor(allocateBytes: Allocate) {
    this.#allocate = allocateBytes;
  }

  read(offset: number, length: number): Uint8Array {
    const there = this.#bytes.subarray(offset, offset + length);
    const bytes = this.#allocate(length).fill(0, there.length);
    bytes.set(there);
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const first = Math.floor(offset / MEMORY_SECTOR_BYTES);
    const end = Math.ceil((offset + bytes.length) / MEMORY_SECTOR_BYTES);
    if (end > this.#there.length) this.#reserve(Math.max(end, 2 * this.#there.length, SECTORS_MIN));
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
    const image = new Image(this.#allocate);
    image.#bytes = this.read(0, this.end * MEMORY_SECTOR_BYTES);
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

  #reserve(sectors: number): void {
    this.#bytes = this.read(0, sectors * MEMORY_SECTOR_BYTES);
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

/** What is written again and again is put in its place when so much more has come than there is room for. */
const SETTLED_BYTES_MAX = 64 * 1024;

export class MemoryFile {
  sizeBytes = 0;
  #durableSizeBytes = 0;
  readonly #durable: Image;
  /** Writes that are durable, too, and have not been put in their place: most files are gone before anybody reads them. */
  #settled: Change[] = [];
  #settledBytes = 0;
  /** Since the last sync, oldest first. */
  #changes: Change[] = [];
  #hasShrunk = false;
  /** What is shown, but for the changes from #shownChanges on; undefined: what is durable, and the changes. */
  #shown: Image | undefined;
  #shownChanges = 0;
  /** What was shown at the last sync, where that is not what is durable. Then #shown is there. */
  #base: Image | undefined;

  /** What it holds, and what is read of it, is in memory from `allocateBytes`. */
  constructor(allocateBytes: Allocate = allocate) {
    this.#durable = new Image(allocateBytes);
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.max(offset, Math.min(offset + length, this.sizeBytes));
    const isDurable = this.#shown === undefined && this.#changes.length === 0;
    const image = isDurable ? this.#durableImage() : this.#shownImage();
    return image.read(offset, end - offset);
  }

  /** `bytes` must not be changed afterwards. */
  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#changes.push({ offset, bytes, sizeBytes: undefined });
    this.sizeBytes = Math.max(this.sizeBytes, offset + bytes.length);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      this.#changes.push({ offset: 0, bytes: NO_BYTES, sizeBytes });
      this.#hasShrunk = true;
    }
    this.sizeBytes = sizeBytes;
  }

  sync(): void {
    const end = Math.ceil(this.sizeBytes / MEMORY_SECTOR_BYTES);
    // Only what is known to have changed: what an earlier sync has failed to write is not tried again. (What is settled lies within the
    // file: whatever may shorten it puts that in place first.)
    if (this.#base === undefined && !this.#hasShrunk && this.#durable.end <= end) {
      this.#settle();
    } else {
      const shown = this.#shownImage();
      for (const [number, versions] of this.#versions()) this.#setDurable(number, versions.at(-1) as Uint8Array);
      this.#durable.cut(end);
      this.#base = shown.isEqual(this.#durable) ? undefined : shown.copy();
    }
    if (this.#base === undefined) this.#shown = undefined;
    this.#durableSizeBytes = this.sizeBytes;
    this.#forget();
  }

  /** A sync that fails: some sectors got there, the others never will, and yet the system takes them for written. */
  failSync(random: RandomStream): void {
    const shown = this.#shownImage();
    for (const [number, versions] of this.#versions()) {
      if (random.integer(2) === 0) this.#persist(number, versions.at(-1));
    }
    this.#base = shown.copy();
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
    this.#shown = undefined;
    this.sizeBytes = this.#durableSizeBytes;
  }

  /** Damages what is durable, and what is read with it. */
  alter(offset: number, change: (byte: number) => number): void {
    for (const image of [this.#shownImage(), this.#durableImage(), this.#base]) {
      image?.write(offset, Uint8Array.of(change(image.read(offset, 1)[0] as number)));
    }
  }

  /** The changes are durable. */
  #settle(): void {
    for (const change of this.#changes) {
      this.#settled.push(change);
      this.#settledBytes += change.bytes.length;
    }
    if (this.#settledBytes > this.sizeBytes + SETTLED_BYTES_MAX) this.#durableImage();
  }

  #durableImage(): Image {
    if (this.#settled.length === 0) return this.#durable;
    for (const { offset, bytes } of this.#settled) this.#durable.write(offset, bytes);
    this.#settled = [];
    this.#settledBytes = 0;
    return this.#durable;
  }

  /** Apart from what is durable. */
  #shownImage(): Image {
    this.#shown ??= this.#durableImage().copy();
    for (; this.#shownChanges < this.#changes.length; this.#shownChanges += 1) {
      const { offset, bytes, sizeBytes } = this.#changes[this.#shownChanges] as Change;
      if (sizeBytes === undefined) this.#shown.write(offset, bytes);
      else cutAt(this.#shown, sizeBytes);
    }
    return this.#shown;
  }

  /** Of each sector that was written since the last sync, what it has been since, oldest first. */
  #versions(): ReadonlyMap<number, readonly Uint8Array[]> {
    const before = this.#base ?? this.#durableImage();
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
    this.#shownChanges = 0;
    this.#hasShrunk = false;
  }

  #setDurable(number: number, sector: Uint8Array): void {
    this.#durableImage().write(number * MEMORY_SECTOR_BYTES, sector);
  }

  #persist(number: number, sector: Uint8Array | undefined): void {
    if (sector === undefined) return;
    this.#setDurable(number, sector);
    const end = Math.min(this.sizeBytes, (number + 1) * MEMORY_SECTOR_BYTES);
    this.#durableSizeBytes = Math.max(this.#durableSizeBytes, end);
  }
}

function cutAt(image: Image, sizeBytes: number): void {
  const last = Math.floor(sizeBytes / MEMORY_SECTOR_BYTES);
  image.cut(last + 1);
  image.sector(last)?.fill(0, sizeBytes % MEMORY_SECTOR_BYTES);
}
