/** What the two programs share: the process around a command line. */
import type { CliIo } from './cli/io.js';
import type { ServeModules } from './cli/serve.js';
import { loadMemberModules } from './open-member.js';

/** Runs the command with this process's arguments, environment and output, and ends the process with the exit code it resolves with. */
export async function runProgram(
  command: (argv: readonly string[], io: CliIo, loadServe: () => Promise<ServeModules>) => Promise<number>,
): Promise<void> {
  const io: CliIo = {
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
  const exitCode = await command(process.argv.slice(2), io, loadMemberModules);
  // What was printed leaves before the process does; nothing that a stopped server left behind may keep the process alive.
  process.stdout.write('', () => process.exit(exitCode));
}
