/**
 * What clients asked and were told, and whether their answers are those of one map that does one thing at a time. The search for
 * an order of the operations on one key is in linearizability.ts; here is what all keys have in common.
 */
export type OperationKind = 'get' | 'put' | 'delete' | 'swap';
export type OperationOutcome = 'ok' | 'rejected' | 'unknown';

export interface Operation {
  readonly client: number;
  readonly kind: OperationKind;
  readonly key: string;
  /** What a put or swap writes; values are unique. */
  readonly value: string | null;
  /** What a swap expects: null if it expects no key. */
  readonly expected: string | null;
  readonly invokedMs: number;
  endedMs: number;
  outcome: OperationOutcome | 'pending';
  /**
   * What was found: a get's answer, the value before a put, delete or swap; undefined if the answer does not tell, which only that
   * of a put, of a delete, and of a swap that took place may.
   */
  found: string | null | undefined;
  /** Of a put or a delete whose answer tells only whether there was a value before: that. */
  readonly existed?: boolean | undefined;
  /** Whether a swap took place. */
  swapped: boolean;
  /** The store's revision in the answer. */
  revision: number;
  /** Who was asked. */
  readonly via: string;
}

/**
 * Answers carry the store's revision: what ended before another began must not have seen a later one. This is checked over all
 * keys together, so it sees what the keys by themselves do not.
 */
export function checkRevisions(
  history: readonly Operation[],
): { readonly earlier: Operation; readonly later: Operation } | undefined {
  const known = history.filter(({ outcome }) => outcome === 'ok');
  const byEnd = known.toSorted(inOrderOfEnds);
  const byBegin = known.toSorted(inOrderOfBeginnings);
  let ended = 0;
  let highest: Operation | undefined;
  for (const later of byBegin) {
    for (let next = byEnd[ended]; next !== undefined && next.endedMs < later.invokedMs; next = byEnd[ended]) {
      if (highest === undefined || next.revision > highest.revision) highest = next;
      ended += 1;
    }
    if (highest === undefined) continue;
    const must = highest.revision + (isChange(later) ? 1 : 0);
    if (later.revision < must) return { earlier: highest, later };
  }
  return undefined;
}

type Span = Pick<Operation, 'endedMs' | 'invokedMs'>;

export function inOrderOfEnds(a: Span, b: Span): number {
  return a.endedMs - b.endedMs;
}

export function inOrderOfBeginnings(a: Span, b: Span): number {
  return a.invokedMs - b.invokedMs;
}

function isChange({ kind, swapped, found }: Operation): boolean {
  return kind === 'put' || (kind === 'swap' && swapped) || (kind === 'delete' && found !== null);
}

export function describeOperation(operation: Operation): string {
  const { client, kind, key, value, expected, invokedMs, endedMs, outcome, found, revision, via } = operation;
  const wanted = kind === 'swap' ? ` ${brief(expected)} -> ${brief(value)}` : kind === 'put' ? ` ${brief(value)}` : '';
  const answer =
    outcome === 'ok'
      ? `found ${brief(found)}${kind === 'swap' ? `, ${operation.swapped ? 'swapped' : 'kept'}` : ''}, revision ${revision}`
      : outcome;
  const end = Number.isFinite(endedMs) ? endedMs.toFixed(3) : '...';
  return `c${client} ${invokedMs.toFixed(3)}-${end} via ${via}: ${kind} ${key}${wanted}: ${answer}`;
}

/** Values are unique by how they begin. */
export function brief(value: string | null | undefined): string {
  return typeof value === 'string' ? value.replace(/x+$/, '') : String(value);
}
