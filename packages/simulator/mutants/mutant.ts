/**
 * A mutant: a defect that a real store has had, planted in our own code. It says whether the simulator and the tests would notice.
 *
 * Mutants change the compiled JavaScript of a private copy (copy.ts), never the working tree, and are in no published package.
 * `find` must stand in its file exactly once, so that a mutant that no longer fits the code is noticed (mutants.test.ts).
 */
export interface Edit {
  /** A compiled file, from the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** Its number in the list of bugs that real stores have had; 'own' for what that list does not have. */
  readonly bug: number | 'own';
  /** Short and unique. */
  readonly name: string;
  readonly planted: string;
  /** `safety`: something false is told or lost. `liveness`: something never happens. `crash`: a member dies. */
  readonly kind: 'safety' | 'liveness' | 'crash';
  readonly edits: readonly Edit[];
  /** A compiled test file, from the repository's root, that sees it. */
  readonly test?: string;
  /** Why the simulator cannot see it: then only the test is run. */
  readonly outOfReach?: string;
}

/** A bug of the list that our design cannot express. */
export interface Inexpressible {
  readonly bug: number;
  readonly reason: string;
}

/** In the consensus core. `room` is a file of packages/raft/src without its ending. */
export function inRaft(room: string, find: string, replace: string): Edit {
  return { file: `packages/raft/dist/src/${room}.js`, find, replace };
}

/** In a member. `room` is a file of packages/replica/src without its ending. */
export function inReplica(room: string, find: string, replace: string): Edit {
  return { file: `packages/replica/dist/src/${room}.js`, find, replace };
}

/** In what stands above a member. `room` is a file of packages/server/src without its ending. */
export function inServer(room: string, find: string, replace: string): Edit {
  return { file: `packages/server/dist/src/${room}.js`, find, replace };
}

export function serverTest(name: string): string {
  return `packages/server/dist/test/${name}.test.js`;
}

export function raftTest(name: string): string {
  return `packages/raft/dist/test/${name}.test.js`;
}

export function replicaTest(name: string): string {
  return `packages/replica/dist/test/${name}.test.js`;
}
