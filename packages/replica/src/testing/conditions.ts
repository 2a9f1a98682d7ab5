/** Waiting for conditions, never for time: polled until they hold, with a limit that only a fault reaches. */

/** Generous: on a machine that is busy with other things every step may take many times as long as usual. */
export const CONDITION_TIMEOUT_MS = 30_000;
const POLL_MS = 15;

/** The time was over before the condition held. */
export class ConditionTimeout extends Error {
  override readonly name = 'ConditionTimeout';
}

export function pauseMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

export interface ConditionOptions {
  readonly timeoutMs?: number;
  /** Text that helps to understand a failure, made only then. */
  readonly evidence?: () => Promise<string> | string;
}

/**
 * Resolves with the first value of `condition` that is neither undefined nor false. What the condition throws counts as "not yet" and is
 * told if the time runs out, with `what` was waited for.
 */
export async function waitUntil<T>(
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  what: string = condition.toString(),
  options: ConditionOptions = {},
): Promise<T> {
  const { timeoutMs = CONDITION_TIMEOUT_MS, evidence } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadlineMs) {
      const more = (await evidence?.()) ?? '';
      throw new ConditionTimeout(`waited ${timeoutMs} ms in vain for: ${what}${more === '' ? '' : `\n${more}`}`, {
        cause: lastError,
      });
    }
    await pauseMs(POLL_MS);
  }
}
