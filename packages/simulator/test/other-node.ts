/**
 * Another Node.js than the one that runs the tests, to show that a seed is the same run there: `QUORATE_OTHER_NODE` if it is set,
 * else the one of the npm package for this platform, installed once into a folder beside the other installed packages.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
const INSTALL_MS_MAX = 300_000;
/** The oldest that is supported, and a newer one: whichever this one is not. */
const MAJORS = [24, 20];

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', win32: 'win' };
const ARCHITECTURES = ['x64', 'arm64'];

export type OtherNode = { readonly program: string } | { readonly missing: string };

export async function otherNode(): Promise<OtherNode> {
  const given = process.env['QUORATE_OTHER_NODE'];
  if (given !== undefined && given !== '') {
    return existsSync(given) ? { program: given } : { missing: `QUORATE_OTHER_NODE is ${given}, which is not there` };
  }
  const platform = PLATFORMS[process.platform];
  if (platform === undefined || !ARCHITECTURES.includes(process.arch)) {
    return { missing: `npm has no Node.js for ${process.platform} on ${process.arch}` };
  }
  const [major = 0] = process.versions.node.split('.').map(Number);
  const other = MAJORS.find((one) => one !== major);
  return await installed(`node-${platform}-${process.arch}`, `${other}`);
}

async function installed(name: string, version: string): Promise<OtherNode> {
  const folder = path.join(MODULES, '.cache', 'quorate', `node-${version}`);
  const program = path.join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(program)) return { program };
  // Nothing that was installed half way may look whole.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const options = [
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--fetch-retries=1',
  ];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  try {
    await promisify(execFile)(npm, ['install', '--prefix', folder, ...options, `${name}@${version}`], {
      timeout: INSTALL_MS_MAX,
      cwd: folder,
      shell: process.platform === 'win32',
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    return {
      missing: `npm could not install ${name}@${version}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  return existsSync(program)
    ? { program }
    : { missing: `${name}@${version} holds no ${path.relative(folder, program)}` };
}
