/** Defects of changes of the configuration. */
import { inRaft, type Mutant, raftTest } from './mutant.js';

export const membership: readonly Mutant[] = [
  {
    bug: 11,
    name: 'changes-do-not-wait',
    planted:
      'membership: a change is proposed while another one may be unapplied, and before the first commit of the term',
    kind: 'safety',
    edits: [
      inRaft(
        'membership',
        'if (core.pendingConfigIndex > core.log.applied || !core.hasCommittedInTerm)',
        'if (core.pendingConfigIndex < 0)',
      ),
    ],
  },
  {
    bug: 12,
    name: 'campaign-before-the-change-is-applied',
    planted: 'election: a member campaigns though a committed change, perhaps its own removal, is not applied yet',
    kind: 'safety',
    edits: [inRaft('election', '!core.hasUnappliedConfig && !core.diskHangs', '!core.diskHangs')],
    test: raftTest('transcripts'),
  },
  {
    bug: 12,
    name: 'removed-leader-leaves-at-once',
    planted: 'transfer: a removed leader does not wait until a quorum knows of its removal',
    kind: 'liveness',
    edits: [inRaft('transfer', "if (result !== 'won')", 'if (result === undefined)')],
    test: raftTest('transcripts'),
    outOfReach: 'a member hands leadership over before it removes itself, so a leader that no longer votes is rare',
  },
  {
    bug: 17,
    name: 'joint-forgotten-at-restart',
    planted: 'core: after a restart only the incoming half of a joint configuration counts',
    kind: 'safety',
    edits: [
      inRaft(
        'core',
        'this.config = applied.config;',
        'this.config = { ...applied.config, votersOutgoing: [], learnersNext: [], autoLeave: false };',
      ),
    ],
    test: raftTest('transcripts'),
  },
  {
    bug: 17,
    name: 'outgoing-half-not-asked',
    planted: 'quorum: only the incoming half of a joint configuration commits',
    kind: 'safety',
    edits: [
      inRaft(
        'quorum',
        'return Math.min(majorityIndex(config.voters, matchOf), majorityIndex(config.votersOutgoing, matchOf));',
        'return majorityIndex(config.voters, matchOf);',
      ),
    ],
    test: raftTest('quorum'),
  },
  {
    bug: 'own',
    name: 'configuration-known-in-memory-only',
    planted:
      'core: that a change of the configuration is committed need not be durable before a member tells that it knows',
    kind: 'safety',
    edits: [
      inRaft('follower', 'core.configCommit > hardStatePersisted.commit', 'core.configCommit < 0'),
      inRaft('ready', '(core.configCommit > told.commit && core.hardStateTold.commit >= core.configCommit)', 'false'),
    ],
    test: raftTest('transcripts'),
  },
];
