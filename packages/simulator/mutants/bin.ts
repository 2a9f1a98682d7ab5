#!/usr/bin/env node
/** Entry of the command that hunts mutants: see main.ts. */
import { main } from './main.js';

process.exitCode = await main(process.argv.slice(2));
