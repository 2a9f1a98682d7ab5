#!/usr/bin/env node
/** The command: node packages/simulator/dist/src/bin.js --seed N --runs K | --minutes M [--json] */
import { main } from './cli/main.js';

process.exitCode = main(process.argv.slice(2));
