/** Defects of appending, acknowledging and committing. */
import { inRaft, inReplica, type Mutant, raftTest } from './mutant.js';

const HEALED = 'what it loses is sent again, so nothing stands still for good';

export const replication: readonly Mutant[] = [
  {
    bug: 1,
    name: 'commits-old-terms',
    planted: 'leader: entries of earlier terms are committed by counting (Raft paper, figure 8)',
    kind: 'safety',
    edits: [
      inRaft('replication', 'if (index <= log.commit || log.termAt(index) !== core.term)', 'if (index <= log.commit)'),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 4,
    name: 'append-cuts-the-tail',
    planted: 'follower: everything after the previous entry is replaced, also where nothing differs',
    kind: 'safety',
    edits: [inRaft('log', 'if (this.matches(entry.index, entry.term))', 'if (entry.index === 0)')],
  },
  {
    bug: 13,
    name: 'matches-sorted-as-text',
    planted: 'quorum: match indexes are sorted as text',
    kind: 'safety',
    edits: [inRaft('quorum', 'if (left <= match)', 'if (String(left) <= String(match))')],
  },
  {
    bug: 15,
    name: 'half-is-a-majority',
    planted: 'quorum: of an even number of voters half is enough to commit',
    kind: 'safety',
    edits: [
      inRaft('quorum', 'return sorted[count - majorityOf(count)]', 'return sorted[count - Math.ceil(count / 2)]'),
    ],
  },
  {
    bug: 16,
    name: 'learners-counted',
    planted: 'leader: learners count among those who commit',
    kind: 'safety',
    edits: [
      inRaft(
        'replication',
        'const index = committedIndex(core.config, core.matchOf);',
        `const { voters, learners } = core.config;
    const index = committedIndex({ ...core.config, voters: [...voters, ...learners] }, core.matchOf);`,
      ),
    ],
  },
  {
    bug: 16,
    name: 'voter-skipped',
    planted: 'leader: one voter is left out where commits are counted',
    kind: 'safety',
    edits: [
      inRaft(
        'replication',
        'const index = committedIndex(core.config, core.matchOf);',
        `const voters = core.config.voters.length > 2 ? core.config.voters.slice(1) : core.config.voters;
    const index = committedIndex({ ...core.config, voters }, core.matchOf);`,
      ),
    ],
  },
  {
    bug: 20,
    name: 'compacted-taken-for-conflict',
    planted: 'follower: a previous entry that is compacted away is a conflict, and the log after it is cut off',
    kind: 'safety',
    edits: [
      inRaft('follower', 'if (previousIndex < log.commit) {', 'if (previousIndex < 0) {'),
      inRaft(
        'log',
        'if (!this.matches(previousIndex, previousTerm))',
        `if (previousIndex < this.compactedIndex)
            this.#truncateAfter(this.compactedIndex);
        if (!this.matches(previousIndex, previousTerm))`,
      ),
    ],
  },
  {
    bug: 21,
    name: 'late-acknowledgement-counts',
    planted: 'leader: an acknowledgement of an earlier term counts',
    kind: 'safety',
    edits: [
      inRaft(
        'raft',
        'else if (message.term < core.term) {',
        "else if (message.term < core.term && message.type !== 'append-response') {",
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 22,
    name: 'late-refusal-lowers-match',
    planted: 'leader: a refusal that comes late takes back what was acknowledged since',
    kind: 'liveness',
    edits: [
      inRaft(
        'progress',
        `if (rejected <= this.match)
                return false;
            this.next = this.match + 1;`,
        `if (rejected <= this.match)
                this.match = Math.max(0, Math.min(rejected - 1, hint));
            this.next = this.match + 1;`,
      ),
    ],
    test: raftTest('progress'),
    outOfReach: HEALED,
  },
  {
    bug: 26,
    name: 'completion-settles-only-the-oldest',
    planted: 'replica: when a write ends, only the oldest of the turns that wait for it is settled',
    kind: 'liveness',
    edits: [
      inReplica(
        'replica/replica',
        'while (this.#unpersisted[0]?.durable === true) {',
        'if (this.#unpersisted[0]?.durable === true) {',
      ),
    ],
  },
  {
    bug: 31,
    name: 'unknown-previous-entry-told-as-none',
    planted: 'leader: where the previous entry is not there any more, the append says that there is none before it',
    kind: 'safety',
    edits: [
      inRaft(
        'replication',
        'const previousTerm = log.termAt(previousIndex);',
        `const isKnown = log.termAt(progress.next - 1) !== undefined;
    const previousTerm = isKnown ? log.termAt(previousIndex) : 0;`,
      ),
      inRaft(
        'replication',
        'const previousIndex = progress.next - 1;',
        'const previousIndex = log.termAt(progress.next - 1) === undefined ? 0 : progress.next - 1;',
      ),
      inRaft(
        'replication',
        'log.slice(progress.next, options.appendBytesMax)',
        'log.slice(Math.max(progress.next, log.firstIndex), options.appendBytesMax)',
      ),
    ],
  },
  {
    bug: 43,
    name: 'commit-beyond-the-message',
    planted:
      "follower: the leader's commit index is taken over for entries that the message does not vouch for; and leaders find the place where logs agree by beginning anew",
    kind: 'safety',
    edits: [
      // Otherwise the first append that is accepted begins right behind the last entry that agrees, and replaces what does not.
      inRaft(
        'leader',
        'const hint = hintTerm > 0 ? core.log.lastPositionAtOrBelowTerm(hintIndex, hintTerm).index : hintIndex;',
        'const hint = Math.min(hintIndex, core.log.compactedIndex, hintTerm);',
      ),
      inRaft(
        'follower',
        'raiseCommit(core, Math.min(message.commit, lastNewIndex));',
        'raiseCommit(core, Math.min(message.commit, log.lastIndex));',
      ),
    ],
    test: raftTest('raft'),
  },
  {
    bug: 43,
    name: 'heartbeat-commits-what-may-differ',
    planted: 'leader: heartbeats carry the whole commit index; followers take as much of it as their log is long',
    kind: 'safety',
    edits: [
      inRaft(
        'replication',
        'const commit = Math.min(progress.match, core.log.commit);',
        'const commit = core.log.commit;',
      ),
      inRaft(
        'follower',
        'raiseCommit(core, message.commit);',
        'raiseCommit(core, Math.min(message.commit, core.log.lastIndex));',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 44,
    name: 'step-down-cuts-the-log',
    planted: 'election: a leader that steps down drops what it does not know to be committed',
    kind: 'safety',
    edits: [
      inRaft(
        'election',
        "enterRole(core, 'follower', term, leader);",
        "if (core.role === 'leader')\n        core.log.stepBack();\n    enterRole(core, 'follower', term, leader);",
      ),
      inRaft(
        'log',
        'appliedTo(index) {',
        'stepBack() {\n        this.#truncateAfter(this.commit);\n    }\n    appliedTo(index) {',
      ),
    ],
  },
  {
    bug: 50,
    name: 'leader-counts-before-it-has-written',
    planted: 'leader: its own entries count as soon as they are appended',
    kind: 'safety',
    edits: [
      inRaft(
        'replication',
        'core.log.append(entry);',
        "core.log.append(entry);\n    if (core.role === 'leader')\n        core.progress.get(core.id)?.maybeUpdate(entry.index);",
      ),
    ],
  },
  {
    bug: 52,
    name: 'append-with-a-hole',
    planted: 'leader: of three or more entries that go together the second is left out',
    kind: 'safety',
    edits: [
      inRaft(
        'replication',
        'log.slice(progress.next, options.appendBytesMax)',
        'log.slice(progress.next, options.appendBytesMax).filter((_, place, all) => place !== 1 || all.length < 3)',
      ),
    ],
  },
  {
    bug: 56,
    name: 'term-beyond-the-end',
    planted: 'log: the term of an index behind the end is looked up',
    kind: 'crash',
    edits: [
      inRaft('log', 'if (index < this.compactedIndex || index > this.lastIndex)', 'if (index < this.compactedIndex)'),
    ],
  },
  {
    bug: 57,
    name: 'window-never-freed',
    planted: 'leader: what is acknowledged stays on the count of bytes in flight',
    kind: 'liveness',
    edits: [inRaft('inflights', 'this.#bytes -= this.#sizes[this.#start];', '')],
  },
  {
    bug: 57,
    name: 'next-not-above-match',
    planted: 'leader: an acknowledgement raises match and leaves next',
    kind: 'liveness',
    edits: [inRaft('progress', 'this.next = Math.max(this.next, index + 1);', '')],
  },
  {
    bug: 58,
    name: 'page-beyond-the-commit-index',
    planted: 'log: a page of entries to apply is cut at its size, not at the commit index',
    kind: 'safety',
    edits: [
      inRaft(
        'log',
        'this.slice(this.handedToApply + 1, bytesMax, this.commit)',
        'this.slice(this.handedToApply + 1, bytesMax)',
      ),
    ],
  },
  {
    bug: 58,
    name: 'page-applied-twice',
    planted: 'log: each page of entries to apply begins with the last one of the page before',
    kind: 'safety',
    edits: [inRaft('log', 'this.handedToApply += page.length;', 'this.handedToApply += Math.max(1, page.length - 1);')],
  },
  {
    bug: 59,
    name: 'long-conflict-never-ends',
    planted: 'leader: a refusal that leads back more than 50 entries is taken for a late one',
    kind: 'liveness',
    edits: [
      inRaft(
        'leader',
        'if (!progress.maybeDecrementTo(message.index, hint))',
        'if (message.index - hint > 50 || !progress.maybeDecrementTo(message.index, hint))',
      ),
    ],
  },
  {
    bug: 'own',
    name: 'acknowledged-before-durable',
    planted: 'follower: entries are acknowledged before they are durable',
    kind: 'safety',
    edits: [
      inRaft(
        'follower',
        'core.messagesAfterPersist.pop();\n    core.sendAfterPersist(response);',
        'core.messagesAfterPersist.pop();\n    core.send(response);',
      ),
    ],
  },
];
