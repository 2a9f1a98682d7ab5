/** @quorate/raft/testing: test clusters, the transcripts' language, and the invariants, for those who build on the core. */
export { checkState, checkTransition, type RaftSnapshot, snapshotState } from '../invariants.js';
export { Cluster, type ClusterOptions, type Envelope } from './cluster.js';
export { Interaction } from './interaction.js';
export { type Disk, emptyDisk, type MachineState, TestMember } from './test-member.js';
