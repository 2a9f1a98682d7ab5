/**
 * Where keys are copied to. Each change goes in one transaction together with a mark that says how far the copy is, on condition that the
 * mark is still the one written last. So an attempt whose answer was lost is never applied twice or late, two migrations cannot
 * mix, and whoever goes on after an interruption knows exactly where.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, ClientError, type KeyValue, type Operation, op, when } from '@quorate/client';
import { type MessageInit, type PutRequest, SERVICES } from '@quorate/proto';
import { MigrationFailure } from './failure.js';

/** In the target while the migration lasts; no key of the source may have this name. */
export const MARK_KEY = 'quorate/migration-in-progress';

const ATTEMPTS_MAX = 60;
const ATTEMPT_PAUSE_MS = 500;

/** How far the copy is: all of the source's changes up to `revision` are in the target. */
export interface Mark {
  readonly sourceClusterId: string;
  readonly revision: number;
}

export interface TargetOptions {
  readonly sourceClusterId: bigint;
  /** Keys that are there, and that no migration put there, are replaced by the source's. */
  readonly replace: boolean;
}

export class Target {
  readonly client: Client;
  readonly sourceClusterId: string;
  /** An earlier migration was here, or keys that are to be replaced: they must be compared with the source's. */
  readonly isFilled: boolean;
  #revision: number;
  #markRevision: number;
  readonly #run: string = randomUUID();
  #step = 0;

  private constructor(client: Client, mark: Mark, markRevision: number, isFilled: boolean) {
    this.client = client;
    this.sourceClusterId = mark.sourceClusterId;
    this.isFilled = isFilled;
    this.#revision = mark.revision;
    this.#markRevision = markRevision;
  }

  /** Rejects with a MigrationFailure if the target is not empty and nobody said that it may be replaced. */
  static async open(client: Client, options: TargetOptions): Promise<Target> {
    const sourceClusterId = String(options.sourceClusterId);
    const found = await persistently(() => client.kv.get(MARK_KEY));
    if (found !== undefined) {
      const mark = JSON.parse(found.value.toString()) as Mark;
      if (mark.sourceClusterId !== sourceClusterId) {
        throw new MigrationFailure(
          `the target is being filled from another cluster (${mark.sourceClusterId}); delete its key ${MARK_KEY} to give that up`,
        );
      }
      return new Target(client, mark, found.modRevision, true);
    }
    const { count } = await persistently(() => client.kv.range({ countOnly: true }));
    if (count > 0 && !options.replace) {
      throw new MigrationFailure(
        `the target is not empty: it has ${count} keys; --replace-target makes it a copy of the source, without them`,
      );
    }
    const mark = { sourceClusterId, revision: 0 };
    const { created, revision } = await client.kv.create(MARK_KEY, JSON.stringify(mark));
    if (!created) throw new MigrationFailure('somebody else has begun to fill the target');
    return new Target(client, mark, revision, count > 0);
  }

  /** Everything of the source up to here is in the target. */
  get revision(): number {
    return this.#revision;
  }

  /** One revision of the target; at most 120 operations on different keys. `revision`: what is complete with them. */
  async apply(operations: readonly Operation[], revision: number): Promise<void> {
    // Unlike any other's: it tells an attempt of ours that did arrive from a change by somebody else.
    this.#step += 1;
    const text = JSON.stringify({ sourceClusterId: this.sourceClusterId, revision, run: this.#run, step: this.#step });
    await persistently(async () => {
      const result = await this.client.kv
        .txn()
        .when(when.modRevision(MARK_KEY, '=', this.#markRevision))
        .do(...operations, op.put(MARK_KEY, text))
        .otherwise(op.get(MARK_KEY))
        .commit();
      if (result.succeeded) {
        this.#markRevision = result.revision;
        return;
      }
      const [answer] = result.results;
      const found = answer?.kind === 'range' ? answer.keyValues[0] : undefined;
      if (found?.value.toString() !== text) {
        throw new MigrationFailure('the target was changed by another migration, or its mark was deleted');
      }
      this.#markRevision = found.modRevision;
    });
    this.#revision = revision;
  }

  /**
   * A value that leaves no room for a mark in its transaction, put by itself. The mark before it and the one after it tell of another
   * migration; an attempt that arrives late, when the key has changed again, is found out when both sides are compared.
   */
  async applyAlone(put: MessageInit<PutRequest>): Promise<void> {
    await this.apply([], this.#revision);
    await persistently(() => this.client.call(SERVICES['etcdserverpb.KV'].Put, put));
    await this.apply([], this.#revision);
  }

  /** The migration is over: what is there is the target's own. */
  async finish(): Promise<void> {
    await persistently(() => this.client.kv.delete(MARK_KEY));
  }
}

/** What may be repeated is, for half a minute and more: clusters elect leaders, and machines restart. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ClientError) || !isPassing(error) || attempt >= ATTEMPTS_MAX) throw error;
      await delay(ATTEMPT_PAUSE_MS);
    }
  }
}

function isPassing({ grpcName, etcdName, outcome }: ClientError): boolean {
  if (etcdName === 'TooManyRequests') return true;
  return outcome !== 'invalid' && ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL'].includes(grpcName);
}

export function isMark({ key }: Pick<KeyValue, 'key'>): boolean {
  return key.toString() === MARK_KEY;
}
