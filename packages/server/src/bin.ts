#!/usr/bin/env node
/** The program `quorate`. */
import { runCli } from './cli/program.js';
import { runProgram } from './run-program.js';

await runProgram(runCli);
