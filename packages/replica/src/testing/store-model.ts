/**
 * The store as it should behave, written so that it is obviously right: the whole map is kept for every revision that can
 * be read, keys and values as text, and every question is answered by looking at all of it. The oracle of the store's tests and of
 * whoever else compares a store with what it should have done. Answers are in the form of comparable().
 */
import {
  type Alarm,
  type Command,
  type Compare,
  type ErrorResponse,
  type KeyRange,
  type KeyValue,
  LEASE_TTL_SECONDS_MAX,
  type LeaseId,
  type LeaseInfo,
  type Operation,
  type PutOperation,
  type RangeOperation,
  type Response,
  type StoreErrorCode,
  type StoreEvent,
  type TxnOperation,
  type WriteLimits,
} from '../store/index.js';

export interface ModelValue {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease: LeaseId;
}

type State = ReadonlyMap<string, ModelValue>;

/** In place of the states that compaction has discarded. */
const GONE: State = new Map();

export interface ModelEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  /** Undefined for a delete. */
  readonly keyValue: ModelValue | undefined;
  readonly previous: ModelValue | undefined;
}

type Control = Exclude<Command['operation'], Operation | { readonly kind: 'compact' }>;

class Refusal extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode) {
    super(code);
    this.code = code;
  }
}

function inRange(key: string, { key: from, rangeEnd }: KeyRange): boolean {
  return rangeEnd === undefined ? key === from : key >= from && (rangeEnd === '\0' || key < rangeEnd);
}

function text(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
}

function shown(key: string, { value, create, mod, version, lease }: ModelValue): string {
  return `${key}=${value} ${create}/${mod}/${version}${lease === 0n ? '' : ` lease ${lease}`}`;
}

/** A key-value of the store on one line: `key=value create/mod/version`, and the lease if there is one. */
export function showKeyValue({ key, value, createRevision, modRevision, version, lease }: KeyValue): string {
  return shown(key, { value: text(value), create: createRevision, mod: modRevision, version, lease });
}

/** A response of the store in the model's form. */
export function comparable(response: Response): unknown {
  switch (response.kind) {
    case 'put':
      return { ...response, previous: response.previous && showKeyValue(response.previous) };
    case 'delete':
      return { ...response, previous: response.previous.map(showKeyValue) };
    case 'range':
      return { ...response, keyValues: response.keyValues.map(showKeyValue) };
    case 'txn':
      return { ...response, responses: response.responses.map(comparable) };
    case 'compact':
    case 'lease':
    case 'lease-end':
    case 'alarm':
    case 'error':
      return response;
    default:
      return response satisfies never;
  }
}

/** An event of the store on one line ... */
export function showEvent({ type, keyValue, previous }: StoreEvent): string {
  const before = previous === undefined ? '' : ` before ${showKeyValue(previous)}`;
  return `${type} ${showKeyValue(keyValue)}${before}`;
}

/** ... and of the model on the same. */
export function showModelEvent({ type, key, revision, keyValue, previous }: ModelEvent): string {
  const deleted = { value: '', create: 0, mod: revision, version: 0, lease: 0n };
  const before = previous === undefined ? '' : ` before ${shown(key, previous)}`;
  return `${type} ${shown(key, keyValue ?? deleted)}${before}`;
}

const byKey = ([left]: [string, ModelValue], [right]: [string, ModelValue]): number => (left < right ? -1 : 1);

export class StoreModel {
  /** states[r] is the map at revision r; revision 0 does not exist. */
  states: State[] = [new Map(), new Map()];
  compactRevision = 0;
  timeMs = 0;
  leases: Map<LeaseId, LeaseInfo> = new Map();
  alarms: Alarm[] = [];
  /** Everything that happened since the last compaction. */
  log: ModelEvent[] = [];
  readonly #operationsMax: number;

  constructor(operationsMax: number) {
    this.#operationsMax = operationsMax;
  }

  get revision(): number {
    return this.states.length - 1;
  }

  get latest(): State {
    return this.states[this.revision] as State;
  }

  clone(): StoreModel {
    const copy = new StoreModel(this.#operationsMax);
    copy.states = [...this.states];
    copy.compactRevision = this.compactRevision;
    copy.timeMs = this.timeMs;
    copy.leases = new Map(this.leases);
    copy.alarms = [...this.alarms];
    copy.log = [...this.log];
    return copy;
  }

  /** The keys that name the lease. */
  leaseKeys(lease: LeaseId): string[] {
    return [...this.latest]
      .filter(([, item]) => item.lease === lease)
      .map(([key]) => key)
      .toSorted();
  }

  /** What happened to a range from one revision to another, in order. */
  history(range: KeyRange, from: number, to: number): ModelEvent[] {
    return this.log
      .filter(({ key, revision }) => inRange(key, range) && revision >= from && revision <= to)
      .filter((event, index, all) => {
        // Of what one revision did to a key, compaction at that revision leaves the last.
        const isLast = !all.some(
          ({ key, revision }, other) => other > index && key === event.key && revision === event.revision,
        );
        return event.revision > this.compactRevision || isLast;
      })
      .map((event) => (event.revision - 1 < this.compactRevision ? { ...event, previous: undefined } : event));
  }

  /** The answer in comparable form, and the events. */
  apply({ operation, limits }: Command): { response: unknown; events: readonly ModelEvent[] } {
    try {
      if (operation.kind === 'compact') {
        return { response: this.#compact(operation.revision), events: [] };
      }
      if (operation.kind !== 'put' && operation.kind !== 'delete' && operation.kind !== 'txn') {
        const known = this.log.length;
        return { response: this.#control(operation), events: this.log.slice(known) };
      }
      this.#checkShape(operation, this.#operationsMax);
      this.#checkWrites(operation);
      this.#checkAlarms(operation);
      const run = new Run(this, limits);
      const response = run.execute(operation);
      this.#commit(run);
      return { response, events: run.events };
    } catch (error) {
      if (error instanceof Refusal) {
        return { response: { kind: 'error', code: error.code } satisfies ErrorResponse, events: [] };
      }
      throw error;
    }
  }

  #commit(run: Run): void {
    if (run.changed) {
      this.states.push(run.state);
      this.log.push(...run.events);
    }
  }

  #checkAlarms(operation: Operation): void {
    const mayPut = (nested: Operation): boolean =>
      nested.kind === 'put' || (nested.kind === 'txn' && [...nested.success, ...nested.failure].some(mayPut));
    if (this.#has('corrupt')) {
      throw new Refusal('corrupt');
    }
    if (this.#has('no-space') && mayPut(operation)) {
      throw new Refusal('no-space');
    }
  }

  #has(kind: Alarm['alarm']): boolean {
    return this.alarms.some(({ alarm }) => alarm === kind);
  }

  #control(operation: Control): unknown {
    const { revision } = this;
    if ('timeMs' in operation) {
      this.timeMs = Math.max(this.timeMs, operation.timeMs);
    }
    if (this.#has('corrupt') && operation.kind !== 'alarm' && operation.kind !== 'lease-renew') {
      throw new Refusal('corrupt');
    }
    switch (operation.kind) {
      case 'alarm':
        return { kind: 'alarm', revision, alarms: this.#setAlarm(operation.action, operation) };
      case 'lease-grant':
        if (this.#has('no-space')) {
          throw new Refusal('no-space');
        }
        if (operation.lease === 0n) {
          throw new Refusal('lease-not-found');
        }
        if (operation.ttlSeconds > LEASE_TTL_SECONDS_MAX) {
          throw new Refusal('lease-ttl-too-large');
        }
        if (this.leases.has(operation.lease)) {
          throw new Refusal('lease-exists');
        }
        return this.#extend(operation.lease, Math.max(1, operation.ttlSeconds));
      case 'lease-renew':
        return this.#extend(operation.lease, this.#lease(operation.lease).ttlSeconds);
      case 'lease-revoke':
        this.#lease(operation.lease);
        return this.#end([operation.lease]);
      case 'lease-expire': {
        const due = operation.leases.filter((lease) => (this.leases.get(lease)?.deadlineMs ?? Infinity) <= this.timeMs);
        return this.#end([...new Set(due)]);
      }
      default:
        return operation satisfies never;
    }
  }

  #lease(lease: LeaseId): LeaseInfo {
    const info = this.leases.get(lease);
    if (info === undefined) {
      throw new Refusal('lease-not-found');
    }
    return info;
  }

  #extend(lease: LeaseId, ttlSeconds: number): unknown {
    this.leases.set(lease, { lease, ttlSeconds, deadlineMs: this.timeMs + 1000 * ttlSeconds });
    return { kind: 'lease', revision: this.revision, lease, ttlSeconds };
  }

  #end(leases: readonly LeaseId[]): unknown {
    for (const lease of leases) {
      const run = new Run(this, undefined);
      run.deleteKeys(this.leaseKeys(lease));
      this.leases.delete(lease);
      this.#commit(run);
    }
    return { kind: 'lease-end', revision: this.revision, ended: leases };
  }

  #setAlarm(action: 'activate' | 'deactivate', { member, alarm }: Alarm): Alarm[] {
    const others = this.alarms.filter((standing) => standing.member !== member || standing.alarm !== alarm);
    const stood = others.length < this.alarms.length;
    this.alarms = others;
    if (action === 'activate') {
      this.alarms.push({ member, alarm });
    }
    return action === 'activate' || stood ? [{ member, alarm }] : [];
  }

  range(operation: RangeOperation): unknown {
    try {
      return this.rangeIn(operation, this.latest, this.revision);
    } catch (error) {
      if (error instanceof Refusal) {
        return { kind: 'error', code: error.code };
      }
      throw error;
    }
  }

  rangeIn(operation: RangeOperation, present: State, revision: number): unknown {
    this.checkRevision(operation);
    const state = operation.revision > 0 && operation.revision < revision ? this.states[operation.revision] : present;
    const all = [...(state as State)].filter(([key]) => inRange(key, operation)).toSorted(byKey);
    if (operation.countOnly) {
      return { kind: 'range', revision, keyValues: [], more: false, count: all.length };
    }
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = operation;
    const filtered = minModRevision + maxModRevision + minCreateRevision + maxCreateRevision !== 0;
    // etcd sorts only what the limit lets through if a target is given without an order.
    const cutFirst = operation.sortOrder === 'none' && operation.limit > 0 && !filtered;
    const chosen = (cutFirst ? all.slice(0, operation.limit + 1) : all)
      .filter(([, { mod }]) => maxModRevision === 0 || mod <= maxModRevision)
      .filter(([, { mod }]) => minModRevision === 0 || mod >= minModRevision)
      .filter(([, { create }]) => maxCreateRevision === 0 || create <= maxCreateRevision)
      .filter(([, { create }]) => minCreateRevision === 0 || create >= minCreateRevision);
    const field = ([key, item]: [string, ModelValue]): string | number =>
      operation.sortTarget === 'key' ? key : item[operation.sortTarget];
    const sign = operation.sortOrder === 'descending' ? -1 : 1;
    chosen.sort((left, right) => {
      const [a, b] = [field(left), field(right)];
      return a === b ? 0 : sign * (a < b ? -1 : 1);
    });
    const cut = operation.limit > 0 ? chosen.slice(0, operation.limit) : chosen;
    const keyValues = cut.map(([key, item]) => shown(key, operation.keysOnly ? { ...item, value: '' } : item));
    return { kind: 'range', revision, keyValues, more: cut.length < chosen.length, count: all.length };
  }

  /** Inside a transaction negative revisions are below what compaction has left, -1 before there was any excepted. */
  checkNestedRevision(operation: RangeOperation): void {
    if (operation.revision < (this.compactRevision === 0 ? -1 : 0)) {
      throw new Refusal('compacted');
    }
    this.checkRevision(operation);
  }

  checkRevision({ revision }: RangeOperation): void {
    if (revision > this.revision) {
      throw new Refusal('future-revision');
    }
    if (revision > 0 && revision < this.compactRevision) {
      throw new Refusal('compacted');
    }
  }

  #compact(revision: number): unknown {
    if (this.#has('corrupt')) {
      throw new Refusal('corrupt');
    }
    if (revision <= this.compactRevision) {
      throw new Refusal('compacted');
    }
    if (revision > this.revision) {
      throw new Refusal('future-revision');
    }
    // What can no longer be asked for need not be kept.
    for (let at = this.compactRevision; at < revision; at += 1) {
      this.states[at] = GONE;
    }
    this.log = this.log.filter((event) => event.revision >= revision);
    this.compactRevision = revision;
    return { kind: 'compact', revision: this.revision };
  }

  #checkShape(operation: Operation, budget: number): void {
    if (operation.kind === 'txn') {
      const { compares, success, failure } = operation;
      const left = budget - Math.max(compares.length, success.length, failure.length);
      if (left < 0) {
        throw new Refusal('too-many-operations');
      }
      for (const compare of compares) {
        if (compare.key === '') {
          throw new Refusal('key-empty');
        }
      }
      for (const nested of [...success, ...failure]) {
        this.#checkShape(nested, left);
      }
      return;
    }
    if (operation.key === '') {
      throw new Refusal('key-empty');
    }
    if (operation.kind === 'put' && operation.ignoreValue && operation.value.length > 0) {
      throw new Refusal('value-provided');
    }
    if (operation.kind === 'put' && operation.ignoreLease && operation.lease !== 0n) {
      throw new Refusal('lease-provided');
    }
  }

  #checkWrites(operation: Operation): void {
    if (operation.kind === 'txn') {
      this.#writes(operation.success);
      this.#writes(operation.failure);
    }
  }

  #writes(branch: readonly Operation[]): { puts: string[]; deletes: KeyRange[] } {
    // A delete of everything from a key on does not count in etcd.
    const deletes: KeyRange[] = branch
      .filter((operation) => operation.kind === 'delete')
      .filter(({ rangeEnd }) => rangeEnd !== '\0');
    const puts: string[] = [];
    const add = (key: string): void => {
      if (puts.includes(key) || deletes.some((deleted) => inRange(key, deleted))) {
        throw new Refusal('duplicate-key');
      }
      puts.push(key);
    };
    for (const nested of branch.filter((operation) => operation.kind === 'txn')) {
      const success = this.#writes(nested.success);
      const failure = this.#writes(nested.failure);
      for (const key of new Set([...success.puts, ...failure.puts])) {
        add(key);
      }
      deletes.push(...success.deletes, ...failure.deletes);
    }
    for (const operation of branch.filter((nested) => nested.kind === 'put')) {
      add(operation.key);
    }
    return { puts, deletes };
  }
}

/** One command on a copy of the latest state. */
class Run {
  readonly state: Map<string, ModelValue>;
  readonly events: ModelEvent[] = [];
  readonly #model: StoreModel;
  readonly #limits: WriteLimits | undefined;

  constructor(model: StoreModel, limits: WriteLimits | undefined) {
    this.#model = model;
    this.#limits = limits;
    this.state = new Map(model.latest);
  }

  get changed(): boolean {
    return this.events.length > 0;
  }

  get #revision(): number {
    return this.#model.revision + (this.changed ? 1 : 0);
  }

  execute(operation: Operation): unknown {
    // Everything that only the state before decides comes before any change: puts, then ranges.
    this.#check(operation, 'put', 0);
    this.#check(operation, 'range', 0);
    return this.#run(operation, 0);
  }

  deleteKeys(keys: readonly string[]): void {
    for (const key of keys) {
      this.state.delete(key);
      this.#event('delete', key);
    }
  }

  #taken(operation: TxnOperation): readonly Operation[] {
    return operation.compares.every((compare) => this.#holds(compare)) ? operation.success : operation.failure;
  }

  #check(operation: Operation, kind: 'put' | 'range', depth: number): void {
    if (operation.kind === 'txn') {
      this.#taken(operation).forEach((nested) => this.#check(nested, kind, depth + 1));
    } else if (operation.kind === 'range' && kind === 'range') {
      this.#model.checkNestedRevision(operation);
    } else if (operation.kind === 'put' && kind === 'put') {
      this.#checkPut(operation, depth);
    }
  }

  #checkPut(operation: PutOperation, depth: number): void {
    if (this.#limits !== undefined && operation.key.length > this.#limits.keyBytesMax) {
      throw new Refusal('key-too-long');
    }
    if (this.#limits !== undefined && operation.value.length > this.#limits.valueBytesMax) {
      throw new Refusal('value-too-long');
    }
    const lacksLease = operation.lease !== 0n && !this.#model.leases.has(operation.lease);
    const lacksKey = (operation.ignoreValue || operation.ignoreLease) && !this.#model.latest.has(operation.key);
    // A put alone misses its lease first, one in a transaction its key.
    if (lacksKey && (depth > 0 || !lacksLease)) {
      throw new Refusal('key-not-found');
    }
    if (lacksLease) {
      throw new Refusal('lease-not-found');
    }
  }

  #holds(compare: Compare): boolean {
    const items = [...this.#model.latest].filter(([key]) => inRange(key, compare)).map(([, item]) => item);
    if (items.length === 0) {
      return (
        compare.target !== 'value' && this.#compares(compare, { value: '', create: 0, mod: 0, version: 0, lease: 0n })
      );
    }
    return items.every((item) => this.#compares(compare, item));
  }

  #compares(compare: Compare, item: ModelValue): boolean {
    let left: string | number | bigint;
    let right: string | number | bigint;
    if (compare.target === 'value') {
      [left, right] = [item.value, text(compare.operand)];
    } else {
      [left, right] = [item[compare.target], compare.operand];
    }
    return { equal: left === right, 'not-equal': left !== right, greater: left > right, less: left < right }[
      compare.result
    ];
  }

  #run(operation: Operation, depth: number): unknown {
    switch (operation.kind) {
      case 'put':
        return this.#put(operation);
      case 'delete': {
        const keys = [...this.state].filter(([key]) => inRange(key, operation)).toSorted(byKey);
        this.deleteKeys(keys.map(([key]) => key));
        const previous = operation.returnPrevious ? keys.map(([key, item]) => shown(key, item)) : [];
        return { kind: 'delete', revision: this.#revision, deleted: keys.length, previous };
      }
      case 'range':
        return this.#model.rangeIn(operation, this.state, this.#revision);
      case 'txn': {
        const branch = this.#taken(operation);
        const responses = branch.map((nested) => this.#run(nested, depth + 1));
        const succeeded = operation.compares.every((compare) => this.#holds(compare));
        return { kind: 'txn', revision: depth === 0 ? this.#revision : 0, succeeded, responses };
      }
      default:
        return operation satisfies never;
    }
  }

  #put(operation: PutOperation): unknown {
    const before = this.state.get(operation.key);
    if (before === undefined && (operation.ignoreValue || operation.ignoreLease)) {
      throw new Refusal('key-not-found');
    }
    if (before === undefined && this.#limits !== undefined && this.state.size >= this.#limits.keysMax) {
      throw new Refusal('too-many-keys');
    }
    const revision = this.#model.revision + 1;
    this.state.set(operation.key, {
      value: operation.ignoreValue ? (before?.value ?? '') : text(operation.value),
      create: before?.create ?? revision,
      mod: revision,
      version: (before?.version ?? 0) + 1,
      lease: operation.ignoreLease ? (before?.lease ?? 0n) : operation.lease,
    });
    this.#event('put', operation.key);
    const previous = operation.returnPrevious && before !== undefined ? shown(operation.key, before) : undefined;
    return { kind: 'put', revision, previous };
  }

  #event(type: 'put' | 'delete', key: string): void {
    const previous = this.#model.latest.get(key);
    this.events.push({ type, key, revision: this.#model.revision + 1, keyValue: this.state.get(key), previous });
  }
}
