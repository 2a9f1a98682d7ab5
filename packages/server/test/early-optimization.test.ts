/** What V8 is told about when to optimize. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { earlyOptimization } from '../src/early-optimization.js';

test('each V8 is told in its own terms', () => {
  assert.equal(earlyOptimization('11.3.244.8-node.30', []), '--interrupt-budget=16384');
  assert.equal(earlyOptimization('12.4.254.21-node.57', []), '--invocation-count-for-turbofan=1000');
  assert.equal(
    earlyOptimization('13.6.233.17-node.54', ['--interrupt-budget=5']),
    '--invocation-count-for-turbofan=1000',
  );
});

test('what the process was started with stands', () => {
  assert.equal(earlyOptimization('11.3.244.8-node.30', ['--interrupt-budget=5']), undefined);
  assert.equal(earlyOptimization('13.6.233.17-node.54', ['--invocation-count-for-turbofan=5']), undefined);
});

test('this V8 knows what it is told', () => {
  const setting = earlyOptimization(process.versions.v8, []) ?? '';
  const { status, stderr } = spawnSync(process.execPath, [setting, '--eval', ''], { encoding: 'utf8' });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});
