/** Waits for a condition, and fails when it does not come true. */
const POLL_MS = 2;
const GIVE_UP_MS = 10_000;

export async function until(isTrue: () => boolean): Promise<void> {
  const start = performance.now();
  while (!isTrue()) {
    if (performance.now() - start > GIVE_UP_MS) throw new Error(`not within ${GIVE_UP_MS} ms: ${isTrue.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
