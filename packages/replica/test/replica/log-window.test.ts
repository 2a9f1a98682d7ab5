/** How much of the log stays in memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LOG_MEMORY_BYTES, LOG_MEMORY_BYTES_MAX, LOG_MEMORY_STEP_BYTES } from '../../src/replica/limits.js';
import { LogWindow } from '../../src/replica/log-window.js';

const NOBODY = Number.POSITIVE_INFINITY;

/** One entry a step; index = step number. */
function filled(bytes: number): LogWindow {
  const window = new LogWindow();
  for (let index = 1; index <= bytes / LOG_MEMORY_STEP_BYTES; index++) window.appended(index, LOG_MEMORY_STEP_BYTES);
  return window;
}

describe('LogWindow', () => {
  it('keeps the newest entries up to the window', () => {
    assert.equal(filled(LOG_MEMORY_BYTES).compactTo(NOBODY), 0);
    assert.equal(filled(LOG_MEMORY_BYTES + 3 * LOG_MEMORY_STEP_BYTES).compactTo(NOBODY), 3);
  });

  it('keeps what a follower still needs', () => {
    assert.equal(filled(LOG_MEMORY_BYTES + 3 * LOG_MEMORY_STEP_BYTES).compactTo(1), 1);
  });

  it('does not keep it beyond the bound', () => {
    const steps = (LOG_MEMORY_BYTES_MAX + 5 * LOG_MEMORY_STEP_BYTES) / LOG_MEMORY_STEP_BYTES;
    assert.equal(filled(steps * LOG_MEMORY_STEP_BYTES).compactTo(0), 5);
  });

  it('begins anew when the log is replaced', () => {
    const window = filled(LOG_MEMORY_BYTES_MAX);
    window.reset();
    assert.equal(window.compactTo(NOBODY), 0);
  });
});
