/**
 * @quorate/raft: the consensus core. README.md has the owner's duties and an example.
 */

export {
  applyConfigChange,
  ConfigChangeError,
  configMembers,
  EMPTY_CONFIG,
  isLearner,
  isVoter,
} from './config-change.js';
// For owners.
export { decodeConfigChange, encodeConfigChange } from './config-change-codec.js';
// For logs, tools and tests of owners.
export {
  describeConfigChange,
  describeEntries,
  describeEntry,
  describeMessage,
  describeProgress,
  describeReady,
  describeSnapshot,
  describeStatus,
} from './describe.js';
export { checkState, checkTransition, type RaftSnapshot, snapshotState } from './invariants.js';
export { majorityOf } from './quorum.js';
export { Raft } from './raft.js';
export * from './types.js';
