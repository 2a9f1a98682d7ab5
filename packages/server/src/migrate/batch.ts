/**
 * Changes gathered into transactions: no key twice, within etcd's default bounds of operations and bytes.
 *
 * What goes in one transaction gets one revision. Locks and elections go by who has the lower one, and two that are equal would both
 * have won: so keys with leases, which is what those are made of, share a revision only with what shared one in the source.
 */
import type { Operation } from '@quorate/client';
import type { Target } from './target.js';

/** etcd takes 128 by default; one is the mark's. */
const OPERATIONS_MAX = 120;
/** etcd takes 1.5 MiB by default; one change may be larger than this, and goes alone. */
const BYTES_MAX = 1024 * 1024;
/** More than the mark and its condition need of those 1.5 MiB. */
const MARK_BYTES_MAX = 1024;
const REQUEST_BYTES_MAX = 1.5 * 1024 * 1024;

export interface Change {
  readonly key: Buffer;
  readonly operation: Operation;
  readonly bytes: number;
  /** Of the source. */
  readonly revision: number;
  /** What has another revision in the source must have another in the target. */
  readonly isOrdered: boolean;
}

export class Batch {
  readonly #target: Target;
  readonly #keys = new Set<string>();
  #operations: Operation[] = [];
  #bytes = 0;
  /** The source's, of the change added last. */
  #lastRevision = 0;
  /** It holds keys whose revision must not be shared. */
  #isOrdered = false;
  /** Everything up to this revision is done once the batch is. */
  #revision: number;

  constructor(target: Target) {
    this.#target = target;
    this.#revision = target.revision;
  }

  get isEmpty(): boolean {
    return this.#operations.length === 0;
  }

  /** Applies what it has first, if the change does not fit. */
  async add({ key, operation, bytes, revision, isOrdered }: Change): Promise<void> {
    const name = key.toString('latin1');
    const isFull = this.#operations.length >= OPERATIONS_MAX || this.#bytes + bytes > BYTES_MAX;
    const isApart = (isOrdered || this.#isOrdered) && revision !== this.#lastRevision;
    const isAlone = operation.requestPut !== undefined && bytes > REQUEST_BYTES_MAX - MARK_BYTES_MAX;
    if (!this.isEmpty && (isAlone || isFull || isApart || this.#keys.has(name))) await this.flush();
    if (isAlone && operation.requestPut !== undefined) {
      await this.#target.applyAlone(operation.requestPut);
      return;
    }
    this.#keys.add(name);
    this.#operations.push(operation);
    this.#bytes += bytes;
    this.#lastRevision = revision;
    this.#isOrdered ||= isOrdered;
  }

  /** All changes of that revision have been added. */
  complete(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  async flush(): Promise<void> {
    if (this.isEmpty && this.#revision === this.#target.revision) return;
    await this.#target.apply(this.#operations, this.#revision);
    this.#operations = [];
    this.#keys.clear();
    this.#bytes = 0;
    this.#isOrdered = false;
  }
}
