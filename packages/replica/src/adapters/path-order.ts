/**
 * Keeps operations on one path in the order in which they were given, while those on different paths run side by side. Shared by
 * the real and the virtual disk; needs nothing of Node.
 */
interface Operation {
  readonly paths: readonly string[];
  readonly start: (finished: () => void) => void;
  /** Operations given earlier, on a path of this one, that have not finished. */
  waitsFor: number;
  readonly followers: Operation[];
}

export class PathOrder {
  /** The operation given last on each path that has any unfinished. */
  readonly #last = new Map<string, Operation>();
  #unfinished = 0;
  #idle: (() => void) | undefined;

  get unfinished(): number {
    return this.#unfinished;
  }

  /** Runs `start` once everything given before on these paths has finished; from within the call if nothing has to be waited for. */
  run(paths: readonly string[], start: (finished: () => void) => void): void {
    const operation: Operation = { paths, start, waitsFor: 0, followers: [] };
    this.#unfinished += 1;
    for (const path of paths) {
      const before = this.#last.get(path);
      if (before !== undefined && before !== operation) {
        before.followers.push(operation);
        operation.waitsFor += 1;
      }
      this.#last.set(path, operation);
    }
    if (operation.waitsFor === 0) this.#start(operation);
  }

  /** Calls back once nothing is unfinished; at once if that is so. */
  whenIdle(done: () => void): void {
    if (this.#unfinished === 0) done();
    else this.#idle = done;
  }

  #start(operation: Operation): void {
    operation.start(() => this.#finish(operation));
  }

  #finish(operation: Operation): void {
    this.#unfinished -= 1;
    for (const path of operation.paths) if (this.#last.get(path) === operation) this.#last.delete(path);
    for (const follower of operation.followers) {
      follower.waitsFor -= 1;
      if (follower.waitsFor === 0) this.#start(follower);
    }
    if (this.#unfinished > 0) return;
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.();
  }
}
