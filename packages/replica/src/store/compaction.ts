/**
 * The sweep: gives back, a bounded slice at a time, the memory that compaction and overwriting have made superfluous.
 *
 * A pass walks all keys in order and does two things to each key's chain of versions: it cuts off what compaction has dropped,
 * and moves the records that lie in sparse slabs (slabs.ts) into fresh ones. A key of which only a dropped tombstone is left
 * goes out of the tree. Between two slices anything may be written; a pass keeps no reference into the tree but the key that
 * it has come to and, for a chain too long for one slice, the version to go on with (chains only ever grow at the newest end).
 *
 * Nobody can see how far a pass has come: reads never go below the compacted revision, and all who read history decide by
 * visibleBelow() what is still there. Why cutting in place is safe for frozen views: a chain is cut according to `trimRevision`,
 * which is at most the compacted revision of every frozen view; so what is cut off is invisible to each of them. Compaction's
 * removal therefore waits for older frozen views to be released. Moving a record changes no content, and the old bytes stay
 * for those who still hold a view of them.
 *
 * When a version that was cut off may be freed (versions.ts): no reader whose compacted revision is C looks at what is older than the
 * version that stands at C, and the cut is at or below the C of all. So nobody looks at what was cut off, but for a tombstone
 * that was itself the one that stood there: leaves of frozen trees still refer to it, a stream of a view may have stopped on
 * it, and both must look at its revision to see that it is dropped. All tombstones therefore wait until the views are released that
 * are frozen now; who freezes later finds neither tree nor chain leading to them. All else is freed at once.
 */
import { Cursor } from './cursor.js';
import { KEY_OVERHEAD_BYTES, type Keyspace, VERSION_OVERHEAD_BYTES } from './keyspace.js';
import type { Key } from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

/** So many bytes moved count as much as a key visited, so that a slice is bounded in bytes as well. */
const MOVED_BYTES_PER_KEY = 4096;

/** Tombstones that wait for the release of all views that are among the first so many freezes of the tree. */
interface Waiting {
  readonly freezes: number;
  readonly tombstones: Version[];
}

interface Pass {
  readonly trimRevision: number;
  /** All keys before it are done; '' at the beginning. */
  position: Key;
  /** Within the chain of `position`: the version to go on with, and the newer one that refers to it. */
  resume: { readonly newer: Version; readonly version: Version } | undefined;
}

export class Sweeper {
  readonly #keyspace: Keyspace;
  #pass: Pass | undefined;
  /** The compacted revision up to which a whole pass has cut. */
  #trimmedRevision: number;
  /** Chains that were cut off and are still on the account. */
  readonly #detached: Version[] = [];
  /** By freezes, all different. */
  readonly #waiting: Waiting[] = [];
  /** Of the views that are held, the place of the oldest among all freezes, the first being 1; infinite if there is none. */
  #oldestView = 0;
  /** What is left of this slice, in keys. */
  #budget = 0;

  constructor(keyspace: Keyspace, trimmedRevision: number) {
    this.#keyspace = keyspace;
    this.#trimmedRevision = trimmedRevision;
  }

  /** Chains that are cut off but still on the account of memory; for checks. */
  get detached(): readonly Version[] {
    return [...this.#detached, ...this.#waiting.flatMap(({ tombstones }) => tombstones)];
  }

  /**
   * One slice of about `keysMax` keys. `trimRevision`: the compacted revision that all readers have in common. `oldestView`: of the
   * views that are held, the place of the oldest among all freezes of the tree, the first being 1; infinite if there is none. True if
   * there is more to do now.
   */
  sweep(keysMax: number, trimRevision: number, oldestView: number): boolean {
    this.#budget = keysMax;
    this.#oldestView = oldestView;
    this.#free();
    if (this.#pass === undefined && !this.#begin(trimRevision)) {
      return this.#hasToFree();
    }
    const pass = this.#pass;
    if (pass !== undefined && this.#budget > 0 && this.#walk(pass)) {
      this.#trimmedRevision = pass.trimRevision;
      this.#pass = undefined;
    }
    this.#free();
    return this.#pass !== undefined || this.#hasToFree() || this.#isWorthPass(trimRevision);
  }

  #isWorthPass(trimRevision: number): boolean {
    return trimRevision > this.#trimmedRevision || this.#keyspace.slabs.worthEvacuating();
  }

  #begin(trimRevision: number): boolean {
    if (!this.#isWorthPass(trimRevision)) {
      return false;
    }
    this.#keyspace.slabs.beginEvacuation();
    this.#pass = { trimRevision: Math.max(trimRevision, this.#trimmedRevision), position: '', resume: undefined };
    return true;
  }

  /** Goes on with the pass; true at its end. */
  #walk(pass: Pass): boolean {
    const { tree, versions } = this.#keyspace;
    const cursor = new Cursor(tree.root, pass.position);
    for (let key = cursor.key; key !== undefined; key = cursor.key) {
      if (this.#budget <= 0) {
        pass.position = key;
        return false;
      }
      const head = cursor.version;
      const resume = key === pass.position ? pass.resume : undefined;
      pass.resume = undefined;
      this.#budget--;
      if (resume === undefined && isTombstone(head) && versions.modRevision(head) < pass.trimRevision) {
        this.#dropKey(key, head);
        cursor.seek(tree.root, key);
        continue;
      }
      // Most keys have one version, in a slab that stays.
      if (versions.previous(head) !== NO_VERSION || versions.slab(head).evacuating) {
        const isDone =
          resume === undefined
            ? this.#sweepChain(pass, NO_VERSION, head)
            : this.#sweepChain(pass, resume.newer, resume.version);
        if (!isDone) {
          pass.position = key;
          return false;
        }
      }
      cursor.next();
    }
    return true;
  }

  /** From `first` to older ones; false if the slice was used up in the middle. */
  #sweepChain(pass: Pass, before: Version, first: Version): boolean {
    const { versions } = this.#keyspace;
    let newer = before;
    let version = first;
    while (version !== NO_VERSION) {
      if (this.#budget < 0 && newer !== NO_VERSION) {
        pass.resume = { newer, version };
        return false;
      }
      this.#budget--;
      const isLast = versions.modRevision(version) <= pass.trimRevision;
      if (isLast && newer !== NO_VERSION && versions.visible(version, pass.trimRevision) === NO_VERSION) {
        this.#cutBehind(newer);
        return true;
      }
      if (versions.slab(version).evacuating) {
        this.#budget -= Math.floor(this.#keyspace.moveRecord(version) / MOVED_BYTES_PER_KEY);
      }
      if (isLast) {
        this.#cutBehind(version);
        return true;
      }
      newer = version;
      version = versions.previous(version);
    }
    return true;
  }

  /** Nothing of the key but a dropped tombstone can be seen: it leaves the tree. */
  #dropKey(key: Key, head: Version): void {
    this.#keyspace.tree.locate(key);
    this.#keyspace.tree.remove();
    const bytes = KEY_OVERHEAD_BYTES + key.length;
    this.#keyspace.bytes -= bytes;
    this.#keyspace.historyBytes -= bytes;
    this.#detach(head);
  }

  #cutBehind(version: Version): void {
    const { versions } = this.#keyspace;
    const older = versions.previous(version);
    if (older !== NO_VERSION) {
      versions.setPrevious(version, NO_VERSION);
      this.#detach(older);
    }
  }

  #detach(chain: Version): void {
    this.#detached.push(chain);
  }

  #hasToFree(): boolean {
    return this.#detached.length > 0 || this.#released() !== undefined;
  }

  /** Tombstones that need not wait any longer. */
  #released(): Waiting | undefined {
    const first = this.#waiting[0];
    return first !== undefined && first.freezes < this.#oldestView ? first : undefined;
  }

  /** Frees what was cut off, as far as the slice goes. */
  #free(): void {
    for (let waiting = this.#released(); waiting !== undefined && this.#budget > 0; waiting = this.#released()) {
      this.#freeVersion(waiting.tombstones.pop() as Version);
      if (waiting.tombstones.length === 0) {
        this.#waiting.shift();
      }
    }
    while (this.#budget > 0) {
      const chain = this.#detached.pop();
      if (chain === undefined) {
        return;
      }
      this.#freeChain(chain);
    }
  }

  /** Newest first; what is left at the end of the slice stays detached. */
  #freeChain(chain: Version): void {
    const { tree, versions } = this.#keyspace;
    let version = chain;
    while (version !== NO_VERSION && this.#budget > 0) {
      const older = versions.previous(version);
      if (isTombstone(version) && this.#oldestView <= tree.freezes) {
        versions.setPrevious(version, NO_VERSION);
        this.#wait(version, tree.freezes);
      } else {
        this.#freeVersion(version);
      }
      version = older;
    }
    if (version !== NO_VERSION) {
      this.#detach(version);
    }
  }

  #wait(tombstone: Version, freezes: number): void {
    this.#budget--;
    const last = this.#waiting.at(-1);
    if (last?.freezes === freezes) {
      last.tombstones.push(tombstone);
    } else {
      this.#waiting.push({ freezes, tombstones: [tombstone] });
    }
  }

  #freeVersion(version: Version): void {
    const keyspace = this.#keyspace;
    const bytes = VERSION_OVERHEAD_BYTES + keyspace.releaseRecord(version);
    keyspace.versions.free(version);
    keyspace.bytes -= bytes;
    keyspace.historyBytes -= bytes;
    this.#budget--;
  }
}
