/** Waits for a condition, and fails when it does not come true. */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;
const GIVE_UP_MS = 30_000;

export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - start > GIVE_UP_MS) throw new Error(`not within ${GIVE_UP_MS} ms: ${what}`);
    await delay(POLL_MS);
  }
}
