/** Bugs of the list that our design cannot express, each with the reason. */
import type { Inexpressible } from './mutant.js';

const NO_WATCH = 'there are no watches yet';
const NO_LEASE = 'there are no leases of keys yet';

export const inexpressible: readonly Inexpressible[] = [
  { bug: 61, reason: 'configurations have no identifiers of their own, and no snapshot is imported from outside' },
  { bug: 62, reason: 'a configuration counts from when it is applied, so one that is not committed is never in force' },
  { bug: 70, reason: 'there is no mode in which every member must have an entry' },
  { bug: 71, reason: NO_LEASE },
  { bug: 72, reason: NO_WATCH },
  { bug: 73, reason: NO_WATCH },
  { bug: 74, reason: NO_WATCH },
  { bug: 78, reason: 'there are no users yet' },
  { bug: 79, reason: NO_WATCH },
  { bug: 80, reason: NO_WATCH },
  { bug: 82, reason: 'there are no locks yet' },
];
