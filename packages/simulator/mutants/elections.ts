/** Defects of terms, votes, roles and of handing leadership over. */
import { inRaft, inReplica, type Mutant, raftTest } from './mutant.js';

const NOBODY_ASKS_AGAIN =
  'it costs an election or a handing over that is tried again, in no bound that the calm could tell from bad luck';

export const elections: readonly Mutant[] = [
  {
    bug: 2,
    name: 'vote-in-a-second-write',
    planted: 'replica: the term is written first, the vote with the next write; both count as durable after the first',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/replica',
        'this.#wal = recovered.wal;',
        'this.#wal = recovered.wal; this.voteWrittenIn = recovered.initial.hardState.vote === 0 ? 0 : recovered.initial.hardState.term;',
      ),
      inReplica(
        'replica/replica',
        'this.#wal.append({ hardState, entries: ready.entries, reset, mustSync: true }, (error) => {',
        `let step = hardState;
        if (hardState !== undefined && hardState.vote !== 0 && this.voteWrittenIn !== hardState.term) {
            step = { ...hardState, vote: 0 };
            this.voteWrittenIn = hardState.term;
            this.#lazyHardState = hardState;
        }
        this.#wal.append({ hardState: step, entries: ready.entries, reset, mustSync: true }, (error) => {`,
      ),
    ],
  },
  {
    bug: 3,
    name: 'vote-in-memory-only',
    planted: 'log records: the vote is written as nobody',
    kind: 'safety',
    edits: [inReplica('wal/record', 'putU64(scratch, 9, state.vote);', 'putU64(scratch, 9, 0);')],
  },
  {
    bug: 18,
    name: 'log-compared-by-parts',
    planted: 'election: a log with a later term or with more entries is up to date',
    kind: 'safety',
    edits: [
      inRaft(
        'log',
        'return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);',
        'return lastTerm > this.lastTerm || lastIndex >= this.lastIndex;',
      ),
    ],
    test: raftTest('log'),
  },
  {
    bug: 33,
    name: 'vote-on-an-old-log-end',
    planted: 'election: the vote compares with the end of the log as it was when the last write ended',
    kind: 'safety',
    edits: [
      inRaft(
        'log',
        'return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);',
        `const term = this.termAt(this.persistedIndex) ?? this.compactedTerm;
        return lastTerm > term || (lastTerm === term && lastIndex >= this.persistedIndex);`,
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 39,
    name: 'last-term-zero-after-compaction',
    planted: 'log: the last term of a log that is empty behind its snapshot is 0',
    kind: 'safety',
    edits: [
      inRaft(
        'log',
        'this.lastTerm = entries.at(-1)?.term ?? compacted.term;',
        'this.lastTerm = entries.at(-1)?.term ?? 0;',
      ),
    ],
  },
  {
    bug: 63,
    name: 'step-down-forgets-vote',
    planted: 'election: whoever steps down within its term forgets its vote',
    kind: 'safety',
    edits: [
      inRaft(
        'election',
        "enterRole(core, 'follower', term, leader);",
        "if (core.role !== 'follower' && term === core.term) core.vote = NO_MEMBER;\n    enterRole(core, 'follower', term, leader);",
      ),
    ],
  },
  {
    bug: 28,
    name: 'late-pre-votes-count',
    planted: 'election: a pre-vote that comes late counts as a vote in the campaign that follows',
    kind: 'safety',
    edits: [
      inRaft(
        'election',
        "if ((core.role !== 'pre-candidate' && core.role !== 'candidate') || message.type !== expected)",
        "if (core.role !== 'pre-candidate' && core.role !== 'candidate')",
      ),
    ],
  },
  {
    bug: 66,
    name: 'learners-campaign',
    planted: 'election: whoever is no voter, or knows no cluster yet, campaigns like everybody',
    kind: 'safety',
    edits: [
      inRaft('election', 'core.isVoter && core.log.persistedIndex', 'core.log.persistedIndex'),
      inRaft('raft', 'core.options.priority === 0 || !core.isVoter)', 'core.options.priority === 0)'),
    ],
  },
  {
    bug: 50,
    name: 'candidate-before-its-snapshot-is-written',
    planted: 'election: a member campaigns while the snapshot that its log begins after is still being written',
    kind: 'safety',
    edits: [inRaft('election', 'core.log.persistedIndex >= core.log.compactedIndex && ', '')],
    test: raftTest('transcripts'),
  },
  {
    bug: 69,
    name: 'old-leader-accepted',
    planted: 'messages: appends of an earlier term are taken as if they were of the present one',
    kind: 'safety',
    edits: [
      inRaft(
        'raft',
        'else if (message.term < core.term) {',
        "else if (message.term < core.term && message.type !== 'append') {",
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 45,
    name: 'refused-pre-votes-tell-no-term',
    planted: 'election: a refused pre-vote is not answered, so nobody learns a higher term',
    kind: 'liveness',
    edits: [
      inRaft(
        'election',
        'core.sendAfterPersist(response);',
        'if (granted || !preVote)\n        core.sendAfterPersist(response);',
      ),
      inRaft('raft', "core.sendAfterPersist({ type: 'pre-vote-response', from, to, term, granted: false });", ''),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 46,
    name: 'leader-never-forgotten',
    planted: 'election: pre-votes are refused as long as a leader is remembered, which a campaign does not end',
    kind: 'liveness',
    edits: [
      inRaft(
        'election',
        'if (core.leader !== NO_MEMBER && core.electionElapsed < electionTicks)',
        'if (core.leader !== NO_MEMBER)',
      ),
      inRaft(
        'election',
        "enterRole(core, 'pre-candidate', core.term, NO_MEMBER);",
        "enterRole(core, 'pre-candidate', core.term, core.leader);",
      ),
    ],
  },
  {
    bug: 47,
    name: 'pre-votes-refresh-contact',
    planted: 'election: a request for a pre-vote counts as contact with the leader',
    kind: 'liveness',
    edits: [
      inRaft(
        'election',
        'if (granted && !preVote) {',
        'if (preVote) core.electionElapsed = 0;\n    if (granted && !preVote) {',
      ),
      inRaft(
        'raft',
        'return message.transfer || !inLease(core);',
        'core.electionElapsed = 0;\n                return message.transfer || !inLease(core);',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 68,
    name: 'quorum-checked-every-tick',
    planted: 'leader: the time in which a quorum must have answered is one tick',
    kind: 'liveness',
    edits: [inRaft('leader', 'if (core.electionElapsed >= electionTicks) {', 'if (core.electionElapsed >= 1) {')],
  },
  {
    bug: 'own',
    name: 'leader-never-steps-down-alone',
    planted: 'leader: no check that a quorum still answers',
    kind: 'liveness',
    edits: [inRaft('leader', 'if (!quorumIsActive(core)) {', 'if (false) {')],
    test: raftTest('transcripts'),
  },
  {
    bug: 'own',
    name: 'vote-answered-before-durable',
    planted: 'election: a vote leaves before it is durable',
    kind: 'safety',
    edits: [inRaft('election', 'core.sendAfterPersist(response);', 'core.send(response);')],
  },
  {
    bug: 'own',
    name: 'votes-asked-before-own-term-is-durable',
    planted: "election: a candidate's requests leave before its own term and vote are durable",
    kind: 'safety',
    edits: [inRaft('election', 'core.sendAfterPersist(message);', 'core.send(message);')],
    test: raftTest('transcripts'),
  },
  {
    bug: 29,
    name: 'campaign-ordered-too-early',
    planted: 'transfer: the target is told to campaign before it has the whole log',
    kind: 'liveness',
    edits: [
      inRaft(
        'transfer',
        'if (core.progress.get(id)?.match !== core.log.lastIndex)',
        'if (core.progress.get(id) === undefined)',
      ),
    ],
    test: raftTest('transcripts'),
    outOfReach: NOBODY_ASKS_AGAIN,
  },
  {
    bug: 48,
    name: 'transfer-never-given-up',
    planted: 'transfer: a transfer that does not succeed is never given up, and writes are refused meanwhile',
    kind: 'liveness',
    edits: [inRaft('leader', 'if (core.transferElapsed >= electionTicks)', 'if (false)')],
    test: raftTest('transcripts'),
  },
  {
    bug: 48,
    name: 'writes-during-transfer',
    planted: 'transfer: writes are accepted while the target catches up',
    kind: 'liveness',
    edits: [
      inRaft(
        'raft',
        'if (core.transferee !== NO_MEMBER || core.removalInLog || core.isRetiring)',
        'if (core.removalInLog || core.isRetiring)',
      ),
    ],
    test: raftTest('transcripts'),
    outOfReach: NOBODY_ASKS_AGAIN,
  },
  {
    bug: 48,
    name: 'transfer-to-a-learner',
    planted: 'transfer: a learner may be the target',
    kind: 'liveness',
    edits: [inRaft('transfer', '|| !core.config.voters.includes(target))', '|| !core.progress.has(target))')],
    test: raftTest('transcripts'),
    outOfReach: NOBODY_ASKS_AGAIN,
  },
  {
    bug: 49,
    name: 'transferee-asks-for-pre-votes',
    planted:
      'transfer: who is told to campaign asks for pre-votes first, which the others refuse for the leader that is alive',
    kind: 'liveness',
    edits: [
      inRaft(
        'follower',
        "core.campaignOrdered = true;\n    else\n        campaign(core, 'transfer');",
        "core.campaignOrdered = true;\n    else\n        campaign(core, 'pre-vote');",
      ),
    ],
    test: raftTest('transcripts'),
    outOfReach: NOBODY_ASKS_AGAIN,
  },
  {
    bug: 67,
    name: 'transfer-flag-outlives-leadership',
    planted: 'election: a change of role leaves the target of a transfer as it was',
    kind: 'liveness',
    edits: [inRaft('election', 'core.transferee = NO_MEMBER;', '')],
  },
];
