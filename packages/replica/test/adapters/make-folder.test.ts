/** Folders that users name: made with those above them, or refused at once with the path and the cause. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeFolder } from '../../src/adapters/make-folder.js';
import { open, restore } from '../../src/index.js';

const procSkip = existsSync('/proc/self') ? false : 'there is no /proc';
/** Mounts without being root, where that is allowed. */
const UNSHARE = ['unshare', '-rm', 'sh', '-c'] as const;
const mountSkip =
  spawnSync(UNSHARE[0], [...UNSHARE.slice(1), `mount -t tmpfs -o ro none ${tmpdir()}`]).status === 0
    ? false
    : 'nothing can be mounted';

describe('a folder that is to be made', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), 'quorate-make-folder-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('is made with those above it; one that is there is left as it is', async () => {
    const deep = path.join(root, 'a', 'b', 'c');
    for (const folder of [deep, deep, `${root}/d/e/`, `${root}/f/../g`]) await makeFolder(folder);
    await Promise.all([makeFolder(`${root}/h/i`), makeFolder(`${root}/h/i`), makeFolder(`${root}/h/j`)]);
    for (const folder of [deep, `${root}/d/e`, `${root}/g`, `${root}/h/i`, `${root}/h/j`]) {
      assert.ok(statSync(folder).isDirectory(), folder);
    }
  });

  test('is refused where a file or a broken link is in the way', async () => {
    const file = path.join(root, 'file');
    writeFileSync(file, '');
    for (const folder of [file, path.join(file, 'x'), path.join(file, 'x', 'y')]) {
      await assert.rejects(makeFolder(folder), { message: `${file} is not a folder` });
    }
    const link = path.join(root, 'link');
    symlinkSync(path.join(root, 'nowhere'), link);
    await assert.rejects(makeFolder(link), { code: 'EEXIST', path: link });
  });

  test('is refused at once where nothing can be made', { skip: procSkip }, async () => {
    for (const folder of ['/proc/nothing', '/proc/nothing/below', '/proc/self/nothing/../..']) {
      const message = /mkdir '\/proc\/(?:self\/)?nothing'/;
      await assert.rejects(makeFolder(folder), { code: 'ENOENT', message });
      await assert.rejects(open({ dir: folder }), { name: 'QuorateError', code: 'data-folder', message });
    }
    const member = await open({ dir: path.join(root, 'saved') });
    const snapshot = member.door.snapshot();
    const pieces: Uint8Array[] = [];
    for (let piece = snapshot.next(); piece !== undefined; piece = snapshot.next()) pieces.push(piece.slice());
    snapshot.release();
    await member.close();
    await assert.rejects(restore({ source: pieces, dir: '/proc/nothing', name: 'default' }), {
      name: 'QuorateError',
      code: 'data-folder',
      message: /mkdir '\/proc\/nothing'/,
    });
  });

  test('is refused at once in a working directory that was removed', async () => {
    const gone = path.join(root, 'gone');
    const before = process.cwd();
    mkdirSync(gone);
    process.chdir(gone);
    rmSync(gone, { recursive: true });
    try {
      await assert.rejects(makeFolder('data/below'), { code: 'ENOENT', message: /mkdir 'data'/ });
    } finally {
      process.chdir(before);
    }
  });

  test('names a read-only file system as the cause', { skip: mountSkip }, () => {
    const module = new URL('../../src/adapters/make-folder.js', import.meta.url).href;
    const script = `const { makeFolder } = await import('${module}'); await makeFolder('${root}/data/below').catch(({ message }) => console.log(message))`;
    const command = `mount -t tmpfs -o ro none '${root}' && exec '${process.execPath}' --input-type=module -e "$0"`;
    const { stdout } = spawnSync(UNSHARE[0], [...UNSHARE.slice(1), command, script], { encoding: 'utf8' });
    assert.equal(stdout, `EROFS: read-only file system, mkdir '${root}/data'\n`);
  });
});
