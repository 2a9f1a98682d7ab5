/** Bugs of the list that our design cannot express, each with the reason. */
import type { Inexpressible } from './mutant.js';

export const inexpressible: readonly Inexpressible[] = [
  { bug: 61, reason: 'configurations have no identifiers of their own, and no snapshot is imported from outside' },
  { bug: 62, reason: 'a configuration counts from when it is applied, so one that is not committed is never in force' },
  { bug: 70, reason: 'there is no mode in which every member must have an entry' },
  { bug: 78, reason: 'the store has no users and no permissions, so nothing is enabled at one entry of the log' },
];
