/**
 * Several signals as one. Not AbortSignal.any: it leaves something behind at each of its sources for as long as these live, and the
 * client's own signal and often its caller's live as long as the program.
 */
export class Cancellation {
  readonly #signals: readonly AbortSignal[];

  constructor(...signals: readonly (AbortSignal | undefined)[]) {
    this.#signals = signals.filter((signal) => signal !== undefined);
  }

  get isCanceled(): boolean {
    return this.#signals.some(({ aborted }) => aborted);
  }

  get message(): string {
    const reason: unknown = this.#signals.find(({ aborted }) => aborted)?.reason;
    return `canceled by the client: ${reason instanceof Error ? reason.message : String(reason)}`;
  }

  /** Calls the listener once, at once if it is canceled already. Returns the way to end that. */
  listen(listener: () => void): () => void {
    const once = (): void => {
      stop();
      listener();
    };
    const stop = (): void => {
      for (const signal of this.#signals) signal.removeEventListener('abort', once);
    };
    for (const signal of this.#signals) signal.addEventListener('abort', once);
    if (this.isCanceled) once();
    return stop;
  }
}
