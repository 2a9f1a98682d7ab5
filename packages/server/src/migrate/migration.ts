/**
 * Copies a live cluster's keys into another and follows it until it is told to cut over.
 *
 * 1. Copy: the keys as of one revision. First all of them without values, then the values, some at a time: the source never has to
 *    sort or hold a whole answer for us. Keys with leases go first, in order of their creation and with a revision each (batch.ts): who was
 *    first in a queue for a lock or in an election stays so. The others go in order of their last change, many in one revision.
 * 2. Follow: a watch of everything from there on, revision by revision.
 * 3. Cut over, when told, and nobody writes to the source any more: up to the source's revision at that time; then both are compared.
 *
 * At any moment it may fail and be started again. What is known then is that everything up to the mark's revision P was in the target. Copying
 * again at a later revision, a key that last changed at or before P needs no copy if the target has it; one that the target has and
 * the source does not is deleted. The same happens when the source compacts what was about to be read, and when the target has lost a lease.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, ClientError, type KeyValue, op, type WatchBatch, type WatchEvent } from '@quorate/client';
import { Batch } from './batch.js';
import { MigrationFailure } from './failure.js';
import { LeaseMirror } from './lease-mirror.js';
import { isMark, persistently, Target } from './target.js';
import { type Contents, contentsOf } from './verify.js';

export interface Progress {
  readonly phase: 'copy' | 'follow' | 'verify';
  readonly revision: number;
  /** Of the source, when it was last asked. */
  readonly sourceRevision: number;
  /** Changes applied in this run. */
  readonly changes: number;
  readonly keysLeft: number;
  readonly leases: number;
}

export interface MigrationOptions {
  readonly source: Client;
  readonly target: Client;
  readonly replaceTarget: boolean;
  /** Cut over as soon as the target has everything, instead of waiting for `cutOver`. */
  readonly untilSynced: boolean;
  /** Aborted: stop following where the source is now. */
  readonly cutOver: AbortSignal;
  /** Keys copied a second; 0: as fast as it goes. */
  readonly keysPerSecond: number;
  readonly onProgress: (progress: Progress) => void;
}

export interface MigrationResult extends Contents {
  readonly sourceRevision: number;
  readonly targetRevision: number;
  readonly leases: number;
  /** Somebody wrote to the source behind the revision of the cut-over: those writes are not in the target. */
  readonly writtenSince: boolean;
}

const VALUES_AT_ONCE = 100;
const LOOK_MS = 500;
/** Compactions and lost leases in a row, without any progress. */
const RESTARTS_MAX = 20;

interface Listed {
  readonly key: Buffer;
  readonly createRevision: number;
  readonly lease: bigint;
  readonly modRevision: number;
}

export class Migration {
  readonly #options: MigrationOptions;
  readonly #target: Target;
  readonly #leases: LeaseMirror;
  #mustCompare: boolean;
  #changes = 0;
  #sourceRevision = 0;

  private constructor(options: MigrationOptions, target: Target) {
    this.#options = options;
    this.#target = target;
    this.#leases = new LeaseMirror(options.source, options.target);
    this.#mustCompare = target.isFilled;
  }

  /** Resolves when the target is verified to be a copy. Rejects with a MigrationFailure or ClientError; it may be run again then. */
  static async run(options: MigrationOptions): Promise<MigrationResult> {
    const [from, to] = await Promise.all([options.source.maintenance.status(), options.target.maintenance.status()]);
    if (from.clusterId === to.clusterId) throw new MigrationFailure('source and target are the same cluster');
    const target = await Target.open(options.target, {
      sourceClusterId: from.clusterId,
      replace: options.replaceTarget,
    });
    return await new Migration(options, target).#run();
  }

  async #run(): Promise<MigrationResult> {
    let restarts = 0;
    for (;;) {
      const before = this.#target.revision;
      try {
        await this.#copy();
        const end = await this.#follow();
        if (end !== undefined) return await this.#finish(end);
      } catch (error) {
        if (!(error instanceof ClientError) || !isRestart(error)) throw error;
      }
      // Something was compacted before it was read, or the target lost a lease: compare again.
      restarts = this.#target.revision > before ? 0 : restarts + 1;
      if (restarts > RESTARTS_MAX) {
        throw new MigrationFailure(
          'the source compacts its history faster than it can be copied: copy faster, or let it keep more',
        );
      }
      this.#mustCompare = true;
      this.#leases.reset();
    }
  }

  async #copy(): Promise<void> {
    const { source } = this.#options;
    await this.#leases.look();
    const { revision } = await persistently(() => source.kv.range({ countOnly: true }));
    this.#sourceRevision = revision;
    const batch = new Batch(this.#target);
    const listed = await this.#list(revision, batch);
    const leased = listed.filter(({ lease }) => lease !== 0n).toSorted((a, b) => a.createRevision - b.createRevision);
    const others = listed.filter(({ lease }) => lease === 0n).toSorted((a, b) => a.modRevision - b.modRevision);
    const pace = { startedMs: performance.now(), lookedMs: performance.now(), copied: 0, left: listed.length };
    for (const part of parts(leased)) {
      await this.#copyPart(batch, part, revision);
      await this.#paced(pace, part.length);
    }
    for (const part of parts(others)) {
      await this.#copyPart(batch, part, revision);
      // Of the last revision there may be more keys in the next part.
      batch.complete((part.at(-1)?.modRevision ?? 1) - 1);
      await batch.flush();
      await this.#paced(pace, part.length);
    }
    batch.complete(revision);
    await batch.flush();
    this.#mustCompare = false;
  }

  async #copyPart(batch: Batch, part: readonly Listed[], revision: number): Promise<void> {
    for (const keyValue of await this.#values(part, revision))
      await this.#put(batch, keyValue, keyValue.createRevision);
    await batch.flush();
  }

  /** Reports, looks at leases now and then, and waits where there is to be less haste. */
  async #paced(pace: Pace, copied: number): Promise<void> {
    pace.copied += copied;
    pace.left -= copied;
    this.#report('copy', pace.left);
    await this.#throttle(pace.copied, pace.startedMs);
    if (performance.now() - pace.lookedMs < LOOK_MS) return;
    await this.#leases.look();
    pace.lookedMs = performance.now();
  }

  /** The source's keys that the target needs; what it has and the source does not is deleted there. */
  async #list(revision: number, batch: Batch): Promise<Listed[]> {
    const { source, target } = this.#options;
    const there = new Map<string, bigint>();
    if (this.#mustCompare) {
      for await (const keyValue of target.kv.scan({ keysOnly: true })) {
        if (!isMark(keyValue)) there.set(keyValue.key.toString('latin1'), keyValue.lease);
      }
    }
    const listed: Listed[] = [];
    for await (const keyValue of source.kv.scan({ keysOnly: true, revision })) {
      if (isMark(keyValue)) throw new MigrationFailure('the source is itself being filled by a migration');
      const name = keyValue.key.toString('latin1');
      const isDone =
        keyValue.modRevision <= this.#target.revision && (!this.#mustCompare || there.get(name) === keyValue.lease);
      const { createRevision, modRevision, lease } = keyValue;
      // A copy: the key as it came would keep its whole page in memory.
      if (!isDone) listed.push({ key: Buffer.from(keyValue.key), createRevision, modRevision, lease });
      there.delete(name);
    }
    for (const name of there.keys()) {
      const key = Buffer.from(name, 'latin1');
      await batch.add({ key, operation: op.delete(key), bytes: key.length, revision, isOrdered: false });
    }
    await batch.flush();
    return listed;
  }

  async #values(part: readonly Listed[], revision: number): Promise<KeyValue[]> {
    const { source } = this.#options;
    const gets = part.map(({ key }) => op.range({ key, revision }));
    const { results } = await persistently(() =>
      source.kv
        .txn()
        .do(...gets)
        .commit(),
    );
    return results.flatMap((result) => (result.kind === 'range' ? result.keyValues : []));
  }

  async #put(batch: Batch, { key, value, lease: id }: KeyValue, revision: number): Promise<void> {
    const lease = await this.#leases.leaseFor(id);
    const operation = op.put(key, value, { lease });
    await batch.add({ key, operation, bytes: key.length + value.length, revision, isOrdered: id !== 0n });
    this.#changes += 1;
  }

  /** The source's revision at the cut-over; undefined: the keys must be compared again. */
  async #follow(): Promise<number | undefined> {
    const { source, cutOver, untilSynced } = this.#options;
    const stop = new AbortController();
    const watch = source.watch({ startRevision: this.#target.revision + 1, signal: stop.signal });
    const batches = watch.batches();
    const batch = new Batch(this.#target);
    let next = batches.next();
    // Whoever leaves early leaves a read behind, which ends with the watch.
    next.catch(() => undefined);
    try {
      for (;;) {
        const arrived = await Promise.race([next, delay(LOOK_MS)]);
        if (arrived !== undefined && arrived.value !== undefined) {
          next = batches.next();
          next.catch(() => undefined);
          await this.#apply(batch, arrived.value);
          if (this.#target.revision < this.#sourceRevision) continue;
        }
        const { revision } = await persistently(() => source.kv.range({ countOnly: true }));
        this.#sourceRevision = revision;
        this.#report('follow', 0);
        if (cutOver.aborted || untilSynced) return await this.#catchUp(batches, next, batch, revision);
        await this.#leases.look();
        if (this.#leases.takeLoss()) return undefined;
      }
    } finally {
      stop.abort();
    }
  }

  /** Applies what is left up to the source's last revision. */
  async #catchUp(
    batches: AsyncGenerator<WatchBatch, void, undefined>,
    pending: Promise<IteratorResult<WatchBatch, void>>,
    batch: Batch,
    end: number,
  ): Promise<number> {
    let next = pending;
    while (this.#target.revision < end) {
      const { value } = await next;
      if (value === undefined) throw new MigrationFailure('the watch of the source has ended');
      next = batches.next();
      next.catch(() => undefined);
      await this.#apply(batch, value, end);
    }
    return end;
  }

  /** `end`: nothing behind that revision. */
  async #apply(batch: Batch, { events, revision }: WatchBatch, end: number = Infinity): Promise<void> {
    for (const event of events) {
      const { modRevision } = event.keyValue;
      if (modRevision > end) break;
      batch.complete(modRevision - 1);
      await this.#applyOne(batch, event);
    }
    batch.complete(Math.min(revision, end));
    await batch.flush();
  }

  async #applyOne(batch: Batch, { type, keyValue }: WatchEvent): Promise<void> {
    const { key, modRevision: revision } = keyValue;
    if (type === 'put') {
      await this.#put(batch, keyValue, revision);
      return;
    }
    await batch.add({ key, operation: op.delete(key), bytes: key.length, revision, isOrdered: false });
    this.#changes += 1;
  }

  async #finish(end: number): Promise<MigrationResult> {
    const { source, target } = this.#options;
    this.#report('verify', 0);
    const [there, here] = await Promise.all([contentsOf(source, end), contentsOf(target)]);
    if (there.keys !== here.keys || there.hash !== here.hash) {
      throw new MigrationFailure(
        `the target is not a copy: ${here.keys} keys (${here.hash.slice(0, 16)}), the source has ${there.keys} (${there.hash.slice(0, 16)}) at revision ${end}; did somebody write to the target?`,
      );
    }
    await this.#leases.look();
    const { revision } = await persistently(() => source.kv.range({ countOnly: true }));
    await this.#target.finish();
    const { revision: targetRevision } = await persistently(() => target.kv.range({ countOnly: true }));
    const leases = this.#leases.size;
    return { ...here, sourceRevision: end, targetRevision, leases, writtenSince: revision > end };
  }

  #report(phase: Progress['phase'], keysLeft: number): void {
    const { revision } = this.#target;
    const [changes, leases, sourceRevision] = [this.#changes, this.#leases.size, this.#sourceRevision];
    this.#options.onProgress({ phase, revision, sourceRevision, changes, keysLeft, leases });
  }

  async #throttle(copied: number, startedMs: number): Promise<void> {
    const { keysPerSecond } = this.#options;
    if (keysPerSecond === 0) return;
    const aheadMs = (copied / keysPerSecond) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 0) await delay(aheadMs);
  }
}

interface Pace {
  readonly startedMs: number;
  lookedMs: number;
  copied: number;
  left: number;
}

function* parts(listed: readonly Listed[]): Generator<readonly Listed[], void, undefined> {
  for (let at = 0; at < listed.length; at += VALUES_AT_ONCE) yield listed.slice(at, at + VALUES_AT_ONCE);
}

function isRestart({ etcdName }: ClientError): boolean {
  return etcdName === 'Compacted' || etcdName === 'LeaseNotFound';
}
