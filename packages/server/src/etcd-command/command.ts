/** `quorate-etcd`: starts a member from etcd's own flags and ETCD_* variables. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { CliFailure, type CliIo, EXIT } from '../cli/io.js';
import { runServer, type ServeModules } from '../cli/serve.js';
import { ETCD_VERSION, QUORATE_VERSION } from '../version.js';
import { readArguments } from './arguments.js';
import { helpText } from './help.js';
import { notifyReady } from './notify.js';
import { planServer } from './plan.js';

/** In every folder that belongs to a member. */
const IDENTITY_FILE = 'identity.json';

/** Resolves with the exit code: 0, 1 for what etcd refuses to start with, 2 for flags that it cannot read. */
export async function runEtcdCommand(
  argv: readonly string[],
  io: CliIo,
  load: () => Promise<ServeModules>,
): Promise<number> {
  const read = readArguments(argv, io.env);
  if (read.kind === 'help') {
    io.out(helpText());
    return EXIT.ok;
  }
  if (read.kind === 'wrong') {
    for (const error of read.errors) io.err(`quorate-etcd: ${error}\n`);
    io.err('quorate-etcd: --help shows what there is\n');
    return EXIT.usage;
  }
  if (read.values.get('version') !== undefined && read.values.get('version') !== 'false') {
    io.out(`etcd Version: ${ETCD_VERSION}\nQuorate Version: ${QUORATE_VERSION}\nNode Version: ${process.version}\n`);
    return EXIT.ok;
  }
  const plan = planServer(read.values, (dir) => existsSync(path.join(dir, IDENTITY_FILE)));
  for (const warning of [...read.warnings, ...plan.warnings]) io.err(`quorate-etcd: warning: ${warning}\n`);
  if (!plan.ok) {
    for (const error of plan.errors) io.err(`quorate-etcd: ${error}\n`);
    return EXIT.failed;
  }
  try {
    await runServer(plan.config, load, {
      place: plan.place,
      onReady: (log) => notifyReady(io.env, (reason) => log.warn({ reason }, 'systemd could not be told')),
    });
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    io.err(`quorate-etcd: ${error.message}\n`);
    return error.exitCode;
  }
}
