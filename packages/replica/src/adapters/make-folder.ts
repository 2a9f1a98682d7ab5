/**
 * Makes a folder and those above it that are missing. Node's recursive mkdir does not end where a folder cannot be made although its
 * parent is there (under /proc, in a working directory that was removed), and blames a read-only file system on a missing file.
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Rejects with an error that names the path and the cause. */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  // As it is written, not normalized: `..` behind a link leads elsewhere than its text says.
  for (let at = folder; !(await isFolder(at)); at = dirname(at)) missing.push(at);
  for (const one of missing.toReversed()) await makeOne(one);
}

async function makeOne(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    // Made meanwhile, or it ends in `..`.
    if (codeOf(error) === 'EEXIST' && (await isFolder(folder))) return;
    throw error;
  }
}

/** False: there is nothing. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
  throw new Error(`${path} is not a folder`);
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
