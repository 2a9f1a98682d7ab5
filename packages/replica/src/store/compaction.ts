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
 */
import { Cursor } from './cursor.js';
import { KEY_OVERHEAD_BYTES, type Keyspace, VERSION_OVERHEAD_BYTES } from './keyspace.js';
import type { Key } from './types.js';
import type { Version } from './version.js';

/** So many bytes moved count as much as a key visited, so that a slice is bounded in bytes as well. */
const MOVED_BYTES_PER_KEY = 4096;

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
  /** Chains that were cut off and whose records are still on the account. */
  #detached: Version[] = [];
  /** What is left of this slice, in keys. */
  #budget = 0;

  constructor(keyspace: Keyspace, trimmedRevision: number) {
    this.#keyspace = keyspace;
    this.#trimmedRevision = trimmedRevision;
  }

  /** Versions that are cut off but still on the account of memory; for checks. */
  get detached(): readonly Version[] {
    return this.#detached;
  }

  /**
   * One slice of about `keysMax` keys. `trimRevision`: the compacted revision that all readers have in common. True if there is
   * more to do now.
   */
  sweep(keysMax: number, trimRevision: number): boolean {
    this.#budget = keysMax;
    this.#releaseDetached();
    if (this.#pass === undefined && !this.#begin(trimRevision)) {
      return this.#detached.length > 0;
    }
    const pass = this.#pass;
    if (pass !== undefined && this.#budget > 0 && this.#walk(pass)) {
      this.#trimmedRevision = pass.trimRevision;
      this.#pass = undefined;
    }
    this.#releaseDetached();
    return this.#pass !== undefined || this.#detached.length > 0 || this.#isWorthPass(trimRevision);
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
    const { tree } = this.#keyspace;
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
      if (resume === undefined && head.isTombstone && head.modRevision < pass.trimRevision) {
        this.#dropKey(key, head);
        cursor.seek(tree.root, key);
        continue;
      }
      // Most keys have one version, in a slab that stays.
      if (head.previous !== undefined || head.slab.evacuating) {
        const isDone =
          resume === undefined
            ? this.#sweepChain(pass, undefined, head)
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
  #sweepChain(pass: Pass, before: Version | undefined, first: Version): boolean {
    let newer = before;
    let version: Version | undefined = first;
    while (version !== undefined) {
      if (this.#budget < 0 && newer !== undefined) {
        pass.resume = { newer, version };
        return false;
      }
      this.#budget--;
      if (version.modRevision <= pass.trimRevision && newer !== undefined && this.#isDropped(version, pass)) {
        newer.previous = undefined;
        this.#detach(version);
        return true;
      }
      if (version.slab.evacuating) {
        this.#budget -= Math.floor(this.#keyspace.moveRecord(version) / MOVED_BYTES_PER_KEY);
      }
      if (version.modRevision <= pass.trimRevision) {
        const older: Version | undefined = version.previous;
        version.previous = undefined;
        this.#detach(older);
        return true;
      }
      newer = version;
      version = version.previous;
    }
    return true;
  }

  /** A tombstone below the compacted revision; see visible() in version.ts. */
  #isDropped(version: Version, pass: Pass): boolean {
    return version.isTombstone && version.modRevision < pass.trimRevision;
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

  #detach(version: Version | undefined): void {
    if (version !== undefined) {
      this.#detached.push(version);
    }
  }

  /** Takes cut-off versions off the account; long chains over several slices. */
  #releaseDetached(): void {
    while (this.#budget > 0) {
      let version = this.#detached.pop();
      if (version === undefined) {
        return;
      }
      while (version !== undefined && this.#budget > 0) {
        const bytes = VERSION_OVERHEAD_BYTES + this.#keyspace.releaseRecord(version);
        this.#keyspace.bytes -= bytes;
        this.#keyspace.historyBytes -= bytes;
        this.#budget--;
        version = version.previous;
      }
      this.#detach(version);
    }
  }
}
