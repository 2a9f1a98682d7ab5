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

/** With more than this, and nothing under way, all are forgotten. */
const PLACES_KEPT = 64;

export class PathOrder {
  /** By path, the operation given last, while it is unfinished. Places stay: a log is written to all the time (see NumberWindow). */
  readonly #last = new Map<string, { operation: Operation | undefined }>();
  #unfinished = 0;

  get unfinished(): number {
    return this.#unfinished;
  }

  /** Runs `start` once everything given before on these paths has finished; from within the call if nothing has to be waited for. */
  run(paths: readonly string[], start: (finished: () => void) => void): void {
    const operation: Operation = { paths, start, waitsFor: 0, followers: [] };
    this.#unfinished += 1;
    for (const path of paths) {
      const place = this.#place(path);
      const before = place.operation;
      if (before !== undefined && before !== operation) {
        before.followers.push(operation);
        operation.waitsFor += 1;
      }
      place.operation = operation;
    }
    if (operation.waitsFor === 0) this.#start(operation);
  }

  #place(path: string): { operation: Operation | undefined } {
    const known = this.#last.get(path);
    if (known !== undefined) return known;
    const place = { operation: undefined };
    this.#last.set(path, place);
    return place;
  }

  #start(operation: Operation): void {
    operation.start(() => this.#finish(operation));
  }

  #finish(operation: Operation): void {
    this.#unfinished -= 1;
    for (const path of operation.paths) {
      const place = this.#last.get(path);
      if (place?.operation === operation) place.operation = undefined;
    }
    for (const follower of operation.followers) {
      follower.waitsFor -= 1;
      if (follower.waitsFor === 0) this.#start(follower);
    }
    if (this.#unfinished === 0 && this.#last.size > PLACES_KEPT) this.#last.clear();
  }
}
