/** A disk that hangs holds up neither a member's stop nor a start that fails, and nobody else gets the folder meanwhile. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, describe, it, mock } from 'node:test';
import { open } from '../src/index.js';

const TIMEOUT_MS = 300;
/** Beside it, so much is allowed to a disk. */
const GRACE_MS = 2_000;
/** In steps of so much time passes. */
const STEP_MS = 100;

const folders: string[] = [];

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'quorate-hung-'));
  folders.push(made);
  return made;
}

after(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

let held: (() => void)[] = [];

/** From now on writes do not come back. */
function hang(): void {
  const write = fs.write as (...call: unknown[]) => void;
  mock.method(fs, 'write', (...call: unknown[]) => held.push(() => Reflect.apply(write, fs, call)));
  syncBuiltinESMExports();
}

function release(): void {
  mock.restoreAll();
  syncBuiltinESMExports();
  for (const write of held) write();
  held = [];
}

afterEach(release);

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** The time that passes until it settles; the loop goes on between two steps of it. */
async function timePassed(ended: Promise<unknown>): Promise<number> {
  const state = { isOver: false };
  const over = (): void => {
    state.isOver = true;
  };
  ended.then(over, over);
  let passedMs = 0;
  for (; !state.isOver; passedMs += STEP_MS) {
    for (let turns = 0; turns < 50 && !state.isOver; turns++) await turnOfTheLoop();
    assert.ok(passedMs < 60_000, 'it does not end');
    mock.timers.tick(STEP_MS);
  }
  return passedMs;
}

/** Tried again until the folder is free. */
async function openLater(dir: string): Promise<Awaited<ReturnType<typeof open>>> {
  for (;;) {
    try {
      return await open({ dir });
    } catch (error) {
      assert.match(String(error), /already open in this process/);
      await turnOfTheLoop();
    }
  }
}

describe('a disk that hangs', () => {
  it('[D2] holds up close() for its time and a grace, and keeps the folder', { timeout: 30_000 }, async () => {
    const dir = folder();
    const member = await open({ dir });
    await member.kv.put('a', '1');
    hang();
    const put = assert.rejects(member.kv.put('a', '2'), { outcome: 'unknown' });
    while (held.length === 0) await turnOfTheLoop();
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const passedMs = await timePassed(member.close({ timeoutMs: TIMEOUT_MS }));
      assert.ok(passedMs <= TIMEOUT_MS + GRACE_MS + 2 * STEP_MS, `${passedMs} ms`);
    } finally {
      mock.timers.reset();
    }
    await put;
    assert.equal(await member.stopped, undefined);
    await assert.rejects(open({ dir }), { code: 'data-folder', message: /already open in this process/ });
    release();
    // What was under way has come to its end before anybody else gets the folder.
    const next = await openLater(dir);
    assert.equal((await next.kv.get('a'))?.value.toString(), '2');
    await next.close();
  });

  it('[D2] holds up a start that fails no longer than that', { timeout: 30_000 }, async () => {
    const dir = folder();
    await (await open({ dir })).close();
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    // It writes its vote, which hangs, and only then learns that somebody else has its port.
    const trace = { event: (name: string): void => void (name === 'role' && hang()) };
    mock.method(dns, 'lookup', (_host: string, ...rest: ((error: null, address: string, family: number) => void)[]) => {
      const answer = (): void => {
        if (held.length > 0) rest.at(-1)?.(null, '127.0.0.1', 4);
        else setImmediate(answer);
      };
      answer();
    });
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const opening = assert.rejects(open({ dir, trace, peer: { listen: `localhost:${port}` } }), /cannot listen/);
      while (held.length === 0) await turnOfTheLoop();
      const passedMs = await timePassed(opening);
      assert.ok(passedMs <= 2 * GRACE_MS + 3 * STEP_MS, `${passedMs} ms`);
      await opening;
    } finally {
      mock.timers.reset();
      taken.close();
    }
    await assert.rejects(open({ dir }), { code: 'data-folder', message: /already open in this process/ });
    release();
    await (await openLater(dir)).close();
  });
});
