/** Several disk operations one after the other, in rooms that know no promises. */
import type { DiskDone } from '../seams/index.js';

export type Step = (next: DiskDone) => void;

/** Runs the steps in order; the first error ends it. */
export function inOrder(steps: readonly Step[], done: DiskDone): void {
  const run = (position: number): void => {
    const step = steps[position];
    if (step === undefined) {
      done(undefined);
      return;
    }
    step((error) => {
      if (error === undefined) run(position + 1);
      else done(error);
    });
  };
  run(0);
}
