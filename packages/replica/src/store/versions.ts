/**
 * All versions of all keys, as a table in typed arrays: a million versions are a few hundred objects to the garbage collector, none
 * of which it has to look into or to copy, instead of a million.
 *
 * A Version is a handle: a small integer that names a row of the table. Rows lie in pages.
 *
 *     handle    page's number | row in the page, 12 bits | 1 if it is a tombstone
 *     row       modRevision, low and high half | number of the record's slab | offset of the record there | previous, each an i32
 *
 * A key's versions are a chain by `previous`, newest first; everything else of a version is in its record (record.ts). A delete leaves
 * a tombstone: a version without a record, whose order stands in place of the offset. That it is one says the handle itself, so
 * that the tree counts its live keys without the table.
 *
 * A version is immutable in meaning. Two things may change under a reader: the sweep moves a record (slab and offset, equal
 * bytes), and cuts `previous` behind the last version that any reader, frozen ones included, can still ask for.
 *
 * **Who may free a row.** A row that is free is written again, so whoever held on to its handle would read another version. Two do it:
 *
 * - The undo of a transaction (Keyspace.restore) frees the newest version of a key within the command that has made it. Tree and
 *   index have let go of it; no view was frozen and no slice of a sweep ran meanwhile; events and responses hold bytes, not handles.
 * - The sweep (compaction.ts) frees what it has cut off, of which frozen views may hold tombstones. It says there when nobody does.
 *
 * All others hold handles for no longer than a call (reads, transactions, a slice of a history scan, which keeps a revision until the
 * next), or before anything is freed (the loader, whose store does not run yet), or are handles of what is not freed: views and streams
 * of them keep what they can see, which the sweep does not cut off, and the tombstones that it waits with; the sweep's own
 * place in a chain, from slice to slice, is in that chain, which nobody else cuts. Only the index of changes may keep handles of rows
 * that are free, and it never follows them: see isCurrentAt(). A store that is thrown away takes its table along; views of it that
 * are still read keep it.
 */
import type { Slab, Slabs } from './slabs.js';

/** Valid in the table that it comes from only. */
export type Version = number & { readonly kind: 'version' };

/** No version: page 0 is never used. */
export const NO_VERSION: Version = 0 as Version;

const ROW_BITS = 12;
const PAGE_ROWS: number = 1 << ROW_BITS;
/** Of a handle, below the page's number. */
const PAGE_SHIFT: number = ROW_BITS + 1;
/** Handles are positive and have 31 bits, so that they fit Int32Array and are no objects. */
const PAGES_MAX: number = 1 << (31 - PAGE_SHIFT);

/** A row is one thing in memory, not one in each of several columns, since whoever reads a version reads most of it. */
const ROW_INTS = 5;
export const ROW_BYTES: number = ROW_INTS * Int32Array.BYTES_PER_ELEMENT;
/** Places in a row. A freed one has a modRevision of 0, and as `previous` the next one that was freed. */
const REVISION_LOW = 0;
const REVISION_HIGH = 1;
const SLAB = 2;
const OFFSET = 3;
const PREVIOUS = 4;
const HALF = 2 ** 32;
const NO_ROW = -1;

export function isTombstone(version: Version): boolean {
  return (version & 1) !== 0;
}

class Page {
  readonly number: number;
  readonly ints: Int32Array;
  used: number;
  /** Rows from here on have never been used. */
  fresh: number;
  /** First of the chain of rows that were freed, or NO_ROW. */
  free: number = NO_ROW;
  /** Place in the list of pages with room; -1: not there. */
  place = -1;

  constructor(number: number, rows: number) {
    this.number = number;
    this.ints = new Int32Array(rows * ROW_INTS);
    this.used = PAGE_ROWS - rows;
    this.fresh = this.used;
  }

  /** A row that is not used; there is one. */
  take(): number {
    this.used++;
    const row = this.free;
    if (row === NO_ROW) {
      return this.fresh++;
    }
    this.free = this.ints[row * ROW_INTS + PREVIOUS] as number;
    return row;
  }
}

/** In place of pages that are not there: it has no rows, and so no room. */
const NO_PAGE: Page = new Page(0, 0);

export class Versions {
  private readonly slabs: Slabs;
  /** By number; and what readers need of them, with one step less to go. */
  private readonly pages: Page[] = [NO_PAGE];
  private readonly ints: Int32Array[] = [NO_PAGE.ints];
  private readonly freeNumbers: number[] = [];
  /** Where new versions go, until it is full. Kept when it becomes empty, so that taking back a put costs no page. */
  private current: Page = NO_PAGE;
  /** Other pages that have used and free rows. */
  private readonly roomy: Page[] = [];

  constructor(slabs: Slabs) {
    this.slabs = slabs;
  }

  modRevision(version: Version): number {
    const ints = this.intsOf(version);
    const low = ints[startOf(version) + REVISION_LOW] as number;
    const high = ints[startOf(version) + REVISION_HIGH] as number;
    // Most revisions are small integers, which V8 keeps as such and not as objects.
    return high === 0 && low >= 0 ? low : high * HALF + (low >>> 0);
  }

  /** The slab of its record; of a tombstone, NO_SLAB. */
  slab(version: Version): Slab {
    return this.slabs.byNumber[this.intsOf(version)[startOf(version) + SLAB] as number] as Slab;
  }

  /** Where its record begins in the slab; of a tombstone, the order. */
  offset(version: Version): number {
    return this.intsOf(version)[startOf(version) + OFFSET] as number;
  }

  /** The next older version of the same key, or NO_VERSION. */
  previous(version: Version): Version {
    return this.intsOf(version)[startOf(version) + PREVIOUS] as Version;
  }

  setPrevious(version: Version, previous: Version): void {
    this.intsOf(version)[startOf(version) + PREVIOUS] = previous;
  }

  /** The record has been moved, with equal bytes. */
  setRecord(version: Version, slab: Slab, offset: number): void {
    const ints = this.intsOf(version);
    ints[startOf(version) + SLAB] = slab.number;
    ints[startOf(version) + OFFSET] = offset;
  }

  add(modRevision: number, slab: Slab, offset: number, previous: Version): Version {
    return this.write(modRevision, slab.number, offset, previous);
  }

  addTombstone(modRevision: number, order: number, previous: Version): Version {
    return (this.write(modRevision, 0, order, previous) | 1) as Version;
  }

  /** Nobody will ask for the version again; who may say so stands above. A page of which nothing is left is given back. */
  free(version: Version): void {
    if (!this.isUsed(version)) {
      throw new Error('a version was freed that is not there');
    }
    const page = this.pages[version >>> PAGE_SHIFT] as Page;
    const start = startOf(version);
    page.ints[start + REVISION_LOW] = 0;
    page.ints[start + REVISION_HIGH] = 0;
    page.ints[start + PREVIOUS] = page.free;
    page.free = start / ROW_INTS;
    page.used--;
    if (page === this.current) {
      return;
    }
    if (page.place < 0) {
      page.place = this.roomy.length;
      this.roomy.push(page);
    } else if (page.used === 0) {
      this.giveBack(page);
    }
  }

  /** The version of a chain that stands at `revision` (tombstones included): the newest that is not newer. */
  at(head: Version, revision: number): Version {
    let version = head;
    while (version !== NO_VERSION && this.modRevision(version) > revision) {
      version = this.previous(version);
    }
    return version;
  }

  /**
   * The version after `version` that compaction at `compactRevision` leaves visible, if any. A chain is visible down to the
   * newest version at or below the compacted revision, because that is what a read at that very revision must find; a tombstone
   * there is visible only when it is of that very revision: a watch from the compacted revision must still see the delete (etcd
   * since 3.6; bug 76 of the catalogue: etcd#18089, #19179). All readers of history ask here, so it does not matter to them how
   * far the removal of the rest has come.
   */
  visibleBelow(version: Version, compactRevision: number): Version {
    return this.modRevision(version) <= compactRevision
      ? NO_VERSION
      : this.visible(this.previous(version), compactRevision);
  }

  /** `version`, unless it is a tombstone that compaction at `compactRevision` has dropped. */
  visible(version: Version, compactRevision: number): Version {
    return isTombstone(version) && this.modRevision(version) < compactRevision ? NO_VERSION : version;
  }

  /** Memory of the pages. */
  get allocatedBytes(): number {
    return (this.pages.length - 1 - this.freeNumbers.length) * PAGE_ROWS * ROW_BYTES;
  }

  /** Throws unless the rows in use are just those of `versions`, each of which comes once. Linear; for checks. */
  check(versions: Iterable<Version>): void {
    const rows = new Set<number>();
    for (const version of versions) {
      const row = version >>> 1;
      expect(this.isUsed(version), 'a version that is reached is in use');
      expect(!rows.has(row), 'a version is reached once');
      rows.add(row);
    }
    let used = 0;
    this.pages.forEach((page, number) => {
      if (page !== NO_PAGE) {
        expect(page.number === number && !this.freeNumbers.includes(number), 'a page knows its number');
        expect(page.used + countFree(page) === page.fresh, 'the chain of free rows has all of them');
        expect(page.used > 0 || page === this.current, 'an empty page is given back');
        const isRoomy = page !== this.current && page.used < PAGE_ROWS;
        expect(isRoomy ? this.roomy[page.place] === page : page.place < 0, 'the pages with room are on the list');
        used += page.used;
      }
    });
    expect(used === rows.size, `${used} versions are in use, ${rows.size} are reached`);
  }

  private intsOf(version: Version): Int32Array {
    return this.ints[version >>> PAGE_SHIFT] as Int32Array;
  }

  private isUsed(version: Version): boolean {
    // Of a page that is not there it is NaN.
    return this.modRevision(version) > 0;
  }

  private write(modRevision: number, slab: number, offset: number, previous: Version): Version {
    const page = this.current.used < PAGE_ROWS ? this.current : this.nextPage();
    const { ints } = page;
    const row = page.take();
    const start = row * ROW_INTS;
    ints[start + REVISION_LOW] = modRevision;
    ints[start + REVISION_HIGH] = modRevision / HALF;
    ints[start + SLAB] = slab;
    ints[start + OFFSET] = offset;
    ints[start + PREVIOUS] = previous;
    return ((page.number << PAGE_SHIFT) | (row << 1)) as Version;
  }

  /** A page with room in place of the current one, which is full. */
  private nextPage(): Page {
    let page = this.roomy.pop();
    if (page === undefined) {
      const number = this.freeNumbers.pop() ?? this.pages.length;
      if (number >= PAGES_MAX) {
        throw new Error(`more than ${PAGES_MAX * PAGE_ROWS} versions`);
      }
      page = new Page(number, PAGE_ROWS);
      this.pages[number] = page;
      this.ints[number] = page.ints;
    }
    page.place = -1;
    this.current = page;
    return page;
  }

  /** Takes an empty page off the list of those with room, and lets go of it. */
  private giveBack(page: Page): void {
    const last = this.roomy.pop() as Page;
    if (last !== page) {
      this.roomy[page.place] = last;
      last.place = page.place;
    }
    this.pages[page.number] = NO_PAGE;
    this.ints[page.number] = NO_PAGE.ints;
    this.freeNumbers.push(page.number);
  }
}

function startOf(version: Version): number {
  return ((version >>> 1) & (PAGE_ROWS - 1)) * ROW_INTS;
}

function countFree({ ints, free }: Page): number {
  let count = 0;
  for (let row = free; row !== NO_ROW && count <= PAGE_ROWS; row = ints[row * ROW_INTS + PREVIOUS] as number) {
    const start = row * ROW_INTS;
    expect(ints[start + REVISION_LOW] === 0 && ints[start + REVISION_HIGH] === 0, 'a free row is marked as such');
    count++;
  }
  return count;
}

function expect(condition: boolean, message: string): void {
  if (!condition) {
    throw new Error(`the store's invariant is broken: ${message}`);
  }
}
