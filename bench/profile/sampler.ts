/**
 * Preloaded into a member's process (`node --import`), so that what is profiled needs no change: samples where its main thread is, from
 * the parent process's message `begin` to its message `end`, and answers that with V8's profile.
 */
import { Session } from 'node:inspector/promises';

/** Fine enough for calls of microseconds over seconds; finer, and the samples themselves become what is measured. */
const INTERVAL_MICROS = 250;

const session = new Session();
session.connect();

async function begin(): Promise<object> {
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROS });
  await session.post('Profiler.start');
  return {};
}

async function end(): Promise<object> {
  return (await session.post('Profiler.stop')).profile;
}

process.on(
  'message',
  (message) => void (message === 'begin' ? begin() : end()).then((answer) => process.send?.(answer)),
);
// The member ends when it would without this listener.
process.channel?.unref();
