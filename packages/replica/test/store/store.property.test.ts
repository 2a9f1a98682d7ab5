/** The store against the naive model, over random histories of everything that can happen to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  type Command,
  decodeCommand,
  encodeCommand,
  type FrozenStore,
  historyScan,
  type KeyRange,
  type RangeOperation,
  type Response,
  type SnapshotChunks,
  Store,
  type StoreEvent,
} from '../../src/store/index.js';
import { CHANGE_BYTES } from '../../src/store/revision-index.js';
import { comparable, type ModelEvent, StoreModel, showEvent, showModelEvent } from '../../src/testing/store-model.js';
import { anyCommand, anyRange, anyRangeOperation } from './arbitraries.js';
import { ALL, hashOf, load, platform, range, serialise, sweepAll, text } from './support.js';

/** Few, so that random transactions exceed it now and then. */
const OPERATIONS_MAX = 6;
/** About an item of a snapshot. */
const PAUSED_CHUNK_BYTES = 20;
const OPTIONS = { slabBytes: 256, txnOperationsMax: OPERATIONS_MAX };

type Step =
  | { readonly do: 'apply'; readonly command: Command }
  | { readonly do: 'range'; readonly operation: RangeOperation }
  | {
      readonly do: 'scan';
      readonly keys: KeyRange;
      readonly from: number;
      readonly span: number;
      readonly versionsMax: number;
    }
  | { readonly do: 'sweep'; readonly keysMax: number }
  | { readonly do: 'freeze' }
  | { readonly do: 'release'; readonly pick: number }
  | { readonly do: 'reload'; readonly chunkBytes: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: anyCommand.map((command) => ({ do: 'apply', command }) as const) },
  { weight: 6, arbitrary: anyRangeOperation.map((operation) => ({ do: 'range', operation }) as const) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyRange, fc.integer({ min: 1, max: 40 }), fc.nat(40), fc.integer({ min: 1, max: 9 }))
      .map(([keys, from, span, versionsMax]) => ({ do: 'scan', keys, from, span, versionsMax }) as const),
  },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }).map((keysMax) => ({ do: 'sweep', keysMax }) as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'freeze' } as const) },
  { weight: 1, arbitrary: fc.nat(3).map((pick) => ({ do: 'release', pick }) as const) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 200 }).map((chunkBytes) => ({ do: 'reload', chunkBytes }) as const),
  },
);

function checkEvents(events: readonly StoreEvent[], expected: readonly ModelEvent[]): void {
  assert.deepEqual(events.map(showEvent), expected.map(showModelEvent));
}

/** The whole scan, in slices of `versionsMax`, each of whole revisions. */
function scan(store: Store, keys: KeyRange, from: number, to: number, versionsMax: number): string[] {
  const history = historyScan(store, keys, from, to);
  const seen: string[] = [];
  let revision = from - 1;
  for (let slice = history.next(versionsMax); slice !== undefined; slice = history.next(versionsMax)) {
    for (const event of slice) {
      assert.ok(event.keyValue.modRevision > revision && event.keyValue.modRevision <= history.revision);
    }
    revision = history.revision;
    seen.push(...slice.map(showEvent));
  }
  assert.equal(history.isCompacted, from < store.compactRevision && from <= to);
  assert.ok(history.isCompacted || history.revision >= Math.min(to, store.revision));
  return seen;
}

function checkControl(store: Store, model: StoreModel): void {
  assert.equal(store.timeMs, model.timeMs);
  assert.deepEqual(
    store.leases(),
    [...model.leases.values()].toSorted((a, b) => a.deadlineMs - b.deadlineMs || (a.lease < b.lease ? -1 : 1)),
  );
  assert.equal(store.nextLeaseDeadline(), store.leases()[0]?.deadlineMs);
  assert.deepEqual(
    store.leasesDue(model.timeMs, 1000),
    store
      .leases()
      .filter(({ deadlineMs }) => deadlineMs <= model.timeMs)
      .map(({ lease }) => lease),
  );
  assert.equal(store.leasesDue(Number.MAX_SAFE_INTEGER, 1).length, Math.min(1, model.leases.size));
  for (const lease of model.leases.keys()) {
    assert.deepEqual(store.leaseKeys(lease), model.leaseKeys(lease));
    assert.deepEqual(store.lease(lease), model.leases.get(lease));
  }
  const byMember = model.alarms.toSorted((a, b) => a.member - b.member || (a.alarm === 'no-space' ? -1 : 1));
  assert.deepEqual(store.alarms(), byMember);
}

/** Every revision that can be read, in full, and the two that cannot. */
function checkAll(read: (operation: RangeOperation) => Response, model: StoreModel): void {
  for (let revision = Math.max(1, model.compactRevision - 1); revision <= model.revision + 1; revision++) {
    const operation = { ...ALL, revision };
    assert.deepEqual(comparable(read(operation)), model.range(operation), `revision ${revision}`);
  }
}

interface Held {
  readonly frozen: FrozenStore;
  /** A stream of it that goes on by a piece a step, while the store changes and is swept. */
  readonly paused: PausedStream;
  readonly model: StoreModel;
  readonly hash: number;
}

class PausedStream {
  readonly #chunks: SnapshotChunks;
  readonly #parts: Uint8Array[] = [];

  constructor(frozen: FrozenStore) {
    this.#chunks = frozen.chunks();
  }

  /** False at the end. */
  step(): boolean {
    const part = this.#chunks.next(PAUSED_CHUNK_BYTES);
    if (part !== undefined) this.#parts.push(part);
    return part !== undefined;
  }

  finish(): Uint8Array {
    while (this.step());
    return Uint8Array.from(Buffer.concat(this.#parts));
  }
}

class Run {
  store: Store = new Store(platform, OPTIONS);
  readonly model: StoreModel = new StoreModel(OPERATIONS_MAX);
  /** The same commands and nothing else: no sweep, no frozen view, no reload. Its hash must always be the same. */
  readonly plain: Store = new Store(platform, { txnOperationsMax: OPERATIONS_MAX, collectEvents: false });
  readonly replayed: Store = new Store(platform, { txnOperationsMax: OPERATIONS_MAX, collectEvents: false });
  readonly held: Held[] = [];

  step(step: Step): void {
    switch (step.do) {
      case 'apply':
        this.#apply(step.command);
        break;
      case 'range':
        assert.deepEqual(comparable(this.store.range(step.operation)), this.#expectedRange(step.operation));
        break;
      case 'scan':
        this.#scan(step.keys, step.from, step.from + step.span, step.versionsMax);
        break;
      case 'sweep':
        this.store.sweep(step.keysMax);
        break;
      case 'freeze':
        this.#freeze();
        break;
      case 'release':
        this.#release(step.pick);
        break;
      case 'reload':
        this.#reload(step.chunkBytes);
        break;
    }
    this.held.forEach(({ paused }) => paused.step());
    this.store.checkInvariants();
  }

  #freeze(): void {
    const frozen = this.store.freeze();
    const paused = new PausedStream(frozen);
    this.held.push({ frozen, paused, model: this.model.clone(), hash: this.store.stateHash() });
  }

  #scan(keys: KeyRange, from: number, to: number, versionsMax: number): void {
    const expected = from < this.model.compactRevision ? [] : this.model.history(keys, from, to);
    assert.deepEqual(scan(this.store, keys, from, to, versionsMax), expected.map(showModelEvent));
  }

  #expectedRange(operation: RangeOperation): unknown {
    return operation.key === '' ? { kind: 'error', code: 'key-empty' } : this.model.range(operation);
  }

  #apply(command: Command): void {
    const encoded = encodeCommand(platform, command);
    const decoded = decodeCommand(platform, encoded);
    assert.deepEqual(decoded, command);
    // As a start does it: replay what can be replayed, from the middle of some array, and apply the rest.
    const payload = new Uint8Array(encoded.length + 6).fill(0xff);
    payload.set(encoded, 3);
    if (!this.replayed.applyPlainPut(payload, 3, 3 + encoded.length)) this.replayed.apply(command);
    const { response, events } = this.store.apply(decoded);
    const plain = this.plain.apply(command);
    const expected = this.model.apply(command);
    assert.deepEqual(comparable(response), expected.response);
    assert.deepEqual(comparable(plain.response), expected.response);
    assert.equal(plain.events.length, 0);
    checkEvents(events, expected.events);
    checkControl(this.store, this.model);
    assert.equal(this.store.stateHash(), this.plain.stateHash());
    assert.equal(this.store.stateHash(), this.replayed.stateHash());
    assert.equal(this.store.revision, this.model.revision);
    assert.equal(this.store.compactRevision, this.model.compactRevision);
    assert.equal(this.store.keyCount, this.model.latest.size);
  }

  #release(pick: number): void {
    const [held] = this.held.splice(pick % Math.max(1, this.held.length), 1);
    if (held !== undefined) {
      this.#checkHeld(held);
      held.frozen.release();
    }
  }

  #checkHeld({ frozen, paused, model, hash }: Held): void {
    assert.equal(frozen.revision, model.revision);
    assert.equal(frozen.keyCount, model.latest.size);
    assert.equal(frozen.stateHash(), hash);
    checkAll((operation) => frozen.range(operation), model);
    const stream = serialise(frozen, 100);
    assert.deepEqual(paused.finish(), stream);
    const copy = load(stream, 77, OPTIONS);
    copy.checkInvariants();
    assert.equal(copy.stateHash(), hash);
    checkControl(copy, model);
    const from = Math.max(1, model.compactRevision);
    assert.deepEqual(
      scan(copy, ALL, from, model.revision, 3),
      model.history(ALL, from, model.revision).map(showModelEvent),
    );
    checkAll((operation) => copy.range(operation), model);
  }

  /** The member restarts from its own snapshot. */
  #reload(chunkBytes: number): void {
    const frozen = this.store.freeze();
    const stream = serialise(frozen, chunkBytes);
    frozen.release();
    this.store = load(stream, chunkBytes + 3, OPTIONS);
    assert.equal(this.store.revision, this.model.revision);
    assert.equal(this.store.compactRevision, this.model.compactRevision);
    checkControl(this.store, this.model);
  }

  finish(): void {
    checkAll((operation) => this.store.range(operation), this.model);
    for (const [key, item] of this.model.latest) {
      assert.equal(text(this.store.get(key)?.value ?? new Uint8Array()), item.value);
    }
    for (let revision = Math.max(2, this.model.compactRevision); revision <= this.model.revision; revision++) {
      assert.equal(hashOf(this.store, revision), hashOf(this.plain, revision), `hash at ${revision}`);
    }
    this.#scan(ALL, Math.max(1, this.model.compactRevision), this.model.revision, 2);
    this.held.forEach((held) => this.#checkHeld(held));
    this.held.forEach(({ frozen }) => frozen.release());
    sweepAll(this.store, 2);
    this.store.checkInvariants();
    assert.equal(hashOf(this.store), hashOf(this.plain));
    checkAll((operation) => this.store.range(operation), this.model);
  }
}

test('[K1] [K2] [K3] [K4] [K5] behaves as the model through every history of commands, reads, sweeps, frozen views and reloads', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60, size: 'max' }), (steps) => {
      const run = new Run();
      for (const step of steps) {
        run.step(step);
      }
      run.finish();
    }),
    { numRuns: Number(process.env['STORE_PROPERTY_RUNS'] ?? 300) },
  );
});

const anyUnalarming = anyCommand.filter(({ operation }) => operation.kind !== 'alarm');

test('[§4.16] after a sweep of everything nothing is left but what can be read', () => {
  fc.assert(
    fc.property(fc.array(anyUnalarming, { maxLength: 40, size: 'max' }), (commands) => {
      const store = new Store(platform, OPTIONS);
      for (const command of commands) {
        store.apply(command);
      }
      store.apply({ operation: { kind: 'compact', revision: store.revision }, limits: undefined });
      const deleted = store.range({ ...ALL, revision: store.revision });
      sweepAll(store, 1);
      assert.deepEqual(store.range({ ...ALL, revision: store.revision }), deleted);
      const next = store.apply({
        operation: {
          kind: 'put',
          key: 'z',
          value: new Uint8Array(),
          lease: 0n,
          returnPrevious: false,
          ignoreValue: false,
          ignoreLease: false,
        },
        limits: undefined,
      });
      assert.equal(next.response.kind, 'put');
      store.apply({ operation: { kind: 'compact', revision: store.revision }, limits: undefined });
      sweepAll(store, 1);
      store.checkInvariants();
      assert.equal(store.historyBytes, CHANGE_BYTES, 'the one change at the compacted revision');
      assert.deepEqual(store.range(range('z')).kind, 'range');
    }),
    { numRuns: 100 },
  );
});
