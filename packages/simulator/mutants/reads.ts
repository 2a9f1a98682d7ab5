/** Defects of linearizable reads: confirmation, lease, waiting for the state. */
import { inRaft, inReplica, type Mutant, raftTest } from './mutant.js';

const LEASE_REFUSAL = "if (core.options.reads !== 'lease' || core.leaseBroken || core.isRetiring)";

export const reads: readonly Mutant[] = [
  {
    bug: 6,
    name: 'read-before-own-commit',
    planted: 'read index: answered before an entry of the own term is committed',
    kind: 'safety',
    edits: [
      inRaft(
        'read-index',
        'return core.reads.waiting.length > 0 && core.hasCommittedInTerm;',
        'return core.reads.waiting.length > 0;',
      ),
      inRaft(
        'read-index',
        'if (from !== core.id && core.hasCommittedInTerm && isQuorumWith(core, from)) {',
        'if (from !== core.id && isQuorumWith(core, from)) {',
      ),
    ],
  },
  {
    bug: 7,
    name: 'read-round-used-again',
    planted: 'read index: reads join the round that is under way, so answers sent before they came confirm them',
    kind: 'safety',
    edits: [
      inRaft(
        'read-index',
        'const round = nextRound(core);',
        'const round = reads.confirmed < reads.round ? reads.round : nextRound(core);',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 7,
    name: 'read-joins-an-issued-batch',
    planted: 'reads: a read joins the batch whose question has left already',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/reads',
        'const context = this.#context + 1;',
        `let open;
        this.#issued.forEach((batch) => {
            open = batch;
        });
        if (open !== undefined) {
            open.reads.push(...this.#waiting);
            this.#waiting = [];
            return;
        }
        const context = this.#context + 1;`,
      ),
    ],
  },
  {
    bug: 8,
    name: 'leader-reads-alone',
    planted: 'read index: the leader answers without asking anybody',
    kind: 'safety',
    edits: [inRaft('read-index', LEASE_REFUSAL, `if (core.id > 0)\n        return true;\n    ${LEASE_REFUSAL}`)],
    test: raftTest('transcripts'),
  },
  {
    bug: 9,
    name: 'lease-during-transfer',
    planted: 'lease: goes on after a campaign was ordered',
    kind: 'safety',
    edits: [inRaft('read-index', LEASE_REFUSAL, "if (core.options.reads !== 'lease' || core.isRetiring)")],
    test: raftTest('transcripts'),
  },
  {
    bug: 55,
    name: 'lease-without-answers',
    planted: 'lease: held whether or not a quorum answered lately',
    kind: 'safety',
    edits: [
      inRaft(
        'read-index',
        'return core.ticks <= core.reads.leaseTick + core.options.electionTicks - LEASE_MARGIN_TICKS;',
        'return true;',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 'own',
    name: 'lease-forgotten-at-restart',
    planted: 'lease: a voter that restarts votes at once, though it may have answered a leader just before',
    kind: 'safety',
    edits: [
      inRaft('election', "return reads === 'lease' && core.restarted && core.ticks < electionTicks;", 'return false;'),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 'own',
    name: 'lease-answered-by-nobody',
    planted:
      'lease: a member that has nothing on its disk yet answers a heartbeat, and after a restart does not know that it did',
    kind: 'safety',
    edits: [inRaft('follower', "options.reads === 'lease' && hardStatePersisted.term === 0", 'options.reads === 0')],
    test: raftTest('raft'),
    outOfReach: 'members join as learners, and hold a snapshot or entries on their disk before they count for a lease',
  },
  {
    bug: 10,
    name: 'fast-read-before-own-commit',
    planted: "read index: a follower's read is answered at once, before the new leader has committed in its term",
    kind: 'safety',
    edits: [
      inRaft(
        'read-index',
        'if (from !== core.id && core.hasCommittedInTerm && isQuorumWith(core, from)) {',
        'if (from !== core.id && isQuorumWith(core, from)) {',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 14,
    name: 'read-quorum-one-short',
    planted: 'read index: one answer less than a majority confirms',
    kind: 'safety',
    edits: [
      inRaft(
        'read-index',
        'const confirmed = committedIndex(core.config,',
        `const confirmed = ((config, roundOf) => {
        const rounds = config.voters.map(roundOf).sort((a, b) => a - b);
        return rounds[rounds.length - Math.floor(rounds.length / 2)] ?? reads.round;
    })(core.config,`,
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 'own',
    name: 'one-follower-is-a-quorum',
    planted: "read index: a follower's question confirms the leader, however many voters there are",
    kind: 'safety',
    edits: [
      inRaft(
        'read-index',
        "return voteResult(core.config, (id) => (id === core.id || id === follower ? true : undefined)) === 'won';",
        'return follower !== 0;',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 25,
    name: 'first-read-does-not-wait',
    planted: 'reads: the first one after a start does not wait until the state has caught up',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/reads',
        'this.#confirmed.push({ index: state.index, reads: batch.reads });',
        'this.#confirmed.push({ index: this.first === undefined ? 0 : state.index, reads: batch.reads });\n        this.first = false;',
      ),
    ],
  },
  {
    bug: 42,
    name: 'reads-do-not-wait',
    planted: 'reads: served as soon as they are confirmed, whatever is applied',
    kind: 'safety',
    edits: [inReplica('replica/reads', 'batch.index <= appliedIndex ? due : kept', 'true ? due : kept')],
  },
];
