/**
 * Keeps the garbage in old memory small beside a large store.
 *
 * The engine lets old memory grow by a share of what was live at the last collection, which suits heaps that are all short-lived. A
 * store of a million keys is 150 MB of objects that stay, and half as much again, or more, in garbage between two collections would be
 * most of what a member takes beside its data. So once the heap is large, the share is set to what GARBAGE_BYTES are of it: a
 * collection comes sooner, marks what is live concurrently, and costs a large store a few percent of its processor time under puts.
 * Small heaps are left to the engine.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Garbage that may pile up in a large heap, about. */
const GARBAGE_BYTES = 48_000_000;
/** Below this the engine decides. */
const LARGE_HEAP_BYTES = 96_000_000;
/** A collection costs as much as there is live: it must give something back. */
const PERCENT_MIN = 10;
const INTERVAL_MS = 1_000;

/** By how much old memory may grow until the next collection, in percent; 0: as the engine likes. */
export function growthPercent(usedBytes: number): number {
  if (usedBytes < LARGE_HEAP_BYTES) return 0;
  return Math.max(PERCENT_MIN, Math.round((100 * GARBAGE_BYTES) / usedBytes));
}

let timer: NodeJS.Timeout | undefined;

/** For this process, from now on. */
export function boundHeapGrowth(): void {
  if (timer !== undefined) return;
  let set = 0;
  timer = setInterval(() => {
    const percent = growthPercent(getHeapStatistics().used_heap_size);
    if (percent === set) return;
    set = percent;
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  }, INTERVAL_MS);
  timer.unref();
}
