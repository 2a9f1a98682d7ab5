/** Log lines: JSON for machines, text for people. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../src/log.js';
import { traceToLog } from '../src/trace-log.js';

function lines(
  format: 'json' | 'text',
  level: 'info' | 'debug' = 'info',
): { log: ReturnType<typeof createLog>; written: string[] } {
  const written: string[] = [];
  const log = createLog({ level, format, bindings: { member: 'node1' }, write: (line) => written.push(line) });
  return { log, written };
}

test('a JSON line has time, level by name, message and fields', () => {
  const { log, written } = lines('json');
  log.info({ port: 1 }, 'listening');
  const { time, ...rest } = JSON.parse(written[0] ?? '') as Record<string, unknown>;
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.deepEqual(rest, { level: 'info', member: 'node1', port: 1, msg: 'listening' });
});

test('a text line is short; errors come below with their stack', () => {
  const { log, written } = lines('text');
  log.warn({ reason: 'no route', port: 1, nothing: '' }, 'refused');
  log.error({ err: new Error('broken') }, 'fault');
  assert.match(
    written[0] ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}refused member=node1 reason="no route" port=1 nothing=""\n$/,
  );
  assert.match(written[1] ?? '', /^\S+ ERROR fault member=node1\n {4}Error: broken\n {4}at /);
});

test('lines below the level are not written', () => {
  const { log, written } = lines('json');
  log.debug('quiet');
  assert.deepEqual(written, []);
});

test("a member's trace is debug, except for what an operator wants to know", () => {
  const { log, written } = lines('text');
  const trace = traceToLog(log);
  trace.event('configuration', { index: 1 });
  trace.event('something-new', {});
  trace.event('role', { role: 'leader', term: 2 });
  trace.event('log-torn-tail', { bytes: 3 });
  assert.equal(written.length, 2);
  assert.match(written[0] ?? '', /INFO {2}role member=node1 role=leader term=2/);
  assert.match(written[1] ?? '', /WARN {2}log-torn-tail/);
});
