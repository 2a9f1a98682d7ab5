/** Waits for a condition, and fails with what was waited for when it does not come true. */
import { waitUntil } from '@quorate/replica/testing';

export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  await waitUntil(isTrue, what);
}
