/** Defects of what clients are told, and of the state machine. */
import { inReplica, type Mutant, replicaTest } from './mutant.js';

export const requests: readonly Mutant[] = [
  {
    bug: 30,
    name: 'answer-of-another-entry',
    planted: 'requests: a proposal is answered by whatever is applied at its index',
    kind: 'safety',
    edits: [inReplica('replica/requests', 'if (proposed.term === term)', 'if (proposed.term > 0)')],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 30,
    name: 'unknown-told-as-refused',
    planted: 'requests: an unknown outcome is told as a refusal',
    kind: 'safety',
    edits: [
      inReplica('replica/failure', "failure('outcome-unknown', 'unknown',", "failure('outcome-unknown', 'rejected',"),
    ],
  },
  {
    bug: 30,
    name: 'deposed-leader-is-silent',
    planted: 'requests: what nobody may be left to decide is never answered',
    kind: 'liveness',
    edits: [
      inReplica('replica/requests', 'failUndecided() {', 'failUndecided() {\n        return;'),
      inReplica('replica/requests', 'this.#proposed.takeIf(isLate)', '[]'),
    ],
    test: replicaTest('replica/requests'),
    outOfReach: 'clients of the simulator have time limits of their own, as real ones have',
  },
  {
    bug: 83,
    name: 'write-sent-again',
    planted: 'requests: what was sent to a leader whose connection broke is sent to the next one',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/requests',
        `takeIf((forwarded) => forwarded.to === to)) {
            this.end(request, outcomeUnknown);`,
        `takeIf((forwarded) => forwarded.to === to)) {
            this.wait(request);`,
      ),
    ],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 'own',
    name: 'overtaken-by-a-snapshot-sent-again',
    planted: 'requests: a proposal at an index that a snapshot jumped over is taken for overwritten and proposed again',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/requests',
        `takeIf((_, at) => at <= index))
            this.#failProposed(proposed, outcomeUnknown);`,
        `takeIf((_, at) => at <= index))
            proposed.overwritten();`,
      ),
    ],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 'own',
    name: 'index-used-again-means-overwritten',
    planted:
      'requests: a proposal whose index this leader uses again is proposed again, though another log may hold it',
    kind: 'safety',
    edits: [inReplica('replica/requests', 'this.#failProposed(former, outcomeUnknown);', 'former.overwritten();')],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 'own',
    name: 'forwarded-request-taken-twice',
    planted: 'requests: a forwarded request that arrives twice is proposed twice',
    kind: 'safety',
    edits: [inReplica('replica/recent-requests', 'if (taken.has(requestId))', 'if (requestId < 0)')],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 'own',
    name: 'removed-member-forwards-twice',
    planted:
      'requests: what a removed member had forwarded is taken again when it comes a second time, for it is forgotten',
    kind: 'safety',
    edits: [inReplica('replica/request-router', 'this.#port.isRemoved(from) || ', '')],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 'own',
    name: 'requests-numbered-anew',
    planted:
      'requests: a member that restarts numbers what it forwards from 1 again, so an answer to its former life ends another request',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/replica',
        "new Requests(1 + seams.random.stream('forward-ids').integer(FORWARD_ID_BOUND))",
        'new Requests(1)',
      ),
    ],
    test: replicaTest('replica/requests'),
  },
  {
    bug: 75,
    name: 'revision-from-what-is-left',
    planted:
      'store: a loaded snapshot has the revision of the newest version that is left; and compaction drops the delete at the very revision that is still readable',
    kind: 'safety',
    edits: [
      // Otherwise the newest change of all is always left, be it a delete.
      inReplica(
        'store/compaction',
        'versions.modRevision(head) < pass.trimRevision',
        'versions.modRevision(head) <= pass.trimRevision',
      ),
      inReplica(
        'store/loader',
        'const modRevision = reader.varint();',
        'const modRevision = reader.varint();\n        this.seen = Math.max(this.seen ?? 1, modRevision);',
      ),
      inReplica('store/loader', 'revision: this.#revision,', 'revision: this.seen ?? 1,'),
    ],
    test: replicaTest('store/store.property'),
  },
  {
    bug: 76,
    name: 'tombstone-dropped-at-its-revision',
    planted: 'store: compaction drops the delete at the very revision that is still readable',
    kind: 'safety',
    edits: [
      inReplica(
        'store/compaction',
        'versions.modRevision(head) < pass.trimRevision',
        'versions.modRevision(head) <= pass.trimRevision',
      ),
    ],
    test: replicaTest('store/store.property'),
  },
  {
    bug: 77,
    name: 'refused-in-the-middle',
    planted:
      'store: whether a read inside a transaction can be answered is found out when its turn comes, after writes',
    kind: 'safety',
    edits: [
      inReplica(
        'store/writer',
        'return checkRevision(operation.revision, this.revision, this.compactRevision);',
        'return undefined;',
      ),
    ],
    test: replicaTest('store/store.property'),
  },
  {
    bug: 81,
    name: 'read-of-the-revision-being-made',
    planted: 'store: a read inside a transaction may name the revision that the transaction makes',
    kind: 'safety',
    edits: [
      inReplica(
        'store/writer',
        'return checkRevision(operation.revision, this.revision, this.compactRevision);',
        'return checkRevision(operation.revision, this.revision + 1, this.compactRevision);',
      ),
    ],
    test: replicaTest('store/store.property'),
  },
];
