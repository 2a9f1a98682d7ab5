/** One process uses a data folder at a time: the lock, and what becomes of it when its holder is killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { lockFolder } from '../../src/adapters/folder-lock.js';
import { DiskError } from '../../src/seams/disk.js';

const LOCK_MODULE = new URL('../../src/adapters/folder-lock.js', import.meta.url).href;
const HOLDER = `
  const { lockFolder } = await import(${JSON.stringify(LOCK_MODULE)});
  try {
    const lock = lockFolder(process.argv[1]);
    console.log('held');
    process.stdin.on('data', () => { lock.release(); console.log('released'); });
  } catch (error) {
    console.log(error.code + ' ' + error.message);
    process.exit(3);
  }
`;

class Holder {
  readonly child: ChildProcess;
  #output = '';
  #wake = (): void => {};

  constructor(folder: string) {
    this.child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.#output += String(chunk);
      this.#wake();
    });
  }

  /** Waits for a whole line. */
  async line(): Promise<string> {
    while (!this.#output.includes('\n')) await new Promise<void>((resolve) => (this.#wake = resolve));
    const [line = ''] = this.#output.split('\n');
    this.#output = this.#output.slice(line.length + 1);
    return line;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

async function withFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-lock-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function refusedFor(pid: number | undefined): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.code === 'denied' && error.message.includes(`pid ${pid}`);
}

describe('data-folder lock', () => {
  test('a folder can be locked once in a process, and again after its release', () =>
    withFolder((folder) => {
      const lock = lockFolder(folder);
      assert.throws(() => lockFolder(join(folder, '.')), refusedFor(process.pid));
      lock.release();
      lock.release();
      assert.deepEqual(readdirSync(folder), []);
      lockFolder(folder).release();
    }));

  test('a second process is refused, by the holder\u2019s pid, until the first gives it up', () =>
    withFolder(async (folder) => {
      const holder = new Holder(folder);
      try {
        assert.equal(await holder.line(), 'held');
        assert.throws(() => lockFolder(folder), refusedFor(holder.child.pid));
        const second = new Holder(folder);
        assert.match(await second.line(), new RegExp(`^denied .*pid ${holder.child.pid}`));
        await second.kill();
        holder.child.stdin?.write('\n');
        assert.equal(await holder.line(), 'released');
        lockFolder(folder).release();
      } finally {
        await holder.kill();
      }
    }));

  test('the lock of a killed process is taken over', () =>
    withFolder(async (folder) => {
      const holder = new Holder(folder);
      try {
        assert.equal(await holder.line(), 'held');
      } finally {
        await holder.kill();
      }
      assert.equal(readdirSync(folder).length, 1, 'its claim is still there');
      const lock = lockFolder(folder);
      assert.equal(readdirSync(folder).length, 1, 'only ours is left');
      lock.release();
    }));

  test('a claim whose process id now belongs to another program, or was of an earlier boot, is taken over', (context) =>
    withFolder((folder) => {
      const own = lockFolder(folder);
      const [name = ''] = readdirSync(folder);
      const claim = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        pid: number;
        startTime: string;
        boot: string;
      };
      own.release();
      if (claim.startTime === '') {
        context.skip('no /proc here');
        return;
      }
      const parent = process.ppid;
      writeFileSync(join(folder, `lock-${parent}-1`), JSON.stringify({ ...claim, pid: parent, startTime: '1' }));
      lockFolder(folder).release();
      writeFileSync(join(folder, name), JSON.stringify({ ...claim, boot: 'an earlier one' }));
      lockFolder(folder).release();
      assert.deepEqual(readdirSync(folder), []);
      writeFileSync(join(folder, `lock-${parent}-`), '');
      assert.throws(() => lockFolder(folder), refusedFor(parent));
    }));

  test('of many processes that come at once, at most one gets it', () =>
    withFolder(async (folder) => {
      const holders = Array.from({ length: 4 }, () => new Holder(folder));
      try {
        const lines = await Promise.all(holders.map((holder) => holder.line()));
        assert.ok(lines.filter((line) => line === 'held').length <= 1, lines.join('\n'));
      } finally {
        await Promise.all(holders.map((holder) => holder.kill()));
      }
    }));
});
