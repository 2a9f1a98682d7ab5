/**
 * Removes files without holding up the disk: the name goes at once, the space a piece at a time.
 *
 * A file system gives all blocks of a removed file back in one transaction, and a virtual or solid-state disk is told of each range
 * (discard): of a few hundred megabytes for 50 to 300 ms, in which every sync of the log waits. So a file is kept open, loses its name, and is cut shorter
 * until nothing is left. Nobody can see a shortened file: once the removal is reported there is no name for it, and a
 * process that ends in the middle, or a crash, leaves the rest to the file system, which frees what has no name. Once space has run out
 * nothing is held back any more: a log that has no room for its next segment needs at once what that one took.
 */
import { close, fstat, ftruncate, open, unlink } from 'node:fs';

/** What one cut gives back, and how long the next one waits: 200 MiB a second. */
const PIECE_BYTES: number = 4 * 1024 * 1024;
const PAUSE_MS = 20;

type FileCallback = (error: Error | null) => void;

export class GradualRemoval {
  /** Files without a name, by descriptor; the first is being cut. */
  readonly #nameless: number[] = [];
  #isHasty = false;

  remove(path: string, finished: FileCallback): void {
    // Windows keeps the name of an open file that is removed.
    if (this.#isHasty || process.platform === 'win32') {
      unlink(path, finished);
      return;
    }
    open(path, 'r+', (openError, fd) => {
      unlink(path, (error) => {
        finished(error);
        if (openError !== null) return;
        if (error === null) this.#free(fd);
        else close(fd, () => {});
      });
    });
  }

  /**
   * What is left, and what is removed from now on, goes in one piece; of the file that is being cut, once the cut under way is made: its
   * descriptor is in use until then.
   */
  hasten(): void {
    this.#isHasty = true;
    for (const fd of this.#nameless.splice(1)) close(fd, () => {});
  }

  #free(fd: number): void {
    if (this.#isHasty) {
      close(fd, () => {});
      return;
    }
    this.#nameless.push(fd);
    if (this.#nameless.length === 1) this.#measure(fd);
  }

  #measure(fd: number): void {
    fstat(fd, (error, stats) => this.#cut(fd, error === null ? stats.size : 0));
  }

  #cut(fd: number, sizeBytes: number): void {
    const rest = sizeBytes - PIECE_BYTES;
    if (rest > 0 && !this.#isHasty) {
      // An error is nobody's concern: the next cut, or closing the file, frees what this one did not.
      ftruncate(fd, rest, () => setTimeout(() => this.#cut(fd, rest), PAUSE_MS).unref());
      return;
    }
    close(fd, () => {});
    this.#nameless.shift();
    const [next] = this.#nameless;
    if (next !== undefined) this.#measure(next);
  }
}
