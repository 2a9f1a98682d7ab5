/** Defects of snapshots: taking, sending, installing and starting from them. */
import { inRaft, inReplica, type Mutant, raftTest, replicaTest } from './mutant.js';

const RESET_CHECK = 'assert(snapshot.index > this.commit && !this.matches(snapshot.index, snapshot.term),';

export const snapshots: readonly Mutant[] = [
  {
    bug: 5,
    name: 'snapshot-drops-matching-log',
    planted:
      'follower: a snapshot replaces the log also where the log holds it and goes on after it; and a new leader sends one to whomever it does not know',
    kind: 'safety',
    edits: [
      // Otherwise a leader sends a snapshot only to a member whose log ends before its own begins.
      inRaft(
        'replication',
        'if (previousTerm === undefined) {',
        "if (previousTerm === undefined || (progress.state === 'probe' && progress.match === 0 && !progress.learner && log.applied > 0)) {",
      ),
      inRaft('follower', 'if (log.matches(snapshot.index, snapshot.term)) {', 'if (snapshot.index === 0) {'),
      inRaft('log', RESET_CHECK, 'assert(snapshot.index > this.commit,'),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 19,
    name: 'applied-goes-back',
    planted: 'follower: a snapshot that is behind what is applied is installed',
    kind: 'safety',
    edits: [
      inRaft('follower', 'if (snapshot.index <= log.commit)', 'if (snapshot.index === 0)'),
      inRaft(
        'follower',
        'if (log.matches(snapshot.index, snapshot.term)) {',
        'if (snapshot.index > log.commit && log.matches(snapshot.index, snapshot.term)) {',
      ),
      inRaft('log', RESET_CHECK, 'assert(snapshot.index > 0,'),
      inReplica(
        'replica/snapshots',
        'if (begin.metadata.index > this.#port.raft.commit) {',
        'if (begin.metadata.index > 0) {',
      ),
    ],
    test: raftTest('raft'),
  },
  {
    bug: 23,
    name: 'snapshot-of-another-history',
    planted: 'log: a snapshot whose last entry was committed in another term is accepted at the start',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/replay',
        'if (this.#hardState.commit < index || this.#termAtSnapshot === undefined || this.#termAtSnapshot === term) {',
        'if (index >= 0) {',
      ),
    ],
    test: replicaTest('wal/wal'),
    outOfReach:
      'a snapshot file is made from what the member has applied, or offered by its leader, and names cluster and member: only an operator who copies files could bring one of another history',
  },
  {
    bug: 24,
    name: 'snapshot-keeps-stale-membership',
    planted: 'follower: an installed snapshot leaves the configuration as it was',
    kind: 'safety',
    edits: [inRaft('follower', 'core.config = snapshot.config;', '')],
  },
  {
    bug: 40,
    name: 'snapshot-makes-voters-of-learners',
    planted: 'snapshot files: learners are read back as voters',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/snapshot-header',
        'return { voters, learners,',
        'return { voters: [...voters, ...learners].sort((a, b) => a - b), learners: [],',
      ),
    ],
  },
  {
    bug: 27,
    name: 'snapshot-never-sent',
    planted: 'leader: a member whose next entry is compacted away is sent nothing',
    kind: 'liveness',
    edits: [inRaft('replication', 'return progress.recentlyActive;', 'return false;')],
  },
  {
    bug: 34,
    name: 'snapshot-counts-when-sent',
    planted: 'leader: a member counts as having the snapshot once it is on its way',
    kind: 'safety',
    edits: [
      inRaft('progress', 'this.pendingSnapshot = index;', 'this.pendingSnapshot = index;\n        this.match = index;'),
    ],
  },
  {
    bug: 36,
    name: 'old-state-supersedes-a-newer-one',
    planted: 'replica: a snapshot that was being taken when a newer one was installed is finished, and takes its place',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/snapshots',
        'this.#arrived = undefined;\n        this.#taker.abort();',
        'this.#arrived = undefined;',
      ),
    ],
  },
  {
    bug: 41,
    name: 'log-released-beyond-the-snapshot',
    planted: 'replica: the log is released up to what is applied, not up to the snapshot',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/snapshots',
        'this.#port.wal.release(snapshot.index, this.#tolerate);',
        'this.#port.wal.release(this.#port.state().appliedIndex, this.#tolerate);',
      ),
    ],
  },
  {
    bug: 41,
    name: 'gap-accepted-at-start',
    planted: 'log: a log that begins after the end of the snapshot is accepted',
    kind: 'safety',
    edits: [inReplica('wal/replay', 'if (position.index <= this.#snapshot.index)', 'if (position.index >= 0)')],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 51,
    name: 'position-apart-from-the-state',
    planted: 'replica: a loaded snapshot is taken for that of one entry before, which is applied again',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/recovery',
        'return loader.finish(step.value);',
        'return loader.finish({ ...step.value, index: step.value.index - 1 });',
      ),
    ],
  },
  {
    bug: 53,
    name: 'chunk-at-the-wrong-place',
    planted: 'snapshot receiver: chunks are taken in whatever order they come',
    kind: 'crash',
    edits: [
      inReplica(
        'replica/snapshot-receiver',
        'if (chunk.offset !== transfer.receivedBytes) {',
        'if (chunk.offset < 0) {',
      ),
    ],
    test: replicaTest('replica/snapshot-transfer'),
  },
  {
    bug: 54,
    name: 'durable-before-the-snapshot-is',
    planted: 'log: the index of an installed snapshot counts as durable at once',
    kind: 'safety',
    edits: [
      inRaft(
        'log',
        'this.persistedIndex = Math.min(this.persistedIndex, this.commit);',
        'this.persistedIndex = snapshot.index;',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 60,
    name: 'empty-log-refuses-snapshots',
    planted: 'follower: a member with an empty log does not take a snapshot',
    kind: 'liveness',
    edits: [
      inRaft(
        'follower',
        'if (!configMembers(snapshot.config).includes(core.id))',
        'if (log.lastIndex === 0 || !configMembers(snapshot.config).includes(core.id))',
      ),
    ],
  },
  {
    bug: 64,
    name: 'snapshot-behind-the-log-cuts-it',
    planted: 'log: at the start a snapshot replaces the log that goes on after it',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/replay',
        'if (this.#termAtSnapshot === term)',
        'if (this.#termAtSnapshot === term && (index === 0 || this.#lastIndex === index))',
      ),
    ],
  },
  {
    bug: 65,
    name: 'oldest-snapshot-first',
    planted: 'snapshot files: of two the older one is loaded',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/snapshot-file',
        'found.toSorted((a, b) => b.index - a.index || b.term - a.term)',
        'found.toSorted((a, b) => a.index - b.index || a.term - b.term)',
      ),
    ],
    test: replicaTest('wal/snapshot-file'),
  },
  {
    bug: 'own',
    name: 'snapshot-of-a-later-moment',
    planted:
      'replica: messages leave after the entries of the same turn are applied, so a snapshot is newer than it says',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/replica',
        'for (const message of ready.messages)',
        'for (const message of ready.snapshot === undefined ? [] : ready.messages)',
      ),
      inReplica(
        'replica/replica',
        'this.#apply(ready.committedEntries);',
        `this.#apply(ready.committedEntries);
        for (const message of ready.snapshot === undefined ? ready.messages : [])
            this.#send(message);`,
      ),
    ],
  },
  {
    bug: 'own',
    name: 'transfers-numbered-anew',
    planted:
      'snapshots: a member that restarts numbers its transfers from 1 again, and receivers keep those of earlier terms, so that chunks of two of them mix',
    kind: 'crash',
    edits: [
      inReplica(
        'replica/snapshots',
        "firstTransferId: 1 + port.random.stream('transfer-ids').integer(TRANSFER_ID_BOUND),",
        'firstTransferId: 1,',
      ),
      inReplica(
        'replica/snapshot-receiver',
        'const isRefused = commit >= begin.metadata.index || term > begin.term;',
        'const isRefused = commit >= begin.metadata.index;',
      ),
    ],
    test: replicaTest('replica/snapshot-transfer'),
  },
  {
    bug: 'own',
    name: 'transfer-given-up-for-its-own-limit',
    planted: 'snapshot sender: a transfer that waits for its own limit of bytes takes its receiver for silent',
    kind: 'liveness',
    edits: [
      inReplica(
        'replica/snapshot-sender',
        'if (!transfer.isAsked && this.#budgetBytes <= 0)',
        'if (transfer.sent < 0)',
      ),
    ],
    test: replicaTest('replica/snapshot-transfer'),
  },
  {
    bug: 'own',
    name: 'log-compacted-under-a-transfer',
    planted: 'leader: the log after a snapshot that is on its way is not kept',
    kind: 'liveness',
    edits: [
      inRaft('raft', "if (progress.state === 'snapshot' && progress.isActive)", 'if (progress.match < 0)'),
      inReplica(
        'replica/replica',
        'Math.min(this.#snapshots.floorIndex, this.#raft.slowestMatch)',
        'this.#raft.slowestMatch',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 'own',
    name: 'snapshot-in-place-before-it-is-synced',
    planted: 'snapshot files: renamed without having been synced',
    kind: 'safety',
    edits: [inReplica('wal/snapshot-file', '(next) => this.#disk.sync(this.#temporary, next),', '')],
    test: replicaTest('wal/snapshot-file'),
  },
  {
    bug: 'own',
    name: 'snapshot-name-not-synced',
    planted: 'snapshot files: the log is released before the new name of the snapshot is durable',
    kind: 'safety',
    edits: [inReplica('wal/snapshot-file', '(next) => this.#disk.syncDirectory(SNAPSHOT_DIRECTORY, next),', '')],
    test: replicaTest('wal/snapshot-file'),
  },
  {
    bug: 'own',
    name: 'snapshot-name-taken-for-durable-at-start',
    planted: 'log: a start does not make sure of the name of the snapshot that it begins after',
    kind: 'safety',
    edits: [inReplica('wal/log', 'state.hasSnapshot ? [this.#syncSnapshots, ...logSteps] : logSteps', 'logSteps')],
    test: replicaTest('wal/snapshot-file'),
    outOfReach:
      'it takes a failed sync of the folder right behind the renaming of a snapshot from a leader, a start, and a loss of power before the next snapshot: once in 6,000 runs',
  },
];
