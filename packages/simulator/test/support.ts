/** Short cuts for the tests of the simulator. */
import type { Operation } from '../src/index.js';

let nextMs = 0;

/** An operation that ended well, right after the one before unless told otherwise. */
export function operation(partial: Partial<Operation>): Operation {
  nextMs += 2;
  return {
    client: 1,
    kind: 'get',
    key: 'k',
    value: null,
    expected: null,
    invokedMs: nextMs,
    endedMs: nextMs + 1,
    outcome: 'ok',
    found: undefined,
    swapped: false,
    revision: 0,
    via: 'n1',
    ...partial,
  };
}

export function put(value: string, partial: Partial<Operation> = {}): Operation {
  return operation({ kind: 'put', value, ...partial });
}

export function get(found: string | null, partial: Partial<Operation> = {}): Operation {
  return operation({ kind: 'get', found, ...partial });
}

export function swap(expected: string | null, value: string, partial: Partial<Operation> = {}): Operation {
  return operation({ kind: 'swap', expected, value, swapped: true, ...partial });
}

export function remove(partial: Partial<Operation> = {}): Operation {
  return operation({ kind: 'delete', ...partial });
}
