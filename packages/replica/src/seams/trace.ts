/** The Trace seam: what happened, as data. Tests and the simulator record it; a running member logs a part of it. */
export interface Trace {
  event(name: string, data: Readonly<Record<string, unknown>>): void;
}

/** A trace that keeps nothing. */
export const noTrace: Trace = { event: () => {} };
