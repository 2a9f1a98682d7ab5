#!/usr/bin/env node
/** The command by itself: node packages/simulator/dist/src/bin.js --seed N --runs K | --minutes M [--json] */
import path from 'node:path';
import { main } from './cli/main.js';

process.exitCode = main(process.argv.slice(2), {
  command: `node ${path.relative('.', process.argv[1] ?? '')}`,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
