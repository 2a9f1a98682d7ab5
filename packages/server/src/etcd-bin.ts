#!/usr/bin/env node
/** The program `quorate-etcd`. */
import { runEtcdCommand } from './etcd-command/command.js';
import { runProgram } from './run-program.js';

await runProgram(runEtcdCommand);
