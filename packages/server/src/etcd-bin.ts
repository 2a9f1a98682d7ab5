#!/usr/bin/env node
/** The program `quorate-etcd`. */
import { runEtcdCommand } from './etcd-command/command.js';
import { loadMemberModules } from './open-member.js';

const exitCode = await runEtcdCommand(
  process.argv.slice(2),
  {
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  },
  loadMemberModules,
);
// What was printed leaves before the process does; nothing that a stopped server left behind may keep the process alive.
process.stdout.write('', () => process.exit(exitCode));
