/** Pauses between attempts: none while there is somebody else to ask, then doubled each time everybody has failed. */
import type { Settings } from '../options.js';
import type { Cancellation } from './cancellation.js';

export class Backoff {
  readonly #settings: Settings;
  readonly #endpoints: number;
  #failures = 0;
  #pauseMs: number;

  constructor(settings: Settings, endpoints: number) {
    this.#settings = settings;
    this.#endpoints = endpoints;
    this.#pauseMs = settings.backoffMs;
  }

  reset(): void {
    this.#failures = 0;
    this.#pauseMs = this.#settings.backoffMs;
  }

  /** The pause after one more failure, at least half of it; the rest is chance, so that clients that lost a server do not return as one. */
  nextMs(everybodyFailed: boolean): number {
    this.#failures += 1;
    if (!everybodyFailed && this.#failures < this.#endpoints) return 0;
    this.#failures = 0;
    const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#settings.backoffMaxMs);
    return Math.ceil(pauseMs);
  }
}

/** Resolves when the time is over or it is canceled, whichever is first. */
export async function pause(pauseMs: number, cancellation: Cancellation): Promise<void> {
  if (pauseMs <= 0 || cancellation.isCanceled) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, pauseMs);
    const stop = cancellation.listen(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
