/**
 * The store as it should behave, written so that it is obviously right: the whole map is kept for every revision there ever
 * was, keys and values as text, and every question is answered by looking at all of it.
 */
import type {
  Command,
  Compare,
  ErrorResponse,
  KeyRange,
  Operation,
  PutOperation,
  RangeOperation,
  StoreErrorCode,
  TxnOperation,
  WriteLimits,
} from '../../src/store/index.js';
import { text } from './support.js';

export interface ModelValue {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
}

type State = ReadonlyMap<string, ModelValue>;

export interface ModelEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly keyValue: ModelValue | undefined;
  readonly previous: ModelValue | undefined;
}

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

function shown(key: string, { value, create, mod, version }: ModelValue): string {
  return `${key}=${value} ${create}/${mod}/${version}`;
}

const byKey = ([left]: [string, ModelValue], [right]: [string, ModelValue]): number => (left < right ? -1 : 1);

export class Model {
  /** states[r] is the map at revision r; revision 0 does not exist. */
  states: State[] = [new Map(), new Map()];
  compactRevision = 0;
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

  clone(): Model {
    const copy = new Model(this.#operationsMax);
    copy.states = [...this.states];
    copy.compactRevision = this.compactRevision;
    return copy;
  }

  /** The answer in comparable form, and the events. */
  apply({ operation, limits }: Command): { response: unknown; events: readonly ModelEvent[] } {
    try {
      if (operation.kind === 'compact') {
        return { response: this.#compact(operation.revision), events: [] };
      }
      this.#checkShape(operation, this.#operationsMax);
      this.#checkWrites(operation);
      const run = new Run(this, limits);
      const response = run.execute(operation);
      if (run.changed) {
        this.states.push(run.state);
      }
      return { response, events: run.events };
    } catch (error) {
      if (error instanceof Refusal) {
        return { response: { kind: 'error', code: error.code } satisfies ErrorResponse, events: [] };
      }
      throw error;
    }
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
    const chosen = all
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

  checkRevision({ revision }: RangeOperation): void {
    if (revision > this.revision) {
      throw new Refusal('future-revision');
    }
    if (revision > 0 && revision < this.compactRevision) {
      throw new Refusal('compacted');
    }
  }

  #compact(revision: number): unknown {
    if (revision <= this.compactRevision) {
      throw new Refusal('compacted');
    }
    if (revision > this.revision) {
      throw new Refusal('future-revision');
    }
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
    const deletes: KeyRange[] = branch.filter((operation) => operation.kind === 'delete');
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
  readonly #model: Model;
  readonly #limits: WriteLimits | undefined;

  constructor(model: Model, limits: WriteLimits | undefined) {
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
    // Everything that only the state before decides comes before any change.
    this.#check(operation);
    return this.#run(operation);
  }

  #taken(operation: TxnOperation): readonly Operation[] {
    return operation.compares.every((compare) => this.#holds(compare)) ? operation.success : operation.failure;
  }

  #check(operation: Operation): void {
    switch (operation.kind) {
      case 'txn':
        this.#taken(operation).forEach((nested) => this.#check(nested));
        break;
      case 'range':
        this.#model.checkRevision(operation);
        break;
      case 'put':
        this.#checkPut(operation);
        break;
      case 'delete':
        break;
    }
  }

  #checkPut(operation: PutOperation): void {
    if (this.#limits !== undefined && operation.key.length > this.#limits.keyBytesMax) {
      throw new Refusal('key-too-long');
    }
    if (this.#limits !== undefined && operation.value.length > this.#limits.valueBytesMax) {
      throw new Refusal('value-too-long');
    }
    if ((operation.ignoreValue || operation.ignoreLease) && !this.#model.latest.has(operation.key)) {
      throw new Refusal('key-not-found');
    }
    if (operation.lease !== 0n) {
      throw new Refusal('lease-not-found');
    }
  }

  #holds(compare: Compare): boolean {
    const items = [...this.#model.latest].filter(([key]) => inRange(key, compare)).map(([, item]) => item);
    if (items.length === 0) {
      return compare.target !== 'value' && this.#compares(compare, { value: '', create: 0, mod: 0, version: 0 });
    }
    return items.every((item) => this.#compares(compare, item));
  }

  #compares(compare: Compare, item: ModelValue): boolean {
    let left: string | number | bigint;
    let right: string | number | bigint;
    if (compare.target === 'value') {
      [left, right] = [item.value, text(compare.operand)];
    } else {
      [left, right] = [compare.target === 'lease' ? 0n : item[compare.target], compare.operand];
    }
    return { equal: left === right, 'not-equal': left !== right, greater: left > right, less: left < right }[
      compare.result
    ];
  }

  #run(operation: Operation): unknown {
    switch (operation.kind) {
      case 'put':
        return this.#put(operation);
      case 'delete': {
        const keys = [...this.state].filter(([key]) => inRange(key, operation)).toSorted(byKey);
        for (const [key] of keys) {
          this.state.delete(key);
          this.#event('delete', key);
        }
        const previous = operation.returnPrevious ? keys.map(([key, item]) => shown(key, item)) : [];
        return { kind: 'delete', revision: this.#revision, deleted: keys.length, previous };
      }
      case 'range':
        return this.#model.rangeIn(operation, this.state, this.#revision);
      case 'txn': {
        const branch = this.#taken(operation);
        const responses = branch.map((nested) => this.#run(nested));
        const succeeded = operation.compares.every((compare) => this.#holds(compare));
        return { kind: 'txn', revision: this.#revision, succeeded, responses };
      }
      default:
        return operation satisfies never;
    }
  }

  #put(operation: PutOperation): unknown {
    const before = this.state.get(operation.key);
    if (before === undefined && this.#limits !== undefined && this.state.size >= this.#limits.keysMax) {
      throw new Refusal('too-many-keys');
    }
    const revision = this.#model.revision + 1;
    this.state.set(operation.key, {
      value: operation.ignoreValue ? (before?.value ?? '') : text(operation.value),
      create: before?.create ?? revision,
      mod: revision,
      version: (before?.version ?? 0) + 1,
    });
    this.#event('put', operation.key);
    const previous = operation.returnPrevious && before !== undefined ? shown(operation.key, before) : undefined;
    return { kind: 'put', revision, previous };
  }

  #event(type: 'put' | 'delete', key: string): void {
    this.events.push({ type, key, keyValue: this.state.get(key), previous: this.#model.latest.get(key) });
  }
}
