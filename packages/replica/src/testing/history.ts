/**
 * A history of what clients asked and were told, and the check that a linearizable map could have answered so.
 *
 * Every key has one writer, which asks for one thing at a time, writes values that occur once, and writes a key never again once
 * the outcome of a write to it was unknown. So the states of a key form one known sequence
 *
 *     state 0: absent    state 1: after the first write    state 2: after the second    ...    perhaps the unknown one at the end
 *
 * and the key is linearizable exactly if each read can be given a state such that (Herlihy and Wing, for a register with one writer)
 *
 *   - the write that made it was invoked before the read returned, and was not refused            (nothing phantom)
 *   - no later write was acknowledged before the read was invoked                                 (nothing stale, nothing lost)
 *   - a read that was invoked after another one returned gets no earlier state than that one     (no way back)
 *
 * Giving each read, in the order of their invocation, the earliest state that fits is best: it restricts later reads least.
 * Linearizability is local: if each key is, the map is.
 */

export type OperationKind = 'create' | 'put' | 'delete' | 'read';

/** `refused`: surely not applied. `unknown`: it may have been applied, or may yet be. */
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

/** One operation a line, in the order in which they returned. */
export function historyLines(operations: readonly Operation[]): string {
  return operations.map((operation) => `${JSON.stringify(operation)}\n`).join('');
}

/** What no linearizable map would have answered; empty if all is well. Each violation is a sentence. */
export function checkHistory(operations: readonly Operation[]): string[] {
  const violations: string[] = [];
  for (const ofKey of byKey(operations).values()) {
    const writes = ofKey.filter((operation) => operation.kind !== 'read').toSorted(byInvocation);
    const reads = ofKey
      .filter((operation) => operation.kind === 'read' && operation.outcome === 'acknowledged')
      .toSorted(byInvocation);
    violations.push(...checkWriter(writes), ...checkReads(writes, reads));
  }
  return violations;
}

/** The one writer of a key knows its state, so the answers to its writes are known as well. */
function checkWriter(writes: readonly Operation[]): string[] {
  const violations: string[] = [];
  let state: string | null = null;
  for (const write of writes) {
    const expected = expectedStatuses(write.kind, state);
    if (write.outcome === 'acknowledged' && !expected.includes(write.status)) {
      violations.push(`${tell(write)}: the key was ${tellValue(state)}`);
    }
    // Neither a fault of a member nor a matter of load: the answer speaks of a state that the key was not in.
    if (write.outcome === 'refused' && (write.status === 409 || write.status === 404)) {
      violations.push(`${tell(write)}: the key was ${tellValue(state)}`);
    }
    if (write.outcome === 'acknowledged') state = write.value;
  }
  return violations;
}

/** What a write can be answered when it is done; nothing: it cannot be done. */
function expectedStatuses(kind: OperationKind, state: string | null): readonly number[] {
  if (kind === 'create') return state === null ? [201] : [];
  if (kind === 'put') return state === null ? [201] : [200];
  return state === null ? [] : [200];
}

function checkReads(writes: readonly Operation[], reads: readonly Operation[]): string[] {
  const violations: string[] = [];
  const applicable = writes.filter((write) => write.outcome !== 'refused');
  /** Reads that were given a state, in the order of their return. */
  const given: { readonly returnedAtMs: number; readonly state: number; readonly read: Operation }[] = [];
  for (const read of reads) {
    let lowest =
      applicable.findLastIndex((write) => write.outcome === 'acknowledged' && write.returnedAtMs < read.invokedAtMs) +
      1;
    let after: Operation | undefined = applicable[lowest - 1];
    for (const earlier of given) {
      if (earlier.returnedAtMs >= read.invokedAtMs || earlier.state <= lowest) continue;
      lowest = earlier.state;
      after = earlier.read;
    }
    const state = earliestState(applicable, read, lowest);
    if (state === undefined) violations.push(tellViolation(writes, read, after));
    else given.push({ returnedAtMs: read.returnedAtMs, state, read });
  }
  return violations;
}

/** State n is the one after n writes. */
function earliestState(applicable: readonly Operation[], read: Operation, lowest: number): number | undefined {
  if (lowest === 0 && read.value === null) return 0;
  for (let state = Math.max(lowest, 1); state <= applicable.length; state++) {
    const write = applicable[state - 1];
    if (write === undefined || write.invokedAtMs >= read.returnedAtMs) return undefined;
    if (write.value === read.value) return state;
  }
  return undefined;
}

function tellViolation(writes: readonly Operation[], read: Operation, after: Operation | undefined): string {
  const source = writes.find((write) => write.value === read.value && read.value !== null);
  if (read.value !== null && source === undefined) return `${tell(read)}: nobody wrote that`;
  if (source?.outcome === 'refused') return `${tell(read)}: that write was refused: ${tell(source)}`;
  return `${tell(read)}: stale or lost; it began after this one ended: ${after === undefined ? '(none)' : tell(after)}`;
}

function tell(operation: Operation): string {
  const { client, kind, key, value, via, outcome, status, reason, invokedAtMs, returnedAtMs } = operation;
  const times = `${invokedAtMs.toFixed(1)}-${returnedAtMs.toFixed(1)} ms`;
  const answer = status === 0 ? reason : String(status);
  return `client ${client} ${kind} ${key} ${tellValue(value)} via ${via} at ${times}: ${outcome} (${answer})`;
}

function tellValue(value: string | null): string {
  return value === null ? 'absent' : JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
}

function byInvocation(a: Operation, b: Operation): number {
  return a.invokedAtMs - b.invokedAtMs;
}

function byKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of operations) {
    const present = keys.get(operation.key);
    if (present === undefined) keys.set(operation.key, [operation]);
    else present.push(operation);
  }
  return keys;
}
