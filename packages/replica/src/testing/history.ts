/**
 * What clients asked through HTTP and were told, and the same as a history that a judge of linearizability can read: one operation
 * a line, as JSON, in terms of a map and not of HTTP (docs/simulation.md describes the lines).
 */

export type OperationKind = 'create' | 'put' | 'delete' | 'read';

/**
 * `acknowledged`: carried out as the answer says, also if the answer is that there was nothing to do (a key to create was there, a
 * key to delete was not). `refused`: surely not applied. `unknown`: it may have been applied, or may yet be.
 */
export type OperationOutcome = 'acknowledged' | 'refused' | 'unknown';

export interface Operation {
  readonly client: number;
  readonly kind: OperationKind;
  readonly key: string;
  /** What was to be written, or what an acknowledged read found; null: absent. */
  readonly value: string | null;
  /** Address of the member that was asked. */
  readonly via: string;
  /** On this process' monotonic clock. */
  readonly invokedAtMs: number;
  readonly returnedAtMs: number;
  readonly outcome: OperationOutcome;
  /** HTTP status; 0: no answer came. */
  readonly status: number;
  /** Why no answer came; '' if one did. */
  readonly reason: string;
}

const CREATED = 201;
const CONFLICT = 409;
const NOT_FOUND = 404;

/** Whether it is known to have changed the key. */
export function hasWritten({ kind, outcome, status }: Operation): boolean {
  return kind !== 'read' && outcome === 'acknowledged' && status !== CONFLICT && status !== NOT_FOUND;
}

/** One operation a line, in the order in which they returned. */
export function historyLines(operations: readonly Operation[]): string {
  return operations.map((operation) => `${JSON.stringify(historyLine(operation))}\n`).join('');
}

function historyLine(operation: Operation): object {
  const { client, kind, key, value, via, invokedAtMs: invokedMs, returnedAtMs: endedMs, outcome, status } = operation;
  const isKnown = outcome === 'acknowledged';
  const line = { client, key, invokedMs, endedMs, outcome: OUTCOMES[outcome], via, status };
  switch (kind) {
    case 'read':
      return { ...line, kind: 'get', ...(isKnown ? { found: value } : {}) };
    case 'create':
      return { ...line, kind: 'swap', expected: null, value, ...(isKnown ? { swapped: status === CREATED } : {}) };
    case 'put':
      return { ...line, kind, value, ...(isKnown ? { existed: status !== CREATED } : {}) };
    case 'delete':
      return { ...line, kind, ...(isKnown ? { existed: status !== NOT_FOUND } : {}) };
    default:
      return kind satisfies never;
  }
}

const OUTCOMES = { acknowledged: 'ok', refused: 'rejected', unknown: 'unknown' } as const satisfies Record<
  OperationOutcome,
  string
>;
