/**
 * Puts the modules of the programs `quorate` and `quorate-etcd`, some 300 of this repository's, together into a few files: Node.js takes
 * a millisecond to find, read and link each, which was most of the time until a member listened (docs/decisions/0018).
 *
 * Own packages only: what others wrote is imported as before, so that it keeps its licence beside it and is updated by itself. What is
 * loaded late (the server itself, the simulator) stays in files of its own. Not minified: stack traces name functions as the sources do.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const DIST = path.join(ROOT, 'packages', 'server', 'dist');

const bundle = await rolldown({
  input: {
    quorate: path.join(DIST, 'src', 'bin.js'),
    'quorate-etcd': path.join(DIST, 'src', 'etcd-bin.js'),
  },
  platform: 'node',
  external: (id) => !id.startsWith('.') && !path.isAbsolute(id) && !id.startsWith('@quorate/'),
});
await bundle.write({ dir: path.join(DIST, 'programs'), format: 'esm', cleanDir: true });
await bundle.close();
