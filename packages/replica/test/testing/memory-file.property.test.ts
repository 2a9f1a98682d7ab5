/**
 * A file of the virtual disk against the plainest one: an array of what is shown, and a copy of it at each sync. At a crash either nothing of
 * what was not synced has reached the disk, or all of it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MemoryFile } from '../../src/testing/memory-file.js';

const BYTES_MAX = 4_000;

type Step =
  | { readonly do: 'write'; readonly offset: number; readonly length: number }
  | { readonly do: 'resize'; readonly sizeBytes: number }
  | { readonly do: 'read'; readonly offset: number; readonly length: number }
  | { readonly do: 'sync' }
  | { readonly do: 'crash'; readonly keepsAll: boolean };

const bytes = fc.nat(BYTES_MAX);
const write = fc.record({ do: fc.constant('write' as const), offset: bytes, length: bytes });
const resize = fc.record({ do: fc.constant('resize' as const), sizeBytes: bytes });
const read = fc.record({ do: fc.constant('read' as const), offset: bytes, length: bytes });
const sync = fc.constant({ do: 'sync' as const });
const crash = fc.record({ do: fc.constant('crash' as const), keepsAll: fc.boolean() });

/** Draws the least or the most: of each sector the durable version or the last one, of the sizes the same. */
function extreme(isMost: boolean): { integer(bound: number): number } {
  return { integer: (bound) => (isMost ? bound - 1 : 0) };
}

class PlainFile {
  shown = new Uint8Array(0);
  durable = new Uint8Array(0);

  resize(sizeBytes: number): void {
    const before = this.shown;
    this.shown = new Uint8Array(sizeBytes);
    this.shown.set(before.subarray(0, sizeBytes));
  }

  write(offset: number, written: Uint8Array): void {
    if (offset + written.length > this.shown.length) this.resize(offset + written.length);
    this.shown.set(written, offset);
  }

  sync(): void {
    this.durable = this.shown.slice();
  }

  crash(keepsAll: boolean): void {
    if (keepsAll) this.sync();
    this.shown = this.durable.slice();
  }
}

function check(steps: readonly Step[]): void {
  const [file, plain] = [new MemoryFile(), new PlainFile()];
  for (const [i, step] of steps.entries()) {
    if (step.do === 'write' && step.length > 0) {
      const written = new Uint8Array(step.length).fill(1 + (i % 255));
      file.write(step.offset, written);
      plain.write(step.offset, written);
    } else if (step.do === 'resize') {
      file.resize(step.sizeBytes);
      plain.resize(step.sizeBytes);
    } else if (step.do === 'read') {
      assert.deepEqual(file.read(step.offset, step.length), plain.shown.slice(step.offset, step.offset + step.length));
    } else if (step.do === 'sync') {
      file.sync();
      plain.sync();
    } else if (step.do === 'crash') {
      file.crash(extreme(step.keepsAll));
      plain.crash(step.keepsAll);
    }
    assert.equal(file.sizeBytes, plain.shown.length);
  }
  assert.deepEqual(file.read(0, file.sizeBytes), plain.shown);
}

test('a file that grows holds what was written, before and after a crash', () => {
  const grow = resize.map(({ sizeBytes }): Step => ({ do: 'resize', sizeBytes: BYTES_MAX * 2 + sizeBytes }));
  const steps = fc.array(fc.oneof(write, read, sync, crash), {
    maxLength: 30,
    size: 'max',
  });
  fc.assert(fc.property(steps, check), { numRuns: 500 });
  // Made as large as it will ever be, as segments of the log are.
  fc.assert(
    fc.property(grow, steps, (first, rest) => check([first, ...rest])),
    { numRuns: 500 },
  );
});

test('a file that is cut off holds nothing behind its end once that is durable, also when it grows again', () => {
  const cut = resize.map((step): readonly Step[] => [step, { do: 'sync' }]);
  const others = fc.oneof(write, read, sync, crash).map((step): readonly Step[] => [step]);
  const steps = fc.array(fc.oneof(cut, others), { maxLength: 20, size: 'max' });
  fc.assert(
    fc.property(steps, (parts) => check(parts.flat())),
    { numRuns: 1_000 },
  );
});
