/** Assertions against programmer errors: always on, and they stop the member. The message is made only when it is needed. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) assertionFailed(message());
}

/** For what is asked very often: a function for the message would be made each time. */
export function assertionFailed(message: string): never {
  throw new Error(`assertion failed: ${message}`);
}
