/** Assertions against programmer errors: always on, and they stop the member. The message is made only when it is needed. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message()}`);
}
