/**
 * Puts the modules of the programs `quorate` and `quorate-etcd`, some 300 of this repository's, together into a few files: Node.js takes
 * a millisecond to find, read and link each, which was most of the time until a member listened (docs/decisions/0018).
 *
 * Own packages only: what others wrote is imported as before, so that it keeps its licence beside it and is updated by itself. What is
 * loaded late (the server itself, the simulator) stays in files of its own. Not minified: stack traces name functions as the sources do.
 *
 * Nothing is touched while the programs are newer than all that goes into them: members may be starting from these files, as with
 * `make run1`, `make run2` and `make run3` at once.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);
const PACKAGES = path.join(path.dirname(SELF), '..', '..', 'packages');
const DIST = path.join(PACKAGES, 'server', 'dist');
const PROGRAMS = path.join(DIST, 'programs');
const ENTRIES = { quorate: path.join(DIST, 'src', 'bin.js'), 'quorate-etcd': path.join(DIST, 'src', 'etcd-bin.js') };

function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestMs(folder: string): number {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const at = path.join(folder, entry.name);
    return entry.isDirectory() ? newestMs(at) : modifiedMs(at);
  });
  return Math.max(0, ...times);
}

function isUpToDate(): boolean {
  const inputs = readdirSync(PACKAGES).map((name) => newestMs(path.join(PACKAGES, name, 'dist', 'src')));
  const outputs = Object.keys(ENTRIES).map((name) => modifiedMs(path.join(PROGRAMS, `${name}.js`)));
  return Math.min(...outputs) > Math.max(modifiedMs(SELF), ...inputs);
}

async function bundle(): Promise<void> {
  // Takes a quarter of a second to load.
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: ENTRIES,
    platform: 'node',
    external: (id) => !id.startsWith('.') && !path.isAbsolute(id) && !id.startsWith('@quorate/'),
  });
  const { output } = await build.write({ dir: PROGRAMS, format: 'esm' });
  await build.close();
  const written = new Set(output.map(({ fileName }) => fileName));
  for (const name of readdirSync(PROGRAMS)) if (!written.has(name)) rmSync(path.join(PROGRAMS, name));
}

if (!isUpToDate()) await bundle();
