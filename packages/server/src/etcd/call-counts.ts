/**
 * Counts of calls by method and outcome, over both carriers, for metrics. Counting costs an addition; what it means is made into
 * text when someone asks.
 */
import { GRPC_CODES, type MethodKind } from '@quorate/proto';
import type { Served } from './service.js';

export class CallCount {
  readonly service: string;
  readonly name: string;
  readonly kind: MethodKind;
  started = 0;
  /** By gRPC code. */
  readonly ended: number[] = Array.from({ length: GRPC_CODES.UNAUTHENTICATED + 1 }, () => 0);

  constructor({ service, name, kind }: Served['method']) {
    this.service = service;
    this.name = name;
    this.kind = kind;
  }

  end(code: number): void {
    const known = code < this.ended.length ? code : GRPC_CODES.UNKNOWN;
    this.ended[known] = (this.ended[known] ?? 0) + 1;
  }

  /** Calls that have begun and not ended. */
  get open(): number {
    return this.ended.reduce((left, ended) => left - ended, this.started);
  }
}

export class CallCounts {
  readonly #counts = new Map<string, CallCount>();

  of(served: Served): CallCount {
    const { path } = served.method;
    const count = this.#counts.get(path) ?? new CallCount(served.method);
    this.#counts.set(path, count);
    return count;
  }

  all(): readonly CallCount[] {
    return [...this.#counts.values()];
  }
}
