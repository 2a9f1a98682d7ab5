/** All mutants, and the bugs that have none. */
import { elections } from './elections.js';
import { inexpressible } from './inexpressible.js';
import { membership } from './membership.js';
import type { Inexpressible, Mutant } from './mutant.js';
import { reads } from './reads.js';
import { replication } from './replication.js';
import { requests } from './requests.js';
import { snapshots } from './snapshots.js';
import { stateMachine } from './state-machine.js';
import { storage } from './storage.js';

/** How many bugs the list of real stores' bugs has. */
export const BUGS = 83;

/** By number in the list; our own at the end. */
export const mutants: readonly Mutant[] = [
  ...elections,
  ...replication,
  ...snapshots,
  ...storage,
  ...membership,
  ...reads,
  ...requests,
  ...stateMachine,
].toSorted((a, b) => place(a) - place(b));

export const withoutMutant: readonly Inexpressible[] = inexpressible;

function place({ bug }: Mutant): number {
  return bug === 'own' ? BUGS + 1 : bug;
}
